//! The histories on the abstract machine.

use specs::Parameters;

use super::Happened;
use crate::record::Safety;

/// What an account was before the storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Its device 0 is trusted.
    pub trusted_device: bool,
    /// Two-step verification is on.
    pub two_step: bool,
    /// Some of its messages may not have reached the sink: a message's number there is then not the number of its code.
    pub messages_lost: bool,
}

impl Default for Prepared {
    /// Two-step verification is on, nothing is trusted, and the sink sees every message.
    fn default() -> Self {
        Self {
            trusted_device: false,
            two_step: true,
            messages_lost: false,
        }
    }
}

/// Judges histories.
pub fn judge(
    histories: impl Iterator<Item = (u64, Vec<Happened>)>,
    _parameters: &Parameters,
    _prepared: &dyn Fn(u64) -> Prepared,
) -> Safety {
    let mut safety = Safety::default();
    for (_, history) in histories {
        safety.operations += history.len() as u64;
        safety.unjudged += 1;
    }
    safety
}
