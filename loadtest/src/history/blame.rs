//! Which rule an answer breaks that no order explains, and its requirement.

use specs::machine::{Answer, Status};
use targets::Refusal;

use super::moves::{Counterexample, ReducedHistory};
use super::words::Finding;
use super::{Call, CodeUsed, Operation, Response};

impl ReducedHistory<'_> {
    /// The trouble as a finding: everything that began before it was over is shown, as the order of all is what is wrong.
    pub(super) fn finding(&self, counterexample: &Counterexample) -> Finding {
        let operation = &self.history[counterexample.place];
        let (rule, requirement) = self.blame(counterexample, operation);
        let until_us = operation.returned_us;
        let started = self
            .history
            .iter()
            .enumerate()
            .filter(|(_, other)| other.invoked_us <= until_us);
        let mut shown_by: Vec<usize> = started
            .map(|(place, _)| place)
            .filter(|place| *place != counterexample.place)
            .collect();
        shown_by.push(counterexample.place);
        Finding {
            rule,
            requirement,
            shown_by,
            because: format!(
                "in no order of these is the last answer right: it should have been \"{}\"",
                counterexample.expected
            ),
        }
    }

    fn blame(&self, counterexample: &Counterexample, operation: &Operation) -> (&'static str, &'static str) {
        match operation.call {
            Call::SignIn { password: false, .. } => ("other", "SIGN-02"),
            Call::SignIn { app: false, .. } => ("other", "VER-01"),
            Call::SignIn { .. } if operation.response == Response::SignedIn => ("session-without-second-step", "SIGN-01"),
            // A challenge too many: too soon, or for want of room.
            Call::SignIn { .. } => ("other", if self.has_room(counterexample) { "RSND-03" } else { "SIGN-06" }),
            Call::Verify { challenge, .. } if operation.response == Response::Refused(Refusal::Code) => {
                let spent = counterexample
                    .before
                    .challenge(challenge)
                    .is_some_and(|known| known.status == Status::Exhausted || known.attempts >= self.limits.attempts);
                ("over-budget", if spent { "ATT-01" } else { locked(counterexample) })
            }
            Call::Verify { challenge, code } => self.accepted(counterexample, challenge, code),
            Call::Resend { .. } | Call::Switch { .. } if counterexample.expected == Answer::Limited => ("other", "RSND-03"),
            Call::Resend { challenge } | Call::Switch { challenge } => match self.over(counterexample, challenge) {
                // Guesses that are spent, and a new code to guess at.
                spent @ ("over-budget", _) => spent,
                (_, requirement) => ("other", requirement),
            },
            Call::Use | Call::Refresh => ("other", "SESS-06"),
            Call::SignOut => ("other", "SESS-04"),
            Call::Remove { .. } => ("other", "DEV-09"),
            Call::ChangePassword => ("other", "PWD-04"),
        }
    }

    fn has_room(&self, counterexample: &Counterexample) -> bool {
        let state = &counterexample.before.state;
        let live = state.challenges.iter().filter(|known| {
            known.status == Status::Live && state.now < known.created_at.saturating_add(self.limits.challenge_max)
        });
        live.count() < self.limits.live as usize
    }

    fn accepted(&self, counterexample: &Counterexample, challenge: u32, code: CodeUsed) -> (&'static str, &'static str) {
        let Some(known) = counterexample.before.challenge(challenge) else {
            return ("session-without-second-step", "SIGN-03");
        };
        match code {
            CodeUsed::Guess => ("session-without-second-step", "CODE-04"),
            CodeUsed::Delivered { challenge: of, .. } if of != challenge => ("other", "BIND-02"),
            _ if known.status != Status::Live => self.over(counterexample, challenge),
            CodeUsed::Delivered { number, .. } if number < u32::from(known.newest) => ("other", "RSND-02"),
            _ if counterexample.expected == Answer::Limited => ("over-budget", locked(counterexample)),
            _ => self.over(counterexample, challenge),
        }
    }

    /// A challenge that is over was used.
    fn over(&self, counterexample: &Counterexample, challenge: u32) -> (&'static str, &'static str) {
        let Some(known) = counterexample.before.challenge(challenge) else {
            return ("other", "SIGN-03");
        };
        match known.status {
            Status::Verified => ("code-redeemed-twice", "LIFE-03"),
            Status::Exhausted => ("over-budget", "ATT-01"),
            Status::Voided => self.voided(challenge),
            Status::Live if counterexample.before.state.now >= known.created_at.saturating_add(self.limits.challenge_max) => {
                ("other", "LIFE-02")
            }
            Status::Live if known.attempts >= self.limits.attempts => ("over-budget", "ATT-01"),
            Status::Live => ("other", "LIFE-01"),
        }
    }

    /// A pending challenge ends with its device's removal, or with a new password.
    fn voided(&self, challenge: u32) -> (&'static str, &'static str) {
        let opening = self
            .history
            .iter()
            .find(|other| other.response == Response::Challenged(challenge));
        let removed = self.history.iter().any(|other| match other.call {
            Call::Remove { device } => {
                other.response == Response::Done
                    && opening.is_some_and(|o| o.device == device && o.invoked_us <= other.returned_us)
            }
            _ => false,
        });
        if removed {
            ("session-after-removal", "DEV-10")
        } else {
            ("session-after-password-change", "LIFE-05")
        }
    }
}

fn locked(counterexample: &Counterexample) -> &'static str {
    match counterexample.before.state.accounts.first() {
        Some(account) if account.codes_off => "ATT-03",
        _ => "ATT-02",
    }
}
