//! Figures and names as people read them, the same in every report.

use targets::Channel;
use targets::curl::quote;

use crate::measure::Step;
use crate::plan::scenario::{Fault, Journey};
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
    let mut told = String::with_capacity(digits.len() + digits.len() / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told
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
    let told: Vec<String> = endings
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
    format!("{} offered {sign} {}{wrong}", count(funnel.offered), told.join(" + "))
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
        Step::Journey => "whole journey".to_owned(),
        Step::Exchange(kind) => kind.name().replace('_', " "),
        Step::Delivery(Channel::Push) => "delivery by push".to_owned(),
        Step::Delivery(Channel::Email) => "delivery by email".to_owned(),
        Step::CodeAge => "age of the code when submitted".to_owned(),
    }
}

/// A journey.
pub(crate) fn journey(journey: Journey) -> &'static str {
    match journey {
        Journey::TrustedSignIn => "sign in, trusted",
        Journey::NewDevice => "new device",
        Journey::Resend => "resend",
        Journey::WrongThenRight => "wrong, then right",
        Journey::SubmitTwice => "submit twice",
        Journey::Refresh => "refresh",
        Journey::SignOut => "sign out",
        Journey::RemoveDevice => "remove a device",
        Journey::ChangePassword => "change password",
        Journey::StuffPasswords => "stuff passwords",
        Journey::GuessCodes => "guess codes",
        Journey::HammerResend => "hammer resend",
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
    let broken = record.promises.iter().filter(|promise| !promise.kept).count();
    let breaches = record.safety.breaches.len();
    let promises = record.promises.len();
    match record.verdict {
        Verdict::Held => {
            let kept = if promises == 0 {
                "nothing was promised".to_owned()
            } else {
                format!("all {promises} promises were kept")
            };
            let safe = if record.safety.accounts == 0 {
                "no history was judged"
            } else {
                "no breach was found"
            };
            (name, format!("{kept}, and {safe}"))
        }
        Verdict::Broken => {
            let mut why = Vec::new();
            if broken > 0 {
                why.push(format!("{broken} of {promises} promises broken"));
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

/// `1 breach of the security promises`.
pub(crate) fn breaches(number: usize) -> String {
    format!(
        "{number} {} of the security promises",
        if number == 1 { "breach" } else { "breaches" }
    )
}

/// The verdict in one word.
pub(crate) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Broken => "broken",
        Verdict::TooLittle => "too little",
        Verdict::GeneratorLimited => "generator-limited",
    }
}

/// How to repeat the storm, as a line for a shell: a name out of a record is one word there, whatever is in it.
pub(crate) fn repeat(record: &Record) -> String {
    let slice = record
        .slice
        .map_or_else(String::new, |slice| format!(" --slice {}/{}", slice.index, slice.of));
    let name = &record.scenario.name;
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let name = if !name.is_empty() && name.chars().all(bare) {
        name.clone()
    } else {
        quote(name)
    };
    format!("stepproof-load storm {name} --seed {}{slice}", record.seed)
}

/// `1 guess`, `2 guesses`.
pub(crate) fn counted_as(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { several })
}

/// A promised or found figure: as many digits as it has, three behind the point at the most.
pub(crate) fn figure(figure: f64) -> String {
    let told = format!("{figure:.3}");
    let told = told.trim_end_matches('0').trim_end_matches('.');
    if told == "0" && figure != 0.0 {
        format!("{figure:.1e}")
    } else {
        told.to_owned()
    }
}

/// Milliseconds on an axis: round ones.
pub(crate) fn ms_short(milliseconds: f64) -> String {
    match milliseconds {
        x if x >= 1000.0 => format!("{} s", figure(x / 1000.0)),
        x => format!("{} ms", figure(x)),
    }
}
