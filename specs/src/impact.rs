//! What breaking a requirement means for a person, compiled in from `impact.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static IMPACTS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| toml::from_str(include_str!("../impact.toml")).expect("impact.toml is compiled in and its tests parse it"));

/// The sentence for a requirement.
pub(crate) fn impact(id: &str) -> Option<&'static str> {
    IMPACTS.get(id).map(String::as_str)
}

/// The ids that have a sentence, sorted.
pub fn explained() -> impl Iterator<Item = &'static str> {
    IMPACTS.keys().map(String::as_str)
}
