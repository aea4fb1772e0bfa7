use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::plan::Slice;
use crate::plan::scenario::{Scenario, library, load};

const GOLDEN: [(u128, u64); 4] = [(25_802, 60), (63_499, 329), (85_026, 389), (90_496, 446)];

fn scenario(text: &str) -> Scenario {
    load::parse(Path::new("storm.toml"), text).unwrap()
}

/// One party that comes like this for a hundred seconds.
fn party(arrivals: &str) -> Scenario {
    scenario(&format!(
        "name = 'x'\ntitle = 'x'\nseconds = 100\n[[parties]]\nname = 'people'\njourney = 'new-device'\naccounts = 500\narrivals = {{ {arrivals} }}\n"
    ))
}

/// A recording that can be asked for while the file is there.
fn recorded(lines: &str) -> (tempfile::NamedTempFile, String) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(lines.as_bytes()).unwrap();
    let shape = format!("shape = {{ kind = 'replay', file = '{}' }}", file.path().display());
    (file, shape)
}

fn all(scenario: &Scenario, seed: u64) -> Vec<Arrival> {
    Schedule::new(scenario, seed, None).unwrap().collect()
}

const SHAPES: &[&str] = &[
    "kind = 'flat'",
    "kind = 'ramp', from = 0.2, to = 3.0",
    "kind = 'ramp', from = 2.0, to = 0.0",
    "kind = 'ramp', from = 0.0, to = 1.0",
    "kind = 'spike', at_s = 20.0, height = 12.0, half_life_s = 7.0",
    "kind = 'spike', at_s = 0.0, height = 5.0, half_life_s = 0.5",
    "kind = 'sine', swing = 1.0",
    "kind = 'sine', swing = 0.4, period_s = 13.0",
];

#[test]
fn the_same_seed_gives_the_same_storm_and_another_one_another() {
    for stored in library::STORMS {
        let scenario = stored.scenario().unwrap();
        assert_eq!(all(&scenario, 7), all(&scenario, 7), "{}", stored.name);
        assert_ne!(all(&scenario, 7), all(&scenario, 8), "{}", stored.name);
    }
}

#[test]
fn the_storm_of_a_seed_stays_what_it_is() {
    // Paired comparisons between versions rest on this.
    let first: Vec<(u128, u64)> = all(&party("rate = 50"), 1)
        .iter()
        .take(4)
        .map(|arrival| (arrival.at.as_micros(), arrival.identity))
        .collect();
    assert_eq!(first, GOLDEN);
}

#[test]
fn arrivals_are_in_order_numbered_and_within_their_party_s_time() {
    for stored in library::STORMS {
        let scenario = stored.scenario().unwrap();
        let arrivals = all(&scenario, 1);
        assert!(arrivals.windows(2).all(|pair| pair[0].at <= pair[1].at), "{}", stored.name);
        assert!((0..).zip(&arrivals).all(|(nth, arrival)| arrival.nth == nth));
        for arrival in arrivals {
            let party = &scenario.parties[usize::from(arrival.party)].arrivals;
            let until = party.for_s.map_or(scenario.seconds, |lasts| party.from_s + lasts);
            assert!((party.from_s..=until).contains(&arrival.at.as_secs_f64()));
        }
    }
}

#[test]
fn as_many_come_as_the_integral_of_the_rate_says() {
    for shape in SHAPES {
        for place in ["", ", from_s = 30.0, for_s = 45.0"] {
            let scenario = party(&format!("rate = 40, shape = {{ {shape} }}{place}"));
            let course = Course::of(&scenario.parties[0].arrivals, &scenario).unwrap();
            let arrivals = all(&scenario, 11);
            // By parts of the storm too, so that the shape is right and not its sum alone.
            for part in [0.0..100.0, 0.0..35.0, 35.0..50.0, 50.0..80.0, 80.0..100.0] {
                let within = |arrival: &&Arrival| part.contains(&arrival.at.as_secs_f64());
                let (count, expected) = (
                    arrivals.iter().filter(within).count() as f64,
                    course.expected_until(part.end) - course.expected_until(part.start),
                );
                let most = 5.0 * expected.sqrt() + 1e-9;
                assert!(
                    (count - expected).abs() <= most,
                    "{shape}{place} in {part:?}: {count} of {expected}"
                );
            }
        }
    }
}

#[test]
fn the_integral_is_that_of_the_rate() {
    for shape in SHAPES {
        let scenario = party(&format!("rate = 40, from_s = 10.0, for_s = 80.0, shape = {{ {shape} }}"));
        let course = Course::of(&scenario.parties[0].arrivals, &scenario).unwrap();
        // Midpoints of a hundred thousand pieces.
        let piece = 1e-3;
        let sum: f64 = (0..100_000)
            .map(|nth| course.rate_at((f64::from(nth) + 0.5) * piece) * piece)
            .sum();
        assert!(
            (sum / course.expected() - 1.0).abs() < 1e-3,
            "{shape}: {sum} and {}",
            course.expected()
        );
        let greatest = (0..100_000)
            .map(|nth| course.rate_at(f64::from(nth) * piece))
            .fold(0.0, f64::max);
        assert!(greatest <= course.greatest_from(0.0) + 1e-9, "{shape}");
    }
}

#[test]
fn random_gaps_are_those_of_a_poisson_process() {
    let arrivals = all(&party("rate = 100"), 5);
    let gaps: Vec<f64> = arrivals
        .windows(2)
        .map(|pair| (pair[1].at - pair[0].at).as_secs_f64())
        .collect();
    let count = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / count;
    let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count).sqrt();
    // An exponential gap's deviation equals its mean, and one in e is longer than the mean.
    assert!((deviation / mean - 1.0).abs() < 0.05, "{}", deviation / mean);
    let longer = gaps.iter().filter(|gap| **gap > mean).count() as f64 / count;
    assert!((longer - (-1.0f64).exp()).abs() < 0.02, "{longer}");
}

#[test]
fn even_arrivals_stand_where_the_integral_says() {
    let arrivals = all(&party("rate = 40, even = true"), 5);
    assert_eq!(arrivals.len(), 4000);
    for (nth, arrival) in (0..).zip(&arrivals) {
        let wanted = (f64::from(nth) + 0.5) / 40.0;
        assert!((arrival.at.as_secs_f64() - wanted).abs() < 1e-6, "{nth}: {:?}", arrival.at);
    }
    for shape in SHAPES {
        let scenario = party(&format!("rate = 40, even = true, shape = {{ {shape} }}"));
        let course = Course::of(&scenario.parties[0].arrivals, &scenario).unwrap();
        let arrivals = all(&scenario, 5);
        assert_eq!(arrivals.len(), (course.expected() + 0.5).floor() as usize, "{shape}");
        for (nth, arrival) in (0..).zip(&arrivals) {
            let there = course.expected_until(arrival.at.as_secs_f64());
            assert!((there - f64::from(nth) - 0.5).abs() < 1e-3, "{shape}: {nth} at {there}");
        }
        assert_eq!(
            arrivals.iter().map(|arrival| arrival.at).collect::<Vec<_>>(),
            all(&scenario, 6).iter().map(|arrival| arrival.at).collect::<Vec<_>>(),
            "{shape}: the seed moves nobody"
        );
    }
}

#[test]
fn a_recording_is_replayed_second_by_second() {
    let (_file, shape) = recorded("second,count\n0,100\n1,0\n2,7\n40,5\n99,12\n");
    for even in ["", ", even = true"] {
        let arrivals = all(&party(&format!("rate = 3, {shape}{even}")), 2);
        let in_second = |second| arrivals.iter().filter(|arrival| arrival.at.as_secs() == second).count();
        let counts = [0, 1, 2, 3, 40, 99].map(in_second);
        assert_eq!(counts, [300, 0, 21, 0, 15, 36], "{even}");
        assert_eq!(arrivals.len(), 372);
    }
    let arrivals = all(&party(&format!("rate = 3, {shape}")), 2);
    let first: Vec<f64> = arrivals.iter().take(300).map(|arrival| arrival.at.as_secs_f64()).collect();
    let before_half = first.iter().filter(|at| **at < 0.5).count();
    // Three hundred draws that are even in the second: five deviations of 8.7 around the half.
    assert!((107..=193).contains(&before_half), "{before_half}");
}

#[test]
fn a_recording_longer_than_its_party_s_time_is_cut() {
    let (_file, shape) = recorded(&"10\n".repeat(90));
    let arrivals = all(&party(&format!("rate = 1, from_s = 50.0, {shape}")), 2);
    assert_eq!(arrivals.len(), 500);
    assert!(arrivals[0].at >= Duration::from_secs(50) && arrivals[499].at <= Duration::from_secs(100));
}

#[test]
fn slices_are_a_partition_and_share_no_account() {
    for stored in library::STORMS {
        let scenario = stored.scenario().unwrap();
        let whole = all(&scenario, 3);
        let slice = |index| Schedule::new(&scenario, 3, Some(Slice { index, of: 3 })).unwrap();
        let slices: Vec<Vec<Arrival>> = (0..3).map(|index| slice(index).collect()).collect();
        let mut united: Vec<Arrival> = slices.concat();
        united.sort_unstable_by_key(|arrival| arrival.nth);
        let facts = |arrivals: &[Arrival]| -> Vec<(u64, Duration, u16)> {
            arrivals
                .iter()
                .map(|arrival| (arrival.nth, arrival.at, arrival.party))
                .collect()
        };
        assert_eq!(facts(&united), facts(&whole), "{}", stored.name);
        let ranges = Ranges::of(&scenario, 3, 3).unwrap();
        for (index, slice) in (0..).zip(&slices) {
            for arrival in slice {
                assert_eq!((arrival.nth % 3, arrival.identity % 3), (index, index), "{}", stored.name);
                assert!(ranges.of_party(arrival.party).contains(&arrival.identity));
            }
            // Where each has an account of their own, it is so in a slice too.
            for (nth, party) in (0..).zip(&scenario.parties) {
                let come: Vec<u64> = slice
                    .iter()
                    .filter(|arrival| arrival.party == nth)
                    .map(|arrival| arrival.identity)
                    .collect();
                if party.accounts_of.is_none() {
                    assert_eq!(
                        come.iter().collect::<HashSet<_>>().len(),
                        come.len(),
                        "{} of {}",
                        party.name,
                        stored.name
                    );
                }
            }
        }
    }
}

#[test]
fn accounts_are_taken_in_turn() {
    let arrivals = all(&party("rate = 20"), 9);
    assert!(arrivals.len() > 1500, "three times round");
    for round in arrivals.chunks(500) {
        let identities: HashSet<u64> = round.iter().map(|arrival| arrival.identity).collect();
        assert_eq!(identities.len(), round.len(), "nobody twice before everybody once");
        assert!(identities.iter().all(|identity| *identity < 500));
    }
    assert!(
        arrivals
            .windows(2)
            .filter(|pair| pair[0].identity + 1 == pair[1].identity)
            .count()
            < 20,
        "shuffled"
    );
}

#[test]
fn too_few_accounts_for_the_slices_are_told() {
    let scenario = party("rate = 20");
    let slice = |index, of| match Schedule::new(&scenario, 1, Some(Slice { index, of })) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(slice(499, 500), "");
    assert_eq!(
        slice(500, 501),
        "party `people` has 500 accounts, which are too few for 501 slices"
    );
    assert_eq!(slice(3, 3), "slice 3 of 3 does not exist: they are counted from 0");
}

#[test]
fn a_million_come_one_by_one() {
    let mut scenario = party("rate = 10000");
    scenario.parties[0].accounts = Some(1_000_000);
    let schedule = Schedule::new(&scenario, 1, None).unwrap();
    assert!((schedule.expected() - 1e6).abs() < 1.0);
    assert!((schedule.rate_at(0, Duration::from_secs(3)) - 10_000.0).abs() < 1e-6);
    // What the schedule holds is one instant for each party, however many come.
    assert!(std::mem::size_of_val(&schedule) < 1024);
    let (count, identities) = schedule.fold((0u64, 0u64), |(count, sum), arrival| (count + 1, sum ^ arrival.identity));
    assert!((995_000..1_005_000).contains(&count), "{count}");
    assert_ne!(identities, 0);
}
