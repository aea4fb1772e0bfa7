//! Verdicts, what stands behind them, and what a whole run comes to.

use serde::{Deserialize, Serialize};

/// What is said about one check. Outcomes that differ have different names.
///
/// In the order of loudness: what is loudest about many checks is what is said about them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Judged, with evidence.
    Passed,
    /// The target does not offer what the requirement speaks about.
    NotApplicable,
    /// A prerequisite is missing.
    #[default]
    NotTested,
    /// The uncertainty was larger than the effect.
    Inconclusive,
    /// A SHOULD is broken.
    Warned,
    /// A MUST is broken.
    Failed,
    /// The harness itself went wrong, or the target went away.
    HarnessError,
}

impl Verdict {
    /// All verdicts, the loudest last.
    pub const ALL: [Verdict; 7] = [
        Verdict::Passed,
        Verdict::NotApplicable,
        Verdict::NotTested,
        Verdict::Inconclusive,
        Verdict::Warned,
        Verdict::Failed,
        Verdict::HarnessError,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Warned => "warned",
            Verdict::Inconclusive => "inconclusive",
            Verdict::NotTested => "not-tested",
            Verdict::NotApplicable => "not-applicable",
            Verdict::HarnessError => "harness-error",
        }
    }

    /// Whether the requirement was really judged.
    pub fn judged(self) -> bool {
        matches!(self, Verdict::Passed | Verdict::Failed | Verdict::Warned)
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub warned: usize,
    pub inconclusive: usize,
    pub not_tested: usize,
    pub not_applicable: usize,
    pub harness_error: usize,
}

impl Counts {
    pub fn add(&mut self, verdict: Verdict) {
        *self.of_mut(verdict) += 1;
    }

    pub fn of(mut self, verdict: Verdict) -> usize {
        *self.of_mut(verdict)
    }

    fn of_mut(&mut self, verdict: Verdict) -> &mut usize {
        match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Failed => &mut self.failed,
            Verdict::Warned => &mut self.warned,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::NotTested => &mut self.not_tested,
            Verdict::NotApplicable => &mut self.not_applicable,
            Verdict::HarnessError => &mut self.harness_error,
        }
    }
}

/// What a process says with its exit code, the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Exit {
    /// It conforms.
    Conforms = 0,
    /// It does not.
    DoesNotConform = 1,
    /// The call, a configuration or a binding is wrong.
    Usage = 2,
    /// The target could not be reached, or the harness failed, or the run was interrupted.
    Unreachable = 3,
    /// Too little was tested to say.
    TooLittle = 4,
    /// The generator, not the target, was the limit.
    GeneratorLimited = 5,
}

impl Exit {
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// What a run comes to. A breach that was shown stands whatever else went wrong; a run cut short shows nothing more.
pub fn exit_of(counts: Counts, interrupted: bool, too_little: bool) -> Exit {
    if interrupted {
        Exit::Unreachable
    } else if counts.failed > 0 {
        Exit::DoesNotConform
    } else if counts.harness_error > 0 {
        Exit::Unreachable
    } else if too_little || counts.passed + counts.warned == 0 {
        Exit::TooLittle
    } else {
        Exit::Conforms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(verdicts: &[Verdict]) -> Counts {
        let mut counts = Counts::default();
        verdicts.iter().for_each(|verdict| counts.add(*verdict));
        counts
    }

    #[test]
    fn no_green_for_nothing() {
        assert_eq!(exit_of(counts(&[]), false, false), Exit::TooLittle);
        assert_eq!(
            exit_of(counts(&[Verdict::NotApplicable, Verdict::NotTested]), false, false),
            Exit::TooLittle
        );
        assert_eq!(exit_of(counts(&[Verdict::Passed]), false, true), Exit::TooLittle);
        assert_eq!(exit_of(counts(&[Verdict::Passed]), true, false), Exit::Unreachable);
        assert_eq!(
            exit_of(counts(&[Verdict::Passed, Verdict::HarnessError]), false, false),
            Exit::Unreachable
        );
        assert_eq!(
            exit_of(counts(&[Verdict::Failed, Verdict::HarnessError]), false, false),
            Exit::DoesNotConform
        );
        assert_eq!(
            exit_of(counts(&[Verdict::Passed, Verdict::Warned]), false, false),
            Exit::Conforms
        );
    }
}
