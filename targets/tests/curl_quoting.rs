//! Nothing that a target or a record says is read as shell text: a chain of hostile exchanges gives curl exactly what was
//! recorded, in every shell there is, and nothing else happens.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use data_encoding::BASE64;
use proptest::collection::vec;
use proptest::prelude::*;
use targets::redact::{RedactedRequest, RedactedResponse};
use targets::{Channel, RedactedExchange, RedactedMessage, curl};

/// Writes what it was given, each argument with a NUL behind it, and answers as the file of its step says.
const CURL: &str = r#"#!/bin/sh
for argument; do
  [ "${before:-}" = -o ] && out=$argument
  before=$argument
done
step=${out##*/}
for argument; do printf '%s\0' "$argument"; done > "$LOG/$step.arguments"
[ "$before" = @- ] && cat > "$LOG/$step.body"
cp "$LOG/$step.answer" "$out"
"#;

#[derive(Clone, Debug)]
struct Request {
    method: String,
    path: String,
    header: (String, String),
    body: Vec<u8>,
    device: String,
}

/// What a value is that only the run at hand gives, in the three places where it is asked for again.
#[derive(Clone, Debug)]
struct Hostile {
    requests: Vec<Request>,
    code: String,
    token: String,
    origin: String,
    shape: String,
}

fn text() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        "$(id>OWNED)",
        "`id>OWNED`",
        ";id>OWNED;",
        "\nid>OWNED\n",
        "'",
        "\"",
        "\\",
        "'\"'",
        "${IFS}",
        "$1",
        "-o",
        "--",
        "@/etc/hostname",
        "&",
        "|",
        "\r",
        "\r\n",
        "\t",
        " ",
        "*",
        "?",
        "~",
        "#",
        "!",
        "}",
        ")",
        "%0a",
        "%s",
        "\\000",
        "\u{7f}",
        "\u{85}",
        "ö",
        "\u{81}",
        "‹",
        "›",
        "‹base64 code#1›",
        "=",
        ":",
        "\u{1b}[2J",
        "A",
        "7",
    ]);
    let part = prop_oneof![4 => fragment.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    vec(part, 0..8).prop_map(|parts| parts.concat().replace('\0', ""))
}

fn word() -> impl Strategy<Value = String> {
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,9}".prop_filter("curl says these itself", |word| {
        let own = ["head", "content-length", "host", "connection", "content-type"];
        !own.contains(&word.to_ascii_lowercase().as_str())
    })
}

fn request() -> impl Strategy<Value = Request> {
    let value = text().prop_map(|value| value.replace(['\r', '\n'], "") + ".");
    let bytes = prop_oneof![text().prop_map(String::into_bytes), vec(any::<u8>(), 0..24)];
    (word(), text(), (word(), value), bytes, text()).prop_map(|(method, path, header, body, device)| Request {
        method,
        path,
        header,
        body,
        device,
    })
}

fn hostile() -> impl Strategy<Value = Hostile> {
    let unspaced = |text: String| text.replace(|c: char| c.is_whitespace() || c.is_control(), "");
    let code = text().prop_map(move |text| unspaced(text) + "1");
    let token = text().prop_map(move |text| unspaced(text).replace(['"', '\\'], "") + "12345678");
    let origin = text().prop_map(|text| format!("http://127.0.0.1:9{}", text.replace(['/', '?', '#'], "")));
    (vec(request(), 5), code, token, origin, text()).prop_map(|(requests, code, token, origin, shape)| Hostile {
        requests,
        code,
        token,
        origin,
        shape,
    })
}

impl Hostile {
    /// The exchanges as they are recorded: first one that gives a token, then those that carry it and the code.
    fn recorded(&self) -> Vec<RedactedExchange> {
        let mut first = exchange("GET", "/‹code#2›", Vec::new(), "‹code#2›".into(), "phone");
        first.request.shapes.insert("code#2".to_owned(), self.shape.clone());
        let others = self.requests.iter().map(|request| {
            let header = (request.header.0.clone(), format!("{}‹token#1›", request.header.1));
            let path = format!("/{}‹code#1›", request.path);
            let body = [&request.body, "‹code#1›".as_bytes()].concat();
            exchange(&request.method, &path, vec![header], body, &request.device)
        });
        let mut exchanges: Vec<RedactedExchange> = std::iter::once(first).chain(others).collect();
        for exchange in &mut exchanges {
            exchange.request.url.insert_str(0, &self.origin);
        }
        exchanges
    }

    /// What curl has to be given for the request of this place: the arguments, and its input when it reads one.
    fn expected(&self, request: &Request) -> (Vec<Vec<u8>>, Option<Vec<u8>>) {
        let url = format!("{}/{}{}", self.origin, request.path, encoded(&self.code));
        let header = format!("{}: {}{}", request.header.0, request.header.1, self.token);
        let body = [&request.body, self.code.as_bytes()].concat();
        let mut arguments = ["-X", &request.method, &url, "-H", &header, "-H", "Content-Type:"]
            .map(|a| a.as_bytes().to_vec())
            .to_vec();
        if request.body.contains(&0) || std::str::from_utf8(&request.body).is_err() {
            arguments.extend([b"--data-binary".to_vec(), b"@-".to_vec()]);
            return (arguments, Some(body));
        }
        arguments.extend([b"--data-raw".to_vec(), body]);
        (arguments, None)
    }
}

fn exchange(method: &str, url: &str, headers: Vec<(String, String)>, body: Vec<u8>, device: &str) -> RedactedExchange {
    let binary = std::str::from_utf8(&body).is_err();
    RedactedExchange {
        operation: Some(device.to_owned()),
        device: device.to_owned(),
        source: None,
        request: RedactedRequest {
            method: method.to_owned(),
            url: url.to_owned(),
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
            body_base64: binary.then(|| BASE64.encode(&body)),
            cut: 0,
            shapes: Default::default(),
        },
        response: Some(RedactedResponse {
            status: 200,
            headers: vec![],
            body: r#"{"token":"‹token#1›"}"#.to_owned(),
            cut: 0,
        }),
        started_ms: 0.0,
        took_ms: 0.0,
    }
}

fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._~%-".contains(&b);
    if text.bytes().all(plain) {
        return text.to_owned();
    }
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Runs the script among its files; what it told is for the reader of a failure.
fn run(shell: &str, script: &str, dir: &Path, hostile: &Hostile) -> String {
    let path = |name: &str| dir.join(name);
    for folder in ["bin", "log", "mail", "here", "tmp"] {
        fs::create_dir(path(folder)).unwrap();
    }
    fs::write(path("bin/curl"), CURL).unwrap();
    fs::set_permissions(path("bin/curl"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::write(path("mail/CODE_1"), &hostile.code).unwrap();
    for step in 0..=hostile.requests.len() {
        let answer = format!("HTTP/1.1 200 OK\r\n\r\n{{\"token\":\"{}\"}}", hostile.token);
        fs::write(path("log").join(format!("{}.answer", step + 1)), answer).unwrap();
    }
    fs::write(path("chain.sh"), script).unwrap();
    let programs = std::env::var("PATH").unwrap();
    let told = Command::new(shell)
        .arg(path("chain.sh"))
        .current_dir(path("here"))
        .env("PATH", format!("{}:{programs}", path("bin").display()))
        .env("LOG", path("log"))
        .env("MAIL", path("mail"))
        .env("TMPDIR", path("tmp"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    format!(
        "{}\n{}\n{script}",
        String::from_utf8_lossy(&told.stdout),
        String::from_utf8_lossy(&told.stderr)
    )
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

fn check(shell: &str, hostile: &Hostile) -> Result<(), TestCaseError> {
    let sent = RedactedMessage {
        channel: Channel::Email,
        to: String::new(),
        subject: String::new(),
        text: String::new(),
        code: Some("‹code#1›".to_owned()),
        at_ms: 0.0,
    };
    let script = curl::chain(&hostile.recorded(), &[sent]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let told = run(shell, &script, dir.path(), hostile);
    for (step, request) in (2..).zip(&hostile.requests) {
        let written = |kind: &str| fs::read(dir.path().join(format!("log/{step}.{kind}"))).ok();
        let arguments = written("arguments").unwrap_or_default();
        let arguments: Vec<Vec<u8>> = arguments.split(|b| *b == 0).map(<[u8]>::to_vec).collect();
        let (expected, body) = hostile.expected(request);
        // Those before are ours; the last NUL has nothing behind it.
        let theirs = arguments.get(8..arguments.len().saturating_sub(1)).unwrap_or_default();
        prop_assert_eq!(theirs, expected, "{} step {}: {}", shell, step, &told);
        prop_assert_eq!(written("body"), body, "{} step {}: {}", shell, step, &told);
    }
    prop_assert!(is_empty(&dir.path().join("here")), "{} made a file: {}", shell, told);
    prop_assert!(is_empty(&dir.path().join("tmp")), "{} left a file behind: {}", shell, told);
    Ok(())
}

fn is_there(shell: &str) -> bool {
    let ran = Command::new(shell).args(["-c", "exit 0"]).status();
    ran.is_ok_and(|status| status.success())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn curl_is_given_what_was_recorded_and_nothing_else_happens(hostile in hostile()) {
        for shell in ["sh", "bash"].into_iter().filter(|shell| is_there(shell)) {
            check(shell, &hostile)?;
        }
    }
}

#[test]
fn what_http_or_curl_cannot_carry_is_told_and_never_sent() {
    let good = || {
        exchange(
            "GET",
            "http://recorded.test/",
            vec![("A".to_owned(), "b".to_owned())],
            Vec::new(),
            "phone",
        )
    };
    let with = |change: &dyn Fn(&mut RedactedRequest)| {
        let mut exchange = good();
        change(&mut exchange.request);
        curl::chain(&[good(), exchange], &[])
            .map(drop)
            .map_err(|error| error.to_string())
    };
    assert_eq!(with(&|_| {}), Ok(()));
    let url = |url: &str| with(&|request| request.url = url.to_owned());
    let header = |name: &str, value: &str| with(&|request| request.headers = vec![(name.to_owned(), value.to_owned())]);
    for (told, refused) in [
        ("method", with(&|request| request.method = "$(id)".to_owned())),
        ("method", with(&|request| request.method = String::new())),
        ("address", url("/no/origin")),
        ("address", url("file:///etc/hostname")),
        ("address", url("@/etc/hostname")),
        ("address", url("http://h/\0")),
        ("header name", header("@/etc/hostname", "x")),
        ("header name", header("", "x")),
        ("header value", header("A", "b\r\nC: d")),
        ("header value", header("A", "\0")),
        ("body", with(&|request| request.body_base64 = Some("no base64".to_owned()))),
    ] {
        let error = refused.expect_err(told);
        assert!(
            error.starts_with("exchange 2 cannot be sent again") && error.contains(told),
            "{error}"
        );
    }
    let many = vec![good(); curl::MAX_EXCHANGES + 1];
    assert!(curl::chain(&many, &[]).is_err());
}

#[test]
fn every_server_is_one_that_the_caller_names() {
    let asks = |url: &str| exchange("GET", url, Vec::new(), Vec::new(), "phone");
    let script = curl::chain(
        &[
            asks("http://recorded.test/"),
            asks("http://recorded.test:81@elsewhere.test/x"),
        ],
        &[],
    )
    .unwrap();
    let commands: Vec<&str> = script.lines().filter(|line| line.starts_with("curl ")).collect();
    assert!(commands[0].contains(r#" "${BASE}"'/'"#), "{commands:?}");
    assert!(commands[1].contains(r#" "${BASE_2}"'/x'"#), "{commands:?}");
    assert!(script.contains("BASE_2=${BASE_2:-${BASE:-}}"), "{script}");
}
