//! Traces of a code in an answer: the code itself, turned round, encoded, or a digest of it alone or with what is near it.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use targets::{Answer, Exchange};

use super::digests;

/// The first trace of the code in an answer, in words. `near` is what a server may have mixed into a digest.
pub(super) fn of(answer: &Answer, code: &str, near: &[&str]) -> Option<String> {
    let suspects = suspects(code, near);
    answer
        .exchanges
        .iter()
        .find_map(|exchange| in_exchange(exchange, code, &suspects))
}

fn in_exchange(exchange: &Exchange, code: &str, suspects: &[(String, Vec<u8>)]) -> Option<String> {
    let headers = exchange
        .response_headers
        .iter()
        .map(|(name, value)| (format!("the header {name}"), value.clone()));
    let mut places = headers.chain([("the body".to_owned(), exchange.text())]);
    places.find_map(|(place, text)| in_text(&text, code, suspects).map(|trace| format!("{trace} stands in {place}")))
}

fn in_text(text: &str, code: &str, suspects: &[(String, Vec<u8>)]) -> Option<String> {
    let reversed: String = code.chars().rev().collect();
    if text.contains(code) {
        return Some("the code".to_owned());
    }
    if text.contains(&reversed) {
        return Some("the code turned round".to_owned());
    }
    // The dots of a JWT part its segments.
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    for word in text.split(|c| !inside(c)).filter(|word| word.len() >= 8) {
        for bytes in decoded(word) {
            let plain = String::from_utf8_lossy(&bytes);
            if plain.contains(code) || plain.contains(&reversed) {
                return Some("the code, encoded,".to_owned());
            }
            if let Some((name, _)) = suspects.iter().find(|(_, digest)| *digest == bytes) {
                return Some(name.clone());
            }
        }
    }
    None
}

/// What a word may stand for.
fn decoded(word: &str) -> Vec<Vec<u8>> {
    [&HEXLOWER_PERMISSIVE, &BASE64, &BASE64_NOPAD, &BASE64URL, &BASE64URL_NOPAD]
        .iter()
        .filter_map(|encoding| encoding.decode(word.as_bytes()).ok())
        .collect()
}

/// Digests of the code alone and with each neighbour before or behind it, bare or parted by a colon.
fn suspects(code: &str, near: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut mixtures = vec![code.to_owned()];
    for near in near.iter().filter(|near| !near.is_empty()) {
        for between in ["", ":", "|", "."] {
            mixtures.push(format!("{near}{between}{code}"));
            mixtures.push(format!("{code}{between}{near}"));
        }
    }
    let digests = mixtures.iter().flat_map(|mixture| digests::all(mixture.as_bytes()));
    digests
        .map(|(name, digest)| (format!("the {name} of the code"), digest))
        .collect()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXUPPER;

    use super::*;

    fn found(text: &str) -> Option<String> {
        in_text(text, "012345", &suspects("012345", &["ch_abc", "a@example.test"]))
    }

    #[test]
    fn every_disguise_is_seen_through() {
        for text in [
            r#"{"dev_code":"012345"}"#.to_owned(),
            "x-code: 543210".to_owned(),
            BASE64URL_NOPAD.encode(br#"{"code":"012345"}"#),
            format!("eyJhIjoxfQ.{}.c2ln", BASE64URL_NOPAD.encode(br#"{"c":"012345"}"#)),
            HEXUPPER.encode(b"code=012345"),
            HEXUPPER.encode(&digests::all(b"012345")[1].1),
            BASE64.encode(&digests::all(b"ch_abc:012345")[4].1),
            HEXUPPER.encode(&digests::all(b"012345a@example.test")[0].1),
        ] {
            assert!(found(&text).is_some(), "{text}");
        }
    }

    #[test]
    fn an_honest_answer_holds_no_trace() {
        let honest = r#"{"challenge":{"handle":"ch_3q2-7wAAAA8","id":"chl_0123","expires_at":"2026-01-02T03:04:05.678Z"}}"#;
        assert_eq!(found(honest), None);
    }
}
