//! From written steps to planned ones.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::Regex;
use toml::Spanned;

use super::diagnostic::{Source, Wrong, known_names};
use super::format_step::{CaptureFile, ConditionFile, MatcherFile, OperationFile, RowsFile, StepFile};
use super::matcher::{Condition, Matcher, Test};
use super::names;
use super::plan::{Act, Binding, BodyPlan, Callee, Capture, CaptureFrom, JsonPlan, Request, Rows, Step};
use super::template::{self, Template};
use crate::operation::OperationKind;

const MOST_STEPS: usize = 5;

impl Source<'_> {
    pub(super) fn pattern(&self, text: &Spanned<String>) -> Result<Regex, Wrong> {
        Regex::new(text.get_ref()).map_err(|error| {
            let why = error.to_string();
            let last = why
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned();
            let help = "the syntax is that of the Rust crate `regex`; in TOML, write patterns in single quotes".to_owned();
            self.diagnostic(text.span(), "not a pattern", last, help)
        })
    }

    fn pointer(&self, text: &Spanned<String>) -> Result<String, Wrong> {
        let pointer = text.get_ref();
        let escapes_fine = pointer
            .match_indices('~')
            .all(|(at, _)| matches!(pointer.as_bytes().get(at + 1), Some(b'0' | b'1')));
        if (pointer.is_empty() || pointer.starts_with('/')) && escapes_fine {
            return Ok(pointer.clone());
        }
        let help = format!(
            "RFC 6901: empty for the whole body, or `/{}`; a `/` in a name is `~1`, a `~` is `~0`",
            pointer
                .trim_start_matches('$')
                .trim_start_matches('.')
                .replace('.', "/")
                .replace('~', "~0")
        );
        Err(self.diagnostic(text.span(), format!("`{pointer}` is no JSON pointer"), "not a pointer", help))
    }
}

/// Compiles steps, knowing what they may name.
pub(super) struct Steps<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) variables: &'a [String],
    pub(super) routines: Vec<String>,
    pub(super) actors: Vec<String>,
}

impl<'a> Steps<'a> {
    pub(super) fn bare(source: &'a Source<'a>) -> Self {
        Self {
            source,
            variables: &[],
            routines: Vec::new(),
            actors: Vec::new(),
        }
    }

    pub(super) fn compile(&self, file: &OperationFile, at: Range<usize>, arguments: &[&str]) -> Result<Vec<Step>, Wrong> {
        if file.steps.is_empty() || file.steps.len() > MOST_STEPS {
            let help = format!("one to {MOST_STEPS} steps; longer sequences go into a routine that a step calls");
            return Err(self
                .source
                .diagnostic(at, format!("{} steps", file.steps.len()), "here", help));
        }
        let known: Vec<&str> = names::ALWAYS.iter().chain(names::RUN).chain(arguments).copied().collect();
        file.steps
            .iter()
            .map(|step| self.step(step.get_ref(), step.span(), &known))
            .collect()
    }

    fn step(&self, file: &StepFile, at: Range<usize>, known: &[&str]) -> Result<Step, Wrong> {
        let act = match (&file.request, &file.call, &file.mail) {
            (Some(request), None, None) => Act::Request(self.request(request, file, known)?),
            (None, Some(call), None) => Act::Call(self.callee(call)?),
            (None, None, Some(mail)) => Act::Mail {
                to: self.template(&mail.to, known)?,
                into: mail.into.clone(),
                what: mail.what,
            },
            _ => {
                let help = "give the step exactly one of `request`, `call` and `mail`".to_owned();
                return Err(self.source.diagnostic(at, "a step does exactly one thing", "this step", help));
            }
        };
        if matches!(act, Act::Request(_)) && file.outcomes.is_empty() {
            let help = "add `outcomes`: how an answer that was meant well looks, and how a refusal does".to_owned();
            return Err(self
                .source
                .diagnostic(at, "a request without `outcomes` tells nothing", "this step", help));
        }
        if let Some(actor) = &file.actor {
            self.one_of(actor, "actor", &self.actors)?;
        }
        if let Some(unless) = &file.unless {
            self.one_of(unless, "variable", self.variables)?;
        }
        Ok(Step {
            act,
            actor: file.actor.as_ref().map(|actor| actor.get_ref().clone()),
            unless: file.unless.as_ref().map(|name| name.get_ref().clone()),
            when: self.when(file, known)?,
            deciding: file.deciding,
            readings: file.outcomes.iter().map(|m| self.matcher(m)).collect::<Result<_, _>>()?,
            take: self.captures(&file.take)?,
            facts: self.pointers(&file.facts, names::FACTS)?,
            challenge: file
                .challenge
                .as_ref()
                .map(|fields| self.pointers(fields, names::CHALLENGE))
                .transpose()?,
            devices: file.devices.as_ref().map(|rows| self.rows(rows, names::DEVICE)).transpose()?,
            challenges: file
                .challenges
                .as_ref()
                .map(|rows| self.rows(rows, names::CHALLENGE))
                .transpose()?,
            forget: file.forget.clone(),
            share: file.share.clone(),
        })
    }

    fn when(&self, file: &StepFile, known: &[&str]) -> Result<Vec<(String, serde_json::Value)>, Wrong> {
        let each = file.when.iter().map(|(name, value)| {
            let written = name.get_ref();
            if known.contains(&written.as_str()) {
                return Ok((written.clone(), to_json(value)));
            }
            let help = known_names(written, known.iter().copied());
            let message = format!("no argument `{written}` here");
            Err(self.source.diagnostic(name.span(), message, "never given", help))
        });
        each.collect()
    }

    fn request(&self, line: &Spanned<String>, file: &StepFile, known: &[&str]) -> Result<Request, Wrong> {
        let (method, path) = line.get_ref().split_once(' ').unwrap_or((line.get_ref(), ""));
        let path = path.trim();
        if !method.chars().all(|c| c.is_ascii_uppercase()) || !path.starts_with('/') {
            let help = "write it as `POST /path`; `base` comes in front of the path".to_owned();
            return Err(self.source.diagnostic(line.span(), "not a request line", "here", help));
        }
        let body = match (&file.json, &file.form) {
            (None, None) => BodyPlan::Empty,
            (Some(json), None) => BodyPlan::Json(self.json(&toml::Value::Table(json.get_ref().clone()), &json.span(), known)?),
            (None, Some(form)) => BodyPlan::Form(self.templates(form, known)?),
            (Some(json), Some(_)) => {
                let help = "keep `json` or `form`".to_owned();
                return Err(self
                    .source
                    .diagnostic(json.span(), "a request has one body", "and a form besides", help));
            }
        };
        Ok(Request {
            method: method.to_owned(),
            path: self.template_in(path, line.span(), known)?,
            headers: self.templates(&file.headers, known)?,
            body,
        })
    }

    fn json(&self, value: &toml::Value, at: &Range<usize>, known: &[&str]) -> Result<JsonPlan, Wrong> {
        Ok(match value {
            toml::Value::String(text) if text.contains(['{', '}']) => {
                JsonPlan::Text(self.template_in(text, at.clone(), known)?)
            }
            toml::Value::Array(items) => JsonPlan::List(
                items
                    .iter()
                    .map(|item| self.json(item, at, known))
                    .collect::<Result<_, _>>()?,
            ),
            toml::Value::Table(fields) => JsonPlan::Object(
                fields
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.json(value, at, known)?)))
                    .collect::<Result<_, Wrong>>()?,
            ),
            other => JsonPlan::Fixed(to_json(other)),
        })
    }

    pub(super) fn templates(
        &self,
        texts: &BTreeMap<String, Spanned<String>>,
        known: &[&str],
    ) -> Result<Vec<(String, Template)>, Wrong> {
        texts
            .iter()
            .map(|(name, text)| Ok((name.clone(), self.template(text, known)?)))
            .collect()
    }

    pub(super) fn template(&self, text: &Spanned<String>, known: &[&str]) -> Result<Template, Wrong> {
        self.template_in(text.get_ref(), text.span(), known)
    }

    fn template_in(&self, text: &str, at: Range<usize>, known: &[&str]) -> Result<Template, Wrong> {
        let place = || self.source.within(at.clone(), text);
        let parsed = Template::parse(text).map_err(|why| {
            let help = "a placeholder is `{name}`, `{name?}` or `{cookie:NAME}`".to_owned();
            self.source.diagnostic(place(), "not a template", why, help)
        })?;
        let all: Vec<&str> = known
            .iter()
            .copied()
            .chain(self.variables.iter().map(String::as_str))
            .collect();
        for source in parsed.sources() {
            if let template::Source::Variable(name) = source
                && !all.contains(&name.as_str())
            {
                let at = self.source.within(place(), &format!("{{{name}"));
                let message = format!("no variable `{name}` here");
                let help = known_names(name, all.iter().copied());
                return Err(self.source.diagnostic(at, message, "never set", help));
            }
        }
        Ok(parsed)
    }

    fn callee(&self, name: &Spanned<String>) -> Result<Callee, Wrong> {
        let written = name.get_ref();
        if self.routines.contains(written) {
            return Ok(Callee::Routine(written.clone()));
        }
        if let Some(kind) = OperationKind::ALL.iter().find(|kind| kind.name() == written) {
            return Ok(Callee::Operation(*kind));
        }
        let known: Vec<&str> = OperationKind::ALL
            .iter()
            .map(|kind| kind.name())
            .chain(self.routines.iter().map(String::as_str))
            .collect();
        let help = known_names(written, known.iter().copied());
        let message = format!("`{written}` is no operation and no routine");
        Err(self.source.diagnostic(name.span(), message, "cannot be called", help))
    }

    fn one_of(&self, name: &Spanned<String>, what: &str, known: &[String]) -> Result<(), Wrong> {
        if known.contains(name.get_ref()) {
            return Ok(());
        }
        let help = known_names(name.get_ref(), known.iter().map(String::as_str));
        let message = format!("unknown {what} `{}`", name.get_ref());
        Err(self.source.diagnostic(name.span(), message, format!("no such {what}"), help))
    }

    fn matcher(&self, file: &MatcherFile) -> Result<Matcher, Wrong> {
        let pattern = |text: &Option<Spanned<String>>| text.as_ref().map(|text| self.source.pattern(text)).transpose();
        Ok(Matcher {
            status: file.status.clone(),
            json: file.json.iter().map(|c| self.condition(c)).collect::<Result<_, _>>()?,
            body: pattern(&file.body)?,
            location: pattern(&file.location)?,
            outcome: file.outcome,
            reason: file.reason,
            end: file.end,
        })
    }

    fn condition(&self, file: &ConditionFile) -> Result<Condition, Wrong> {
        let test = match (&file.equals, file.present, file.null) {
            (Some(value), None, None) => Test::Equals(to_json(value)),
            (None, None | Some(true), None) => Test::Present,
            (None, Some(false), None) => Test::Absent,
            (None, None, Some(true)) => Test::Null,
            _ => {
                let help = "one of `equals = VALUE`, `present = true`, `present = false`, `null = true`".to_owned();
                let at = file.pointer.span();
                return Err(self.source.diagnostic(at, "a condition asks one thing", "here", help));
            }
        };
        Ok(Condition {
            pointer: self.source.pointer(&file.pointer)?,
            test,
        })
    }

    pub(super) fn captures(&self, files: &[CaptureFile]) -> Result<Vec<Capture>, Wrong> {
        files.iter().map(|file| self.capture(file)).collect()
    }

    fn capture(&self, file: &CaptureFile) -> Result<Capture, Wrong> {
        let from = match (&file.pointer, &file.cookie, &file.header, &file.html) {
            (Some(pointer), None, None, None) => CaptureFrom::Pointer(self.source.pointer(pointer)?),
            (None, Some(cookie), None, None) => CaptureFrom::Cookie(cookie.clone()),
            (None, None, Some(header), None) => CaptureFrom::Header(header.clone()),
            (None, None, None, Some(html)) => CaptureFrom::Html(self.source.pattern(html)?),
            _ => {
                let message = format!("`{}` is taken from exactly one place", file.name);
                let help = "one of `pointer`, `cookie`, `header`, `html`".to_owned();
                return Err(self.source.diagnostic(None, message, "", help));
            }
        };
        Ok(Capture {
            name: file.name.clone(),
            from,
            required: file.required,
        })
    }

    fn rows(&self, file: &RowsFile, known: &[&str]) -> Result<Rows, Wrong> {
        Ok(Rows {
            rows: self.source.pointer(&file.rows)?,
            fields: self.pointers(&file.fields, known)?,
            current_equals: file.current_equals.clone(),
        })
    }

    fn pointers(
        &self,
        fields: &BTreeMap<Spanned<String>, Spanned<String>>,
        known: &[&str],
    ) -> Result<Vec<(String, String)>, Wrong> {
        fields
            .iter()
            .map(|(name, pointer)| {
                let written = name.get_ref();
                if !known.contains(&written.as_str()) {
                    let help = known_names(written, known.iter().copied());
                    let message = format!("unknown fact `{written}`");
                    return Err(self.source.diagnostic(name.span(), message, "no such fact", help));
                }
                Ok((written.clone(), self.source.pointer(pointer)?))
            })
            .collect()
    }
}

fn to_json(value: &toml::Value) -> serde_json::Value {
    // A date is the only kind that JSON lacks; as text it is what an API would take.
    match value {
        toml::Value::Datetime(date) => serde_json::Value::from(date.to_string()),
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}

/// Calls must not go round in circles, and what is called has to be there.
pub(super) fn no_circles(plan: &Binding, source: &Source<'_>) -> Result<(), Wrong> {
    let all = plan
        .operations
        .iter()
        .map(|(kind, steps)| (Callee::Operation(*kind), steps))
        .chain(
            plan.routines
                .iter()
                .map(|(name, steps)| (Callee::Routine(name.clone()), steps)),
        );
    for (from, steps) in all {
        let mut seen = vec![from];
        let mut waiting: Vec<&Step> = steps.iter().collect();
        while let Some(step) = waiting.pop() {
            let Act::Call(callee) = &step.act else { continue };
            if seen.first() == Some(callee) {
                let help = "an operation may call another, but not itself".to_owned();
                return Err(source.diagnostic(None, format!("{callee:?} calls itself"), "", help));
            }
            if !seen.contains(callee) {
                seen.push(callee.clone());
                let next = plan.steps(callee);
                if next.is_empty() {
                    let help = "describe it under `operations`".to_owned();
                    return Err(source.diagnostic(None, format!("{callee:?} is called but not described"), "", help));
                }
                waiting.extend(next);
            }
        }
    }
    Ok(())
}
