//! Templates: text with `{name}` in it, filled from variables; `{name?}` where it may be unset, `{cookie:NAME}` for the
//! value of a cookie, `{name|int}`, `{name|bool}` and `{name|json}` for what is kept as text and meant as more, `{{` and
//! `}}` for the braces themselves.
//!
//! Small and of our own because two things are asked of it that a general engine does not give: the names are checked
//! when the file is loaded, and a text that is one placeholder alone keeps the type of its variable.

use serde_json::Value;

/// Where values come from.
pub trait Lookup {
    /// The variable's value; `None` while it is unset.
    fn variable(&self, name: &str) -> Option<Value>;
    /// The value of the cookie that would be sent.
    fn cookie(&self, name: &str) -> Option<String>;
}

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Slot(Slot),
}

#[derive(Clone, Debug, PartialEq)]
struct Slot {
    source: Source,
    optional: bool,
    kind: Option<Kind>,
}

/// A variable is kept as text; this is what it is to be in a JSON body.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Int,
    Bool,
    Json,
}

/// What a placeholder names.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    Variable(String),
    Cookie(String),
}

/// Why a template cannot be filled.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unfilled {
    /// An optional variable is unset: whatever holds the template is left out.
    #[error("left out")]
    LeftOut,
    /// A required variable is unset.
    #[error("`{0}` is not set at this point")]
    Unset(String),
    /// A variable does not have the type that the template gives it.
    #[error("`{0}` is not of the type that the template gives it")]
    NotOfType(String),
}

impl Template {
    /// Reads a template; the error says what is wrong in plain words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err("a `}` that closes nothing; write `}}` for the brace itself".to_owned());
            }
            let end = rest
                .find('}')
                .ok_or("a `{` that is not closed; write `{{` for the brace itself")?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(slot(&rest[..end])?);
            rest = &rest[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { pieces })
    }

    /// What its placeholders name.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => Some(&slot.source),
            Piece::Text(_) => None,
        })
    }

    /// The filled text; `encode` is applied to what comes from placeholders.
    pub fn text_with(&self, from: &dyn Lookup, encode: impl Fn(&str) -> String) -> Result<String, Unfilled> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot(slot) => out.push_str(&encode(&plain(&look(from, slot)?))),
            }
        }
        Ok(out)
    }

    /// The filled text.
    pub fn text(&self, from: &dyn Lookup) -> Result<String, Unfilled> {
        self.text_with(from, str::to_owned)
    }

    /// The filled value: one placeholder alone keeps its type, everything else is text.
    pub fn value(&self, from: &dyn Lookup) -> Result<Value, Unfilled> {
        match self.pieces.as_slice() {
            [Piece::Slot(slot)] => look(from, slot),
            _ => self.text(from).map(Value::String),
        }
    }
}

fn slot(inside: &str) -> Result<Piece, String> {
    let (name, kind) = match inside.split_once('|') {
        Some((name, "int")) => (name, Some(Kind::Int)),
        Some((name, "bool")) => (name, Some(Kind::Bool)),
        Some((name, "json")) => (name, Some(Kind::Json)),
        Some((_, other)) => return Err(format!("`{other}` is no type; known are int, bool and json")),
        None => (inside, None),
    };
    let (name, optional) = match name.strip_suffix('?') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let source = match name.strip_prefix("cookie:") {
        Some(cookie) => Source::Cookie(cookie.to_owned()),
        None => Source::Variable(name.to_owned()),
    };
    let (Source::Variable(name) | Source::Cookie(name)) = &source;
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || !name.chars().all(fine) {
        return Err(format!(
            "`{{{inside}}}` is no placeholder; write `{{name}}`, `{{name?}}` or `{{cookie:NAME}}`"
        ));
    }
    Ok(Piece::Slot(Slot { source, optional, kind }))
}

fn look(from: &dyn Lookup, slot: &Slot) -> Result<Value, Unfilled> {
    let (found, name) = match &slot.source {
        Source::Variable(name) => (from.variable(name), name.clone()),
        Source::Cookie(name) => (from.cookie(name).map(Value::String), format!("cookie:{name}")),
    };
    match (found, slot.kind) {
        (Some(Value::String(text)), Some(kind)) => typed(&text, kind).ok_or(Unfilled::NotOfType(name)),
        (Some(value), _) => Ok(value),
        (None, _) if slot.optional => Err(Unfilled::LeftOut),
        (None, _) => Err(Unfilled::Unset(name)),
    }
}

fn typed(text: &str, kind: Kind) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    let fits = match kind {
        Kind::Int => value.is_i64() || value.is_u64(),
        Kind::Bool => value.is_boolean(),
        Kind::Json => true,
    };
    fits.then_some(value)
}

/// A value as text: strings without quotes, everything else as JSON writes it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Lookup for Fixed {
        fn variable(&self, name: &str) -> Option<Value> {
            match name {
                "email" => Some(Value::from("a b@x.test")),
                "trust" => Some(Value::from(true)),
                "count" => Some(Value::from("12")),
                _ => None,
            }
        }
        fn cookie(&self, name: &str) -> Option<String> {
            (name == "XSRF").then(|| "t0".to_owned())
        }
    }

    #[track_caller]
    fn check(template: &str, expected: Result<Value, Unfilled>) {
        assert_eq!(Template::parse(template).expect("parses").value(&Fixed), expected);
    }

    #[test]
    fn a_placeholder_alone_keeps_its_type_and_everything_else_is_text() {
        check("{trust}", Ok(Value::from(true)));
        check("{count|int}", Ok(Value::from(12)));
        check("{count|bool}", Err(Unfilled::NotOfType("count".to_owned())));
        check("is {trust}", Ok(Value::from("is true")));
        check("{cookie:XSRF}", Ok(Value::from("t0")));
        check("{{{email}}}", Ok(Value::from("{a b@x.test}")));
    }

    #[test]
    fn an_unset_variable_is_an_error_and_an_optional_one_leaves_out() {
        check("{gone}", Err(Unfilled::Unset("gone".to_owned())));
        check("Bearer {gone?}", Err(Unfilled::LeftOut));
    }

    #[test]
    fn a_broken_template_says_what_is_wrong() {
        for (text, says) in [
            ("{email", "not closed"),
            ("email}", "closes nothing"),
            ("{a b}", "no placeholder"),
        ] {
            let error = Template::parse(text).expect_err("is broken");
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn what_comes_from_placeholders_is_encoded_and_what_is_written_is_not() {
        let path = Template::parse("/a/{email}").expect("parses");
        assert_eq!(
            path.text_with(&Fixed, |t| t.replace(' ', "%20")),
            Ok("/a/a%20b@x.test".to_owned())
        );
    }
}
