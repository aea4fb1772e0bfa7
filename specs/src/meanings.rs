//! What breaking a requirement means for a person, compiled in from `meanings.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static MEANINGS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    toml::from_str(include_str!("../meanings.toml")).expect("meanings.toml is compiled in and its tests parse it")
});

/// The areas whose requirements all have a meaning written down.
pub const EXPLAINED_AREAS: [&str; 11] = [
    "sign-in",
    "code",
    "lifetime",
    "binding",
    "attempts",
    "resend",
    "method",
    "trusted-device",
    "session",
    "toggle",
    "version-gate",
];

/// The sentence for a requirement.
pub(crate) fn meaning(id: &str) -> Option<&'static str> {
    MEANINGS.get(id).map(String::as_str)
}

/// The ids that have a sentence, sorted.
pub fn explained() -> impl Iterator<Item = &'static str> {
    MEANINGS.keys().map(String::as_str)
}
