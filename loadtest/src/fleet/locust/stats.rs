//! Samples as the deltas that Locust's master adds up. The master does not re-bucket, so three significant digits survive where Locust's
//! own workers keep two.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use rmpv::Value;

use super::protocol::{Users, map, users_fields};
use crate::measure::{Ending, Sample, Step};
use crate::plan::scenario::Scenario;
use crate::report::live::Observe;

/// Different errors in one delta; what is beyond is counted under one name.
const MAX_ERRORS: usize = 200;
/// Characters of an error that are kept.
const LONGEST_ERROR: usize = 300;

/// What one worker measured and has not told the master yet.
#[derive(Debug, Default)]
pub struct LocustStats {
    // Held for one sample or one delta, never over an await.
    inner: Mutex<Inner>,
}

/// A storm's samples as Locust's page shows them: flows by class, and exchanges by operation.
pub struct Observer {
    pub stats: Arc<LocustStats>,
    pub scenario: Arc<Scenario>,
}

impl Observe for Observer {
    fn sample(&self, sample: &Sample) {
        let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64();
        let ok = sample.ending == Ending::Completed;
        let error = (!ok).then(|| sample.ending.name());
        let (name, method, us) = match sample.step {
            Step::Flow => {
                let class = self.scenario.classes.get(usize::from(sample.class));
                (
                    class.map_or("flow", |class| class.name.as_str()),
                    "FLOW",
                    sample.response_us(),
                )
            }
            Step::Exchange(kind) => (kind.name(), "STEP", sample.service_us()),
            Step::Delivery(_) | Step::CodeAge => return,
        };
        self.stats.record(name, method, us as f64 / 1000.0, ok, error, now);
    }
}

#[derive(Debug, Default)]
struct Inner {
    users: Users,
    delta: Delta,
}

/// What was measured between two reports.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    entries: BTreeMap<(String, String), Entry>,
    total: Entry,
    errors: BTreeMap<ErrorKey, Seen>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ErrorKey {
    method: String,
    name: String,
    error: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    occurrences: u64,
    first: f64,
    last: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Entry {
    requests: u64,
    failures: u64,
    total_ms: f64,
    min_ms: Option<f64>,
    max_ms: f64,
    first: Option<f64>,
    last: Option<f64>,
    response_times: BTreeMap<u64, u64>,
    requests_per_s: BTreeMap<u64, u64>,
    failures_per_s: BTreeMap<u64, u64>,
}

impl LocustStats {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One sample, under the name and method the master shows it by. `epoch_s` is when it was done, in seconds since 1970.
    pub fn record(&self, name: &str, method: &str, response_ms: f64, ok: bool, error: Option<&str>, epoch_s: f64) {
        // A sample that is no number would poison the master's sums.
        let response_ms = if response_ms.is_finite() { response_ms.max(0.0) } else { 0.0 };
        let epoch_s = if epoch_s.is_finite() { epoch_s.max(0.0) } else { 0.0 };
        self.with(|inner| inner.delta.record(name, method, response_ms, ok, error, epoch_s));
    }

    /// What is new since the last time, as the data of a `stats` message.
    pub fn take(&self) -> Value {
        let (delta, users) = self.take_delta();
        delta.value(&users)
    }

    /// The same before it is put into words, so that it can be given back.
    pub fn take_delta(&self) -> (Delta, Users) {
        self.with(|inner| (std::mem::take(&mut inner.delta), inner.users.clone()))
    }

    /// Takes back what could not be sent; it is part of the next delta.
    pub fn give_back(&self, delta: Delta) {
        self.with(|inner| inner.delta.add(delta));
    }

    /// The users that the worker reports from now on.
    pub fn set_users(&self, users: Users) {
        self.with(|inner| inner.users = users);
    }

    /// Forgets everything measured: a new storm begins.
    pub fn clear(&self) {
        self.with(|inner| inner.delta = Delta::default());
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Delta {
    /// Requests in it.
    pub fn requests(&self) -> u64 {
        self.total.requests
    }

    /// Of them, those that failed.
    pub fn failures(&self) -> u64 {
        self.total.failures
    }

    fn record(&mut self, name: &str, method: &str, ms: f64, ok: bool, error: Option<&str>, at: f64) {
        self.entries
            .entry((name.to_owned(), method.to_owned()))
            .or_default()
            .record(ms, ok, at);
        self.total.record(ms, ok, at);
        if !ok {
            let error = error.unwrap_or("failed").chars().take(LONGEST_ERROR).collect();
            self.error(
                ErrorKey {
                    method: method.to_owned(),
                    name: name.to_owned(),
                    error,
                },
                Seen {
                    occurrences: 1,
                    first: at,
                    last: at,
                },
            );
        }
    }

    fn error(&mut self, mut key: ErrorKey, seen: Seen) {
        if self.errors.len() >= MAX_ERRORS && !self.errors.contains_key(&key) {
            key = ErrorKey {
                method: String::new(),
                name: String::new(),
                error: "further errors".to_owned(),
            };
        }
        self.errors
            .entry(key)
            .and_modify(|known| {
                known.occurrences += seen.occurrences;
                known.first = known.first.min(seen.first);
                known.last = known.last.max(seen.last);
            })
            .or_insert(seen);
    }

    /// Adds another one.
    pub fn add(&mut self, other: Delta) {
        for (key, entry) in other.entries {
            self.entries.entry(key).or_default().add(&entry);
        }
        self.total.add(&other.total);
        for (key, seen) in other.errors {
            self.error(key, seen);
        }
    }

    /// In Locust's shape.
    pub fn value(&self, users: &Users) -> Value {
        let entries = self
            .entries
            .iter()
            .map(|((name, method), entry)| entry.value(name, method))
            .collect();
        let errors = self
            .errors
            .iter()
            .map(|(key, seen)| {
                let id = format!("{}.{}.{}", key.method, key.name, key.error);
                let error = map([
                    ("name", key.name.as_str().into()),
                    ("method", key.method.as_str().into()),
                    ("error", key.error.as_str().into()),
                    ("occurrences", seen.occurrences.into()),
                    ("first_seen", seen.first.into()),
                    ("last_seen", seen.last.into()),
                ]);
                (id.into(), error)
            })
            .collect();
        let [classes, count] = users_fields(users);
        map([
            ("stats", Value::Array(entries)),
            ("stats_total", self.total.value("Aggregated", "")),
            ("errors", Value::Map(errors)),
            classes,
            count,
        ])
    }
}

impl Entry {
    fn record(&mut self, ms: f64, ok: bool, at: f64) {
        let second = at as u64;
        self.requests += 1;
        self.total_ms += ms;
        self.min_ms = Some(self.min_ms.map_or(ms, |min| min.min(ms)));
        self.max_ms = self.max_ms.max(ms);
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        *self.response_times.entry(bucket(ms)).or_default() += 1;
        *self.requests_per_s.entry(second).or_default() += 1;
        if !ok {
            self.failures += 1;
            *self.failures_per_s.entry(second).or_default() += 1;
        }
    }

    fn add(&mut self, other: &Entry) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.total_ms += other.total_ms;
        self.min_ms = either(self.min_ms, other.min_ms, f64::min);
        self.max_ms = self.max_ms.max(other.max_ms);
        self.first = either(self.first, other.first, f64::min);
        self.last = either(self.last, other.last, f64::max);
        for (mine, theirs) in [
            (&mut self.response_times, &other.response_times),
            (&mut self.requests_per_s, &other.requests_per_s),
            (&mut self.failures_per_s, &other.failures_per_s),
        ] {
            for (key, count) in theirs {
                *mine.entry(*key).or_default() += count;
            }
        }
    }

    fn value(&self, name: &str, method: &str) -> Value {
        map([
            ("name", name.into()),
            ("method", method.into()),
            ("last_request_timestamp", self.last.map_or(Value::Nil, Value::from)),
            // Of an entry without requests the master takes the earliest all the same: one that never moves it.
            ("start_time", self.first.unwrap_or(f64::INFINITY).into()),
            ("num_requests", self.requests.into()),
            ("num_none_requests", 0.into()),
            ("num_failures", self.failures.into()),
            ("total_response_time", self.total_ms.into()),
            ("max_response_time", self.max_ms.into()),
            ("min_response_time", self.min_ms.map_or(Value::Nil, Value::from)),
            ("total_content_length", 0.into()),
            ("response_times", counts(&self.response_times)),
            ("num_reqs_per_sec", counts(&self.requests_per_s)),
            ("num_fail_per_sec", counts(&self.failures_per_s)),
        ])
    }
}

/// Milliseconds to three significant digits.
fn bucket(ms: f64) -> u64 {
    let ms = ms.round() as u64;
    let mut width = 1;
    while ms / width >= 1000 {
        width *= 10;
    }
    // Half a bucket up, and down to its foot: the nearest one.
    (ms + width / 2) / width * width
}

fn counts(counts: &BTreeMap<u64, u64>) -> Value {
    Value::Map(counts.iter().map(|(key, count)| ((*key).into(), (*count).into())).collect())
}

fn either(a: Option<f64>, b: Option<f64>, both: fn(f64, f64) -> f64) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(both(a, b)),
        (a, b) => a.or(b),
    }
}
