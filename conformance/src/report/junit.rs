//! A run as JUnit, for the systems that read it: one suite an area, one case a check.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::record::Record;
use super::text::area_of;
use crate::events::Judged;
use crate::verdict::Verdict;

/// Writes the report.
pub fn write(record: &Record, mut to: impl Write) -> io::Result<()> {
    let name = record
        .started
        .as_ref()
        .map_or("stepproof", |started| started.target.name.as_str());
    let mut report = Report::new(format!("stepproof: {name}"));
    let mut suites: Vec<TestSuite> = Vec::new();
    for judged in record.ordered() {
        let area = area_of(&judged.requirement);
        if suites.last().is_none_or(|suite| suite.name.as_str() != area) {
            suites.push(TestSuite::new(area));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(case(judged));
        }
    }
    if record.interrupted() {
        let mut cut = TestSuite::new("run");
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message("the run was interrupted; what is missing here was not judged");
        cut.add_test_case(TestCase::new("completeness", status));
        suites.push(cut);
    }
    report.add_test_suites(suites);
    report.serialize(&mut to).map_err(io::Error::other)?;
    to.flush()
}

fn case(judged: &Judged) -> TestCase {
    let reason = judged.reason.clone().unwrap_or_default();
    let status = match judged.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Failed => non_success(NonSuccessKind::Failure, judged, &reason),
        Verdict::HarnessError => non_success(NonSuccessKind::Error, judged, &reason),
        // JUnit knows no warning. A broken SHOULD does not fail the run, and is not passed either.
        Verdict::Warned | Verdict::Inconclusive | Verdict::NotTested | Verdict::NotApplicable => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(format!("{}: {reason}", judged.verdict));
            skipped
        }
    };
    let mut case = TestCase::new(judged.check.clone(), status);
    case.set_classname(judged.requirement.clone());
    case.set_time(Duration::from_secs_f64(judged.took_ms.max(0.0) / 1000.0));
    case
}

fn non_success(kind: NonSuccessKind, judged: &Judged, reason: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(reason.to_owned());
    status.set_type(judged.level.clone());
    let curl = judged.curl.as_deref().unwrap_or("");
    status.set_description(format!("replay: {}\n\n{curl}", judged.replay));
    status
}
