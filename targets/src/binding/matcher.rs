//! Reading an answer: the first matcher whose every condition holds says what the answer means. Status alone never
//! decides unless the binding says that it does.

use regex::Regex;
use serde_json::Value;
use specs::Refusal;

use super::format_step::{OneOrMany, OutcomeName};
use crate::answer::Outcome;
use crate::transcript::Exchange;

/// One reading of an answer.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    pub(super) status: Option<OneOrMany>,
    pub(super) json: Vec<Condition>,
    pub(super) body: Option<Regex>,
    pub(super) location: Option<Regex>,
    pub(super) outcome: OutcomeName,
    pub(super) reason: Option<Refusal>,
    pub(super) end: Option<bool>,
}

/// A condition on one value of a JSON body.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) pointer: String,
    pub(super) test: Test,
}

/// What the value has to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    Equals(Value),
    Present,
    Absent,
    Null,
}

impl Condition {
    fn holds(&self, body: &Value) -> bool {
        let value = body.pointer(&self.pointer);
        match &self.test {
            Test::Equals(wanted) => value == Some(wanted),
            Test::Present => value.is_some_and(|value| !value.is_null()),
            Test::Absent => value.is_none_or(Value::is_null),
            Test::Null => value.is_some_and(Value::is_null),
        }
    }
}

impl Matcher {
    fn fits(&self, exchange: &Exchange, text: &str, json: Option<&Value>) -> bool {
        self.status.as_ref().is_none_or(|status| status.has(exchange.status))
            && self
                .json
                .iter()
                .all(|condition| json.is_some_and(|body| condition.holds(body)))
            && self.body.as_ref().is_none_or(|pattern| pattern.is_match(text))
            && self
                .location
                .as_ref()
                .is_none_or(|pattern| exchange.header("location").is_some_and(|to| pattern.is_match(to)))
    }
}

/// What an answer means, and whether the operation ends with it.
pub(super) fn read(readings: &[Matcher], exchange: &Exchange) -> (Outcome, bool) {
    let (text, json) = (exchange.text(), exchange.json());
    let retry_after = exchange.header("retry-after").and_then(|value| value.trim().parse().ok());
    match readings.iter().find(|matcher| matcher.fits(exchange, &text, json.as_ref())) {
        Some(matcher) => {
            let goes_on = matches!(matcher.outcome, OutcomeName::Challenged | OutcomeName::Done);
            let outcome = matcher.outcome.outcome(matcher.reason, retry_after);
            (outcome, matcher.end.unwrap_or(!goes_on))
        }
        // RFC 6585 and RFC 9110 give these two a meaning that no binding need repeat.
        None if exchange.status == 429 => (
            Outcome::Limited {
                retry_after_s: retry_after,
            },
            true,
        ),
        None if exchange.status >= 500 => (Outcome::ServerError, true),
        None => (Outcome::Unrecognised, true),
    }
}
