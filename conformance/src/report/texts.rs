//! A record with every text in it made safe to show. A report that is not JSON is made from nothing else. Each part goes through
//! its JSON, so that no text is forgotten, of a field that is added later neither.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::record::Record;
use crate::events::Judged;

/// Makes one text safe.
type Each = fn(&str) -> Cow<'_, str>;

impl Record {
    /// The same with every text as `each` gives it.
    pub(super) fn shown(&self, each: Each) -> Self {
        let text = |text: &String| each(text).into_owned();
        let events = |events: &Vec<Value>| events.iter().map(|event| value(event, each)).collect();
        Self {
            started: self.started.as_ref().map(|started| part(started, each)),
            titles: self.titles.iter().map(|(check, title)| (text(check), text(title))).collect(),
            evidence: self.evidence.iter().map(|(check, of)| (text(check), events(of))).collect(),
            judged: self.judged.iter().map(|judged| shown(judged, each)).collect(),
            finished: self.finished.as_ref().map(|finished| part(finished, each)),
            disordered: self.disordered.iter().map(text).collect(),
            // A report asks for no part of the evidence by its verdict.
            parts: BTreeMap::new(),
        }
    }
}

fn shown(judged: &Judged, each: Each) -> Judged {
    // The chain is lines of commands, so these breaks are ours.
    let lines = |lines: &String| lines.split('\n').map(each).collect::<Vec<_>>().join("\n");
    Judged {
        curl: judged.curl.as_ref().map(lines),
        ..part(judged, each)
    }
}

fn part<T: Serialize + DeserializeOwned>(of: &T, each: Each) -> T {
    let shown = serde_json::to_value(of).map(|of| value(&of, each));
    shown
        .and_then(serde_json::from_value)
        .expect("the parts of a record are read from JSON, and names of verdicts are safe as they are")
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
