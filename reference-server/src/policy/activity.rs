//! What the login activity keeps.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::account::{Activity, Outcome};

const MAX_ROWS: usize = 100;

/// Rows of failures among them: whoever fails on purpose cannot push what the owner did out of the list.
const MAX_FAILURE_ROWS: usize = 50;

/// Milliseconds within which wrong passwords make one row.
const ONE_ROW_MS: i64 = 3_600_000;

/// Adds a row, newest first: successes, failures and changes alike (ACT-01). Failures leave before anything else does, and
/// wrong passwords, which anybody can type, make one row an hour (ACT-05).
pub fn record(rows: &mut VecDeque<Arc<Activity>>, row: Activity) {
    let same = |old: &Arc<Activity>| old.outcome == Outcome::PasswordFailed && row.at.0 - old.at.0 < ONE_ROW_MS;
    if row.outcome == Outcome::PasswordFailed && rows.iter().any(same) {
        return;
    }
    rows.push_front(Arc::new(row));
    let failures = rows.iter().filter(|row| row.outcome.is_a_failure()).count();
    if failures > MAX_FAILURE_ROWS
        && let Some(oldest) = rows.iter().rposition(|row| row.outcome.is_a_failure())
    {
        rows.remove(oldest);
    }
    rows.truncate(MAX_ROWS);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Timestamp;

    fn row(at: i64, outcome: Outcome) -> Activity {
        Activity {
            at: Timestamp(at),
            device_name: "Phone".to_owned(),
            place: "unknown".to_owned(),
            address: "192.0.2.0/24".to_owned(),
            method: None,
            outcome,
        }
    }

    #[test]
    fn failures_do_not_push_out_what_the_owner_did() {
        let mut rows = VecDeque::new();
        record(&mut rows, row(0, Outcome::SignedIn));
        for nth in 0..500 {
            record(&mut rows, row(nth, Outcome::SecondStepFailed));
        }
        assert_eq!(rows.len(), MAX_FAILURE_ROWS + 1);
        assert_eq!(rows.back().map(|row| row.outcome), Some(Outcome::SignedIn));
        assert_eq!(rows.front().map(|row| row.at.0), Some(499));
    }

    #[test]
    fn wrong_passwords_of_an_hour_are_one_row() {
        let mut rows = VecDeque::new();
        for minute in 0..61 {
            record(&mut rows, row(minute * 60_000, Outcome::PasswordFailed));
        }
        assert_eq!(rows.len(), 2);
    }
}
