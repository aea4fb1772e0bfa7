//! Every text that people read, made of a record and a scenario whose foreign texts are hostile.

use std::process::Command;

use quick_junit::Report;
use targets::text::Neutral;

use super::fixture::{self, HOSTILE};
use super::{junit, terminal};
use crate::plan::scenario::picture::picture;
use crate::record::{Record, Verdict};
use crate::report::live::{LiveFrame, terminal as live};
use crate::verdict::compare::compare;

/// Whether a terminal would act upon it, or a reader would not see what it is.
fn acted_upon(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}')
}

fn harmless(text: &str) {
    let found: Vec<char> = text.chars().filter(|c| acted_upon(*c)).collect();
    assert!(found.is_empty(), "{found:?} in\n{}", text.escape_debug());
    let forged = text.lines().any(|line| line.trim_start().starts_with("error: forged"));
    assert!(!forged, "a line of somebody else's:\n{text}");
    assert!(text.contains(r"\u{1b}]0;owned\u{7}"), "what was said is not shown:\n{text}");
}

/// What comes out of the writer that stands before a terminal.
fn through_neutral(text: &str) -> String {
    let mut shown = Vec::new();
    std::io::Write::write_all(&mut Neutral::new(&mut shown), text.as_bytes()).expect("memory");
    String::from_utf8(shown).expect("text")
}

#[test]
fn a_record_is_harmless_at_a_terminal() {
    for verdict in [Verdict::Broken, Verdict::GeneratorLimited] {
        let record = Record {
            verdict,
            ..fixture::hostile()
        };
        harmless(&terminal::told(&record, false));
        // In colour the writer finds our own colours alone.
        let coloured = terminal::told(&record, true);
        assert!(coloured.contains("\u{1b}[31m"), "{coloured}");
        assert_eq!(through_neutral(&coloured), coloured);
    }
}

#[test]
fn what_is_to_be_pasted_is_one_word() {
    let mut record = fixture::broken();
    record.scenario.name = "x; touch 'owned' $(id)".to_owned();
    let told = super::words::repeat(&record);
    assert_eq!(told, r"stepproof-load storm 'x; touch '\''owned'\'' $(id)' --seed 7");
    assert_eq!(
        super::words::repeat(&fixture::broken()),
        "stepproof-load storm isp-outage --seed 7"
    );
}

#[test]
fn a_comparison_is_harmless_at_a_terminal() {
    let record = fixture::hostile();
    let mut cut_short = record.clone();
    (cut_short.seed, cut_short.interrupted) = (8, true);
    let found = compare(&[record.clone(), cut_short], &[record]).expect("a pair");
    harmless(&found.told());
}

#[test]
fn a_scenario_is_harmless_at_a_terminal() {
    let scenario = fixture::hostile().scenario;
    harmless(&picture(&scenario, 80).expect("a picture"));
}

#[test]
fn a_storm_that_runs_is_harmless_at_a_terminal() {
    let frame = LiveFrame {
        phase: HOSTILE.to_owned(),
        ..LiveFrame::default()
    };
    harmless(&live::line(&frame));
    harmless(&live::picture(&frame));
}

#[test]
fn junit_is_xml_and_says_what_was_said() {
    for verdict in [Verdict::Broken, Verdict::GeneratorLimited] {
        let record = Record {
            verdict,
            ..fixture::hostile()
        };
        let document = junit::told(&[record]).expect("written");
        harmless(&document);
        let report = Report::deserialize_from_str(&document).expect("JUnit");
        assert_eq!(report.tests, 6);
        // Parsed by a parser that was not written here.
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &document).expect("written");
        let parse = "import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1])";
        let parsed = Command::new("python3").args(["-c", parse]).arg(file.path()).output();
        let parsed = parsed.expect("python3");
        assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
    }
}
