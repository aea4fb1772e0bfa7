//! The files a run leaves behind. A report that cannot be written does not stop the run, and is not passed over either; two runs
//! never write into one directory, and nothing of an earlier run stands beside what the new one leaves.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use conformance::events::Event;
use conformance::report::ndjson::Ndjson;
use conformance::report::record::Record;
use conformance::report::{json, junit};

/// Held for as long as a run writes here. It stays when the run is over: whoever removes a lock's file takes it from the next.
const LOCK: &str = ".lock";
const RECORD: &str = "run.ndjson";
type Report = fn(&Record, BufWriter<File>) -> io::Result<()>;
const REPORTS: [(&str, Report); 2] = [("junit.xml", junit::write), ("report.json", json::write)];
/// The end of a name under which a report is written until it is whole.
const PART: &str = ".part";

/// The record under way, and the reports at its end.
pub(crate) struct Outputs {
    directory: PathBuf,
    record: Option<Ndjson<File>>,
    /// What could not be written, and why.
    pub(crate) troubles: Vec<String>,
    _lock: File,
}

impl Outputs {
    /// Opens the record in this directory, which is made if need be, and clears away what an earlier run left, but for the file
    /// of steps that this one walks. Says why, where nothing can be written there.
    pub(crate) fn open(directory: &Path, steps: Option<&Path>) -> Result<Self, String> {
        let shown = directory.display();
        let fault = |error| format!("{shown} cannot be written: {error}");
        fs::create_dir_all(directory).map_err(fault)?;
        let lock = File::create(directory.join(LOCK)).map_err(fault)?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(format!("another run is under way in {shown}, and two would mix their files"));
            }
            // Where files cannot be locked, such as on some network file systems, the run is worth more than the lock.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            locked => locked.map_err(|error| fault(error.into()))?,
        }
        let steps = steps.and_then(|steps| steps.canonicalize().ok());
        clear(directory, steps.as_deref()).map_err(fault)?;
        let record = File::create(directory.join(RECORD)).map_err(fault)?;
        Ok(Self {
            directory: directory.to_owned(),
            record: Some(Ndjson::new(record)),
            troubles: Vec::new(),
            _lock: lock,
        })
    }

    /// Writes one event. The first failure is kept and ends the record.
    pub(crate) fn take(&mut self, event: &Event) {
        if let Some(record) = &mut self.record
            && let Err(error) = record.take(event)
        {
            self.troubles
                .push(format!("{}: {error}", self.directory.join(RECORD).display()));
            self.record = None;
        }
    }

    /// Writes the reports that are made of the whole run, and the steps of each walk that showed a breach.
    pub(crate) fn finish(&mut self, record: &Record) {
        for judged in &record.judged {
            if let Some(steps) = &judged.trace {
                let name = steps_name(&judged.requirement, judged.case.unwrap_or_default());
                self.write(&name, |file| serde_json::to_writer_pretty(file, steps).map_err(Into::into));
            }
        }
        for (name, write) in REPORTS {
            self.write(name, |file| write(record, file));
        }
    }

    fn write(&mut self, name: &str, write: impl FnOnce(BufWriter<File>) -> io::Result<()>) {
        let path = self.directory.join(name);
        if let Err(error) = whole(&path, write) {
            self.troubles.push(format!("{}: {error}", path.display()));
        }
    }
}

/// Writes a file beside its place and moves it there, so that nobody reads half of it.
pub(crate) fn whole(path: &Path, write: impl FnOnce(BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let part = PathBuf::from(format!("{}{PART}", path.display()));
    let written = File::create(&part).and_then(|file| write(BufWriter::new(file)));
    let moved = written.and_then(|()| fs::rename(&part, path));
    if moved.is_err() {
        // Not there, where it could not be made.
        let _ = fs::remove_file(&part);
    }
    moved
}

fn steps_name(requirement: &str, case: u32) -> String {
    format!("steps-{requirement}-{case}.json")
}

/// Removes the reports and steps of an earlier run, and no file that no run writes.
fn clear(directory: &Path, but: Option<&Path>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let name = name.strip_suffix(PART).unwrap_or(name);
        let report = REPORTS.iter().any(|(report, _)| *report == name);
        let kept = but.is_some_and(|but| path.canonicalize().is_ok_and(|path| path == but));
        if (report || of_steps(name)) && !kept {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Whether [`steps_name`] makes such a name.
fn of_steps(name: &str) -> bool {
    let parts = name.strip_prefix("steps-").and_then(|name| name.strip_suffix(".json"));
    parts
        .and_then(|parts| parts.rsplit_once('-'))
        .is_some_and(|(requirement, case)| specs::catalogue::requirement(requirement).is_some() && case.parse::<u32>().is_ok())
}
