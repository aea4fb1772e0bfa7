//! A record with every text in it made safe to show. A report that is not JSON is made from nothing else, so that no field is
//! forgotten: each struct is taken apart by name here, and one with a new field does not compile until the field is too.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::record::Record;
use crate::events::{Judged, RunFinished, RunStarted, TargetInfo, Tool};

/// Makes one text safe.
type Each = fn(&str) -> Cow<'_, str>;

impl Record {
    /// The same with every text as `each` gives it.
    pub(super) fn shown(&self, each: Each) -> Self {
        let Self {
            started,
            titles,
            evidence,
            judged,
            finished,
            disordered,
            parts: _,
        } = self;
        let text = |text: &str| each(text).into_owned();
        Self {
            started: started.as_ref().map(|started| started.shown(each)),
            titles: titles.iter().map(|(check, title)| (text(check), text(title))).collect(),
            evidence: evidence
                .iter()
                .map(|(check, events)| (text(check), events.iter().map(|event| value(event, each)).collect()))
                .collect(),
            judged: judged.iter().map(|judged| judged.shown(each)).collect(),
            finished: finished.as_ref().map(|finished| finished.shown(each)),
            disordered: disordered.iter().map(|text| each(text).into_owned()).collect(),
            // A report asks for no part of the evidence by its verdict.
            parts: BTreeMap::new(),
        }
    }
}

impl RunStarted {
    fn shown(&self, each: Each) -> Self {
        let Self {
            format,
            at,
            tool: Tool { name, version },
            target: TargetInfo {
                name: target,
                urls,
                binding,
            },
            profile,
            seed,
            clock,
            parameters,
            capabilities,
            selected,
        } = self;
        let text = |text: &str| each(text).into_owned();
        Self {
            format: *format,
            at: text(at),
            tool: Tool {
                name: text(name),
                version: text(version),
            },
            target: TargetInfo {
                name: text(target),
                urls: urls.iter().map(|url| text(url)).collect(),
                binding: binding.as_deref().map(text),
            },
            profile: text(profile),
            seed: *seed,
            clock: text(clock),
            parameters: value(parameters, each),
            capabilities: capabilities.iter().map(|capability| text(capability)).collect(),
            selected: *selected,
        }
    }
}

impl Judged {
    fn shown(&self, each: Each) -> Self {
        let Self {
            check,
            requirement,
            level,
            verdict,
            reason,
            expected,
            seen,
            case,
            story,
            trace,
            curl,
            took_ms,
            replay,
        } = self;
        let text = |text: &str| each(text).into_owned();
        // The chain is lines of commands, so these breaks are ours.
        let lines = |lines: &str| lines.split('\n').map(text).collect::<Vec<_>>().join("\n");
        Self {
            check: text(check),
            requirement: text(requirement),
            level: text(level),
            verdict: *verdict,
            reason: reason.as_deref().map(text),
            expected: expected.as_deref().map(text),
            seen: seen.as_deref().map(text),
            case: *case,
            story: story.iter().map(|step| text(step)).collect(),
            trace: trace.as_ref().map(|trace| value(trace, each)),
            curl: curl.as_deref().map(lines),
            took_ms: *took_ms,
            replay: text(replay),
        }
    }
}

impl RunFinished {
    fn shown(&self, each: Each) -> Self {
        let Self {
            at,
            counts,
            requirements_judged,
            gaps,
            exit,
            interrupted,
        } = self;
        Self {
            at: each(at).into_owned(),
            counts: *counts,
            requirements_judged: *requirements_judged,
            gaps: gaps.iter().map(|gap| each(gap).into_owned()).collect(),
            exit: *exit,
            interrupted: *interrupted,
        }
    }
}

/// No deeper than what was read, which is bounded.
fn value(of: &Value, each: Each) -> Value {
    match of {
        Value::String(text) => Value::String(each(text).into_owned()),
        Value::Array(items) => items.iter().map(|item| value(item, each)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (each(name).into_owned(), value(field, each)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => of.clone(),
    }
}
