//! A storm as JUnit: one suite a record, one case a threshold, one for the security rules, one for the generator, and one for a run that was
//! cut short. What could not be judged is an error, never a pass. Every text goes through `targets::text` on its way into the report.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use targets::text::{printable, xml};

use super::words;
use crate::record::{Record, Threshold, Verdict};

/// The records as JUnit's XML.
pub fn to_text(records: &[Record]) -> Result<String, quick_junit::SerializeError> {
    let name = records
        .first()
        .map_or("stepproof-load", |record| record.scenario.name.as_str());
    let mut report = Report::new(format!("stepproof-load: {}", printable(name)));
    report.add_test_suites(records.iter().map(suite));
    report.to_string()
}

fn suite(record: &Record) -> TestSuite {
    let mut suite = TestSuite::new(format!("{}, seed {}", printable(&record.scenario.name), record.seed));
    suite.set_time(Duration::try_from_secs_f64(record.took_s).unwrap_or_default());
    // With a generator that was the limit, a kept threshold shows as little as a broken one.
    let unjudged = match record.verdict {
        Verdict::GeneratorLimited => Some("not judged: the generator was the limit"),
        Verdict::TooLittle => Some("not judged: too little happened"),
        Verdict::Passed | Verdict::Failed if record.interrupted => Some("not judged: the run was interrupted"),
        Verdict::Passed | Verdict::Failed => None,
    };
    for threshold in &record.thresholds {
        suite.add_test_case(case(
            "threshold",
            threshold.what.clone(),
            threshold_status(threshold, unjudged),
        ));
    }
    suite.add_test_case(case("safety", "security rules".to_owned(), safety(record)));
    suite.add_test_case(case("generator", "generator".to_owned(), generator(record)));
    if record.interrupted {
        suite.add_test_case(case(
            "run",
            "completeness".to_owned(),
            error("the run was interrupted; what is missing was not judged"),
        ));
    }
    if record.verdict == Verdict::TooLittle {
        suite.add_test_case(case(
            "run",
            "substance".to_owned(),
            error("too little happened to say anything about the service"),
        ));
    }
    suite
}

fn case(class: &str, name: String, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(printable(&name).into_owned(), status);
    case.set_classname(class);
    case
}

fn threshold_status(threshold: &Threshold, unjudged: Option<&str>) -> TestCaseStatus {
    let figures = match threshold.found {
        Some(found) => format!("promised {}, found {found}", threshold.wanted),
        None => format!("promised {}, nothing was measured", threshold.wanted),
    };
    match unjudged {
        Some(why) => error(&format!("{why}; {figures}")),
        None if threshold.passed => TestCaseStatus::success(),
        None => failure(&figures, None),
    }
}

fn safety(record: &Record) -> TestCaseStatus {
    let safety = &record.safety;
    if !safety.breaches.is_empty() {
        let rendered: Vec<String> = safety
            .breaches
            .iter()
            .map(|breach| {
                let what = format!("{} ({}), account {}", breach.rule, breach.requirement, breach.account);
                let lines = std::iter::once(&what).chain(&breach.steps);
                lines.map(|line| printable(line)).collect::<Vec<_>>().join("\n  ")
            })
            .collect();
        return failure(&words::breaches(safety.breaches.len()), Some(rendered.join("\n\n")));
    }
    if safety.accounts == 0 {
        return error("no history was judged");
    }
    if safety.unjudged > 0 {
        return error(&format!(
            "the history of {} could not be judged",
            words::counted(safety.unjudged, "account")
        ));
    }
    if record.interrupted {
        return error("no breach until the run was interrupted");
    }
    TestCaseStatus::success()
}

fn generator(record: &Record) -> TestCaseStatus {
    match record.verdict {
        Verdict::GeneratorLimited => error(&format!(
            "the generator was the limit: {}",
            record.generator.limits.join("; ")
        )),
        _ => TestCaseStatus::success(),
    }
}

fn failure(message: &str, description: Option<String>) -> TestCaseStatus {
    let mut status = non_success(NonSuccessKind::Failure, message);
    if let Some(description) = description {
        status.set_description(xml(&description));
    }
    status
}

fn error(message: &str) -> TestCaseStatus {
    non_success(NonSuccessKind::Error, message)
}

fn non_success(kind: NonSuccessKind, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(printable(message));
    status
}

#[cfg(test)]
mod tests {
    use quick_junit::Report;

    use super::*;
    use crate::report::fixture;

    /// (cases, failures, errors) of the whole report, as its own reader counts them.
    fn counted(records: &[Record]) -> (usize, usize, usize) {
        let report = Report::deserialize_from_str(&to_text(records).expect("written")).expect("JUnit");
        (report.tests, report.failures, report.errors)
    }

    #[test]
    fn a_storm_that_passed_passes_every_case() {
        assert_eq!(counted(&[fixture::storm(1, 1, 1.0)]), (4, 0, 0));
    }

    #[test]
    fn broken_thresholds_and_breaches_fail() {
        assert_eq!(counted(&[fixture::broken()]), (6, 3, 0));
        let text = to_text(&[fixture::broken()]).expect("written");
        assert!(
            text.contains("code-redeemed-twice (CODE-04), account 1441") && !text.contains("<script>"),
            "{text}"
        );
    }

    #[test]
    fn what_was_not_judged_is_an_error_and_never_a_pass() {
        let mut record = fixture::storm(1, 1, 1.0);
        record.interrupted = true;
        // Both thresholds, safety, and the missing rest; the generator itself was well.
        assert_eq!(counted(&[record]), (5, 0, 4));
        let mut record = fixture::storm(1, 1, 1.0);
        record.verdict = Verdict::GeneratorLimited;
        record.generator.limits = vec!["out of ports".to_owned()];
        assert_eq!(counted(&[record]), (4, 0, 3));
        let mut record = fixture::storm(1, 1, 1.0);
        record.verdict = Verdict::TooLittle;
        assert_eq!(counted(&[record]), (5, 0, 3));
        let mut record = fixture::storm(1, 1, 1.0);
        record.safety.unjudged = 1;
        assert_eq!(counted(&[record]), (4, 0, 1));
    }

    #[test]
    fn several_seeds_are_several_suites() {
        let records = [fixture::storm(1, 1, 1.0), fixture::broken()];
        assert_eq!(counted(&records), (10, 3, 0));
        assert!(to_text(&records).expect("written").contains("isp-outage, seed 7"));
    }
}
