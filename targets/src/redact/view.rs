//! Looking for secrets in a text as it stands, and as it reads once its encodings are undone.

use std::ops::Range;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, Encoding};
use regex::bytes::Regex;

/// A place in the original text that shows a secret.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The form of the secret that was seen.
    pub(super) form: Vec<u8>,
    pub(super) base64: bool,
}

/// A text after some decoding, with the place in the original that each byte came from.
struct View {
    bytes: Vec<u8>,
    from: Vec<Range<usize>>,
}

/// What one encoded character of the front of these bytes is: the byte, and how many it took.
type Decoder = fn(&[u8]) -> Option<(u8, usize)>;

const DECODERS: [Decoder; 4] = [percent, plus, json, html];

/// Every place that shows a secret, in order and without overlap.
pub(super) fn spans(text: &[u8], pattern: &Regex) -> Vec<Found> {
    let mut found = Vec::new();
    let plain = View {
        bytes: text.to_vec(),
        from: (0..text.len()).map(|at| at..at + 1).collect(),
    };
    look(&plain, pattern, &mut found);
    // Twice over: a percent-encoded URL inside of JSON, or encoded twice.
    for first in DECODERS.iter().filter_map(|decoder| plain.decoded(*decoder)) {
        look(&first, pattern, &mut found);
        for second in DECODERS.iter().filter_map(|decoder| first.decoded(*decoder)) {
            look(&second, pattern, &mut found);
        }
    }
    found.sort_by_key(|f| (f.start, std::cmp::Reverse(f.end)));
    let mut apart: Vec<Found> = Vec::new();
    for next in found {
        match apart.last_mut() {
            Some(last) if next.start < last.end => last.end = last.end.max(next.end),
            _ => apart.push(next),
        }
    }
    apart
}

fn look(view: &View, pattern: &Regex, found: &mut Vec<Found>) {
    for hit in pattern.find_iter(&view.bytes) {
        found.push(view.found(hit.range(), hit.as_bytes(), false));
    }
    for run in runs(&view.bytes) {
        for (encoding, skip) in [BASE64_NOPAD, BASE64URL_NOPAD]
            .iter()
            .flat_map(|e| (0..4).map(move |skip| (e, skip)))
        {
            let Some(decoded) = decode(&view.bytes[run.clone()], skip, encoding) else {
                continue;
            };
            for hit in pattern.find_iter(&decoded) {
                // Whole groups of four characters, so that no bit of the secret stays behind.
                let start = run.start + skip + hit.start() / 3 * 4;
                let end = (run.start + skip + hit.end().div_ceil(3) * 4).min(run.end);
                found.push(view.found(start..end, hit.as_bytes(), true));
            }
        }
    }
}

/// Stretches that could be base64 of something.
fn runs(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = 0;
    for at in 0..=bytes.len() {
        let inside = bytes
            .get(at)
            .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'));
        if !inside {
            if at - start >= 4 {
                runs.push(start..at);
            }
            start = at + 1;
        }
    }
    runs
}

fn decode(run: &[u8], skip: usize, encoding: &Encoding) -> Option<Vec<u8>> {
    let mut run = run.get(skip..)?.to_vec();
    // The other alphabet's characters only stand for other bytes; the secret may lie beside them.
    let (from, to) = if *encoding == BASE64_NOPAD {
        (b"-_", b"+/")
    } else {
        (b"+/", b"-_")
    };
    for byte in &mut run {
        if let Some(at) = from.iter().position(|b| b == byte) {
            *byte = to[at];
        }
    }
    if run.len() % 4 == 1 {
        run.pop();
    }
    // The last character may carry bits that a strict decoder refuses: then without the last group.
    let whole = run.len() / 4 * 4;
    encoding.decode(&run).or_else(|_| encoding.decode(&run[..whole])).ok()
}

impl View {
    fn found(&self, range: Range<usize>, form: &[u8], base64: bool) -> Found {
        Found {
            start: self.from[range.start].start,
            end: self.from[range.end - 1].end,
            form: form.to_vec(),
            base64,
        }
    }

    /// The view with this encoding undone; `None` when there is none of it.
    fn decoded(&self, decoder: Decoder) -> Option<View> {
        let (mut bytes, mut from) = (Vec::with_capacity(self.bytes.len()), Vec::with_capacity(self.bytes.len()));
        let (mut at, mut any) = (0, false);
        while at < self.bytes.len() {
            let (byte, used) = match decoder(&self.bytes[at..]) {
                Some(decoded) => {
                    any = true;
                    decoded
                }
                None => (self.bytes[at], 1),
            };
            bytes.push(byte);
            from.push(self.from[at].start..self.from[at + used - 1].end);
            at += used;
        }
        any.then_some(View { bytes, from })
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn percent(bytes: &[u8]) -> Option<(u8, usize)> {
    match bytes {
        [b'%', digits @ ..] => Some((u8::try_from(hex(digits.get(..2)?)?).ok()?, 3)),
        _ => None,
    }
}

/// As [`percent`], in a form, where a plus is a space.
fn plus(bytes: &[u8]) -> Option<(u8, usize)> {
    match bytes {
        [b'+', ..] => Some((b' ', 1)),
        _ => percent(bytes),
    }
}

/// Escapes of JSON strings, as far as they stand for one byte.
fn json(bytes: &[u8]) -> Option<(u8, usize)> {
    match bytes {
        [b'\\', b'u', digits @ ..] => Some((u8::try_from(hex(digits.get(..4)?)?).ok().filter(u8::is_ascii)?, 6)),
        [b'\\', escaped @ (b'"' | b'\\' | b'/'), ..] => Some((*escaped, 2)),
        _ => None,
    }
}

fn html(bytes: &[u8]) -> Option<(u8, usize)> {
    if bytes.first() != Some(&b'&') {
        return None;
    }
    let end = bytes.iter().take(10).position(|b| *b == b';')?;
    let byte = match &bytes[1..end] {
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        b"quot" => b'"',
        b"apos" => b'\'',
        [b'#', b'x' | b'X', digits @ ..] => u8::try_from(hex(digits)?).ok().filter(u8::is_ascii)?,
        [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok().filter(u8::is_ascii)?,
        _ => return None,
    };
    Some((byte, end + 1))
}
