use super::page;
use crate::record::{Record, Verdict};
use crate::report::fixture;

fn rendered(record: &Record) -> String {
    page(record).expect("the page is made")
}

#[test]
fn every_section_is_there() {
    let page = rendered(&fixture::broken());
    for id in [
        "verdict",
        "thresholds",
        "over-time",
        "funnel",
        "classes",
        "steps",
        "deliveries",
        "attack",
        "safety",
        "generator",
        "scenario",
    ] {
        assert!(page.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
    for id in [
        "arrivals",
        "response",
        "heat",
        "waiting",
        "processor",
        "memory",
        "attacks",
        "funnel",
    ] {
        assert!(page.contains(&format!("aria-labelledby=\"{id}-t {id}-d\"")), "picture {id}");
    }
    for text in [
        "everybody comes back",
        "push down",
        "email late by 2.50 s",
        "stepproof-load storm isp-outage --seed 7",
        "✗ failed",
        "code-redeemed-twice",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn nothing_is_loaded_and_no_script_runs() {
    let page = rendered(&fixture::broken()).to_lowercase();
    assert!(
        !page.contains("<script")
            && !page.contains("<link")
            && !page.contains("<img")
            && !page.contains("@import")
            && !page.contains("url(")
    );
    // The template escapes the slashes of the target's origin, the only address there is.
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src=") && !page.contains("href="));
}

#[test]
fn text_of_the_record_is_escaped() {
    let mut record = fixture::broken();
    let evil = "</svg><img src=x onerror=alert(1)>\"'&";
    record.classes[0].name = evil.to_owned();
    record.scenario.phases[0].name = evil.to_owned();
    record.scenario.phases[0].from_s = -1000.0;
    record.thresholds[0].what = evil.to_owned();
    record.target.name = evil.to_owned();
    record.generator.limits = vec![evil.to_owned()];
    let page = rendered(&record);
    assert!(!page.contains("<img") && !page.contains("<b>Nobody") && !page.contains("<html>busy"));
    assert!(page.contains("&lt;b&gt;Nobody") && page.contains("&lt;img"));
}

#[test]
fn pictures_of_nothing_are_pictures() {
    let mut record = fixture::storm(1, 1, 1.0);
    record.seconds.clear();
    record.resources.clear();
    record.classes.clear();
    record.scenario.events.clear();
    record.scenario.phases.clear();
    record.verdict = Verdict::TooLittle;
    let page = rendered(&record);
    assert!(!page.contains("NaN") && !page.contains("inf\""), "a figure that is none");
}

#[test]
fn a_long_storm_is_put_together_and_says_so() {
    let mut record = fixture::storm(1, 1, 1.0);
    let second = record.seconds[20].clone();
    record.seconds = (0..5000).map(|at| crate::record::Second { at, ..second.clone() }).collect();
    let page = rendered(&record);
    assert!(page.contains("Each point is the worst of 4 seconds.") && page.contains("17 seconds a row"));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}
