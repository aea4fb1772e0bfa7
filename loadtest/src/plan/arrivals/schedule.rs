//! Everybody's arrivals in order of time, merged from one stream for each party.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::course::Course;
use super::dice::{Dice, mix};
use super::ranges::Ranges;
use super::shuffle::Shuffle;
use super::stream::Stream;
use crate::plan::Slice;
use crate::plan::scenario::{Scenario, ScenarioError, check};

/// What the streams of numbers are drawn for.
const TIMES: u64 = 0x71_4e5;
const ORDER: u64 = 0x0_4de4;

/// One person (or attacker) who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number in the whole storm, from 0 in order of time, before the storm is cut into slices.
    pub nth: u64,
    /// When it comes, from the start of the storm.
    pub at: Duration,
    /// Which party it is of: its place in the scenario.
    pub party: u16,
    /// The account: its number in the storm's population.
    pub identity: u64,
}

/// The arrivals of a storm, or of one slice of it, made one by one.
///
/// A pure function of the seed and the scenario. A slice has the arrivals `nth % of == index` and the accounts
/// `identity % of == index`, so that no two slices share either.
#[derive(Clone, Debug)]
pub struct Schedule {
    merged: Merged,
    turns: Vec<Turn>,
    slice: Slice,
}

/// A party's accounts in a slice, in turn.
#[derive(Clone, Debug)]
struct Turn {
    first: u64,
    shuffle: Shuffle,
    count: u64,
    taken: u64,
}

impl Schedule {
    /// The schedule under a seed. A scenario that is wrong and a recording that cannot be read are refused.
    pub fn new(scenario: &Scenario, seed: u64, slice: Option<Slice>) -> Result<Self, ScenarioError> {
        let slice = slice.unwrap_or(Slice { index: 0, of: 1 });
        if slice.index >= slice.of {
            let what = format!(
                "slice {} of {} does not exist: they are counted from 0",
                slice.index, slice.of
            );
            return Err(ScenarioError::new(what));
        }
        let merged = Merged::new(scenario, seed)?;
        let ranges = Ranges::of(scenario, seed, slice.of)?;
        let turns = scenario.parties.iter().enumerate().map(|(nth, party)| {
            let range = ranges.of_party(nth as u16);
            let (index, of) = (u64::from(slice.index), u64::from(slice.of));
            // The first one within the range that is `index` over a multiple of `of`.
            let first = range.start + (index + of - range.start % of) % of;
            if first >= range.end {
                let what = format!(
                    "party `{}` has {} accounts, which are too few for {} slices",
                    party.name,
                    range.end - range.start,
                    slice.of
                );
                return Err(
                    ScenarioError::new(what).hint("each slice needs an account of its own: fewer slices, or more accounts")
                );
            }
            let count = (range.end - first).div_ceil(of);
            let seed = mix(mix(seed, ORDER), nth as u64);
            Ok(Turn {
                first,
                shuffle: Shuffle::new(count, seed),
                count,
                taken: 0,
            })
        });
        Ok(Self {
            turns: turns.collect::<Result<_, _>>()?,
            merged,
            slice,
        })
    }

    /// Arrivals to be expected in the whole storm: the integral of the rates.
    pub fn expected(&self) -> f64 {
        self.merged.courses.iter().map(Course::expected).sum()
    }

    /// Arrivals a second of a party in the whole storm, at an instant.
    pub fn rate_at(&self, party: u16, at: Duration) -> f64 {
        let course = self.merged.courses.get(usize::from(party));
        course.map_or(0.0, |course| course.rate_at(at.as_secs_f64()))
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let (index, of) = (u64::from(self.slice.index), u64::from(self.slice.of));
        let (nth, at, party) = self.merged.by_ref().find(|(nth, ..)| nth % of == index)?;
        let turn = &mut self.turns[usize::from(party)];
        let identity = turn.first + of * turn.shuffle.at(turn.taken % turn.count);
        turn.taken += 1;
        Some(Arrival {
            nth,
            at,
            party,
            identity,
        })
    }
}

/// How many arrivals each party has in the fullest of so many slices.
pub(super) fn count(scenario: &Scenario, seed: u64, slices: u32) -> Result<Vec<u64>, ScenarioError> {
    let of = slices as usize;
    let mut counts = vec![0u64; of * scenario.parties.len()];
    for (nth, _, party) in Merged::new(scenario, seed)? {
        counts[usize::from(party) * of + (nth % u64::from(slices)) as usize] += 1;
    }
    Ok(counts
        .chunks(of)
        .map(|party| party.iter().copied().max().unwrap_or(0))
        .collect())
}

/// All parties' instants in order, numbered.
#[derive(Clone, Debug)]
struct Merged {
    courses: Vec<Course>,
    streams: Vec<Stream>,
    heads: BinaryHeap<Reverse<(Duration, u16)>>,
    next: u64,
}

impl Merged {
    fn new(scenario: &Scenario, seed: u64) -> Result<Self, ScenarioError> {
        check::sound(scenario)?;
        let courses = scenario.parties.iter().map(|party| Course::of(&party.arrivals, scenario));
        let courses: Vec<Course> = courses.collect::<Result<_, _>>()?;
        let seed = mix(seed, TIMES);
        let streams = courses.iter().zip(&scenario.parties).enumerate();
        let streams =
            streams.map(|(nth, (course, party))| Stream::new(course.clone(), party.arrivals.even, Dice::new(seed, nth as u64)));
        let mut merged = Self {
            streams: streams.collect(),
            courses,
            heads: BinaryHeap::new(),
            next: 0,
        };
        (0..merged.streams.len()).for_each(|party| merged.draw(party as u16));
        Ok(merged)
    }

    fn draw(&mut self, party: u16) {
        if let Some(at) = self.streams[usize::from(party)].next() {
            self.heads.push(Reverse((Duration::from_secs_f64(at), party)));
        }
    }
}

impl Iterator for Merged {
    type Item = (u64, Duration, u16);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((at, party)) = self.heads.pop()?;
        self.draw(party);
        self.next += 1;
        Some((self.next - 1, at, party))
    }
}
