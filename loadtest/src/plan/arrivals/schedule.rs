//! Everybody's arrivals in order of time, merged from one stream for each class.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::dice::{Dice, mix};
use super::ranges::Ranges;
use super::rate_profile::RateProfile;
use super::shuffle::Shuffle;
use super::stream::Stream;
use crate::plan::Shard;
use crate::plan::scenario::{Scenario, ScenarioError, check};

/// What the streams of numbers are drawn for.
const TIMES: u64 = 0x71_4e5;
const ORDER: u64 = 0x0_4de4;

/// One person (or attacker) who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number in the whole storm, from 0 in order of time, before the storm is cut into shards.
    pub nth: u64,
    /// When it comes, from the start of the storm.
    pub at: Duration,
    /// Which class it is of: its place in the scenario.
    pub class: u16,
    /// The account: its number in the storm's population.
    pub identity: u64,
}

/// The arrivals of a storm, or of one shard of it, made one by one.
///
/// A pure function of the seed and the scenario. A shard has the arrivals `nth % of == index` and the accounts
/// `identity % of == index`, so that no two shards share either.
#[derive(Clone, Debug)]
pub struct Schedule {
    merged: Merged,
    turns: Vec<Turn>,
    shard: Shard,
}

/// A class's accounts in a shard, in turn.
#[derive(Clone, Debug)]
struct Turn {
    first: u64,
    shuffle: Shuffle,
    count: u64,
    taken: u64,
}

impl Schedule {
    /// The schedule under a seed. A scenario that is wrong and a recording that cannot be read are refused.
    pub fn new(scenario: &Scenario, seed: u64, shard: Option<Shard>) -> Result<Self, ScenarioError> {
        let shard = shard.unwrap_or(Shard { index: 0, of: 1 });
        if shard.index >= shard.of {
            let what = format!(
                "shard {} of {} does not exist: they are counted from 0",
                shard.index, shard.of
            );
            return Err(ScenarioError::new(what));
        }
        let merged = Merged::new(scenario, seed)?;
        let ranges = Ranges::of(scenario, seed, shard.of)?;
        let turns = scenario.classes.iter().enumerate().map(|(nth, class)| {
            let range = ranges.of_class(nth as u16);
            let (index, of) = (u64::from(shard.index), u64::from(shard.of));
            // The first one within the range that is `index` over a multiple of `of`.
            let first = range.start + (index + of - range.start % of) % of;
            if first >= range.end {
                let what = format!(
                    "class `{}` has {} accounts, which are too few for {} shards",
                    class.name,
                    range.end - range.start,
                    shard.of
                );
                return Err(
                    ScenarioError::new(what).hint("each shard needs an account of its own: fewer shards, or more accounts")
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
            shard,
        })
    }

    /// Arrivals to be expected in the whole storm: the integral of the rates.
    pub fn expected(&self) -> f64 {
        self.merged.courses.iter().map(RateProfile::expected).sum()
    }

    /// Arrivals a second of a class in the whole storm, at an instant.
    pub fn rate_at(&self, class: u16, at: Duration) -> f64 {
        let profile = self.merged.courses.get(usize::from(class));
        profile.map_or(0.0, |profile| profile.rate_at(at.as_secs_f64()))
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let (index, of) = (u64::from(self.shard.index), u64::from(self.shard.of));
        let (nth, at, class) = self.merged.by_ref().find(|(nth, ..)| nth % of == index)?;
        let turn = &mut self.turns[usize::from(class)];
        let identity = turn.first + of * turn.shuffle.at(turn.taken % turn.count);
        turn.taken += 1;
        Some(Arrival {
            nth,
            at,
            class,
            identity,
        })
    }
}

/// How many arrivals each class has in the fullest of so many shards.
pub(super) fn count(scenario: &Scenario, seed: u64, shards: u32) -> Result<Vec<u64>, ScenarioError> {
    let of = shards as usize;
    let mut counts = vec![0u64; of * scenario.classes.len()];
    for (nth, _, class) in Merged::new(scenario, seed)? {
        counts[usize::from(class) * of + (nth % u64::from(shards)) as usize] += 1;
    }
    Ok(counts
        .chunks(of)
        .map(|class| class.iter().copied().max().unwrap_or(0))
        .collect())
}

/// All classes' instants in order, numbered.
#[derive(Clone, Debug)]
struct Merged {
    courses: Vec<RateProfile>,
    streams: Vec<Stream>,
    heads: BinaryHeap<Reverse<(Duration, u16)>>,
    next: u64,
}

impl Merged {
    fn new(scenario: &Scenario, seed: u64) -> Result<Self, ScenarioError> {
        check::sound(scenario)?;
        let courses = scenario
            .classes
            .iter()
            .map(|class| RateProfile::of(&class.arrivals, scenario));
        let courses: Vec<RateProfile> = courses.collect::<Result<_, _>>()?;
        let seed = mix(seed, TIMES);
        let streams = courses.iter().zip(&scenario.classes).enumerate();
        let streams =
            streams.map(|(nth, (profile, class))| Stream::new(profile.clone(), class.arrivals.even, Dice::new(seed, nth as u64)));
        let mut merged = Self {
            streams: streams.collect(),
            courses,
            heads: BinaryHeap::new(),
            next: 0,
        };
        (0..merged.streams.len()).for_each(|class| merged.draw(class as u16));
        Ok(merged)
    }

    fn draw(&mut self, class: u16) {
        if let Some(at) = self.streams[usize::from(class)].next() {
            self.heads.push(Reverse((Duration::from_secs_f64(at), class)));
        }
    }
}

impl Iterator for Merged {
    type Item = (u64, Duration, u16);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((at, class)) = self.heads.pop()?;
        self.draw(class);
        self.next += 1;
        Some((self.next - 1, at, class))
    }
}
