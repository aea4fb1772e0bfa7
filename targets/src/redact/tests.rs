//! Secrets keep their identity and do not get through in any clothes.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use specs::Channel;

use super::*;
use crate::operation::OperationKind;

const PASSWORD: &str = "pa ss/wörd+\"&1";
const TOKEN: &str = "at_q-_Zx81kdLmPw72";

fn redactor() -> Redactor {
    let mut redactor = Redactor::default();
    redactor.learn(SecretKind::Code, "012345");
    redactor.learn(SecretKind::Code, "678901");
    redactor.learn(SecretKind::Password, PASSWORD);
    redactor.learn(SecretKind::Access, TOKEN);
    redactor.learn(SecretKind::Email, "Ada.L@example.test");
    redactor
}

fn check(text: &str, expected: &str) {
    assert_eq!(redactor().text(text), expected, "{text}");
}

#[test]
fn the_same_secret_has_the_same_name() {
    check(
        "first 678901, then 012345, again 678901",
        "first ‹code#2›, then ‹code#1›, again ‹code#2›",
    );
    check("to ADA.L@EXAMPLE.TEST and ada.l@example.test", "to ‹email#1› and ‹email#1›");
    check("nothing to hide: 01234 5", "nothing to hide: 01234 5");
}

#[test]
fn percent_json_and_html_forms() {
    let encoded = utf8_percent_encode(PASSWORD, NON_ALPHANUMERIC).to_string();
    check(&format!("a={encoded}&b=1"), "a=‹password#1›&b=1");
    check(&encoded.to_lowercase(), "‹password#1›");
    check(&encoded.replace("%20", "+"), "‹password#1›");
    check(&utf8_percent_encode(&encoded, NON_ALPHANUMERIC).to_string(), "‹password#1›");
    check(&serde_json::json!({ "p": PASSWORD }).to_string(), r#"{"p":"‹password#1›"}"#);
    check(r"\u0030\u00312345 %30%31234%35", "‹code#1› ‹code#1›");
    check("pa ss/wörd+&quot;&amp;1 &#48;12345", "‹password#1› ‹code#1›");
}

#[test]
fn base64_at_every_alignment_and_in_both_alphabets() {
    let redactor = redactor();
    for before in ["", "a", "ab", "user:"] {
        for secret in [PASSWORD, TOKEN, "012345"] {
            let inner = format!("{before}{secret}, and more");
            for encoded in [BASE64.encode(inner.as_bytes()), BASE64URL_NOPAD.encode(inner.as_bytes())] {
                for around in ["Basic ", "x/y/", "z=", "k"] {
                    let seen = redactor.text(&format!("{around}{encoded}"));
                    assert!(seen.contains("‹base64 "), "{around}{encoded} gave {seen}");
                    assert!(!seen.contains(&encoded), "{seen}");
                }
            }
        }
    }
}

#[test]
fn a_longer_secret_goes_before_one_inside_of_it() {
    let mut redactor = redactor();
    redactor.learn(SecretKind::Token, "session-012345-end");
    assert_eq!(redactor.text("session-012345-end 012345"), "‹token#1› ‹code#1›");
}

#[test]
fn broken_encodings_and_bytes_do_no_harm() {
    let redactor = redactor();
    for text in ["%", "%4", "%zz", "\\u00", "\\", "&#;", "&", "&#x;", "====", "é%é\\ué"] {
        assert_eq!(redactor.text(text), text);
    }
    assert_eq!(redactor.bytes(b"\xff012345\xfe"), "\u{fffd}‹code#1›\u{fffd}");
}

fn exchange() -> Exchange {
    let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Exchange {
        operation: Some(OperationKind::Verify),
        device: "phone".to_owned(),
        source: None,
        method: "POST".to_owned(),
        url: "http://h/verify?reset_token=pr_abcdefghijkl&lang=en".to_owned(),
        request_headers: vec![
            line("Authorization", "Bearer ch_secret-handle"),
            line("Cookie", "sid=s%2Fecret123; lang=en"),
        ],
        request_body: br#"{"code":"424242","password":"hunter2!","handle":"public"}"#.to_vec(),
        status: 401,
        response_headers: vec![line("set-cookie", "sid=anothersecret; Path=/; HttpOnly")],
        response_body: br#"{"code":"code-rejected","was":"424242","who":"bob@example.test","csrf":"s/ecret123"}"#.to_vec(),
        started_ms: 1.0,
        took_ms: 2.0,
    }
}

#[test]
fn an_exchange_shows_nothing_that_looks_secret() {
    let mut redactor = Redactor::default();
    let shown = redactor.exchange(&exchange());
    let text = serde_json::to_string(&shown).unwrap();
    for secret in [
        "ch_secret",
        "ecret123",
        "424242",
        "hunter2",
        "anothersecret",
        "bob@",
        "pr_abc",
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let body = shown.response.unwrap().body;
    assert_eq!(
        body,
        r#"{"code":"code-rejected","was":"‹code#1›","who":"‹email#1›","csrf":"‹token#1›"}"#
    );
    assert!(
        shown.request.headers[1].1.starts_with("sid=‹token#1›; lang=en"),
        "{:?}",
        shown.request.headers
    );
}

#[test]
fn what_a_repetition_needs_is_kept_without_the_secret() {
    let mut redactor = Redactor::default();
    redactor.learn(SecretKind::Code, "a٣-7Z");
    let body = [b"\xff\0code a\xd9\xa3-7Z".as_slice(), b" 424242"].concat();
    let shown = redactor.exchange(&Exchange {
        request_body: body,
        ..exchange()
    });
    let shape = |name: &str, shape: &str| (name.to_owned(), shape.to_owned());
    assert_eq!(
        shown.request.shapes.into_iter().collect::<Vec<_>>(),
        [shape("code#1", "bö-0B")]
    );
    let kept = BASE64.decode(shown.request.body_base64.unwrap().as_bytes()).unwrap();
    assert_eq!(kept, [b"\xff\0code ".as_slice(), "‹code#1› 424242".as_bytes()].concat());
    assert_eq!(redactor.exchange(&exchange()).request.shapes["code#2"], "000000");
}

#[test]
fn a_message_shows_neither_code_nor_recipient() {
    let mut redactor = Redactor::default();
    let shown = redactor.message(&Message {
        text: "For ada@x.test: 998877".to_owned(),
        code: Some("998877".to_owned()),
        ..Message::new(Channel::Email, "ada@x.test")
    });
    assert_eq!(
        (shown.to.as_str(), shown.text.as_str()),
        ("‹email#1›", "For ‹email#1›: ‹code#1›")
    );
}

#[test]
fn a_long_body_is_cut_after_redaction() {
    let long = format!("{}012345", "é".repeat(LONGEST_BODY));
    let mut redactor = redactor();
    let shown = redactor.message(&Message {
        text: long,
        ..Message::new(Channel::Email, "ada@x.test")
    });
    assert!(shown.text.ends_with("bytes more)") && !shown.text.contains("012345"));
}

/// Random secrets in random clothes, from a fixed seed: none of them is to be read off the redacted text.
#[test]
fn no_clothing_helps() {
    use rand::{RngExt, SeedableRng, rngs::StdRng};
    let mut rng = StdRng::seed_from_u64(7);
    let mut random = |least: usize, most: usize| -> String {
        let length = rng.random_range(least..=most);
        (0..length)
            .map(|_| {
                [
                    'a', 'Z', '0', '9', '-', '_', '/', '+', '=', '%', '&', '"', '\\', ' ', 'é', '4',
                ][rng.random_range(0..16)]
            })
            .collect()
    };
    for round in 0..400 {
        let secret = random(6, 24);
        let mut redactor = Redactor::default();
        redactor.learn(SecretKind::Password, &secret);
        let (before, after) = (random(0, 9), random(0, 9));
        let plain = format!("{before}{secret}{after}");
        let clothes = [
            plain.clone(),
            utf8_percent_encode(&plain, NON_ALPHANUMERIC).to_string(),
            serde_json::json!({ "x": plain }).to_string(),
            format!("k={}", BASE64.encode(plain.as_bytes())),
            format!("k {}", BASE64URL_NOPAD.encode(plain.as_bytes())),
        ];
        for text in clothes {
            let seen = redactor.text(&text);
            assert!(
                seen.contains("password#1") && !seen.contains(&secret),
                "{round}: {secret:?} in {text:?} gave {seen:?}"
            );
        }
    }
}

#[test]
fn a_registration_is_the_devices_own_and_a_moment_is_no_secret() {
    let mut redactor = Redactor::default();
    redactor.learn_exchange(&Exchange {
        request_body: br#"{"device":{"push_token":"push-0123456789ab-cdef"}}"#.to_vec(),
        response_body: br#"{"session":{"access_token":"at_0123456789abcdef","access_expires_at":"2026-01-01T00:00:00.000Z"}}"#
            .to_vec(),
        ..exchange()
    });
    assert_eq!(redactor.text("push-0123456789ab-cdef"), "‹push#1›");
    assert_eq!(redactor.text("at_0123456789abcdef"), "‹access#1›");
    assert_eq!(redactor.text("2026-01-01T00:00:00.000Z"), "2026-01-01T00:00:00.000Z");
}
