//! The program, run to its end with a directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Condvar, Mutex};

use loadtest::record::{Record, Verdict};
use tempfile::TempDir;

/// Storms at once: they are small, and generator and server keep two processors busy with the three of them.
const AT_ONCE: usize = 3;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// Leave to run a storm; given back when it is dropped.
pub(crate) struct Leave;

impl Leave {
    pub(crate) fn wait() -> Self {
        let running = RUNNING.lock().unwrap();
        let mut running = ENDED.wait_while(running, |running| *running >= AT_ONCE).unwrap();
        *running += 1;
        Self
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap() -= 1;
        ENDED.notify_one();
    }
}

/// What came of a run.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) shown: String,
    directory: TempDir,
}

impl Ended {
    pub(crate) fn report(&self) -> PathBuf {
        self.directory.path().join("report")
    }

    pub(crate) fn record(&self) -> Record {
        record(&self.report().join("record.json"))
    }

    /// The record, which comes to this verdict. A machine that is busy with other things makes the generator late: it has to say so,
    /// and then says nothing of the service but a breach.
    pub(crate) fn comes_to(&self, wanted: Verdict) -> Record {
        let record = self.record();
        let entered = record.attack.is_some_and(|attack| attack.accounts_entered > 0);
        let breach = entered || !record.safety.breaches.is_empty();
        let late = !record.generator.limits.is_empty() && !breach;
        let verdict = if late { Verdict::GeneratorLimited } else { wanted };
        assert_eq!(record.verdict, verdict, "{}", self.shown);
        assert_eq!(self.code, Some(verdict.exit_code().into()), "{}", self.shown);
        record
    }

    pub(crate) fn page(&self) -> String {
        std::fs::read_to_string(self.report().join("report.html")).unwrap()
    }
}

pub(crate) fn record(path: &Path) -> Record {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepproof-load"));
    command.args(arguments).stdin(std::process::Stdio::null());
    command
}

/// Runs it with these arguments: the program's words of both kinds together.
pub(crate) fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    let shown = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
    (status.code(), shown.into_owned())
}

/// Runs a storm with a cool-down of a second. The report is in a directory of its own.
pub(crate) fn storm(name: &str, seconds: &str, rate: &str, more: &[&str]) -> Ended {
    let directory = TempDir::new().unwrap();
    let settings = directory.path().join("settings.toml");
    std::fs::write(&settings, "resend_cooldown_s = 1\n").unwrap();
    let report = directory.path().join("report");
    let (settings, report) = (settings.display().to_string(), report.display().to_string());
    let _leave = Leave::wait();
    let fixed = ["storm", name, "--seed", "1", "--quiet", "--seconds", seconds, "--rate", rate];
    let (code, shown) = run(&[&fixed[..], &["--settings", &settings, "--report", &report], more].concat());
    Ended { code, shown, directory }
}
