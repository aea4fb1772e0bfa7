//! What breaking a requirement means for a person, compiled in from `meanings.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static MEANINGS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    toml::from_str(include_str!("../meanings.toml")).expect("meanings.toml is compiled in and its tests parse it")
});

/// The sentence for a requirement.
pub(crate) fn meaning(id: &str) -> Option<&'static str> {
    MEANINGS.get(id).map(String::as_str)
}

/// The ids that have a sentence, sorted.
pub fn explained() -> impl Iterator<Item = &'static str> {
    MEANINGS.keys().map(String::as_str)
}
