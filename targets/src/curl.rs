//! A chain of curl commands that repeats a flow, with accounts of its own.
//!
//! It is made from redacted exchanges, as they are recorded, so a live run and its record give the same script. What came out
//! of an earlier answer (a handle, a token, a cookie) is taken from the answer of the run at hand; codes are asked for, or
//! taken from `CODE_1` and so on; addresses and passwords are made up afresh. Each answer is held against the recorded one,
//! so that the script itself tells whether the flow was repeated.
//!
//! A record is data, whoever wrote it: whatever is not of this source stands in single quotes or in a comment, and what an
//! answer gives is never read as shell text.

mod capture;
mod command;
mod known;
mod shell;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

use crate::redact::{Placeholder, RedactedExchange, RedactedMessage, SecretKind};

use capture::Capture;
use command::Command;
use known::Known;
pub use shell::quote;

static FIELD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""([A-Za-z0-9_]*)" *:"#).expect("a pattern of ours"));

const OPENING: &str = "#!/bin/sh
# Repeats the flow with fresh accounts. BASE aims it elsewhere, EMAIL_1 gives an address whose mail you read;
# codes are asked for, or taken from CODE_1 and so on, or from files of these names in the directory MAIL.
# Each answer is shown and held against the recorded one by its status and the names of its fields.
set -u
";

const FUNCTIONS: &str = include_str!("curl/functions.sh");

const CLOSING: &str = r#"
if [ "$DIFFERENT" -gt 0 ]; then
  printf '%s answers differ from the recorded ones\n' "$DIFFERENT"
  exit 1
fi
echo 'every answer is like the recorded one'
"#;

/// The longest flows of checks have under a hundred: more than this is none.
pub const MAX_EXCHANGES: usize = 1000;
/// As much of a wrong value is shown.
const SHOWN: usize = 80;

/// Why no chain repeats these exchanges.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// One cannot be sent.
    #[error("exchange {step} cannot be sent again: its {what} is {value}, and {why}")]
    Exchange {
        /// Its number, from 1.
        step: usize,
        /// The part that is wrong.
        what: &'static str,
        /// Its beginning, escaped.
        value: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There are too many.
    #[error("{0} exchanges are more than a chain repeats ({MAX_EXCHANGES})")]
    TooMany(usize),
}

impl ChainError {
    fn new(step: usize, what: &'static str, value: &str, why: &'static str) -> Self {
        let value = format!("{:?}", value.chars().take(SHOWN).collect::<String>());
        Self::Exchange { step, what, value, why }
    }
}

/// The script that repeats these exchanges. The messages tell which codes the target sent; any other code in a request was
/// a guess, and is replaced by another guess.
pub fn chain(exchanges: &[RedactedExchange], messages: &[RedactedMessage]) -> Result<String, ChainError> {
    if exchanges.len() > MAX_EXCHANGES {
        return Err(ChainError::TooMany(exchanges.len()));
    }
    let mut known = Known::new(delivered(messages));
    let bases = bases(exchanges)?;
    for (origin, base) in &bases {
        // An `Origin` has to name the server that is asked now.
        known.add(origin, base);
    }
    let mut captures: Vec<Vec<Capture>> = Vec::new();
    let mut commands = Vec::new();
    let mut sent = String::new();
    for (step, exchange) in (1..).zip(exchanges) {
        let (origin, _) = command::split(&exchange.request.url, step)?;
        let base = bases
            .iter()
            .find(|(known, _)| known == origin)
            .map_or("BASE", |(_, base)| base);
        commands.push(Command::new(exchange, step, base, &known)?);
        let request = &exchange.request;
        sent.extend([request.url.as_str(), &request.body]);
        sent.extend(request.headers.iter().map(|(_, value)| value.as_str()));
        let mut found = exchange
            .response
            .as_ref()
            .map_or_else(Vec::new, |answer| capture::captures(answer, step));
        found.retain(|capture| {
            let fresh = !known.has(&capture.value) && !sent.contains(&capture.value);
            if fresh {
                known.add(&capture.value, &capture.variable);
            }
            fresh
        });
        captures.push(found);
    }
    Ok(script(exchanges, &bases, &commands, &captures))
}

/// The numbers of the codes that were sent.
fn delivered(messages: &[RedactedMessage]) -> BTreeSet<u32> {
    let codes = messages.iter().flat_map(|message| {
        // What was recorded before messages named their code has it in the text.
        Placeholder::all(message.code.as_ref().unwrap_or(&message.text))
    });
    codes
        .filter(|code| code.kind == SecretKind::Code)
        .map(|code| code.number)
        .collect()
}

/// The origins that were asked, each with its variable.
fn bases(exchanges: &[RedactedExchange]) -> Result<Vec<(String, String)>, ChainError> {
    let mut bases: Vec<(String, String)> = Vec::new();
    for (step, exchange) in (1..).zip(exchanges) {
        let (origin, _) = command::split(&exchange.request.url, step)?;
        if !bases.iter().any(|(known, _)| known == origin) {
            let base = match bases.len() {
                0 => "BASE".to_owned(),
                before => format!("BASE_{}", before + 1),
            };
            bases.push((origin.to_owned(), base));
        }
    }
    Ok(bases)
}

/// The commands, each with what it needs before and what is looked at after it.
fn script(exchanges: &[RedactedExchange], bases: &[(String, String)], commands: &[Command], captures: &[Vec<Capture>]) -> String {
    let used: BTreeSet<&str> = commands
        .iter()
        .flat_map(|command| command.variables.iter().map(String::as_str))
        .collect();
    let mut script = opening(bases, &used);
    let mut asked = BTreeSet::new();
    let mut looked_at = 0;
    for (at, (exchange, command)) in exchanges.iter().zip(commands).enumerate() {
        let step = at + 1;
        for variable in command.variables.iter().filter(|v| is_asked(v)) {
            if asked.insert(variable) {
                let words = format!("{}, needed for step {step} ({variable})", spoken(variable));
                let _ = writeln!(script, "{variable}=$(ask {variable} \"${{{variable}:-}}\" '{words}')");
            }
        }
        let beside = |other: usize| exchanges.get(other).is_some_and(|other| beside_each_other(exchange, other));
        let (with_next, with_previous) = (beside(at + 1), at > 0 && beside(at - 1));
        script.push_str(&command.text);
        script.push_str(if with_next || with_previous { " &\n" } else { "\n" });
        if with_next {
            continue;
        }
        if with_previous {
            script.push_str("wait\n");
        }
        script.push_str(&comparison(&exchanges[..=at]));
        for capture in captures[looked_at..=at].iter().flatten() {
            if used.contains(capture.variable.as_str()) {
                let _ = writeln!(script, "{}={}", capture.variable, capture.expression);
            }
        }
        looked_at = step;
    }
    script.push_str(CLOSING);
    script
}

/// What shows the answer of the last of these, and holds it against the recorded one. Which of several requests sent at once
/// gets which answer is for chance; what they get together is not.
fn comparison(exchanges: &[RedactedExchange]) -> String {
    let Some(last) = exchanges.last() else {
        return String::new();
    };
    let step = exchanges.len();
    let before = exchanges.windows(2).rev();
    let first = step - before.take_while(|pair| beside_each_other(&pair[0], &pair[1])).count();
    if first == step {
        return format!("show {step} {}{}\n", status(last), fields(last));
    }
    let steps: Vec<String> = (first..=step).map(|step| step.to_string()).collect();
    let mut statuses: Vec<String> = exchanges[first - 1..].iter().map(|e| status(e).to_string()).collect();
    statuses.sort();
    format!("together '{}' '{} '\n", steps.join(" "), statuses.join(" "))
}

fn status(exchange: &RedactedExchange) -> u16 {
    exchange.response.as_ref().map_or(0, |response| response.status)
}

/// The names of the fields of an answer, sorted, each with a space behind it, as the script's `fields` gives them; nothing
/// where not all of it was recorded.
fn fields(exchange: &RedactedExchange) -> String {
    let text = match &exchange.response {
        Some(response) if response.cut > 0 => return String::new(),
        Some(response) => response.body.as_str(),
        None => "",
    };
    let names: BTreeSet<String> = FIELD.captures_iter(text).map(|name| name[1].to_owned()).collect();
    let names: String = names.iter().map(|name| format!("{name} ")).collect();
    format!(" '{names}'")
}

/// A value that comes by a message, in words.
fn spoken(variable: &str) -> String {
    match variable.split_once('_') {
        Some(("CODE", n)) => format!("code number {n} of those that were sent"),
        Some((_, n)) => format!("reset token number {n} of those that were sent"),
        None => variable.to_owned(),
    }
}

fn is_asked(variable: &str) -> bool {
    ["CODE_", "RESET_"].iter().any(|start| variable.starts_with(start))
}

fn opening(bases: &[(String, String)], used: &BTreeSet<&str>) -> String {
    let mut script = String::from(OPENING);
    // Whoever names one server means it for all of them.
    for (origin, base) in bases.iter().rev() {
        let given = if base == "BASE" { "" } else { "${BASE:-}" };
        let _ = writeln!(
            script,
            "{base}=${{{base}:-{given}}}\n[ -n \"${base}\" ] || {base}={}",
            shell::quote(origin)
        );
    }
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
fn beside_each_other(one: &RedactedExchange, other: &RedactedExchange) -> bool {
    let sent = |exchange: &RedactedExchange| (exchange.started_ms, exchange.started_ms + exchange.took_ms);
    let ((from, to), (other_from, other_to)) = (sent(one), sent(other));
    let (mine, its) = (&one.request, &other.request);
    let same = mine.method == its.method && mine.url == its.url && mine.body == its.body;
    same && from < other_to && other_from < to
}
