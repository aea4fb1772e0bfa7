//! What may know of what in this crate: arrows point down only, and none of them makes a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What each module of the crate names of its others, read from its source.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let within = path.strip_prefix(&root).unwrap().with_extension("");
            let module = within.iter().next().unwrap().to_str().unwrap().to_owned();
            if path.extension().is_none_or(|end| end != "rs") || module == "lib" {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            // Tests may know more than what they test.
            let text = text.split("#[cfg(test)]").next().unwrap();
            assert!(
                !text.contains("crate::{"),
                "{}: one module a line, so that this can be read",
                path.display()
            );
            let named = text.split("crate::").skip(1).map(|rest| {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                rest[..end].to_owned()
            });
            let others = uses.entry(module.clone()).or_default();
            others.extend(named.filter(|other| *other != module));
        }
    }
    uses
}

#[test]
fn the_core_knows_neither_http_nor_any_adapter() {
    for (module, others) in uses() {
        let above: &[&str] = match module.as_str() {
            "adapters" => &[],
            "http" => &["adapters"],
            _ => &["adapters", "http"],
        };
        for other in above {
            assert!(!others.contains(*other), "`{module}` says crate::{other}");
        }
    }
}

#[test]
fn no_modules_need_each_other() {
    let mut uses = uses();
    // What needs none of the rest, or is needed by none of it, is on no circle and is taken away until nothing else is left.
    loop {
        let before = uses.len();
        let left: BTreeSet<String> = uses.keys().cloned().collect();
        let needed: BTreeSet<String> = uses.values().flatten().cloned().collect();
        uses.retain(|module, others| needed.contains(module) && others.iter().any(|other| left.contains(other)));
        if uses.len() == before {
            break;
        }
    }
    assert!(uses.is_empty(), "{uses:#?}");
}
