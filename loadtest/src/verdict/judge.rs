//! The one word at the end.

use crate::record::{Attack, ClassRecord, Safety, Threshold, Verdict};

/// What it all comes to. A generator that was the limit has nothing to say about the service, except that a breach of safety
/// was seen: what a service let happen it let happen, however it was asked.
pub fn verdict(
    classes: &[ClassRecord],
    thresholds: &[Threshold],
    safety: &Safety,
    attack: Option<&Attack>,
    generator_limits: &[String],
) -> Verdict {
    let entered = attack.is_some_and(|attack| attack.accounts_entered > 0);
    let attempts: u64 = classes.iter().map(|class| class.funnel.attempts).sum();
    if !safety.breaches.is_empty() || entered {
        Verdict::Failed
    } else if !generator_limits.is_empty() {
        Verdict::GeneratorLimited
    } else if attempts == 0 || thresholds.is_empty() || safety.accounts == 0 {
        Verdict::TooLittle
    } else if thresholds.iter().all(|threshold| threshold.passed) {
        Verdict::Passed
    } else {
        Verdict::Failed
    }
}
