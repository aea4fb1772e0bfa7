//! A chain of curl commands that repeats a flow, with accounts of its own.
//!
//! What came out of an earlier answer (a handle, a token, a cookie) is taken from the answer of the run at hand; codes are
//! asked for, or taken from `CODE_1` and so on; addresses and passwords are made up afresh. So no secret of the recorded
//! run is needed, and none is in it: the redactor goes over the whole script last. Each answer is held against the recorded
//! one, so that the script itself tells whether the flow was repeated.

mod capture;
mod shell;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

use crate::redact::{Redactor, Secret, SecretKind};
use crate::transcript::Exchange;
use crate::wrong_code::wrong_code;

use capture::Capture;
use shell::{Piece, Text};

static FIELD: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| Regex::new(r#""([A-Za-z0-9_]*)" *:"#));

const CLOSING: &str = r#"
if [ "$DIFFERENT" -gt 0 ]; then
  printf '%s answers differ from the recorded ones\n' "$DIFFERENT"
  exit 1
fi
echo 'every answer is like the recorded one'
"#;

const FUNCTIONS: &str = r#"OUT=$(mktemp -d)
RUN=$(date +%s)$$
DIFFERENT=0
status() { head -n 1 "$OUT/$1" 2>/dev/null | tr -d '\r' | cut -d ' ' -f 2; }
body() { cat "$OUT/$1" 2>/dev/null | tr -d '\r' | sed '1,/^$/d'; }
fields() { body "$1" | grep -o '"[A-Za-z0-9_]*" *:' | tr -cd 'A-Za-z0-9_\n' | LC_ALL=C sort -u | tr '\n' ' '; }
tell() { printf '%s: %s %s\n' "$1" "$(head -n 1 "$OUT/$1" 2>/dev/null | tr -d '\r')" "$(body "$1" | tr -d '\n' | cut -c 1-400)"; }
differs() {
  DIFFERENT=$((DIFFERENT + 1))
  printf '   differs: in the recorded run it was %s\n' "$1"
}
show() {
  tell "$1"
  found=$(status "$1")
  [ "${found:-0}" = "$2" ] && [ "$(fields "$1")" = "$3" ] || differs "$2, fields: $3"
}
together() {
  for step in $1; do tell "$step"; done
  found=$(for step in $1; do status "$step"; done | LC_ALL=C sort | tr '\n' ' ')
  [ "$found" = "$2" ] || differs "$2"
}
json() { grep -o "\"$2\" *: *\"[^\"]*\"" "$OUT/$1" | sed -n "$3p" | sed 's/^[^:]*: *"//; s/"$//'; }
attribute() { grep -o "$2=\"[^\"]*\"" "$OUT/$1" | sed -n "$3p" | sed 's/^[^"]*"//; s/"$//'; }
header() { grep -i "^$2:" "$OUT/$1" | sed -n "$3p" | tr -d '\r' | sed 's/^[^:]*: *//'; }
cookie() { grep -i "^set-cookie: *$2=" "$OUT/$1" | sed -n "$3p" | tr -d '\r' | sed 's/^[^=]*=//; s/;.*//'; }
cookie_name() { grep -i "^set-cookie: *$2[^=]*=" "$OUT/$1" | sed -n "$3p" | sed "s/^[^:]*: *$2//; s/=.*//"; }
encoded() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'; }
ask() {
  eval "value=\${$1:-}"
  tries=0
  while [ -z "$value" ] && [ -n "${MAIL:-}" ] && [ "$tries" -lt 50 ]; do
    value=$(cat "$MAIL/$1" 2>/dev/null) || sleep 0.2 2>/dev/null || sleep 1
    tries=$((tries + 1))
  done
  if [ -z "$value" ]; then
    printf '%s: ' "$2" >&2
    read -r value
  fi
  eval "$1=\$value"
}
"#;

/// The script that repeats these exchanges. `delivered` are the codes that the target sent; any other code in a request
/// was a guess, and is replaced by another guess.
pub fn chain<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>, redactor: &Redactor, delivered: &BTreeSet<String>) -> String {
    let exchanges: Vec<&Exchange> = exchanges.into_iter().collect();
    let mut redactor = redactor.clone();
    exchanges.iter().for_each(|exchange| redactor.learn_exchange(exchange));
    let origin = exchanges.first().map_or("", |exchange| origin_of(&exchange.url));
    let mut known = told(&redactor, delivered);
    // An `Origin` has to name the server that is asked now.
    known.push((origin.to_owned(), Piece::Variable("BASE".to_owned())));
    let mut captures: Vec<Capture> = Vec::new();
    let mut commands = Vec::new();
    let mut sent = Vec::new();
    for (at, exchange) in exchanges.iter().enumerate() {
        commands.push(command(exchange, at + 1, origin, &known));
        sent.extend_from_slice(&exchange.request_body);
        sent.extend(exchange.url.bytes());
        sent.extend(exchange.request_headers.iter().flat_map(|(_, value)| value.bytes()));
        for capture in capture::captures(exchange, at + 1) {
            let settled = |(value, piece): &(String, Piece)| *value == capture.value && !matches!(piece, Piece::Needed(_));
            let fresh = !known.iter().any(settled);
            let ours = String::from_utf8_lossy(&sent).contains(&capture.value);
            if fresh && !ours {
                known.retain(|(value, _)| *value != capture.value);
                known.push((capture.value.clone(), Piece::Variable(capture.variable.clone())));
                captures.push(capture);
            }
        }
    }
    let used: BTreeSet<&str> = commands
        .iter()
        .flat_map(|command| command.variables.iter().map(String::as_str))
        .collect();
    let mut script = opening(origin, &used);
    let mut asked = BTreeSet::new();
    for (at, (exchange, command)) in exchanges.iter().zip(&commands).enumerate() {
        for variable in command.variables.iter().filter(|v| is_asked(v)) {
            if asked.insert(variable) {
                let _ = writeln!(
                    script,
                    "ask {variable} '{}, needed for step {} ({variable})'",
                    spoken(variable),
                    at + 1
                );
            }
        }
        let beside = |other: usize| exchanges.get(other).is_some_and(|other| beside_each_other(exchange, other));
        let (with_next, with_previous) = (beside(at + 1), at > 0 && beside(at - 1));
        let _ = writeln!(
            script,
            "{}{}",
            command.text,
            if with_next || with_previous { " &" } else { "" }
        );
        if with_next {
            continue;
        }
        if with_previous {
            script.push_str("wait\n");
        }
        script.push_str(&comparison(&exchanges[..=at]));
        for capture in captures
            .iter()
            .filter(|capture| capture.step <= at + 1 && used.contains(capture.variable.as_str()))
        {
            if asked.insert(&capture.variable) {
                let _ = writeln!(script, "{}={}", capture.variable, capture.expression);
            }
        }
    }
    script.push_str(CLOSING);
    redactor.text(&script)
}

/// What shows the answer of the last of these, and holds it against the recorded one. Which of several requests sent at once
/// gets which answer is for chance; what they get together is not.
fn comparison(exchanges: &[&Exchange]) -> String {
    let Some(last) = exchanges.last() else {
        return String::new();
    };
    let step = exchanges.len();
    let before = exchanges.windows(2).rev();
    let first = step - before.take_while(|pair| beside_each_other(pair[0], pair[1])).count();
    if first == step {
        return format!("show {step} {} '{}'\n", last.status, fields(last));
    }
    let steps: Vec<String> = (first..=step).map(|step| step.to_string()).collect();
    let mut statuses: Vec<String> = exchanges[first - 1..].iter().map(|e| e.status.to_string()).collect();
    statuses.sort();
    format!("together '{}' '{} '\n", steps.join(" "), statuses.join(" "))
}

/// The names of the fields of an answer, sorted, each with a space behind it: as the script's `fields` gives them.
fn fields(exchange: &Exchange) -> String {
    let text = exchange.text();
    let found = FIELD.as_ref().ok().into_iter().flat_map(|field| field.captures_iter(&text));
    let names: BTreeSet<String> = found.map(|name| name[1].to_owned()).collect();
    names.iter().map(|name| format!("{name} ")).collect()
}

/// A value that comes by a message, in words.
fn spoken(variable: &str) -> String {
    match variable.split_once('_') {
        Some(("CODE", n)) => format!("code number {n} of those that were sent"),
        Some((_, n)) => format!("reset token number {n} of those that were sent"),
        None => variable.to_owned(),
    }
}

struct Command {
    text: String,
    variables: Vec<String>,
}

fn command(exchange: &Exchange, step: usize, origin: &str, known: &[(String, Piece)]) -> Command {
    let mut text = Text::new(known);
    let operation = exchange.operation.map_or("raw request", |kind| kind.name());
    let device = shell::comment(&exchange.device);
    let answer = if exchange.status == 0 {
        "not answered".to_owned()
    } else {
        format!("answered {}", exchange.status)
    };
    text.plain(&format!("\n# {step}. {operation}, {device}: {answer}\n"));
    let body = std::str::from_utf8(&exchange.request_body);
    if body.is_err() {
        let encoded = data_encoding::BASE64.encode(&exchange.request_body);
        text.plain(&format!("printf %s {encoded} | base64 -d | "));
    }
    text.plain(&format!("curl -sS -g -i --path-as-is -m 60 -o \"$OUT/{step}\""));
    if let Some(source) = exchange.source {
        text.plain(&format!(" --interface {source}"));
    }
    match exchange.method.as_str() {
        "HEAD" => text.plain(" -I "),
        method => {
            text.plain(" -X ");
            text.quoted(method);
            text.plain(" ");
        }
    }
    match exchange.url.strip_prefix(origin) {
        Some(path) => text.quoted_after("$BASE", path),
        None => text.quoted(&exchange.url),
    }
    let mut typed = false;
    for (name, value) in &exchange.request_headers {
        let lower = name.to_ascii_lowercase();
        typed |= lower == "content-type";
        if matches!(lower.as_str(), "content-length" | "host" | "connection") {
            continue;
        }
        text.plain(" \\\n  -H ");
        // curl takes `Name;` for an empty value; `Name:` would leave the header out.
        let line = if value.is_empty() {
            format!("{name};")
        } else {
            format!("{name}: {value}")
        };
        text.quoted(&line);
    }
    match body {
        Ok("") => {}
        _ if !typed => text.plain(" \\\n  -H 'Content-Type:'"),
        _ => {}
    }
    match body {
        Ok("") => {}
        Ok(body) => {
            text.plain(" \\\n  --data-raw ");
            text.quoted(body);
        }
        Err(_) => text.plain(" \\\n  --data-binary @-"),
    }
    let (text, variables) = text.finish();
    Command { text, variables }
}

/// What every secret that no answer gives is written as.
fn told(redactor: &Redactor, delivered: &BTreeSet<String>) -> Vec<(String, Piece)> {
    let piece = |secret: &Secret| {
        let Secret { kind, number, value } = secret;
        let name = format!("{}_{number}", kind.word().to_ascii_uppercase());
        match kind {
            SecretKind::Code if !delivered.contains(value) => {
                let blank = |c: char| match c {
                    '0'..='9' => '0',
                    'a'..='z' => 'b',
                    'A'..='Z' => 'B',
                    other => other,
                };
                let shape: String = value.chars().map(blank).collect();
                Piece::Literal(wrong_code(&shape, u32::try_from(*number).unwrap_or(0)))
            }
            SecretKind::Code | SecretKind::Email | SecretKind::Password | SecretKind::Push | SecretKind::Reset => {
                Piece::Variable(name)
            }
            _ => Piece::Needed(name),
        }
    };
    redactor
        .secrets()
        .iter()
        .map(|secret| (secret.value.clone(), piece(secret)))
        .collect()
}

fn is_asked(variable: &str) -> bool {
    ["CODE_", "RESET_"].iter().any(|start| variable.starts_with(start))
}

fn opening(origin: &str, used: &BTreeSet<&str>) -> String {
    let mut script = String::from(
        "#!/bin/sh\n# Repeats the flow with fresh accounts. BASE aims it elsewhere, EMAIL_1 gives an address whose mail you read;\n",
    );
    script
        .push_str("# codes are asked for, or taken from CODE_1 and so on, or from files of these names in the directory MAIL.\n");
    script.push_str(
        "# Each answer is shown and held against the recorded one by its status and the names of its fields.\nset -u\n",
    );
    let _ = writeln!(script, "BASE=${{BASE:-{origin}}}");
    script.push_str(FUNCTIONS);
    for variable in used {
        let made = match variable.split_once('_') {
            Some(("EMAIL", n)) => format!("stepproof-{n}-$RUN@example.test"),
            Some(("PASSWORD", n)) => format!("throw-away-{n}-$RUN"),
            Some(("PUSH", n)) => format!("registration-{n}-$RUN"),
            Some(("HANDLE" | "ACCESS" | "REFRESH" | "TRUST" | "TOKEN", _)) => {
                let _ = writeln!(script, ": \"${{{variable}:?no answer of this flow gives it}}\"");
                continue;
            }
            _ => continue,
        };
        let _ = writeln!(script, "{variable}=${{{variable}:-{made}}}");
    }
    script
}

/// Copies of one request that were under way at the same time.
fn beside_each_other(one: &Exchange, other: &Exchange) -> bool {
    let same = one.method == other.method && one.url == other.url && one.request_body == other.request_body;
    let overlap = one.started_ms < other.started_ms + other.took_ms && other.started_ms < one.started_ms + one.took_ms;
    same && overlap
}

fn origin_of(url: &str) -> &str {
    let path = crate::draft::path_of(url);
    let end = if url.ends_with(path) {
        url.len() - path.len()
    } else {
        url.len()
    };
    &url[..end]
}
