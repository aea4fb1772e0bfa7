//! A run as JUnit, for the systems that read it: one suite an area, one case a check.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use targets::text::{printable, xml};

use super::record::Record;
use super::text::{INTERRUPTED, area_of};
use crate::events::Judged;
use crate::verdict::Verdict;

/// Writes the report.
pub fn write(record: &Record, mut to: impl Write) -> io::Result<()> {
    let contradictions = record.contradictions();
    let record = &record.shown(printable);
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
    let interrupted = record.interrupted().then_some(INTERRUPTED);
    let doubts = [
        interrupted.map(|told| error("completeness", told)),
        (!contradictions.is_empty()).then(|| error("consistency", &xml(&contradictions.join("\n")))),
    ];
    let mut run = TestSuite::new("run");
    run.add_test_cases(doubts.into_iter().flatten());
    if run.tests > 0 {
        suites.push(run);
    }
    report.add_test_suites(suites);
    // In two steps, so that what the writer has to say is not lost in the serializer's words.
    let document = report.to_string().map_err(io::Error::other)?;
    to.write_all(document.as_bytes())?;
    to.flush()
}

/// What is the matter with the run as a whole.
fn error(name: &str, told: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(told);
    TestCase::new(name, status)
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
    // A record may say anything; what is no time is left out.
    if let Ok(took) = Duration::try_from_secs_f64(judged.took_ms / 1000.0) {
        case.set_time(took);
    }
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
