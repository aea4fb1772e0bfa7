//! Failures counted by source address, whatever account they were meant for.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Problem, Service};
use crate::domain::Timestamp;
use crate::rules::{NotNow, SourceEvent};
use crate::settings::Settings;

/// Addresses that are remembered at most.
const ADDRESSES: usize = 65_536;

/// The failures of each address, bounded: those out of the window leave, and when there are too many, those longest quiet.
#[derive(Debug, Default)]
pub(super) struct Sources {
    failures: Mutex<HashMap<IpAddr, VecDeque<Timestamp>>>,
}

impl Sources {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, VecDeque<Timestamp>>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sweep(&self, now: Timestamp, settings: &Settings) {
        let start = now.minus_s(settings.source_window_s);
        self.lock().retain(|_, failures| {
            failures.retain(|at| *at > start);
            !failures.is_empty()
        });
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }
}

impl Service {
    /// Refuses an address that has failed too often.
    pub(super) fn admit_source(&self, address: IpAddr) -> Result<(), Problem> {
        let now = self.now();
        let failures = self.inner.sources.lock();
        let blocked = failures
            .get(&self.parts().rules.sources.key(address))
            .and_then(|seen| self.parts().rules.sources.blocked(seen, now, self.settings()));
        blocked.map_or(Ok(()), |until| Err(Problem::TooManyAttempts(now.seconds_until(until))))
    }

    /// Counts what an address did.
    pub(super) fn note_source(&self, address: IpAddr, event: SourceEvent) {
        let now = self.now();
        let key = self.parts().rules.sources.key(address);
        let mut failures = self.inner.sources.lock();
        if event == SourceEvent::Failure && failures.len() >= ADDRESSES && !failures.contains_key(&key) {
            keep_newer_half(&mut failures);
        }
        let seen = failures.entry(key).or_default();
        self.parts().rules.sources.note(seen, event, now);
        // Twice the limit is more than any decision looks at.
        let most = self.settings().source_wrong_limit as usize * 2 + 1;
        while seen.len() > most {
            seen.pop_front();
        }
        if seen.is_empty() {
            failures.remove(&key);
        }
    }
}

fn keep_newer_half(failures: &mut HashMap<IpAddr, VecDeque<Timestamp>>) {
    let mut newest: Vec<Timestamp> = failures.values().filter_map(|seen| seen.back().copied()).collect();
    let middle = newest.len() / 2;
    let (_, median, _) = newest.select_nth_unstable(middle);
    let median = *median;
    failures.retain(|_, seen| seen.back().is_some_and(|last| *last > median));
}

impl Problem {
    pub(super) fn not_now(reason: NotNow, now: Timestamp) -> Self {
        match reason {
            NotNow::TooSoon(at) => Problem::SendTooSoon(now.seconds_until(at)),
            NotNow::TooManyChallenges(at) => Problem::TooManyChallenges(now.seconds_until(at)),
            NotNow::Spent(at) => Problem::SendLimit(now.seconds_until(at)),
        }
    }
}
