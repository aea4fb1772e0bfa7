//! What happened, in words: operation by operation, with times and without a secret.

use targets::Refusal;

use super::{Call, CodeUsed, Operation, Response};
use crate::record::Breach;

/// Lines that a breach is told in at most; what is left out is told as a number.
const LINES: usize = 40;

/// What is broken, before it is told whose and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The rule, as in [`Breach::rule`].
    pub(super) rule: &'static str,
    pub(super) requirement: &'static str,
    /// The operations that show it, by their place in the history, rising.
    pub(super) shown_by: Vec<usize>,
    pub(super) because: String,
}

impl Finding {
    /// The breach of this account. Operations that show nothing are left out.
    pub(super) fn to_text(&self, account: u64, history: &[Operation]) -> Breach {
        let left_out = self.shown_by.len().saturating_sub(LINES);
        let mut steps = Vec::new();
        if left_out > 0 {
            steps.push(format!("… {left_out} operations before"));
        }
        let shown = self.shown_by.iter().skip(left_out).filter_map(|place| history.get(*place));
        steps.extend(shown.map(line));
        steps.push(self.because.clone());
        Breach {
            rule: self.rule.to_owned(),
            requirement: self.requirement.to_owned(),
            account,
            steps,
        }
    }

    /// The breach without its story.
    pub(super) fn named(&self, account: u64) -> Breach {
        Breach {
            rule: self.rule.to_owned(),
            requirement: self.requirement.to_owned(),
            account,
            steps: vec![self.because.clone()],
        }
    }
}

fn line(operation: &Operation) -> String {
    let took = operation.returned_us.saturating_sub(operation.invoked_us) as f64 / 1000.0;
    let start = operation.invoked_us as f64 / 1_000_000.0;
    let (device, done, answer) = (operation.device, call(operation.call), answer(operation.response));
    format!("at {start:.3} s, device {device} {done} → {answer} (after {took:.1} ms)")
}

fn call(call: Call) -> String {
    match call {
        Call::SignIn { password, app } => {
            let password = if password { "the right password" } else { "a wrong password" };
            let app = if app { "" } else { " on an old app" };
            format!("signs in with {password}{app}")
        }
        Call::Verify { challenge, code } => match code {
            CodeUsed::Guess => format!("guesses at the code of challenge {challenge}"),
            CodeUsed::Delivered {
                challenge: other,
                number,
            } if other == challenge => {
                format!("submits the code of message {number} for its challenge {challenge}")
            }
            CodeUsed::Delivered {
                challenge: other,
                number,
            } => format!("submits the code of message {number} of challenge {other} for challenge {challenge}"),
        },
        Call::Resend { challenge } => format!("asks for the code of challenge {challenge} again"),
        Call::Switch { challenge } => format!("asks for the code of challenge {challenge} by email"),
        Call::Use => "uses its session".to_owned(),
        Call::Refresh => "renews its session".to_owned(),
        Call::SignOut => "signs out".to_owned(),
        Call::Remove { device } => format!("removes device {device}"),
        Call::ChangePassword => "changes the password".to_owned(),
    }
}

fn answer(response: Response) -> String {
    match response {
        Response::SignedIn => "signed in".to_owned(),
        Response::Challenged(challenge) => format!("challenge {challenge}: a code is asked for"),
        Response::Done => "done".to_owned(),
        Response::Refused(Refusal::Code) => "the code was judged, and is wrong".to_owned(),
        Response::Refused(reason) => format!("refused ({})", reason_in_words(reason)),
        Response::Limited => "refused for now".to_owned(),
        Response::Unknown => "no answer: done or not".to_owned(),
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
