//! The files of a run: the record, the page, JUnit, beside the log that the run itself has written.

use std::path::Path;

use crate::record::RECORD;
use crate::record::Record;
use crate::report;
use anyhow::Context as _;

/// Writes all reports of a run.
pub(crate) fn write(record: &Record, out: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    report::json::write(&out.join(RECORD), record)?;
    let page = report::html::page(record).context("the page cannot be made")?;
    file(out, "report.html", &page)?;
    let junit = report::junit::to_text(std::slice::from_ref(record)).context("the JUnit report cannot be made")?;
    file(out, "junit.xml", &junit)
}

/// Writes one file.
pub(crate) fn file(out: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = out.join(name);
    std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
}
