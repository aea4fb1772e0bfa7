//! Which values of an answer a later request may need, and how the shell finds them in the answer of another run.

use std::sync::LazyLock;

use regex::Regex;

use crate::transcript::Exchange;

static JSON: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#""([A-Za-z0-9_.\-]+)" *: *"([^"\\]*)""#).ok());
static ATTRIBUTE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"\b(value|content|href)="([^"]*)""#).ok());

/// A value and where it stands.
pub(super) struct Capture {
    pub(super) step: usize,
    pub(super) value: String,
    pub(super) variable: String,
    /// What gives it, in the shell.
    pub(super) expression: String,
}

/// Every value of this answer that looks like a token. Names come from the target: only plain ones get into a script.
pub(super) fn captures(exchange: &Exchange, step: usize) -> Vec<Capture> {
    let mut captures: Vec<Capture> = Vec::new();
    let mut add = |how: &str, name: &str, nth: usize, value: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if !name.chars().all(plain) || !looks_like_a_token(value) || captures.iter().any(|c| c.value == value) {
            return;
        }
        let word = name.to_ascii_uppercase().replace(['-', '.'], "_");
        captures.push(Capture {
            step,
            value: value.to_owned(),
            variable: format!("S{step}_{word}_{nth}"),
            expression: format!("$({how} {step} {name} {nth})"),
        });
    };
    let text = exchange.text();
    for (how, pattern) in [("json", JSON.as_ref()), ("attribute", ATTRIBUTE.as_ref())] {
        let found = pattern.into_iter().flat_map(|pattern| pattern.captures_iter(&text));
        let found = found.filter_map(|f| Some((f.get(1)?.as_str(), f.get(2)?.as_str())));
        numbered(found).for_each(|(name, nth, value)| add(how, name, nth, value));
    }
    let cookies = exchange
        .response_headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let cookies = cookies.filter_map(|(_, line)| line.split(';').next()?.split_once('='));
    numbered(cookies.map(|(name, value)| (name.trim(), value.trim())))
        .for_each(|(name, nth, value)| add("cookie", name, nth, value));
    let headers = exchange
        .response_headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    numbered(headers).for_each(|(name, nth, value)| add("header", name, nth, value));
    captures
}

/// Each pair with its number among those of its name.
fn numbered<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> impl Iterator<Item = (&'a str, usize, &'a str)> {
    let mut seen: Vec<&str> = Vec::new();
    pairs.map(move |(name, value)| {
        seen.push(name);
        (name, seen.iter().filter(|n| **n == name).count(), value)
    })
}

fn looks_like_a_token(value: &str) -> bool {
    let long = value.len() >= 16 || (value.len() >= 8 && value.bytes().any(|b| b.is_ascii_digit()));
    long && !value.contains(char::is_whitespace) && !value.contains(char::is_control)
}
