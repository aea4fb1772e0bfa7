//! Which promise an answer breaks that no order explains, and its requirement.

use specs::machine::{Answer, Status};
use targets::Refusal;

use super::moves::{Course, Trouble};
use super::words::Finding;
use super::{Act, Happened, Presented, Seen};

impl Course<'_> {
    /// The trouble as a finding: everything that began before it was over is shown, as the order of all is what is wrong.
    pub(super) fn finding(&self, trouble: &Trouble) -> Finding {
        let happened = &self.history[trouble.place];
        let (promise, requirement) = self.blame(trouble, happened);
        let until_us = happened.done_us;
        let started = self
            .history
            .iter()
            .enumerate()
            .filter(|(_, other)| other.started_us <= until_us);
        let mut shown_by: Vec<usize> = started
            .map(|(place, _)| place)
            .filter(|place| *place != trouble.place)
            .collect();
        shown_by.push(trouble.place);
        Finding {
            promise,
            requirement,
            shown_by,
            because: format!(
                "in no order of these is the last answer right: it should have been \"{}\"",
                trouble.expected
            ),
        }
    }

    fn blame(&self, trouble: &Trouble, happened: &Happened) -> (&'static str, &'static str) {
        match happened.act {
            Act::SignIn { password: false, .. } => ("other", "SIGN-02"),
            Act::SignIn { app: false, .. } => ("other", "VER-01"),
            Act::SignIn { .. } if happened.seen == Seen::SignedIn => ("session-without-second-step", "SIGN-01"),
            // A challenge too many: too soon, or for want of room.
            Act::SignIn { .. } => ("other", if self.has_room(trouble) { "RSND-03" } else { "SIGN-06" }),
            Act::Verify { challenge, .. } if happened.seen == Seen::Refused(Refusal::Code) => {
                let spent = trouble
                    .before
                    .challenge(challenge)
                    .is_some_and(|known| known.status == Status::Exhausted || known.attempts >= self.limits.attempts);
                ("over-budget", if spent { "ATT-01" } else { locked(trouble) })
            }
            Act::Verify { challenge, code } => self.accepted(trouble, challenge, code),
            Act::Resend { .. } | Act::Switch { .. } if trouble.expected == Answer::Limited => ("other", "RSND-03"),
            Act::Resend { challenge } | Act::Switch { challenge } => match self.over(trouble, challenge) {
                // Guesses that are spent, and a new code to guess at.
                spent @ ("over-budget", _) => spent,
                (_, requirement) => ("other", requirement),
            },
            Act::Use | Act::Refresh => ("other", "SESS-06"),
            Act::SignOut => ("other", "SESS-04"),
            Act::Remove { .. } => ("other", "DEV-09"),
            Act::ChangePassword => ("other", "PWD-04"),
        }
    }

    fn has_room(&self, trouble: &Trouble) -> bool {
        let state = &trouble.before.state;
        let live = state.challenges.iter().filter(|known| {
            known.status == Status::Live && state.now < known.created_at.saturating_add(self.limits.challenge_max)
        });
        live.count() < self.limits.live as usize
    }

    fn accepted(&self, trouble: &Trouble, challenge: u32, code: Presented) -> (&'static str, &'static str) {
        let Some(known) = trouble.before.challenge(challenge) else {
            return ("session-without-second-step", "SIGN-03");
        };
        match code {
            Presented::Guess => ("session-without-second-step", "CODE-04"),
            Presented::Delivered { challenge: of, .. } if of != challenge => ("other", "BIND-02"),
            _ if known.status != Status::Live => self.over(trouble, challenge),
            Presented::Delivered { number, .. } if number < u32::from(known.newest) => ("other", "RSND-02"),
            _ if trouble.expected == Answer::Limited => ("over-budget", locked(trouble)),
            _ => self.over(trouble, challenge),
        }
    }

    /// A challenge that is over was used.
    fn over(&self, trouble: &Trouble, challenge: u32) -> (&'static str, &'static str) {
        let Some(known) = trouble.before.challenge(challenge) else {
            return ("other", "SIGN-03");
        };
        match known.status {
            Status::Verified => ("code-redeemed-twice", "LIFE-03"),
            Status::Exhausted => ("over-budget", "ATT-01"),
            Status::Voided => self.voided(challenge),
            Status::Live if trouble.before.state.now >= known.created_at.saturating_add(self.limits.challenge_max) => {
                ("other", "LIFE-02")
            }
            Status::Live if known.attempts >= self.limits.attempts => ("over-budget", "ATT-01"),
            Status::Live => ("other", "LIFE-01"),
        }
    }

    /// A pending challenge ends with its device's removal, or with a new password.
    fn voided(&self, challenge: u32) -> (&'static str, &'static str) {
        let opening = self.history.iter().find(|other| other.seen == Seen::Challenged(challenge));
        let removed = self.history.iter().any(|other| match other.act {
            Act::Remove { device } => {
                other.seen == Seen::Done && opening.is_some_and(|o| o.device == device && o.started_us <= other.done_us)
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

fn locked(trouble: &Trouble) -> &'static str {
    match trouble.before.state.accounts.first() {
        Some(account) if account.codes_off => "ATT-03",
        _ => "ATT-02",
    }
}
