//! The prose and the data tell the same: `two-step-verification.md` against the catalogue, the parameters and the profiles.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use specs::catalogue::{AREAS, requirement};
use specs::{Parameters, Profile, catalogue};

const PROSE: &str = include_str!("../two-step-verification.md");

/// `- **RSND-02** MUST: At any moment …` as id, level and sentence.
fn definition(line: &str) -> Option<(&str, &str, &str)> {
    let (id, rest) = line.strip_prefix("- **")?.split_once("** ")?;
    let (level, sentence) = rest.split_once(": ")?;
    Some((id, level, sentence))
}

/// The cells of a table row whose first cell is this.
fn row(first: &str) -> Vec<&'static str> {
    let start = format!("| {first} |");
    let rows: Vec<&str> = PROSE.lines().filter(|line| line.starts_with(&start)).collect();
    assert_eq!(rows.len(), 1, "{first} has {} rows", rows.len());
    rows[0].trim_matches('|').split(" | ").map(str::trim).collect()
}

/// Everything in the text that looks like the id of a requirement.
fn mentioned(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| {
            word.split_once('-').is_some_and(|(prefix, number)| {
                AREAS.iter().any(|(_, known)| *known == prefix) && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        })
        .collect()
}

#[test]
fn each_requirement_is_defined_once_and_word_for_word() {
    let mut defined = BTreeMap::new();
    for (id, level, sentence) in PROSE.lines().filter_map(definition) {
        assert!(
            defined.insert(id, (level.to_owned(), sentence)).is_none(),
            "{id} is defined twice"
        );
    }
    for known in catalogue() {
        let (level, sentence) = defined
            .remove(known.id.as_str())
            .unwrap_or_else(|| panic!("{} is not defined", known.id));
        assert_eq!(
            (level, sentence),
            (known.level.to_string(), known.text.as_str()),
            "{}",
            known.id
        );
    }
    assert_eq!(defined.keys().collect::<Vec<_>>(), [&""; 0], "not in the catalogue");
}

#[test]
fn requirements_stand_in_the_order_of_the_catalogue_under_their_area() {
    let mut area = "";
    let mut order = Vec::new();
    for line in PROSE.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            area = heading.split('`').nth(1).unwrap_or_default();
        }
        if let Some((id, ..)) = definition(line) {
            assert_eq!(requirement(id).map(|known| known.area.as_str()), Some(area), "{id}");
            order.push(id);
        }
    }
    assert_eq!(order, catalogue().iter().map(|known| known.id.as_str()).collect::<Vec<_>>());
}

#[test]
fn every_identifier_that_is_mentioned_exists() {
    let found = mentioned(PROSE);
    assert!(found.len() >= 140);
    for id in found {
        assert!(requirement(id).is_some(), "{id}");
    }
}

#[test]
fn all_thirty_open_questions_are_decided() {
    for number in 1..=30 {
        let cells = row(&format!("A{number}"));
        assert_eq!(cells.len(), 3, "A{number}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "A{number}");
    }
    assert!(!PROSE.contains("| A31 |"));
}

#[test]
fn the_ten_invariants_name_their_requirements() {
    for number in 1..=10 {
        let cells = row(&format!("**I{number}**"));
        assert_eq!(cells.len(), 4, "I{number}");
        assert!(mentioned(cells[3]).len() >= 5, "I{number}");
    }
}

#[test]
fn every_parameter_stands_there_with_its_default() {
    let defaults = serde_json::to_value(Parameters::default()).expect("parameters are plain data");
    for (name, value) in defaults.as_object().into_iter().flatten() {
        let told = match value {
            Value::String(text) => text.clone(),
            Value::Null => "none".to_owned(),
            number => number.to_string(),
        };
        assert_eq!(row(&format!("`{name}`"))[1], told, "{name}");
    }
}

#[test]
fn each_profile_names_exactly_what_it_raises() {
    let raised = |profile| {
        let raised = catalogue().iter().filter(move |known| known.level_in(profile) != known.level);
        raised.map(|known| known.id.as_str()).collect::<BTreeSet<_>>()
    };
    let asvs = row("`asvs`")[2];
    assert_eq!(mentioned(asvs), raised(Profile::Asvs));
    assert_eq!(raised(Profile::Nist), BTreeSet::from(["DEV-14"]));
    assert!(row("`nist`")[2].contains("DEV-14 becomes MUST"));
}
