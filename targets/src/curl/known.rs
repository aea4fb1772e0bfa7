//! Values that a repetition gets anew: what stands for them in the script, wherever they stand in a recorded request.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::shell::{self, Text};
use crate::redact::{Placeholder, SecretKind};
use crate::wrong_code::wrong_code;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The shape of a guess whose own was not recorded.
const USUAL_SHAPE: &str = "000000";
/// A code is no longer than this, whatever a record says.
const LONGEST_SHAPE: usize = 64;
/// Known values are looked for in binary bodies up to this length.
const LONGEST_KNOWN: usize = 512;

/// How a value stands in a place.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    Plain,
    Json,
    Encoded,
}

/// What a recorded value is replaced by.
enum Piece {
    Variable(String),
    Literal(String),
}

/// One way in which a known value is written.
struct Form {
    text: String,
    encoded: bool,
    variable: String,
}

/// What is known at a step: the codes that were delivered, and what the answers so far gave.
pub(super) struct Known {
    delivered: BTreeSet<u32>,
    /// By their first character, the longest first.
    forms: HashMap<char, Vec<Form>>,
}

impl Known {
    pub(super) fn new(delivered: BTreeSet<u32>) -> Self {
        let forms = HashMap::new();
        Self { delivered, forms }
    }

    /// From here on, the value is this variable's.
    pub(super) fn add(&mut self, value: &str, variable: &str) {
        let (json, percent) = (json(value), percent(value));
        let plus = percent.replace("%20", "+");
        let forms = [(value, false), (&json, false), (&percent, true), (&plus, true)];
        for (text, encoded) in forms {
            let Some(first) = text.chars().next() else { continue };
            let bucket = self.forms.entry(first).or_default();
            if !bucket.iter().any(|form| form.text == text) {
                bucket.push(Form {
                    text: text.to_owned(),
                    encoded,
                    variable: variable.to_owned(),
                });
                bucket.sort_by_key(|form| std::cmp::Reverse(form.text.len()));
            }
        }
    }

    /// Whether a repetition has this value without looking for it in an answer.
    pub(super) fn has(&self, value: &str) -> bool {
        let whole = |(placeholder, length): (Placeholder, usize)| (length == value.len()).then_some(placeholder);
        let placeholder = Placeholder::at_start(value).and_then(whole);
        let first = value.chars().next().and_then(|first| self.forms.get(&first));
        first.is_some_and(|bucket| bucket.iter().any(|form| form.text == value))
            || placeholder.is_some_and(|placeholder| !is_credential(placeholder.kind))
    }

    /// A recorded text as one word, after what already stands there of it.
    pub(super) fn word(&self, text: &mut Text, recorded: &str, place: Place, shapes: &BTreeMap<String, String>) {
        let mut literal = String::new();
        let mut rest = recorded;
        let mut any = false;
        while let Some(next) = rest.chars().next() {
            let Some((piece, encoded, length)) = self.at_start(rest, place, shapes) else {
                literal.push(next);
                rest = &rest[next.len_utf8()..];
                continue;
            };
            rest = &rest[length..];
            match piece {
                Piece::Literal(piece) => literal.push_str(&piece),
                Piece::Variable(name) => {
                    if !literal.is_empty() {
                        text.literal(&std::mem::take(&mut literal));
                    }
                    text.variable(&name, encoded);
                    any = true;
                }
            }
        }
        if !(literal.is_empty() && any) {
            text.literal(&literal);
        }
    }

    /// Recorded bytes that no argument can carry, as commands that write them.
    pub(super) fn writers(&self, text: &mut Text, recorded: &[u8], shapes: &BTreeMap<String, String>) {
        let mut literal = Vec::new();
        let mut rest = recorded;
        let flush = |text: &mut Text, literal: &mut Vec<u8>| {
            if !literal.is_empty() {
                text.plain(&format!("printf {}; ", shell::octal(literal)));
                literal.clear();
            }
        };
        while let Some((first, others)) = rest.split_first() {
            // Valid as far as a known value goes, whatever comes after it.
            let valid = rest[..rest.len().min(LONGEST_KNOWN)]
                .utf8_chunks()
                .next()
                .map_or("", |chunk| chunk.valid());
            match self.at_start(valid, Place::Plain, shapes) {
                Some((piece, encoded, length)) => {
                    match piece {
                        Piece::Literal(piece) => literal.extend_from_slice(piece.as_bytes()),
                        Piece::Variable(name) => {
                            flush(text, &mut literal);
                            text.plain("printf %s ");
                            text.variable(&name, encoded);
                            text.plain("; ");
                        }
                    }
                    rest = &rest[length..];
                }
                None => {
                    literal.push(*first);
                    rest = others;
                }
            }
        }
        flush(text, &mut literal);
    }

    /// What this text begins with, if it is known: what it is replaced by, whether encoded, and its length.
    fn at_start(&self, text: &str, place: Place, shapes: &BTreeMap<String, String>) -> Option<(Piece, bool, usize)> {
        let bucket = self.forms.get(&text.chars().next()?);
        let form = bucket.and_then(|bucket| bucket.iter().find(|form| text.starts_with(&form.text)));
        if let Some(form) = form {
            // A secret's name does not tell how it was written there, but the place does.
            let encoded = form.encoded || (place == Place::Encoded && form.text.contains('‹'));
            return Some((Piece::Variable(form.variable.clone()), encoded, form.text.len()));
        }
        let (placeholder, length) = Placeholder::at_start(text)?;
        let guess = placeholder.kind == SecretKind::Code && !self.delivered.contains(&placeholder.number);
        let piece = match guess {
            true => Piece::Literal(written(
                guess_like(shapes.get(&placeholder.name()), placeholder.number),
                place,
            )),
            false => Piece::Variable(variable(placeholder)),
        };
        Some((piece, place == Place::Encoded, length))
    }
}

/// A text as it is written in this place.
fn written(text: String, place: Place) -> String {
    match place {
        Place::Plain => text,
        Place::Json => json(&text),
        Place::Encoded => percent(&text),
    }
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Another guess of the same shape.
fn guess_like(shape: Option<&String>, number: u32) -> String {
    let shape = shape.map_or(USUAL_SHAPE, String::as_str);
    let shape: String = shape.chars().filter(|c| *c != '\0').take(LONGEST_SHAPE).collect();
    wrong_code(&shape, number)
}

fn variable(placeholder: Placeholder) -> String {
    format!("{}_{}", placeholder.kind.word().to_ascii_uppercase(), placeholder.number)
}

/// What only an answer can give.
fn is_credential(kind: SecretKind) -> bool {
    match kind {
        SecretKind::Code | SecretKind::Email | SecretKind::Password | SecretKind::Push | SecretKind::Reset => false,
        SecretKind::Handle | SecretKind::Access | SecretKind::Refresh | SecretKind::Trust | SecretKind::Token => true,
    }
}
