//! What the verdicts add up to, and whether enough was tested to say so.

use std::collections::BTreeMap;

use targets::OperationKind;

use super::describe::now;
use super::work::Done;
use super::{Config, Summary};
use crate::events::{Event, Judged, RunFinished, requirements_judged};
use crate::verdict::{Counts, exit_of};

/// The verdicts so far.
#[derive(Default)]
pub(super) struct Tally {
    counts: Counts,
    judged: Vec<Judged>,
    tried: BTreeMap<OperationKind, bool>,
}

impl Tally {
    /// Takes a check that ended, and tells it: first what stands behind the verdict.
    pub(super) fn add(&mut self, done: Done, tell: &mut impl FnMut(Event)) {
        for (operation, accepted) in done.tried {
            *self.tried.entry(operation).or_default() |= accepted;
        }
        done.evidence.into_iter().for_each(&mut *tell);
        self.verdict(done.judged, tell);
    }

    /// Takes a verdict and tells it.
    pub(super) fn verdict(&mut self, judged: Judged, tell: &mut impl FnMut(Event)) {
        self.counts.add(judged.verdict);
        tell(Event::Verdict(Box::new(judged.clone())));
        self.judged.push(judged);
    }

    pub(super) fn finish(self, config: &Config, interrupted: bool) -> Summary {
        let requirements_judged = requirements_judged(&self.judged).len();
        let gaps = self.gaps(config, requirements_judged);
        let exit = exit_of(self.counts, interrupted, !gaps.is_empty());
        let finished = RunFinished {
            at: now(),
            counts: self.counts,
            requirements_judged,
            gaps,
            exit: exit.code(),
            interrupted,
        };
        Summary {
            judged: self.judged,
            finished,
            exit,
        }
    }

    fn gaps(&self, config: &Config, requirements: usize) -> Vec<String> {
        let mut gaps = Vec::new();
        let least = config.min_judged.max(usize::from(!config.checks.is_empty()));
        if requirements < least {
            gaps.push(format!("{requirements} requirements were judged, {least} are asked for"));
        }
        let never = self.tried.iter().filter(|(_, accepted)| config.whole && !**accepted);
        gaps.extend(
            never.map(|(operation, _)| format!("{operation} was tried and never once succeeded, so refusing it shows nothing")),
        );
        gaps
    }
}
