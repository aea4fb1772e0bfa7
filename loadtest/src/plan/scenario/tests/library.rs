//! Every storm of the library is one that can be run, and says what it is.

use std::path::Path;

use crate::plan::arrivals::Schedule;
use crate::plan::scenario::library::{self, STORMS};
use crate::plan::scenario::{Scenario, Slo, check, load, picture};

#[test]
fn each_loads_and_is_documented() {
    assert_eq!(STORMS.len(), 10);
    for stored in STORMS {
        let storm = stored.scenario().unwrap();
        assert_eq!(storm.name, stored.name);
        assert!(storm.about.len() > 200 && storm.look_for.len() >= 3, "{}", storm.name);
        assert!(
            !storm.about.contains('\n') && !storm.about.contains("  "),
            "{}: one paragraph",
            storm.name
        );
        assert!(storm.phases.len() >= 3 && storm.phases[0].from_s == 0.0, "{}", storm.name);
        assert!(
            storm.slo.objectives.len() >= 2 && storm.slo.drain_s.is_some(),
            "{}",
            storm.name
        );
        assert!(
            storm.slo.objectives.iter().any(|objective| objective.success.is_some()),
            "{}",
            storm.name
        );
        let attacked = storm.parties.iter().any(|party| party.attacker);
        assert_eq!(storm.slo.collateral.is_some(), attacked, "{}", storm.name);
        assert!(
            storm.seconds + storm.slo.drain_s.unwrap() <= 70.0,
            "{} is soon over",
            storm.name
        );
        assert!(
            storm.slo.drain_s.unwrap() <= storm.drain_s,
            "{}: what is promised is waited for",
            storm.name
        );
        let expected = Schedule::new(&storm, 1, None).unwrap().expected();
        assert!((500.0..10_000.0).contains(&expected), "{}: {expected}", storm.name);
    }
}

#[test]
fn each_comes_back_the_same_from_what_it_is_written_as() {
    for stored in STORMS {
        let storm = stored.scenario().unwrap();
        let toml = toml::to_string(&storm).unwrap();
        assert_eq!(load::parse(Path::new("again.toml"), &toml).unwrap(), storm, "{}", storm.name);
        let json = serde_json::to_string(&storm).unwrap();
        assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), storm, "{}", storm.name);
    }
}

#[test]
fn each_can_be_larger_or_shorter_and_is_still_sound() {
    for stored in STORMS {
        for (factor, seconds) in [(0.1, 10.0), (3.0, 3600.0)] {
            let storm = stored.scenario().unwrap();
            let before = Schedule::new(&storm, 1, None).unwrap().expected();
            let ratio = factor * seconds / storm.seconds;
            let storm = storm.scaled(factor).shortened(seconds);
            assert_eq!(check::faults(&storm), [], "{}", stored.name);
            let courses = storm
                .parties
                .iter()
                .map(|party| crate::plan::arrivals::Course::of(&party.arrivals, &storm).unwrap());
            let after: f64 = courses.map(|course| course.expected()).sum();
            assert!(
                (after / before / ratio - 1.0).abs() < 1e-9,
                "{}: {after} of {before}",
                stored.name
            );
        }
    }
}

#[test]
fn each_has_a_picture_with_its_phases_parties_and_events() {
    for stored in STORMS {
        let storm = stored.scenario().unwrap();
        let drawn = picture::picture(&storm, picture::COLUMNS).unwrap();
        for phase in &storm.phases {
            assert!(drawn.contains(&phase.name), "{drawn}");
        }
        for party in &storm.parties {
            assert!(drawn.contains(&party.name) && drawn.contains(party.journey.name()), "{drawn}");
        }
        assert_eq!(drawn.contains('━'), !storm.events.is_empty(), "{drawn}");
        assert!(drawn.matches('█').count() >= storm.parties.len(), "{drawn}");
        assert!(drawn.lines().skip(1).all(|line| line.chars().count() <= 110), "{drawn}");
    }
}

#[test]
fn a_storm_is_opened_by_its_name_or_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, library::named("soak").unwrap().text.replace("\"soak\"", "\"mine\"")).unwrap();
    assert_eq!(library::open("soak").unwrap().name, "soak");
    assert_eq!(library::open(path.to_str().unwrap()).unwrap().name, "mine");
    let error = library::open("soka").unwrap_err();
    assert!(error.to_string().contains("no storm `soka`"));
    assert!(error.help().unwrap().contains("morning-peak"));
}

#[test]
fn promises_may_stand_in_a_file_of_their_own() {
    let storm = library::named("isp-outage").unwrap().scenario().unwrap();
    let slo = |text: &str| load::parse_slo(Path::new("slo.toml"), text, &storm);
    let text = toml::to_string(&storm.slo).unwrap();
    assert_eq!(slo(&text).unwrap(), storm.slo);
    assert_eq!(slo("").unwrap(), Slo::default());
    let wrong = "drain_s = 3\n\n[[objectives]]\nphase = \"calm\"\n\n[[objectives]]\nphase = \"clam\"\nsuccess = 0.9\n";
    let error = slo(wrong).unwrap_err();
    assert_eq!(error.to_string(), "objectives[0]: this objective promises nothing");
    let error = slo(&wrong.replacen("phase = \"calm\"", "p99_ms = 5", 1)).unwrap_err();
    assert_eq!(error.to_string(), "objectives[1].phase: there is no phase `clam`");
    assert_eq!(
        error.help(),
        Some("those of this storm are: calm, outage, reconnect, recovery")
    );
    assert_eq!(
        error.span(),
        wrong
            .replacen("phase = \"calm\"", "p99_ms = 5", 1)
            .find("\"clam\"")
            .map(|at| at..at + 6)
    );
}
