//! Which runs are paired, which figures are compared, and what their differences show.

use std::collections::BTreeMap;

use super::seconds::{FIGURES, drawn_again};
use super::statistics::{middle, paired};
use super::{CannotCompare, Comparison, Difference, LeftOut, Method, Outcome};
use crate::plan::scenario::Scenario;
use crate::record::{PartyRecord, Record, Verdict};

/// How sure each figure's interval is.
const CONFIDENCE: f64 = 0.95;

type Pair<'a> = (&'a Record, &'a Record);

pub(super) fn compare(a: &[Record], b: &[Record]) -> Result<Comparison, CannotCompare> {
    same_storm(a, b)?;
    let mut left_out = Vec::new();
    let (of_a, of_b) = (by_seed('A', a, &mut left_out)?, by_seed('B', b, &mut left_out)?);
    let pairs: Vec<Pair<'_>> = of_a.iter().filter_map(|(seed, a)| of_b.get(seed).map(|b| (*a, *b))).collect();
    for (side, ours, theirs) in [('A', &of_a, &of_b), ('B', &of_b, &of_a)] {
        let alone = ours.keys().filter(|seed| !theirs.contains_key(*seed));
        left_out.extend(alone.map(|seed| LeftOut {
            side,
            seed: *seed,
            why: "no run of the other side has this seed".to_owned(),
        }));
    }
    if pairs.is_empty() {
        let seeds = |side: &BTreeMap<u64, &Record>| {
            let seeds: Vec<String> = side.keys().map(u64::to_string).collect();
            if seeds.is_empty() {
                "none".to_owned()
            } else {
                seeds.join(", ")
            }
        };
        let told: Vec<String> = left_out
            .iter()
            .map(|run| format!("{} seed {}: {}", run.side, run.seed, run.why))
            .collect();
        return Err(CannotCompare::NoPairs {
            a: seeds(&of_a),
            b: seeds(&of_b),
            left_out: if told.is_empty() {
                String::new()
            } else {
                format!("; left out: {}", told.join("; "))
            },
        });
    }
    let method = if pairs.len() >= 2 {
        Method::PairedT
    } else {
        Method::BootstrapOverSeconds
    };
    let mut comparison = Comparison {
        storm: pairs[0].0.scenario.name.clone(),
        seeds: pairs.iter().map(|(a, _)| a.seed).collect(),
        left_out,
        method,
        differences: Vec::new(),
        verdict: Outcome::NoDifferenceShown,
        because: Vec::new(),
    };
    let measured = measured(&pairs);
    // Of twenty figures that do not differ, one is outside its own 95 % interval. The verdict as a whole is as sure as that: each of
    // the figures has to clear its part of the doubt (Bonferroni).
    #[allow(clippy::cast_precision_loss, reason = "a few figures")]
    let strict = 1.0 - (1.0 - CONFIDENCE) / measured.iter().filter(|figure| figure.judged()).count().max(1) as f64;
    let mut shown = Vec::new();
    for figure in measured {
        let outcome = figure.shows(strict);
        if outcome != Outcome::NoDifferenceShown {
            comparison.because.push(format!("{} of {}", figure.figure, figure.party));
            shown.push(outcome);
        }
        comparison.differences.push(figure.difference());
    }
    comparison.verdict = match (shown.contains(&Outcome::Slower), shown.contains(&Outcome::Faster)) {
        (true, true) => Outcome::Mixed,
        (true, false) => Outcome::Slower,
        (false, true) => Outcome::Faster,
        (false, false) => Outcome::NoDifferenceShown,
    };
    Ok(comparison)
}

/// Everything that decides what happens in a storm is the same on all sides. Texts and promises may differ.
fn same_storm(a: &[Record], b: &[Record]) -> Result<(), CannotCompare> {
    let bare = |scenario: &Scenario| Scenario {
        title: String::new(),
        about: String::new(),
        look_for: Vec::new(),
        slo: crate::plan::scenario::Slo::default(),
        ..scenario.clone()
    };
    let mut all = a.iter().chain(b);
    let Some(first) = all.next() else { return Ok(()) };
    for other in all {
        let (one, two) = (&first.scenario, &other.scenario);
        if one.name != two.name {
            return Err(CannotCompare::DifferentStorms(format!("{} and {}", one.name, two.name)));
        }
        if bare(one) != bare(two) {
            let what = match () {
                () if one.parties != two.parties => "their parties differ",
                () if one.events != two.events => "their events differ",
                () if (one.seconds, one.drain_s) != (two.seconds, two.drain_s) => "they last differently long",
                () => "their settings differ",
            };
            return Err(CannotCompare::DifferentStorms(format!(
                "both are called {}, but {what}",
                one.name
            )));
        }
    }
    Ok(())
}

/// The runs of one side that say something, by seed.
fn by_seed<'a>(
    side: char,
    records: &'a [Record],
    left_out: &mut Vec<LeftOut>,
) -> Result<BTreeMap<u64, &'a Record>, CannotCompare> {
    let mut runs = BTreeMap::new();
    for record in records {
        let why = match record.verdict {
            _ if record.interrupted => Some("it was interrupted"),
            _ if record.slice.is_some_and(|slice| slice.of > 1) => Some("it is a slice of a storm"),
            Verdict::GeneratorLimited => Some("the generator was the limit"),
            Verdict::TooLittle => Some("too little happened"),
            Verdict::Held | Verdict::Broken => None,
        };
        if let Some(why) = why {
            left_out.push(LeftOut {
                side,
                seed: record.seed,
                why: why.to_owned(),
            });
        } else if runs.insert(record.seed, record).is_some() {
            return Err(CannotCompare::SeedTwice { side, seed: record.seed });
        }
    }
    Ok(runs)
}

/// One figure in all pairs, and a way to its interval.
struct Measured {
    party: String,
    figure: &'static str,
    a: Vec<f64>,
    b: Vec<f64>,
    /// The differences of one pair's seconds, drawn again and again, rising.
    drawn: Vec<f64>,
}

impl Measured {
    fn judged(&self) -> bool {
        self.at(CONFIDENCE).1.is_some()
    }

    fn at(&self, confidence: f64) -> (f64, Option<(f64, f64)>) {
        let differences: Vec<f64> = self.a.iter().zip(&self.b).map(|(a, b)| b - a).collect();
        let (mean, interval) = paired(&differences, confidence);
        (mean, interval.or_else(|| middle(&self.drawn, confidence)))
    }

    fn shows(&self, confidence: f64) -> Outcome {
        let worse_up = self.figure != "success";
        match self.at(confidence).1 {
            Some((low, _)) if low > 0.0 => {
                if worse_up {
                    Outcome::Slower
                } else {
                    Outcome::Faster
                }
            }
            Some((_, high)) if high < 0.0 => {
                if worse_up {
                    Outcome::Faster
                } else {
                    Outcome::Slower
                }
            }
            _ => Outcome::NoDifferenceShown,
        }
    }

    fn difference(self) -> Difference {
        let (difference, interval) = self.at(CONFIDENCE);
        let shows = self.shows(CONFIDENCE);
        Difference {
            party: self.party,
            figure: self.figure,
            a: self.a,
            b: self.b,
            difference,
            interval,
            shows,
        }
    }
}

fn measured(pairs: &[Pair<'_>]) -> Vec<Measured> {
    type Of = fn(&PartyRecord) -> Option<f64>;
    let mut all = Vec::new();
    let of_parties: [(&'static str, Of); 4] = [
        ("p50", |party| (party.response.count > 0).then_some(party.response.p50_ms)),
        ("p90", |party| (party.response.count > 0).then_some(party.response.p90_ms)),
        ("p99", |party| (party.response.count > 0).then_some(party.response.p99_ms)),
        ("success", |party| ratio(party.funnel.completed, party.funnel.offered)),
    ];
    let parties = pairs[0].0.parties.iter().filter(|party| !party.attacker);
    for party in parties {
        for (figure, of) in of_parties {
            let find = |record: &Record| record.parties.iter().find(|other| other.name == party.name).and_then(of);
            all.push(in_pairs(pairs, party.name.clone(), figure, find));
        }
    }
    all.push(in_pairs(pairs, "everybody".to_owned(), "drain", |record| record.drain_s));
    if let [(a, b)] = pairs {
        let (a, b, drawn) = drawn_again(a, b);
        for (nth, drawn) in drawn.into_iter().enumerate() {
            let (a, b) = a[nth].zip(b[nth]).into_iter().unzip();
            all.push(Measured {
                party: "everybody, by second".to_owned(),
                figure: FIGURES[nth],
                a,
                b,
                drawn,
            });
        }
    }
    all.retain(|figure| !figure.a.is_empty());
    all
}

/// The figure in each pair where both sides have it.
fn in_pairs(pairs: &[Pair<'_>], party: String, figure: &'static str, of: impl Fn(&Record) -> Option<f64>) -> Measured {
    let (a, b) = pairs.iter().filter_map(|(a, b)| Some((of(a)?, of(b)?))).unzip();
    Measured {
        party,
        figure,
        a,
        b,
        drawn: Vec::new(),
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of one storm")]
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
