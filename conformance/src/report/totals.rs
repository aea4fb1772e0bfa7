//! What a run comes to, counted from its verdicts; and where its record contradicts itself.

use std::collections::{BTreeMap, BTreeSet};

use super::record::Record;
use crate::events::{RunFinished, requirements_judged};
use crate::verdict::{Counts, Exit, Verdict, exit_of};

/// What the verdicts of a record come to.
#[derive(Clone, Debug)]
pub struct Totals {
    /// How often each verdict was given.
    pub counts: Counts,
    /// Requirements that were really judged.
    pub requirements_judged: usize,
    /// What the whole run comes to.
    pub exit: Exit,
}

impl Record {
    /// Counts. The record's last line counted too, while the run was under way, and is not believed.
    pub fn totals(&self) -> Totals {
        let mut counts = Counts::default();
        self.judged.iter().for_each(|judged| counts.add(judged.verdict));
        let gaps = self.finished.as_ref().is_some_and(|finished| !finished.gaps.is_empty());
        Totals {
            counts,
            requirements_judged: requirements_judged(&self.judged).len(),
            exit: exit_of(counts, self.interrupted(), gaps),
        }
    }

    /// The end of the run with what was counted in place of what it says.
    pub fn end(&self) -> Option<RunFinished> {
        let totals = self.totals();
        self.finished.clone().map(|finished| RunFinished {
            counts: totals.counts,
            requirements_judged: totals.requirements_judged,
            exit: totals.exit.code(),
            ..finished
        })
    }

    /// Where the record contradicts itself, in sentences. One that does was not written by one run, or was changed since.
    pub fn contradictions(&self) -> Vec<String> {
        let mut found = self.disordered.clone();
        let mut verdicts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for judged in &self.judged {
            *verdicts.entry((&judged.check, &judged.requirement)).or_default() += 1;
        }
        for ((check, requirement), count) in verdicts.iter().filter(|(_, count)| **count > 1) {
            found.push(format!("{check} has {count} verdicts about {requirement}"));
        }
        for judged in &self.judged {
            // Declared parameters are judged without a check that begins.
            let checked = specs::catalogue::requirement(&judged.requirement).is_some();
            if checked && judged.verdict.judged() && !self.titles.contains_key(&judged.check) {
                found.push(format!("{} was judged and never began", judged.check));
            }
        }
        if let Some(finished) = &self.finished {
            self.against(finished, &mut found);
        }
        found
    }

    fn against(&self, finished: &RunFinished, found: &mut Vec<String>) {
        let totals = self.totals();
        for verdict in Verdict::ALL {
            let (said, counted) = (finished.counts.of(verdict), totals.counts.of(verdict));
            if said != counted {
                found.push(format!("its last line counts {said} {verdict}, its verdicts are {counted}"));
            }
        }
        if finished.requirements_judged != totals.requirements_judged {
            found.push(format!(
                "its last line says that {} requirements were judged, and {} were",
                finished.requirements_judged, totals.requirements_judged
            ));
        }
        if finished.exit != totals.exit.code() {
            found.push(format!(
                "its last line says exit code {}, its verdicts come to {}",
                finished.exit,
                totals.exit.code()
            ));
        }
        let ended: BTreeSet<&String> = self.judged.iter().map(|judged| &judged.check).collect();
        let open = self
            .titles
            .keys()
            .filter(|check| !finished.interrupted && !ended.contains(check));
        for check in open {
            found.push(format!("{check} began and has no verdict, in a run that was not interrupted"));
        }
    }
}
