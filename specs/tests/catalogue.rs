//! The catalogue is well-formed: complete, numbered without holes, and each entry usable.

use std::collections::{BTreeMap, BTreeSet};

use specs::catalogue::{AREAS, requirement};
use specs::impact::explained;
use specs::{Level, Profile, Requirement, catalogue};

fn ids(requirements: impl Iterator<Item = &'static Requirement>) -> Vec<&'static str> {
    requirements.map(|requirement| requirement.id.as_str()).collect()
}

#[test]
fn there_are_140_requirements_of_the_known_levels() {
    let count = |level| catalogue().iter().filter(|requirement| requirement.level == level).count();
    assert_eq!(catalogue().len(), 140);
    assert_eq!((count(Level::Must), count(Level::Should), count(Level::May)), (121, 15, 4));
}

#[test]
fn ids_are_unique_and_numbered_without_holes_in_the_order_of_the_areas() {
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    let mut seen_areas: Vec<&str> = Vec::new();
    for requirement in catalogue() {
        let (prefix, number) = requirement.id.split_once('-').expect("PREFIX-NN");
        let known = AREAS.iter().find(|(area, _)| *area == requirement.area);
        assert_eq!(known.map(|(_, prefix)| *prefix), Some(prefix), "{}", requirement.id);
        let next = last.entry(prefix).or_default();
        *next += 1;
        assert_eq!(number, format!("{next:02}"), "{}", requirement.id);
        if seen_areas.last() != Some(&requirement.area.as_str()) {
            seen_areas.push(&requirement.area);
        }
    }
    // Each area once and in order: its requirements stand together.
    assert_eq!(seen_areas, AREAS.map(|(area, _)| area));
}

#[test]
fn a_requirement_is_found_by_its_id() {
    for known in catalogue() {
        assert_eq!(requirement(&known.id).map(|found| &found.text), Some(&known.text));
    }
    assert!(requirement("RSND-99").is_none());
    assert!(requirement("rsnd-02").is_none());
}

#[test]
fn every_requirement_is_one_sentence_with_sources_and_a_way_to_break_it() {
    for requirement in catalogue() {
        let id = &requirement.id;
        assert!(
            requirement.text.ends_with('.') && requirement.text.len() > 30,
            "{id}: {}",
            requirement.text
        );
        assert_eq!(requirement.text.trim(), requirement.text, "{id}");
        assert!(!requirement.text.contains('\n'), "{id}");
        assert!(!requirement.sources.is_empty(), "{id} has no source");
        assert!(requirement.sources.iter().all(|source| !source.trim().is_empty()), "{id}");
        assert!(!requirement.mutants.is_empty(), "{id} has no mutant");
        assert_eq!(
            requirement.mutant_slugs().count(),
            requirement.mutants.len(),
            "{id}: a mutant is `slug: description`"
        );
    }
}

#[test]
fn the_160_slugs_are_unique_and_fit_for_a_command_line() {
    let slugs: Vec<&str> = catalogue().iter().flat_map(Requirement::mutant_slugs).collect();
    let unique: BTreeSet<&str> = slugs.iter().copied().collect();
    assert_eq!((slugs.len(), unique.len()), (160, 160));
    for slug in unique {
        let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        assert!(
            slug.chars().all(fit) && slug.starts_with(|c: char| c.is_ascii_lowercase()),
            "{slug}"
        );
    }
}

#[test]
fn asvs_and_nist_raise_exactly_these() {
    let raised = |profile| ids(catalogue().iter().filter(move |known| known.level_in(profile) != known.level));
    assert_eq!(raised(Profile::Faq), [""; 0]);
    assert_eq!(raised(Profile::Asvs), ["CODE-05", "DLVR-05", "SESS-06", "PWD-07", "AVAIL-04"]);
    assert_eq!(raised(Profile::Nist), ["DEV-14"]);
    for known in catalogue() {
        // A profile only ever binds harder.
        assert!(
            Profile::ALL.into_iter().all(|profile| known.level_in(profile) <= known.level),
            "{}",
            known.id
        );
    }
}

#[test]
fn what_asvs_raises_cites_a_level_2_row_and_what_it_leaves_does_not() {
    // Rows of OWASP ASVS 5.0 level 2 that a SHOULD of the catalogue cites; the rest that is cited is level 3.
    const LEVEL_2: [&str; 6] = ["6.4.3", "7.3.1", "7.3.2", "11.4.2", "14.2.3", "15.2.2"];
    for known in catalogue().iter().filter(|known| known.level == Level::Should) {
        let rows = known
            .sources
            .iter()
            .filter_map(|source| source.strip_prefix("OWASP ASVS 5.0 "));
        let cites = rows
            .map(|row| row.split(' ').next().unwrap_or_default())
            .any(|row| LEVEL_2.contains(&row));
        assert_eq!(cites, known.level_in(Profile::Asvs) == Level::Must, "{}", known.id);
    }
}

#[test]
fn every_requirement_says_what_breaking_it_means() {
    let told: BTreeSet<&str> = explained().collect();
    let known: BTreeSet<&str> = ids(catalogue().iter()).into_iter().collect();
    assert_eq!(told, known);
    for known in catalogue() {
        let impact = known.impact().unwrap_or_default();
        assert!(
            impact.ends_with('.') && impact.len() < 160 && !impact.contains(". "),
            "{}: {impact}",
            known.id
        );
    }
}
