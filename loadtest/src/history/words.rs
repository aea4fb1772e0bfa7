//! What happened, in words: operation by operation, with times and without a secret.

use targets::Refusal;

use super::{Act, Happened, Presented, Seen};
use crate::record::Breach;

/// Lines that a breach is told in at most; what is left out is told as a number.
const LINES: usize = 40;

/// What is broken, before it is told whose and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The promise, as in [`Breach::promise`].
    pub(super) promise: &'static str,
    /// The requirement.
    pub(super) requirement: &'static str,
    /// The operations that show it, by their place in the history, rising.
    pub(super) shown_by: Vec<usize>,
    /// Why they do.
    pub(super) because: String,
}

impl Finding {
    /// The breach of this account. Operations that show nothing are left out.
    pub(super) fn told(&self, account: u64, history: &[Happened]) -> Breach {
        let left_out = self.shown_by.len().saturating_sub(LINES);
        let mut told = Vec::new();
        if left_out > 0 {
            told.push(format!("… {left_out} operations before"));
        }
        let shown = self.shown_by.iter().skip(left_out).filter_map(|place| history.get(*place));
        told.extend(shown.map(line));
        told.push(self.because.clone());
        Breach {
            promise: self.promise.to_owned(),
            requirement: self.requirement.to_owned(),
            account,
            told,
        }
    }

    /// The breach without its story.
    pub(super) fn named(&self, account: u64) -> Breach {
        Breach {
            promise: self.promise.to_owned(),
            requirement: self.requirement.to_owned(),
            account,
            told: vec![self.because.clone()],
        }
    }
}

fn line(happened: &Happened) -> String {
    let took = happened.done_us.saturating_sub(happened.started_us) as f64 / 1000.0;
    let start = happened.started_us as f64 / 1_000_000.0;
    let (device, done, answer) = (happened.device, act(happened.act), answer(happened.seen));
    format!("at {start:.3} s, device {device} {done} → {answer} (after {took:.1} ms)")
}

fn act(act: Act) -> String {
    match act {
        Act::SignIn { password, app } => {
            let password = if password { "the right password" } else { "a wrong password" };
            let app = if app { "" } else { " on an old app" };
            format!("signs in with {password}{app}")
        }
        Act::Verify { challenge, code } => match code {
            Presented::Guess => format!("guesses at the code of challenge {challenge}"),
            Presented::Delivered {
                challenge: other,
                number,
            } if other == challenge => {
                format!("submits the code of message {number} for its challenge {challenge}")
            }
            Presented::Delivered {
                challenge: other,
                number,
            } => format!("submits the code of message {number} of challenge {other} for challenge {challenge}"),
        },
        Act::Resend { challenge } => format!("asks for the code of challenge {challenge} again"),
        Act::Switch { challenge } => format!("asks for the code of challenge {challenge} by email"),
        Act::Use => "uses its session".to_owned(),
        Act::Refresh => "renews its session".to_owned(),
        Act::SignOut => "signs out".to_owned(),
        Act::Remove { device } => format!("removes device {device}"),
        Act::ChangePassword => "changes the password".to_owned(),
    }
}

fn answer(seen: Seen) -> String {
    match seen {
        Seen::SignedIn => "signed in".to_owned(),
        Seen::Challenged(challenge) => format!("challenge {challenge}: a code is asked for"),
        Seen::Done => "done".to_owned(),
        Seen::Refused(Refusal::Code) => "the code was judged, and is wrong".to_owned(),
        Seen::Refused(reason) => format!("refused ({})", reason_in_words(reason)),
        Seen::Limited => "refused for now".to_owned(),
        Seen::Unknown => "no answer: done or not".to_owned(),
    }
}

fn reason_in_words(reason: Refusal) -> &'static str {
    match reason {
        Refusal::Credentials => "identifier or password",
        Refusal::UpdateRequired => "the app is too old",
        Refusal::Code => "the code is wrong",
        Refusal::Challenge => "no live challenge",
        Refusal::Session => "no live session",
        Refusal::Invalid => "malformed",
        Refusal::Reauthentication => "the password is needed again",
        Refusal::NotFound => "not found",
        Refusal::Unspecified => "no reason known",
    }
}
