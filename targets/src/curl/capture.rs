//! Which values of an answer a later request may need, and how the shell finds them in the answer of another run.

use std::sync::LazyLock;

use regex::Regex;

use crate::redact::RedactedResponse;

static JSON: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""([A-Za-z0-9_.\-]+)" *: *"([^"]*)""#).expect("a pattern of ours"));
static ATTRIBUTE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"\b(value|content|href)="([^"]*)""#).expect("a pattern of ours"));

/// What stands in the shell for the part of a cookie's name that is drawn anew each time.
const DRAWN: &str = "[^=]*";
const SEPARATORS: [char; 3] = ['-', '_', '.'];
/// A part of a cookie's name that is as long as this is no word.
const LONGEST_WORD: usize = 20;

/// A value and where it stands.
pub(super) struct Capture {
    pub(super) value: String,
    pub(super) variable: String,
    /// What gives it, in the shell.
    pub(super) expression: String,
}

/// Every value of this answer that looks like a token. Names come from the target: only plain ones get into a script.
pub(super) fn captures(answer: &RedactedResponse, step: usize) -> Vec<Capture> {
    let mut captures: Vec<Capture> = Vec::new();
    let mut add = |how: &str, name: &str, nth: usize, value: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        // A pattern stands for the part of a cookie's name that is drawn anew.
        let stem = name.strip_suffix(DRAWN).unwrap_or(name);
        if !stem.chars().all(plain) || !looks_like_a_token(value) || captures.iter().any(|c| c.value == value) {
            return;
        }
        let kind = if how == "cookie_name" { "_NAME" } else { "" };
        let word = stem
            .trim_end_matches(SEPARATORS)
            .to_ascii_uppercase()
            .replace(['-', '.'], "_");
        let mut variable = format!("S{step}_{word}{kind}_{nth}");
        // `a-b` and `a.b` are one word to a shell.
        while captures.iter().any(|known| known.variable == variable) {
            variable.push('_');
        }
        captures.push(Capture {
            value: value.to_owned(),
            variable,
            expression: format!("$({how} {step} '{name}' {nth})"),
        });
    };
    let text = answer.body.as_str();
    for (how, pattern) in [("json", &*JSON), ("attribute", &*ATTRIBUTE)] {
        let found = pattern
            .captures_iter(text)
            .filter_map(|f| Some((f.get(1)?.as_str(), f.get(2)?.as_str())));
        numbered(found).for_each(|(name, nth, value)| add(how, name, nth, value));
    }
    let cookies = answer
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let cookies = cookies.filter_map(|(_, line)| line.split(';').next()?.split_once('='));
    let cookies = cookies.map(|(name, value)| (split_name(name.trim()), value.trim()));
    let named = cookies.map(|((stem, drawn), value)| (stem, (drawn, value)));
    for (stem, nth, (drawn, value)) in numbered(named) {
        if drawn.is_empty() {
            add("cookie", stem, nth, value);
        } else {
            add("cookie_name", stem, nth, drawn);
            add("cookie", &format!("{stem}{DRAWN}"), nth, value);
        }
    }
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    numbered(headers).for_each(|(name, nth, value)| add("header", name, nth, value));
    captures
}

/// Each pair with its number among those of its name.
fn numbered<'a, V>(pairs: impl Iterator<Item = (&'a str, V)>) -> impl Iterator<Item = (&'a str, usize, V)> {
    let mut seen: Vec<&str> = Vec::new();
    pairs.map(move |(name, value)| {
        seen.push(name);
        (name, seen.iter().filter(|n| **n == name).count(), value)
    })
}

/// A cookie's name up to the part that is drawn anew each time, and that part, if there is one.
fn split_name(name: &str) -> (&str, &str) {
    let starts = name.match_indices(SEPARATORS).map(|(at, separator)| at + separator.len());
    let drawn = starts.into_iter().find(|at| {
        let rest = &name[*at..];
        rest.starts_with('‹') || rest.find(SEPARATORS).unwrap_or(rest.len()) >= LONGEST_WORD
    });
    name.split_at(drawn.unwrap_or(name.len()))
}

fn looks_like_a_token(value: &str) -> bool {
    let long = value.len() >= 16 || (value.len() >= 8 && value.bytes().any(|b| b.is_ascii_digit()));
    // What is escaped in JSON reads otherwise in another place.
    long && !value.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawn_part_of_a_cookies_name_is_told_from_its_words() {
        for (name, stem, drawn) in [
            (
                "app.session_token_multi-mb4ynkhs5lhk3lzotqqroa4gmxqjmxwb",
                "app.session_token_multi-",
                "mb4ynkhs5lhk3lzotqqroa4gmxqjmxwb",
            ),
            ("s-0123456789abcdefghij-kl", "s-", "0123456789abcdefghij-kl"),
            ("__Secure-next-auth.session-token", "__Secure-next-auth.session-token", ""),
            ("sid", "sid", ""),
            ("", "", ""),
        ] {
            assert_eq!(split_name(name), (stem, drawn));
        }
    }
}
