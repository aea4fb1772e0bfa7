//! The same storm larger or smaller, longer or shorter.

use crate::plan::arrivals::Course;
use crate::plan::scenario::{Scenario, Shape, library, load};

fn storm() -> Scenario {
    library::named("push-outage").unwrap().scenario().unwrap()
}

#[test]
fn a_larger_one_has_more_people_at_the_same_times() {
    let mut before = storm();
    before.parties[0].accounts = Some(30);
    let after = before.clone().scaled(2.5);
    assert_eq!(after.parties[0].arrivals.rate, 62.5);
    assert_eq!(after.parties[0].accounts, Some(75));
    assert_eq!(
        (after.seconds, &after.events, &after.phases),
        (before.seconds, &before.events, &before.phases)
    );
}

#[test]
fn a_shorter_one_keeps_its_course_and_people_their_pace() {
    let before = storm();
    let after = before.clone().shortened(10.0);
    assert_eq!(after.seconds, 10.0);
    assert_eq!((after.events[0].from_s, after.events[0].until_s), (3.0, 6.0));
    assert_eq!(
        after.phases.iter().map(|phase| phase.from_s).collect::<Vec<_>>(),
        [0.0, 3.0, 6.0]
    );
    assert_eq!(after.parties[0].arrivals.rate, before.parties[0].arrivals.rate);
    assert_eq!(after.parties[0].code_patience_s, before.parties[0].code_patience_s);
    assert_eq!(
        (after.think, &after.slo, after.drain_s),
        (before.think, &before.slo, before.drain_s)
    );
    let spike = library::named("isp-outage").unwrap().scenario().unwrap().shortened(20.0);
    let region = &spike.parties[2].arrivals;
    assert_eq!(region.from_s, 6.0);
    assert!(matches!(region.shape, Shape::Spike { half_life_s: 1.5, .. }));
}

#[test]
fn a_shorter_recording_has_the_same_rates() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("peak.csv"), "10\n40\n20\n30\n").unwrap();
    let text = "name = 'x'\ntitle = 'x'\nseconds = 4\n[[parties]]\nname = 'people'\njourney = 'new-device'\n\
                arrivals = { rate = 2, shape = { kind = 'replay', file = 'peak.csv' } }\n";
    let before = load::parse(&folder.path().join("storm.toml"), text).unwrap();
    let after = before.clone().shortened(1.0);
    let course = |storm: &Scenario| Course::of(&storm.parties[0].arrivals, storm).unwrap();
    assert_eq!((course(&before).expected(), course(&after).expected()), (200.0, 50.0));
    assert_eq!((course(&before).rate_at(1.5), course(&after).rate_at(0.375)), (80.0, 80.0));
}
