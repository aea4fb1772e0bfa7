//! Foreign text shown safely. What a target, a binding or a record says may hold escapes that move a terminal's cursor,
//! rename its window, hide or reorder what stands beside them, and characters that XML or a line of a log cannot carry.
//! Here they become visible escapes, such as `\u{1b}`; everything else stays as it is.
//!
//! - [`printable`]: one foreign text on one line for people.
//! - [`xml`], [`json`]: a text for a JUnit report, a JSON document for a terminal.
//! - [`Neutral`]: the writer in front of a terminal, for whatever got there without any of these.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// A foreign text on one line: its line breaks are visible escapes too, so that it cannot pass for lines of ours.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, deceptive, visible)
}

/// A text of several lines, which stay lines; each is [`printable`].
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && deceptive(c), visible)
}

/// A text for an XML 1.0 document, whose writer escapes the markup: what XML forbids, and what would deceive a reader, is a
/// visible escape; line breaks stay.
pub fn xml(text: &str) -> Cow<'_, str> {
    printable_lines(text)
}

/// A JSON document that says the same and can be shown on a terminal: what deceives stands in its strings alone, where JSON
/// has escapes of its own.
pub fn json(document: &str) -> Cow<'_, str> {
    escaped(
        document,
        |c| !matches!(c, '\n' | '\t' | '\r') && deceptive(c),
        |c, to| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(to, "\\u{unit:04x}");
            }
        },
    )
}

/// Whether a character moves, hides or reorders what is shown, or is one that text cannot carry everywhere: controls (C0,
/// DEL, C1), separators of lines, marks of direction, what has no width, tags, and noncharacters.
fn deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fdd0}'..='\u{fdef}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// As Rust writes it in a string: `\n`, `\u{1b}`.
fn visible(c: char, to: &mut String) {
    match c {
        '\n' | '\r' | '\t' => to.extend(c.escape_default()),
        _ => to.extend(c.escape_unicode()),
    }
}

fn escaped(text: &str, wanted: impl Fn(char) -> bool, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    let Some(first) = text.find(&wanted) else {
        return Cow::Borrowed(text);
    };
    let mut safe = String::with_capacity(text.len() + 16);
    safe.push_str(&text[..first]);
    for c in text[first..].chars() {
        if wanted(c) {
            escape(c, &mut safe);
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// A writer in front of a terminal: line breaks and the plain colours of our own reports pass, all else that a terminal
/// acts upon arrives as a visible escape. What is written as a whole has to be whole UTF-8; the rest is shown as bytes.
#[derive(Debug)]
pub struct Neutral<W> {
    to: W,
    escape: fn(&str) -> Cow<'_, str>,
}

impl<W: Write> Neutral<W> {
    /// For text.
    pub fn new(to: W) -> Self {
        Self { to, escape: styled }
    }

    /// For JSON documents, which stay JSON.
    pub fn json(to: W) -> Self {
        Self { to, escape: json }
    }
}

impl<W: Write> Write for Neutral<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for chunk in bytes.utf8_chunks() {
            self.to.write_all((self.escape)(chunk.valid()).as_bytes())?;
            for byte in chunk.invalid() {
                write!(self.to, "\\x{byte:02x}")?;
            }
        }
        Ok(bytes.len())
    }

    /// In one piece, so that no escape is seen in halves.
    fn write_fmt(&mut self, arguments: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.write_all(arguments.to_string().as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// [`printable_lines`], and the escapes of bold, dim, italic, underlined and coloured letters pass. Those that conceal, blink
/// or swap do not.
fn styled(text: &str) -> Cow<'_, str> {
    let (mut safe, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('\u{1b}') {
        let style = style_of(&rest[at..]);
        safe.push_str(&printable_lines(&rest[..at]));
        safe.push_str(style.unwrap_or("\\u{1b}"));
        rest = &rest[at + style.map_or(1, str::len)..];
    }
    if safe.is_empty() {
        return printable_lines(rest);
    }
    safe.push_str(&printable_lines(rest));
    Cow::Owned(safe)
}

/// The style that the text begins with.
fn style_of(text: &str) -> Option<&str> {
    let (parameters, _) = text.strip_prefix("\u{1b}[")?.split_once('m')?;
    let plain = |parameter| {
        matches!(
            parameter,
            "0" | "1" | "2" | "3" | "4" | "31" | "32" | "33" | "34" | "35" | "36" | "90"
        )
    };
    let all = parameters.split(';').all(plain);
    all.then(|| &text[.."\u{1b}[m".len() + parameters.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str =
        "a\u{1b}]0;owned\u{7}\u{1b}[2J\r\nb\t\0\u{7f}\u{85}\u{9b}2J\u{202e}\u{2028}\u{200b}\u{fffe}\u{e0041}]]>ü😀";

    fn harmless(text: &str, but: &[char]) {
        assert!(!text.chars().any(|c| deceptive(c) && !but.contains(&c)), "{text:?}");
    }

    #[test]
    fn what_a_terminal_acts_upon_is_seen_and_not_done() {
        assert_eq!(
            printable(HOSTILE),
            r"a\u{1b}]0;owned\u{7}\u{1b}[2J\r\nb\t\u{0}\u{7f}\u{85}\u{9b}2J\u{202e}\u{2028}\u{200b}\u{fffe}\u{e0041}]]>ü😀"
        );
        assert!(printable_lines("a\nb\rc").eq("a\nb\\rc"));
        assert!(matches!(printable("‹code#1› naïve 日本語"), Cow::Borrowed(_)));
    }

    #[test]
    fn xml_carries_what_is_left() {
        let text = xml(HOSTILE);
        harmless(&text, &['\n']);
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({"a": HOSTILE, HOSTILE: [HOSTILE]});
        let document = serde_json::to_string_pretty(&value).unwrap();
        let shown = json(&document);
        harmless(&shown, &['\n']);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    fn neutral(bytes: &[u8]) -> String {
        let mut to = Vec::new();
        Neutral::new(&mut to).write_all(bytes).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn colours_pass_the_writer_and_nothing_else_does() {
        for passes in ["\u{1b}[1m\u{1b}[32mok\u{1b}[0m\n", "\u{1b}[1;31mno\u{1b}[0m", "plain"] {
            assert_eq!(neutral(passes.as_bytes()), passes);
        }
        for stopped in [
            "\u{1b}[8m",
            "\u{1b}[2J",
            "\u{1b}[m2",
            "\u{1b}",
            "\u{1b}\u{1b}",
            "\u{1b}[41m",
            "\u{1b}]8;;x\u{1b}\\",
        ] {
            harmless(&neutral(stopped.as_bytes()), &[]);
        }
        assert_eq!(neutral(b"a\xff\xe2\x80z"), r"a\xff\xe2\x80z");
        harmless(&neutral(HOSTILE.as_bytes()), &['\n']);
        let mut to = Vec::new();
        let begun = "\u{1b}[";
        write!(Neutral::new(&mut to), "{begun}2J").unwrap();
        assert_eq!(to, br"\u{1b}[2J");
    }
}
