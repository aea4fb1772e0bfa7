//! The files a run leaves behind. A report that cannot be written does not stop the run, and is not passed over either.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use conformance::events::Event;
use conformance::report::ndjson::Ndjson;
use conformance::report::record::Record;
use conformance::report::{json, junit};

/// The record under way, and the reports at its end.
pub(crate) struct Outputs {
    directory: PathBuf,
    record: Option<Ndjson<File>>,
    /// What could not be written, and why.
    pub(crate) troubles: Vec<String>,
}

impl Outputs {
    /// Opens the record in this directory, which is made if need be.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let record = File::create(directory.join("run.ndjson"))?;
        Ok(Self {
            directory: directory.to_owned(),
            record: Some(Ndjson::new(record)),
            troubles: Vec::new(),
        })
    }

    /// Writes one event. The first failure is kept and ends the record.
    pub(crate) fn take(&mut self, event: &Event) {
        if let Some(record) = &mut self.record
            && let Err(error) = record.take(event)
        {
            self.troubles
                .push(format!("{}: {error}", self.directory.join("run.ndjson").display()));
            self.record = None;
        }
    }

    /// Writes the reports that are made of the whole run, and the steps of each walk that showed a breach.
    pub(crate) fn finish(&mut self, record: &Record) {
        for judged in &record.judged {
            if let Some(steps) = &judged.steps {
                let name = format!("steps-{}-{}.json", judged.requirement, judged.case.unwrap_or_default());
                self.write(&name, |file| serde_json::to_writer_pretty(file, steps).map_err(Into::into));
            }
        }
        let reports = [
            ("junit.xml", junit::write as fn(&Record, BufWriter<File>) -> io::Result<()>),
            ("report.json", json::write),
        ];
        for (name, write) in reports {
            self.write(name, |file| write(record, file));
        }
    }

    fn write(&mut self, name: &str, write: impl FnOnce(BufWriter<File>) -> io::Result<()>) {
        let path = self.directory.join(name);
        if let Err(error) = File::create(&path).map(BufWriter::new).and_then(write) {
            self.troubles.push(format!("{}: {error}", path.display()));
        }
    }
}
