//! The one word at the end.

use crate::record::{Attack, PartyRecord, Promise, Safety, Verdict};

/// What it all comes to. A generator that was the limit has nothing to say about the service, except that a breach of safety
/// was seen: what a service let happen it let happen, however it was asked.
pub fn verdict(
    parties: &[PartyRecord],
    promises: &[Promise],
    safety: &Safety,
    attack: Option<&Attack>,
    generator_limits: &[String],
) -> Verdict {
    let entered = attack.is_some_and(|attack| attack.accounts_entered > 0);
    let attempts: u64 = parties.iter().map(|party| party.funnel.attempts).sum();
    if !safety.breaches.is_empty() || entered {
        Verdict::Broken
    } else if !generator_limits.is_empty() {
        Verdict::GeneratorLimited
    } else if attempts == 0 || promises.is_empty() || safety.accounts == 0 {
        Verdict::TooLittle
    } else if promises.iter().all(|promise| promise.kept) {
        Verdict::Held
    } else {
        Verdict::Broken
    }
}
