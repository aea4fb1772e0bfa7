//! Figures and names as people read them, the same in every report.

use targets::Channel;
use targets::curl::quote;

use crate::measure::Step;
use crate::plan::scenario::{Fault, Flow};
use crate::record::{Funnel, Generator, Reconnects, Record, Verdict};

/// Milliseconds: three figures, in the unit that suits.
pub(crate) fn ms(milliseconds: f64) -> String {
    match milliseconds {
        x if !x.is_finite() => "–".to_owned(),
        x if x.abs() >= 100_000.0 => format!("{:.0} s", x / 1000.0),
        x if x.abs() >= 9_995.0 => format!("{:.1} s", x / 1000.0),
        x if x.abs() >= 999.5 => format!("{:.2} s", x / 1000.0),
        x if x.abs() >= 99.95 => format!("{x:.0} ms"),
        x if x.abs() >= 9.995 => format!("{x:.1} ms"),
        x => format!("{x:.2} ms"),
    }
}

/// Seconds.
pub(crate) fn s(seconds: f64) -> String {
    match seconds {
        x if !x.is_finite() => "–".to_owned(),
        x if x >= 100.0 || x.fract() == 0.0 => format!("{x:.0} s"),
        x => format!("{x:.1} s"),
    }
}

/// A count, its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut rendered = String::with_capacity(digits.len() + digits.len() / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            rendered.push(',');
        }
        rendered.push(digit);
    }
    rendered
}

/// A part of a whole, in per cent; a small part is never rounded away, and almost all is never told as all.
pub(crate) fn part(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    if part == 0 {
        return "0 %".to_owned();
    }
    if part == whole {
        return "100 %".to_owned();
    }
    #[allow(clippy::cast_precision_loss, reason = "a ratio for reading")]
    let percent = part as f64 / whole as f64 * 100.0;
    match percent {
        x if x < 0.01 => "<0.01 %".to_owned(),
        x if x > 99.99 => ">99.99 %".to_owned(),
        x if !(0.95..=99.05).contains(&x) => format!("{x:.2} %"),
        x => format!("{x:.1} %"),
    }
}

/// `1 account`, `2 accounts`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Kept connections that the service closed, where there were any.
pub(crate) fn reconnects(generator: &Generator) -> Option<String> {
    let found = generator.reconnects.filter(|found| *found != Reconnects::default())?;
    Some(format!(
        "kept connections that the service had closed: {} opened anew before a request, {} repeated, {} left in doubt because the \
         request may have been done",
        count(found.reopened),
        counted(found.repeated, "reading request"),
        counted(found.in_doubt, "changing request"),
    ))
}

/// The endings of a funnel, in order, with their names. They add up to `offered`.
pub(crate) fn endings(funnel: &Funnel) -> [(&'static str, u64); 8] {
    [
        ("completed", funnel.completed),
        ("refused", funnel.refused),
        ("limited", funnel.limited),
        ("failed", funnel.failed),
        ("unanswered", funnel.unanswered),
        ("no code", funnel.no_code),
        ("abandoned", funnel.abandoned),
        ("interrupted", funnel.interrupted),
    ]
}

/// The funnel as a sum, and whether it is one.
pub(crate) fn funnel(funnel: &Funnel) -> String {
    let endings = endings(funnel);
    let sum: u64 = endings.iter().map(|(_, number)| number).sum();
    let rendered: Vec<String> = endings
        .iter()
        .filter(|(name, number)| *number > 0 || *name == "completed")
        .map(|(name, number)| format!("{} {name}", count(*number)))
        .collect();
    let sign = if sum == funnel.offered { "=" } else { "≠" };
    let wrong = if sum == funnel.offered {
        ""
    } else {
        " (the record does not add up)"
    };
    format!("{} offered {sign} {}{wrong}", count(funnel.offered), rendered.join(" + "))
}

/// Several funnels together.
pub(crate) fn sum<'a>(funnels: impl Iterator<Item = &'a Funnel>) -> Funnel {
    funnels.fold(Funnel::default(), |all, one| Funnel {
        offered: all.offered + one.offered,
        started: all.started + one.started,
        attempts: all.attempts + one.attempts,
        completed: all.completed + one.completed,
        refused: all.refused + one.refused,
        limited: all.limited + one.limited,
        failed: all.failed + one.failed,
        unanswered: all.unanswered + one.unanswered,
        no_code: all.no_code + one.no_code,
        abandoned: all.abandoned + one.abandoned,
        interrupted: all.interrupted + one.interrupted,
    })
}

/// A step.
pub(crate) fn step(step: Step) -> String {
    match step {
        Step::Flow => "whole flow".to_owned(),
        Step::Exchange(kind) => kind.name().replace('_', " "),
        Step::Delivery(Channel::Push) => "delivery by push".to_owned(),
        Step::Delivery(Channel::Email) => "delivery by email".to_owned(),
        Step::CodeAge => "age of the code when submitted".to_owned(),
    }
}

/// A flow.
pub(crate) fn flow(flow: Flow) -> &'static str {
    match flow {
        Flow::TrustedSignIn => "sign in, trusted",
        Flow::NewDevice => "new device",
        Flow::Resend => "resend",
        Flow::WrongThenRight => "wrong, then right",
        Flow::SubmitTwice => "submit twice",
        Flow::Refresh => "refresh",
        Flow::SignOut => "sign out",
        Flow::RemoveDevice => "remove a device",
        Flow::ChangePassword => "change password",
        Flow::StuffPasswords => "stuff passwords",
        Flow::GuessCodes => "guess codes",
        Flow::HammerResend => "hammer resend",
        Flow::Own => "own flow",
    }
}

/// What fails.
pub(crate) fn fault(fault: Fault) -> String {
    match fault {
        Fault::PushDown => "push down".to_owned(),
        Fault::PushLost => "push lost".to_owned(),
        Fault::PushSlowMs(by) => format!("push slow by {}", ms(by_ms(by))),
        Fault::EmailDown => "email down".to_owned(),
        Fault::EmailLateMs(by) => format!("email late by {}", ms(by_ms(by))),
    }
}

#[allow(clippy::cast_precision_loss, reason = "a delay for reading")]
fn by_ms(by: u64) -> f64 {
    by as f64
}

/// The verdict in one word, and in one sentence.
pub(crate) fn verdict(record: &Record) -> (&'static str, String) {
    let name = verdict_name(record.verdict);
    let failed = record.thresholds.iter().filter(|threshold| !threshold.passed).count();
    let breaches = record.safety.breaches.len();
    let thresholds = record.thresholds.len();
    match record.verdict {
        Verdict::Passed => {
            let passed = if thresholds == 0 {
                "nothing was promised".to_owned()
            } else {
                format!("all {thresholds} thresholds passed")
            };
            let safe = if record.safety.accounts == 0 {
                "no history was judged"
            } else {
                "no breach was found"
            };
            (name, format!("{passed}, and {safe}"))
        }
        Verdict::Failed => {
            let mut why = Vec::new();
            if failed > 0 {
                why.push(format!("{failed} of {thresholds} thresholds failed"));
            }
            if breaches > 0 {
                why.push(self::breaches(breaches));
            }
            (name, why.join(", "))
        }
        Verdict::TooLittle => (name, "too little happened to say anything about the service".to_owned()),
        Verdict::GeneratorLimited => (
            name,
            format!(
                "the generator was the limit, so this says nothing about the service: {}",
                record.generator.limits.join("; ")
            ),
        ),
    }
}

/// `1 breach of the security thresholds`.
pub(crate) fn breaches(number: usize) -> String {
    format!(
        "{number} {} of the security rules",
        if number == 1 { "breach" } else { "breaches" }
    )
}

/// The verdict in one word.
pub(crate) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::TooLittle => "too little",
        Verdict::GeneratorLimited => "generator-limited",
    }
}

/// How to repeat the storm, as a line for a shell: a name out of a record is one word there, whatever is in it.
pub(crate) fn repeat(record: &Record) -> String {
    let shard = record
        .shard
        .map_or_else(String::new, |shard| format!(" --shard {}/{}", shard.index, shard.of));
    let name = &record.scenario.name;
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let name = if !name.is_empty() && name.chars().all(bare) {
        name.clone()
    } else {
        quote(name)
    };
    format!("stepproof-load storm {name} --seed {}{shard}", record.seed)
}

/// `1 guess`, `2 guesses`.
pub(crate) fn counted_as(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { several })
}

/// A promised or found figure: as many digits as it has, three behind the point at the most.
pub(crate) fn figure(figure: f64) -> String {
    let rendered = format!("{figure:.3}");
    let rendered = rendered.trim_end_matches('0').trim_end_matches('.');
    if rendered == "0" && figure != 0.0 {
        format!("{figure:.1e}")
    } else {
        rendered.to_owned()
    }
}

/// Milliseconds on an axis: round ones.
pub(crate) fn ms_short(milliseconds: f64) -> String {
    match milliseconds {
        x if x >= 1000.0 => format!("{} s", figure(x / 1000.0)),
        x => format!("{} ms", figure(x)),
    }
}
