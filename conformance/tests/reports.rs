//! Reports of any record: they are made or refused, show nothing that a terminal acts upon, and count for themselves.

use std::sync::{Arc, OnceLock};

use conformance::engine::{self, Config, ModelCases};
use conformance::events::{Event, FORMAT};
use conformance::report::record::{MAX_LINE, Record, RecordError};
use conformance::report::{json, junit, text};
use conformance::select::{Selection, WALK};
use conformance::target_pool::{PerCheckTarget, Variant};
use conformance::verdict::Exit;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The record of a real run with breaches, one of them a walk's, and their evidence.
fn record() -> &'static str {
    static RECORD: OnceLock<String> = OnceLock::new();
    RECORD.get_or_init(|| tokio::runtime::Runtime::new().unwrap().block_on(run()))
}

async fn run() -> String {
    let only = ["LIFE-03", "RSND-02", WALK].map(str::to_owned).to_vec();
    let selection = Selection {
        only,
        ..Selection::default()
    };
    let (numbers, steps) = ((0..4).collect(), None);
    let config = Config {
        cases: Some(ModelCases { numbers, steps }),
        bounds: true,
        jobs: 2,
        ..Config::new(selection.checks().unwrap(), 1)
    };
    let (_go_on, stop) = tokio::sync::watch::channel(false);
    let variant = mutants::find("code-not-consumed").map(|mutant| Variant {
        name: mutant.slug,
        change: mutant.change,
    });
    let mut events = Vec::new();
    let tell = |event| events.push(event);
    engine::run(config, Arc::new(PerCheckTarget { variant }), stop, tell)
        .await
        .unwrap();
    // A few exchanges are as good as all of them, and quicker to read a thousand times.
    let mut exchanges = 0;
    events.retain(|event| {
        exchanges += usize::from(matches!(event, Event::Exchange { .. }));
        !matches!(event, Event::Exchange { .. }) || exchanges <= 6
    });
    events.iter().flat_map(|event| [event.line(), "\n".to_owned()]).collect()
}

/// Every report of a record.
fn reports(record: &Record) -> [String; 3] {
    let (mut shown, mut xml, mut document) = (Vec::new(), Vec::new(), Vec::new());
    text::write(record, &mut shown).unwrap();
    junit::write(record, &mut xml).unwrap();
    json::write(record, &mut document).unwrap();
    [shown, xml, document].map(|report| String::from_utf8(report).unwrap())
}

fn read(record: impl AsRef<[u8]>) -> Result<Record, RecordError> {
    Record::read(record.as_ref())
}

/// The reports of a record whose lines are these.
fn reports_of(lines: &[Value]) -> [String; 3] {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    reports(&read(lines.join("\n")).unwrap())
}

fn lines() -> Vec<Value> {
    record().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The place of the first event of this kind.
fn place(lines: &[Value], kind: &str) -> usize {
    lines.iter().position(|line| line["event"] == kind).unwrap()
}

#[test]
fn a_real_record_does_not_contradict_itself() {
    let record = read(record()).unwrap();
    assert_eq!(record.contradictions(), Vec::<String>::new());
    assert_eq!(record.totals().exit, Exit::DoesNotConform);
    assert!(
        record.judged.iter().any(|judged| judged.trace.is_some()),
        "a case of the model found it"
    );
    let [shown, ..] = reports(&record);
    assert!(
        shown.contains("  to repeat it by hand:\n    ") && !shown.contains("contradicts"),
        "{shown}"
    );
}

#[test]
fn verdicts_are_counted_and_the_last_line_is_not_believed() {
    let mut lines = lines();
    let (end, verdict) = (place(&lines, "run_finished"), place(&lines, "verdict"));
    lines[end]["counts"]["failed"] = 0.into();
    lines[end]["exit"] = 0.into();
    let [shown, xml, document] = reports_of(&lines);
    assert!(
        shown.contains("counts 0 failed") && shown.contains("says exit code 0"),
        "{shown}"
    );
    assert!(xml.contains("consistency"), "{xml}");
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["end"]["exit"], 1);
    assert_ne!(document["end"]["counts"]["failed"], 0);
    assert_eq!(document["contradictions"].as_array().unwrap().len(), 2);

    let again = lines[verdict].clone();
    lines.insert(verdict, again);
    assert!(reports_of(&lines)[0].contains("has 2 verdicts about"));
    lines.retain(|line| line["event"] != "check_started");
    assert!(reports_of(&lines)[0].contains("was judged and never began"));
    lines.retain(|line| line["event"] != "verdict");
    lines.insert(
        1,
        json!({"event": "check_started", "check": "X", "requirements": [], "title": ""}),
    );
    lines.push(lines[0].clone());
    let [shown, ..] = reports_of(&lines);
    for told in [
        "X began and has no verdict",
        "a second run begins",
        "follows the end",
        "no check ended",
    ] {
        assert!(shown.contains(told), "{shown}");
    }
}

#[test]
fn any_time_that_a_check_took_is_told_or_left_out() {
    let mut lines = lines();
    let at = place(&lines, "verdict");
    for took in [1e308, 1e22, 1e-308, -1.0, f64::MAX, f64::MIN] {
        lines[at]["took_ms"] = took.into();
        reports_of(&lines);
    }
}

#[test]
fn a_record_without_its_end_is_an_interrupted_run_in_every_report() {
    let (whole, end) = record().trim_end().rsplit_once('\n').unwrap();
    for cut in ["", &end[..end.len() / 2], "{\"event\":\"verdict\",\"check\":\"ü"] {
        // Also in the middle of a character.
        for bytes in [cut.len(), cut.len().saturating_sub(1)] {
            let cut = [whole.as_bytes(), b"\n", &cut.as_bytes()[..bytes]].concat();
            let [shown, xml, document] = reports(&read(cut).unwrap());
            assert!(shown.contains("was interrupted") && shown.contains("4 failed"), "{shown}");
            assert!(xml.contains("completeness"));
            assert!(document.contains("\"interrupted\": true"));
        }
    }
}

#[test]
fn what_is_no_record_is_refused() {
    let end = lines().len();
    for (wrong, told) in [
        (&b"{\"event\":\"unheard_of\"}"[..], "unheard_of"),
        (b"{\"event\":\"verdict\",\"check\":\"X\"}", "missing field"),
        (b"{\"event\":\"verdict\",\"check\":\"\xff\xfe\"}", "is no event"),
        (
            &[&b"{\"event\":\"verdict\",\"trace\":"[..], &b"[".repeat(1 << 20)].concat(),
            "recursion limit",
        ),
    ] {
        let record = [record().as_bytes(), wrong, b"\n{}"].concat();
        let error = read(record).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("line {}", end + 1)) && error.contains(told),
            "{error}"
        );
        assert!(error.len() < 400, "{error}");
    }
    assert!(read("").is_err());
    // A line without an end is given up at the bound.
    let endless = std::io::BufReader::with_capacity(1 << 20, std::io::repeat(b'a'));
    let error = Record::read(endless).unwrap_err();
    assert!(matches!(error, RecordError::TooLong { line: 1 }), "{error}");
    assert!(error.to_string().contains(&(MAX_LINE >> 20).to_string()));
}

const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[8m\u{9b}2J\r\n\u{202e}\u{2028}\u{200b}\u{fffe}\0\u{7f}]]><script>&\"'";

/// The value with every text in it hostile, names too where they are anyone's.
fn hostile(value: &mut Value) {
    match value {
        Value::String(text) => text.push_str(HOSTILE),
        Value::Array(items) => items.iter_mut().for_each(hostile),
        Value::Object(fields) => fields.values_mut().for_each(hostile),
        _ => {}
    }
}

#[test]
fn no_text_of_a_record_reaches_a_terminal_or_xml_as_it_is() {
    let mut lines = lines();
    for line in &mut lines {
        let (event, verdict) = (line["event"].clone(), line["verdict"].clone());
        hostile(line);
        line["event"] = event.clone();
        if event == "verdict" {
            line["verdict"] = verdict;
        }
        line[HOSTILE] = HOSTILE.into();
    }
    let reports = reports_of(&lines);
    let styles = regex::Regex::new("\u{1b}\\[([0-3]|3[1-3]|90)m").unwrap();
    for (report, plain) in reports.iter().zip([
        styles.replace_all(&reports[0], ""),
        (&reports[1]).into(),
        (&reports[2]).into(),
    ]) {
        let acted_upon =
            |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{202e}' | '\u{2028}' | '\u{200b}' | '\u{fffe}');
        let found: Vec<char> = plain.chars().filter(acted_upon).collect();
        assert!(found.is_empty(), "{found:?} in {report}");
    }
    // Nothing is lost, and no line begins where a text wants one to.
    assert!(
        reports[0].contains(r"\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[8m\u{9b}2J\r\n\u{202e}"),
        "{}",
        reports[0]
    );
    quick_junit::Report::deserialize_from_str(&reports[1]).unwrap();
    let document: Value = serde_json::from_str(&reports[2]).unwrap();
    assert!(document["verdicts"][0]["check"].as_str().unwrap().ends_with(HOSTILE));
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(1e308)),
        Just(json!(-1e308)),
        ".{0,8}".prop_map(Value::from),
        Just(json!(["failed", {"a": []}])),
    ]
}

/// Puts a value somewhere into another.
fn put(into: &mut Value, path: &[prop::sample::Index], what: Value) {
    let (next, rest) = match (path, into) {
        ([at, rest @ ..], Value::Object(fields)) if !fields.is_empty() => {
            let at = at.index(fields.len());
            (fields.values_mut().nth(at), rest)
        }
        ([at, rest @ ..], Value::Array(items)) if !items.is_empty() => {
            let at = at.index(items.len());
            (items.get_mut(at), rest)
        }
        (_, into) => {
            *into = what;
            return;
        }
    };
    if let Some(next) = next {
        put(next, rest, what);
    }
}

proptest! {
    #[test]
    fn no_record_of_changed_values_ends_in_a_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<prop::sample::Index>(), 1..4), anything()), 1..6)
    ) {
        let mut lines = lines();
        for (line, path, what) in changes {
            let at = line.index(lines.len());
            put(&mut lines[at], &path, what);
        }
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        if let Ok(record) = read(lines.join("\n")) {
            reports(&record);
        }
    }

    #[test]
    fn no_record_of_changed_bytes_ends_in_a_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = record().as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(record) = read(bytes) {
            reports(&record);
        }
    }
}

#[test]
fn a_record_of_format_1_is_read_and_a_later_one_is_refused() {
    let old = include_str!("data/format-1.ndjson");
    let record = read(old).unwrap();
    assert_eq!(record.started.as_ref().unwrap().format, 1);
    assert_eq!(record.contradictions(), Vec::<String>::new());
    let case = record.judged.iter().find(|judged| judged.case.is_some()).unwrap();
    assert!(case.trace.is_some() && record.chain(case).is_ok());
    let [shown, ..] = reports(&record);
    assert!(
        shown.contains("case 0: expected") || shown.contains("enters the code that was accepted before"),
        "{shown}"
    );

    assert_eq!(read(crate::record()).unwrap().started.unwrap().format, FORMAT);
    let later = old.replacen("{\"event\":\"run_started\"", "{\"event\":\"run_started\",\"format\":3", 1);
    let error = read(later).unwrap_err();
    assert!(matches!(error, RecordError::Format { format: 3 }), "{error}");
}
