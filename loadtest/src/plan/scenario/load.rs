//! From a file to a scenario: what is wrong is found before anybody comes, and shown where it stands.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use miette::NamedSource;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::check::{self, Fault, Key};
use super::{Scenario, ScenarioError, Shape, Slo};

/// Reads a scenario file.
pub fn load(path: impl AsRef<Path>) -> Result<Scenario, ScenarioError> {
    parse(path.as_ref(), &read(path.as_ref())?)
}

/// Reads a file of promises alone (the `slo` table's keys at its top), for this scenario.
pub fn load_slo(path: impl AsRef<Path>, scenario: &Scenario) -> Result<Slo, ScenarioError> {
    parse_slo(path.as_ref(), &read(path.as_ref())?, scenario)
}

/// Reads a scenario from text; `path` names it in errors and is where its relative paths start.
pub fn parse(path: &Path, text: &str) -> Result<Scenario, ScenarioError> {
    let source = Source::new(path, text);
    let mut scenario: Scenario = source.typed()?;
    for party in &mut scenario.parties {
        if let Shape::Replay { file, .. } = &mut party.arrivals.shape {
            let folder = path.parent().unwrap_or(Path::new(""));
            *file = folder.join(&*file).display().to_string();
        }
    }
    source.refuse(check::faults(&scenario))?;
    Ok(scenario)
}

/// Reads promises from text.
pub fn parse_slo(path: &Path, text: &str, scenario: &Scenario) -> Result<Slo, ScenarioError> {
    let source = Source::new(path, text);
    let slo: Slo = source.typed()?;
    source.refuse(check::slo_faults(&slo, scenario))?;
    Ok(slo)
}

fn read(path: &Path) -> Result<String, ScenarioError> {
    std::fs::read_to_string(path).map_err(|error| ScenarioError::new(format!("`{}` cannot be read: {error}", path.display())))
}

struct Source<'a> {
    text: &'a str,
    named: Arc<NamedSource<String>>,
}

impl<'a> Source<'a> {
    fn new(path: &Path, text: &'a str) -> Self {
        let named = NamedSource::new(path.display().to_string(), text.to_owned()).with_language("TOML");
        Self {
            text,
            named: Arc::new(named),
        }
    }

    fn typed<T: DeserializeOwned>(&self) -> Result<T, ScenarioError> {
        toml::from_str(self.text).map_err(|error| {
            let (what, help) = explain(error.message().trim());
            ScenarioError::new(what).hint(help).at(&self.named, error.span())
        })
    }

    fn refuse(&self, faults: Vec<Fault>) -> Result<(), ScenarioError> {
        if faults.is_empty() {
            return Ok(());
        }
        let table = DeTable::parse(self.text).ok();
        let errors = faults.into_iter().map(|fault| {
            let span = table.as_ref().and_then(|table| place(table.get_ref(), &fault.place));
            let what = format!("{}: {}", fault.path(), fault.what);
            ScenarioError::new(what).hint(fault.hint).at(&self.named, span)
        });
        ScenarioError::first_of(errors).map_or(Ok(()), Err)
    }
}

/// Where the value at this place stands, or the nearest thing around it that is written down.
fn place(table: &DeTable<'_>, keys: &[Key]) -> Option<Range<usize>> {
    let Key::Name(first) = keys.first()? else {
        return None;
    };
    let mut here = table.get(*first)?;
    for key in &keys[1..] {
        let inner = match (key, here.get_ref()) {
            (Key::Name(name), DeValue::Table(table)) => table.get(*name),
            (Key::Nth(nth), DeValue::Array(array)) => array.get(*nth),
            _ => None,
        };
        match inner {
            Some(inner) => here = inner,
            None => break,
        }
    }
    Some(here.span())
}

/// A message of the reader in our words: without the list of what is known, which becomes the help.
fn explain(message: &str) -> (String, String) {
    let (what, known) = match message.split_once(", expected") {
        Some((what, known)) => (what, Some(known)),
        None => (message, None),
    };
    let ticked = |text: &str| -> Vec<String> {
        let names = text.split('`').skip(1).step_by(2);
        let is_name = |name: &&str| name.starts_with(|letter: char| letter.is_ascii_alphabetic());
        names.filter(is_name).map(str::to_owned).collect()
    };
    let written = ticked(what).into_iter().next().unwrap_or_default();
    let known = known.map(ticked).unwrap_or_default();
    let help = match (nearest(&written, &known), known.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`? Known here: {}", known.join(", ")),
        (None, false) => format!("known here: {}", known.join(", ")),
        (None, true) => "loadtest/storms/README.md describes every key; `stepproof-load list NAME` shows an example".to_owned(),
    };
    match known.is_empty() {
        true => (message.to_owned(), help),
        false => (what.to_owned(), help),
    }
}

/// The known name that most pairs of letters of the written one occur in, where at least a half do.
fn nearest<'k>(written: &str, known: &'k [String]) -> Option<&'k str> {
    let pairs = |text: &str| -> Vec<(char, char)> { text.chars().zip(text.chars().skip(1)).collect() };
    let wanted = pairs(written);
    let scored = known.iter().map(|name| {
        let there = pairs(name);
        let shared = wanted.iter().filter(|pair| there.contains(pair)).count();
        (2 * shared * 100 / (wanted.len() + there.len()).max(1), name.as_str())
    });
    let best = scored.max_by_key(|(score, _)| *score)?;
    (best.0 >= 50).then_some(best.1)
}
