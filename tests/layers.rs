//! No two modules of a crate need each other: each crate's modules are in layers, read from the source. What crates need of each
//! other, cargo keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

type Uses = BTreeMap<String, BTreeSet<String>>;

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// The code of a file without comments, and without tests, which may know more than what they test.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// The names in `a`, `{a, b::c}` or `{self, a}`: the first of each path.
fn names(list: &str) -> impl Iterator<Item = String> {
    let paths = list.trim_matches(['{', '}']).split(',');
    let first = paths.map(|path| path.trim().split("::").next().unwrap_or_default().to_owned());
    first.filter(|name| !name.is_empty() && name != "self")
}

/// What each module at the root of this source names of the others, also by what the root hands on of them.
fn uses(src: &Path) -> Uses {
    let handed_on = Regex::new(r"pub(?:\(crate\))? use (?:crate::)?(\w+)::((?:\w+::)*)(\{[^}]*\}|\w+)").unwrap();
    let named = Regex::new(r"\bcrate::(\{[^}]*\}|\w+)").unwrap();
    let mut owner = BTreeMap::new();
    let mut uses = Uses::new();
    for path in sources(src) {
        let within = path.strip_prefix(src).unwrap().with_extension("");
        let module = within.iter().next().unwrap().to_str().unwrap().to_owned();
        let code = code(&path);
        if module == "lib" || module == "main" {
            for found in handed_on.captures_iter(&code) {
                owner.extend(names(&found[3]).map(|name| (name, found[1].to_owned())));
            }
        } else if !within
            .iter()
            .any(|part| part.to_str().is_some_and(|part| part.ends_with("tests")))
        {
            let others = named
                .captures_iter(&code)
                .flat_map(|found| names(&found[1]).collect::<Vec<_>>());
            uses.entry(module).or_default().extend(others);
        }
    }
    let modules: BTreeSet<String> = uses.keys().cloned().collect();
    for (module, others) in &mut uses {
        let resolved = others.iter().map(|name| owner.get(name).unwrap_or(name).clone());
        *others = resolved.filter(|other| other != module && modules.contains(other)).collect();
    }
    uses
}

/// What is left when modules that need nobody are taken away again and again: those in cycles, and those above them.
fn in_cycles(mut uses: Uses) -> Uses {
    loop {
        let free: BTreeSet<String> = uses
            .iter()
            .filter(|(_, others)| others.is_empty())
            .map(|(module, _)| module.clone())
            .collect();
        if free.is_empty() {
            return uses;
        }
        uses.retain(|module, _| !free.contains(module));
        for others in uses.values_mut() {
            others.retain(|other| !free.contains(other));
        }
    }
}

#[test]
fn no_two_modules_need_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = [
        ".",
        "specs",
        "reference-server",
        "targets",
        "conformance",
        "conformance/mutants",
        "loadtest",
        "benches",
    ];
    for name in crates {
        let uses = uses(&root.join(name).join("src"));
        assert!(uses.len() > 1, "{name}: no modules were found");
        let left = in_cycles(uses);
        assert!(left.is_empty(), "{name}: modules in a cycle, or above one: {left:#?}");
    }
}
