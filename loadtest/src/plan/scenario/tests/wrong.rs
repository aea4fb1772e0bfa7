//! What is wrong is shown where it stands, with what to do about it.

use std::path::Path;

use miette::Diagnostic as _;

use crate::plan::scenario::{ScenarioError, load};

const GOOD: &str = r#"name = "mine"
title = "Mine"
seconds = 60
users = 50

[think]
read_code_s = 1.5

[[parties]]
name = "people"
journey = "new-device"
accounts = 100
patience_s = 30
retry = { attempts = 3, delay_s = 1 }
arrivals = { rate = 20, from_s = 10, for_s = 40, shape = { kind = "sine", swing = 0.5 } }

[[parties]]
name = "bots"
attacker = true
journey = "guess-codes"
accounts_of = "people"
sources = 2
tries = 5
arrivals = { rate = 5, shape = { kind = "spike", at_s = 5, height = 4, half_life_s = 2 } }

[[events]]
from_s = 20
until_s = 30
fault = { push-slow-ms = 500 }

[[phases]]
name = "before"
from_s = 0

[[phases]]
name = "after"
from_s = 30

[slo]
drain_s = 10
collateral = 0.01
objectives = [{ party = "people", phase = "after", journey = "new-device", p99_ms = 500, success = 0.99 }]
"#;

fn parse(text: &str) -> Result<(), ScenarioError> {
    load::parse(Path::new("mine.toml"), text).map(|_| ())
}

/// With `old` replaced, the error says `what` about `shown`, and helps with `help`.
#[track_caller]
fn check(old: &str, new: &str, shown: &str, what: &str, help: &str) {
    assert!(GOOD.contains(old), "{old}");
    let text = GOOD.replacen(old, new, 1);
    let error = parse(&text).expect_err(new);
    let marked = error.span().map(|span| &text[span]).unwrap_or_default();
    assert_eq!(marked, shown, "{error}");
    assert!(error.to_string().contains(what), "{error}");
    assert!(error.help().unwrap_or_default().contains(help), "{:?}", error.help());
}

#[test]
fn the_good_one_is_good() {
    parse(GOOD).unwrap();
}

#[test]
fn what_its_types_refuse() {
    check(
        "patience_s",
        "pateince_s",
        "pateince_s",
        "unknown field `pateince_s`",
        "did you mean `patience_s`?",
    );
    check("title = \"Mine\"\n", "", "", "missing field `title`", "README.md");
    check("seconds = 60", "seconds = \"60\"", "\"60\"", "expected f64", "README.md");
    check("users = 50", "users = -1", "-1", "expected usize", "README.md");
    check(
        "\"new-device\"\nacc",
        "\"new-devices\"\nacc",
        "\"new-devices\"",
        "unknown variant `new-devices`",
        "did you mean `new-device`?",
    );
    check("users = 50", "users = [", "", "", "README.md");
    let error = parse("").unwrap_err();
    assert!(error.to_string().contains("missing field"), "{error}");
}

#[test]
fn numbers_out_of_bounds() {
    for (old, new, shown, path) in [
        ("seconds = 60", "seconds = 86401", "86401", "seconds"),
        ("users = 50", "users = 0", "0", "users"),
        ("read_code_s = 1.5", "read_code_s = nan", "nan", "think.read_code_s"),
        ("rate = 20", "rate = 0", "0", "parties[0].arrivals.rate"),
        ("rate = 20", "rate = inf", "inf", "parties[0].arrivals.rate"),
        ("rate = 5", "rate = -5", "-5", "parties[1].arrivals.rate"),
        ("swing = 0.5", "swing = 1.5", "1.5", "parties[0].arrivals.shape.swing"),
        ("height = 4", "height = 0.5", "0.5", "parties[1].arrivals.shape.height"),
        (
            "half_life_s = 2",
            "half_life_s = 0",
            "0",
            "parties[1].arrivals.shape.half_life_s",
        ),
        ("at_s = 5", "at_s = 61", "61", "parties[1].arrivals.shape.at_s"),
        ("accounts = 100", "accounts = 0", "0", "parties[0].accounts"),
        ("patience_s = 30", "patience_s = 0", "0", "parties[0].patience_s"),
        ("attempts = 3", "attempts = 0", "0", "parties[0].retry.attempts"),
        ("delay_s = 1 ", "delay_s = -1 ", "-1", "parties[0].retry.delay_s"),
        ("tries = 5", "tries = 0", "0", "parties[1].tries"),
        ("sources = 2", "sources = 70000", "70000", "parties[1].sources"),
        (
            "push-slow-ms = 500",
            "push-slow-ms = 0",
            "{ push-slow-ms = 0 }",
            "events[0].fault",
        ),
        ("until_s = 30", "until_s = 61", "61", "events[0].until_s"),
        ("collateral = 0.01", "collateral = 1", "", ""),
        ("collateral = 0.01", "collateral = 1.1", "1.1", "slo.collateral"),
        ("p99_ms = 500", "p99_ms = 0", "0", "slo.objectives[0].p99_ms"),
        ("success = 0.99", "success = 99", "99", "slo.objectives[0].success"),
    ] {
        if path.is_empty() {
            parse(&GOOD.replacen(old, new, 1)).unwrap();
            continue;
        }
        check(old, new, shown, &format!("{path}: "), "a number");
    }
}

#[test]
fn what_does_not_fit_together() {
    check(
        "name = \"bots\"",
        "name = \"people\"",
        "\"people\"",
        "parties[1].name: there is another party `people`",
        "a name of its own",
    );
    check("name = \"mine\"", "name = \" \"", "\" \"", "name: is empty", "monday-morning");
    check(
        "from_s = 10, for_s",
        "from_s = 30, for_s",
        "40",
        "`people` comes until 70",
        "leave `for_s` out",
    );
    check(
        "from_s = 10, for_s = 40",
        "from_s = 60",
        "60",
        "when the storm is over",
        "60 seconds",
    );
    check(
        "until_s = 30",
        "until_s = 20",
        "20",
        "ends at 20 and begins at 20",
        "after `from_s`",
    );
    check(
        "name = \"after\"\nfrom_s = 30",
        "name = \"after\"\nfrom_s = 0",
        "0",
        "phase `after` begins at 0",
        "in order",
    );
    check(
        "name = \"after\"\nfrom_s = 30",
        "name = \"after\"\nfrom_s = 60",
        "60",
        "phase `after` begins at 60",
        "before the storm's end",
    );
    check(
        "name = \"after\"",
        "name = \"before\"",
        "\"before\"",
        "another phase `before`",
        "a name of its own",
    );
    check(
        "party = \"people\"",
        "party = \"poeple\"",
        "\"poeple\"",
        "no party `poeple`",
        "are: people",
    );
    check(
        "party = \"people\"",
        "party = \"bots\"",
        "\"bots\"",
        "no party `bots` of legitimate people",
        "are: people",
    );
    check(
        "phase = \"after\"",
        "phase = \"later\"",
        "\"later\"",
        "no phase `later`",
        "are: before, after",
    );
    check(
        "journey = \"new-device\", p99",
        "journey = \"refresh\", p99",
        "\"refresh\"",
        "walks `refresh`",
        "name a journey",
    );
    check(
        "p99_ms = 500, success = 0.99",
        "",
        "{ party = \"people\", phase = \"after\", journey = \"new-device\",  }",
        "promises nothing",
        "p99_ms",
    );
    check(
        "accounts_of = \"people\"\n",
        "",
        "true",
        "no accounts of its own to attack",
        "accounts_of",
    );
    check(
        "accounts_of = \"people\"",
        "accounts_of = \"poeple\"",
        "\"poeple\"",
        "no party `poeple` with accounts",
        "are: people",
    );
    check(
        "accounts_of = \"people\"",
        "accounts_of = \"bots\"",
        "\"bots\"",
        "no party `bots` with accounts",
        "are: people",
    );
    check(
        "attacker = true\n",
        "",
        "\"guess-codes\"",
        "is what an attacker does",
        "attacker = true",
    );
    check(
        "\"guess-codes\"",
        "\"refresh\"",
        "\"refresh\"",
        "is nothing that an attacker does",
        "stuff-passwords",
    );
    check(
        "accounts = 100",
        "device = \"trusted\"",
        "\"trusted\"",
        "walked with a new device",
        "push-off",
    );
}

#[test]
fn too_many_and_nobody() {
    let many = GOOD
        .replacen("rate = 20", "rate = 1000000", 1)
        .replacen("rate = 5", "rate = 1000000", 1);
    let error = parse(&many).unwrap_err();
    assert!(error.to_string().contains("million arrivals are to be expected"), "{error}");
    let none = GOOD
        .replacen("rate = 20", "rate = 0.0001", 1)
        .replacen("rate = 5", "rate = 0.0001", 1);
    let error = parse(&none).unwrap_err();
    assert!(error.to_string().contains("nobody is to be expected"), "{error}");
    let error = parse("name = 'x'\ntitle = 'x'\nseconds = 5\nparties = []\n").unwrap_err();
    assert!(error.to_string().contains("parties: there are 0 parties"), "{error}");
}

#[test]
fn a_recording_is_looked_for_beside_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let text = GOOD.replacen("kind = \"sine\", swing = 0.5", "kind = \"replay\", file = \"peak.csv\"", 1);
    std::fs::write(&path, &text).unwrap();
    let error = load::load(&path).unwrap_err();
    assert!(error.to_string().contains("peak.csv` cannot be read"), "{error}");
    assert_eq!(error.span().map(|span| &text[span]), Some("\"peak.csv\""));
    std::fs::write(folder.path().join("peak.csv"), "10\nmany\n").unwrap();
    let error = load::load(&path).unwrap_err();
    assert!(error.to_string().contains("peak.csv, line 2: `many` is no count"), "{error}");
    std::fs::write(folder.path().join("peak.csv"), "count\n10\n20\n").unwrap();
    load::load(&path).unwrap();
    assert!(load::load(folder.path().join("other.toml")).is_err());
}

#[test]
fn several_faults_are_told_at_once_as_a_person_sees_them() {
    let text = GOOD
        .replacen("swing = 0.5", "swing = 2", 1)
        .replacen("tries = 5", "tries = 0", 1);
    let error = parse(&text).unwrap_err();
    assert_eq!(error.related().map(Iterator::count), Some(1));
    let mut shown = String::new();
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor());
    handler.render_report(&mut shown, &error).unwrap();
    for told in [
        "stepproof::scenario",
        "parties[0].arrivals.shape.swing: 2 is out of bounds",
        "mine.toml:15",
        "help: a number from 0 to 1",
        "parties[1].tries: 0 is out of bounds",
    ] {
        assert!(shown.contains(told), "{told}\n{shown}");
    }
}
