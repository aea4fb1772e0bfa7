//! The histories of a storm, judged account by account.
//!
//! **What is judged** is safety: what the service granted and the machine refuses. A refusal where the machine would grant is a
//! matter of availability; it is told by the funnel and the rules, and changes nothing here. The exception are guesses: one
//! that the service judged (it answered that the code is wrong) counts, and is a breach where no guess was left.
//!
//! **Order.** An operation that was answered before another began comes first. Overlapping ones are put into every order until
//! one explains all answers (see [`super::search`]). What has no answer may have been done at any moment after its start, or
//! never; it is used only where it explains an answer, and never blamed. Where the search has to give up, the account is
//! counted as unjudged.
//!
//! **Time.** The machine counts whole seconds. An operation happens, for it, at the earliest moment its place in the order
//! allows: the latest start among it and those before it. Where an answer hangs on a limit of time (a cool-down, a code's or a
//! session's life, the end of a lock or of a window), the service has the benefit of the doubt: the limit is moved in its favour
//! by the duration of the operation, by the longest duration among the account's earlier ones (one of which set the clock in
//! question), by a second, and by one more for the rounding. See [`super::moves`].
//!
//! **Permitted behaviours.** What the specification leaves open is read as the last account was that needed another one, then in all
//! other ways; one reading has to explain the whole history of an account.

use std::collections::BTreeMap;

use specs::Parameters;
use specs::machine::{Limits, PermittedBehaviour};

use super::moves::ReducedHistory;
use super::search::{Linearizability, search};
use super::words::Finding;
use super::{Operation, Response, direct};
use crate::record::{Breach, Safety};

/// Breaches of one rule that are told operation by operation; further ones are named only.
const MAX_EXPLAINED: usize = 200;

/// What an account was before the storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Its device 0 is trusted, and may hold a session.
    pub trusted_device: bool,
    pub two_step: bool,
    /// Some of its messages may not have reached the sink: a message's number there may then be smaller than that of its code,
    /// and an older code is told from the present one only where a newer one had been seen.
    pub messages_lost: bool,
    /// A provider failed at times. A message that a provider refused begins no cool-down, and the history does not tell which
    /// ones those were: the cool-down is not judged then.
    pub providers_failed: bool,
}

impl Default for Prepared {
    /// Two-step verification is on, nothing is trusted, and the sink sees every message.
    fn default() -> Self {
        Self {
            trusted_device: false,
            two_step: true,
            messages_lost: false,
            providers_failed: false,
        }
    }
}

/// What the service declared.
#[derive(Clone, Debug)]
pub(super) struct DeclaredLimits {
    pub(super) limits: Limits,
    /// Microseconds until a removal holds everywhere.
    pub(super) revoke_bound_us: u64,
}

impl From<&Parameters> for DeclaredLimits {
    fn from(parameters: &Parameters) -> Self {
        Self {
            limits: Limits::from(parameters),
            revoke_bound_us: parameters.revoke_bound_ms.saturating_mul(1000),
        }
    }
}

/// Judges histories: each is everything that happened to one account, whose number stands before it.
pub fn judge(
    histories: impl Iterator<Item = (u64, Vec<Operation>)>,
    parameters: &Parameters,
    prepared: &dyn Fn(u64) -> Prepared,
) -> Safety {
    let mut judge = Judge {
        declared: DeclaredLimits::from(parameters),
        without_cooldown: DeclaredLimits::from(&Parameters {
            resend_cooldown_s: 0,
            ..parameters.clone()
        }),
        // Those that differ only in what no operation of a storm touches are one.
        readings: PermittedBehaviour::all().filter(|reading| !reading.spares_acting).collect(),
        explained: BTreeMap::new(),
        safety: Safety::default(),
    };
    for (account, mut history) in histories {
        history.sort_by_key(|operation| operation.invoked_us);
        judge.account(account, &history, &prepared(account));
    }
    judge.safety
}

struct Judge {
    declared: DeclaredLimits,
    without_cooldown: DeclaredLimits,
    /// The one that explained the last history first.
    readings: Vec<PermittedBehaviour>,
    explained: BTreeMap<&'static str, usize>,
    safety: Safety,
}

impl Judge {
    fn account(&mut self, account: u64, history: &[Operation], prepared: &Prepared) {
        self.safety.operations += history.len() as u64;
        let unknown = history.iter().filter(|operation| operation.response == Response::Unknown);
        self.safety.indeterminate += unknown.count() as u64;
        // What shows by itself needs no machine, and the machine would only say it again.
        let direct = direct::find(history, &self.declared, prepared);
        if !direct.is_empty() {
            self.safety.accounts += 1;
            for finding in &direct {
                let breach = self.breach(account, history, finding);
                self.safety.breaches.push(breach);
            }
            return;
        }
        match self.replay(history, prepared) {
            Ok(found) => {
                self.safety.accounts += 1;
                if let Some(finding) = found {
                    let breach = self.breach(account, history, &finding);
                    self.safety.breaches.push(breach);
                }
            }
            Err(Unknown) => self.safety.unjudged += 1,
        }
    }

    /// What no reading explains; `None` when one explains everything.
    fn replay(&mut self, history: &[Operation], prepared: &Prepared) -> Result<Option<Finding>, Unknown> {
        let declared = match prepared.providers_failed {
            true => &self.without_cooldown,
            false => &self.declared,
        };
        let Some(reduced) = ReducedHistory::new(history, declared, prepared) else {
            return Err(Unknown);
        };
        let mut counterexample = None;
        let mut gave_up = 0;
        for place in 0..self.readings.len() {
            match search(&reduced, &self.readings[place]) {
                Linearizability::Linearizable => {
                    self.readings.swap(0, place);
                    return Ok(None);
                }
                Linearizability::Unknown if gave_up == 1 => return Err(Unknown),
                Linearizability::Unknown => gave_up += 1,
                Linearizability::NotLinearizable(of_this_reading) => {
                    counterexample.get_or_insert(of_this_reading);
                }
            }
        }
        match counterexample {
            Some(counterexample) if gave_up == 0 => Ok(Some(reduced.finding(&counterexample))),
            _ => Err(Unknown),
        }
    }

    fn breach(&mut self, account: u64, history: &[Operation], finding: &Finding) -> Breach {
        let explained = self.explained.entry(finding.rule).or_default();
        *explained += 1;
        if *explained <= MAX_EXPLAINED {
            finding.to_text(account, history)
        } else {
            finding.named(account)
        }
    }
}

/// The search for an order took too long, or the account outgrew the machine.
struct Unknown;
