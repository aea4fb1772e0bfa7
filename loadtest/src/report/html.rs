//! A record as one page.

use crate::record::Record;

/// The page.
pub fn page(record: &Record) -> Result<String, minijinja::Error> {
    minijinja::Environment::new().render_named_str(
        "page.html",
        "<!doctype html><title>{{ name }}</title>",
        minijinja::context! { name => record.scenario.name.clone() },
    )
}
