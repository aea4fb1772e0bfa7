use super::*;
use crate::record::Verdict;
use crate::report::fixture;

fn side(seeds: std::ops::Range<u64>, luck: u64, slow: f64) -> Vec<Record> {
    seeds.map(|seed| fixture::storm(seed, seed * 1000 + luck, slow)).collect()
}

/// The same storm long before its limit: 20 % in the service is then 20 % in the response.
fn calm(mut records: Vec<Record>) -> Vec<Record> {
    for record in &mut records {
        record.seconds.truncate(12);
    }
    records
}

#[test]
fn a_planted_fifth_is_found_in_both_directions() {
    let (a, b) = (side(1..7, 1, 1.0), side(1..7, 2, 1.2));
    let found = compare(&a, &b).expect("comparable");
    assert_eq!(
        (found.method, found.verdict),
        (Method::PairedT, Outcome::Slower),
        "{}",
        found.told()
    );
    let p50 = found
        .differences
        .iter()
        .find(|one| one.party == "new phones" && one.figure == "p50")
        .expect("the figure");
    let (low, high) = p50.interval.expect("an interval");
    let fifth = 0.2 * p50.a.iter().sum::<f64>() / 6.0;
    assert!(low < fifth && fifth < high && low > 0.0, "{fifth} not in {low} to {high}");
    assert_eq!(compare(&b, &a).expect("comparable").verdict, Outcome::Faster);
}

#[test]
fn noise_is_no_difference() {
    for luck in [2, 3, 4, 5, 6] {
        let found = compare(&side(1..7, 1, 1.0), &side(1..7, luck, 1.0)).expect("comparable");
        assert_eq!(found.verdict, Outcome::NoDifferenceShown, "luck {luck}: {}", found.told());
    }
}

#[test]
fn one_pair_is_judged_by_its_seconds_and_says_so() {
    let (a, b) = (calm(side(1..2, 1, 1.0)), calm(side(1..2, 2, 1.5)));
    let found = compare(&a, &b).expect("comparable");
    assert_eq!(
        (found.method, found.verdict),
        (Method::BootstrapOverSeconds, Outcome::Slower),
        "{}",
        found.told()
    );
    assert!(
        found
            .differences
            .iter()
            .filter(|one| one.party == "new phones")
            .all(|one| one.interval.is_none())
    );
    assert!(found.told().contains("one pair only"));
    assert_eq!(found, compare(&a, &b).expect("comparable"), "the same draws");
    let same = compare(&a, &calm(side(1..2, 2, 1.0))).expect("comparable");
    assert_eq!(same.verdict, Outcome::NoDifferenceShown, "{}", same.told());
}

#[test]
fn runs_without_a_partner_or_a_result_are_named_and_left_out() {
    let (mut a, mut b) = (side(1..6, 1, 1.0), side(2..7, 2, 1.0));
    a[4].interrupted = true;
    b[2].verdict = Verdict::GeneratorLimited;
    let found = compare(&a, &b).expect("comparable");
    assert_eq!(found.seeds, [2, 3]);
    let left: Vec<(char, u64)> = found.left_out.iter().map(|run| (run.side, run.seed)).collect();
    assert_eq!(left, [('A', 5), ('B', 4), ('A', 1), ('A', 4), ('B', 5), ('B', 6)]);
    assert!(found.told().contains("left out: A seed 5: it was interrupted"));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let (a, mut b) = (side(1..3, 1, 1.0), side(1..3, 2, 1.0));
    b[0].scenario.parties[0].arrivals.rate += 1.0;
    assert_eq!(
        compare(&a, &b).expect_err("different").to_string(),
        "different storms cannot be compared: both are called isp-outage, but their parties differ"
    );
    b[0].scenario.name = "soak".to_owned();
    assert!(matches!(compare(&a, &b), Err(CannotCompare::DifferentStorms(told)) if told == "isp-outage and soak"));
    assert_eq!(
        compare(&[a[0].clone(), a[0].clone()], &a),
        Err(CannotCompare::SeedTwice { side: 'A', seed: 1 })
    );
    assert!(matches!(compare(&a, &side(8..9, 1, 1.0)), Err(CannotCompare::NoPairs { .. })));
    assert!(matches!(compare(&[], &[]), Err(CannotCompare::NoPairs { .. })));
}

#[test]
fn other_promises_are_the_same_storm() {
    let (a, mut b) = (side(1..3, 1, 1.0), side(1..3, 2, 1.0));
    b.iter_mut().for_each(|record| record.scenario.slo.drain_s = Some(1.0));
    assert!(compare(&a, &b).is_ok());
}

#[test]
fn told_as_a_table_and_as_json() {
    let found = compare(&side(1..7, 1, 1.0), &side(1..7, 2, 1.2)).expect("comparable");
    let text = found.told();
    assert!(
        text.contains("95 % interval")
            && text.contains("B beside A: slower (")
            && text.lines().all(|line| line.chars().count() <= 120),
        "{text}"
    );
    let json: serde_json::Value = serde_json::from_str(&found.json().expect("json")).expect("json");
    assert_eq!(
        (json["verdict"].as_str(), json["method"].as_str()),
        (Some("slower"), Some("paired-t"))
    );
}
