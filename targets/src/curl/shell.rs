//! Text for a POSIX shell, with known values replaced by variables.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a known value is replaced by.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// A variable of the script.
    Variable(String),
    /// A variable that the script cannot make up: a credential, unless an answer gives it.
    Needed(String),
    /// Another text.
    Literal(String),
}

/// A command under construction.
pub(super) struct Text {
    /// Each form of a known value, longest first, and whether it is the percent-encoded one.
    forms: Vec<(String, bool, Piece)>,
    out: String,
    variables: Vec<String>,
}

impl Text {
    pub(super) fn new(known: &[(String, Piece)]) -> Self {
        let mut forms = Vec::new();
        for (value, piece) in known.iter().filter(|(value, _)| !value.is_empty()) {
            let json = serde_json::Value::from(value.as_str()).to_string();
            let json = &json[1..json.len() - 1];
            let percent = utf8_percent_encode(value, UNRESERVED).to_string();
            for (form, encoded) in [
                (value.as_str(), false),
                (json, false),
                (&percent, true),
                (&percent.replace("%20", "+"), true),
            ] {
                if !forms.iter().any(|(known, _, _)| known == form) {
                    forms.push((form.to_owned(), encoded, piece.clone()));
                }
            }
        }
        forms.sort_by_key(|(form, _, _)| std::cmp::Reverse(form.len()));
        Self {
            forms,
            out: String::new(),
            variables: Vec::new(),
        }
    }

    /// Shell text as it is.
    pub(super) fn plain(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// One word, in double quotes.
    pub(super) fn quoted(&mut self, text: &str) {
        self.quoted_after("", text);
    }

    /// One word in double quotes, with shell text before it.
    pub(super) fn quoted_after(&mut self, before: &str, text: &str) {
        self.out.push('"');
        self.out.push_str(before);
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let known = self.forms.iter().find(|(form, _, _)| rest.starts_with(form.as_str()));
            match known {
                Some((form, encoded, piece)) => {
                    match piece {
                        Piece::Literal(text) => self.out.push_str(text),
                        Piece::Variable(name) | Piece::Needed(name) => {
                            let value = format!("${{{name}}}");
                            self.out
                                .push_str(&if *encoded { format!("$(encoded \"{value}\")") } else { value });
                            if !self.variables.contains(name) {
                                self.variables.push(name.clone());
                            }
                        }
                    }
                    rest = &rest[form.len()..];
                }
                None => {
                    if matches!(next, '"' | '\\' | '$' | '`') {
                        self.out.push('\\');
                    }
                    // A shell cannot carry NUL in an argument.
                    self.out.push(if next == '\0' { '\u{fffd}' } else { next });
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        self.out.push('"');
    }

    pub(super) fn finish(self) -> (String, Vec<String>) {
        (self.out, self.variables)
    }
}

/// A text that cannot end the comment it stands in.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
