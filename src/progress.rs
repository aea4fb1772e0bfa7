//! How far a run is, on standard error: a bar for a person who waits there, and a line now and then for a log.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conformance::events::Event;
use conformance::select::WALK;
use conformance::verdict::Verdict;
use indicatif::{ProgressBar, ProgressStyle};
use targets::text::printable;
use tokio::task::JoinHandle;

use crate::terminal;

/// How often a log is told.
const EVERY: Duration = Duration::from_secs(10);

/// How far a run is.
pub(crate) enum Progress {
    Bar(ProgressBar),
    Log(Log),
}

impl Progress {
    /// Of a run of so many checks and walks.
    pub(crate) fn of(checks: usize, walks: usize) -> Self {
        if !terminal::watched() {
            return Self::Log(Log::start(checks, walks, EVERY, |line| {
                let _ = writeln!(terminal::err(), "{line}");
            }));
        }
        let bar = ProgressBar::new((checks + walks) as u64);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
        Self::Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Takes what happened.
    pub(crate) fn take(&self, event: &Event) {
        let ended = match event {
            Event::CheckStarted { check, .. } => {
                if let Self::Bar(bar) = self {
                    bar.set_message(printable(check).into_owned());
                }
                return;
            }
            Event::Case { broken, .. } => broken.is_some(),
            // Bounds are no checks, and walks were counted one by one.
            Event::Verdict(judged) if judged.check == WALK || specs::catalogue::requirement(&judged.requirement).is_none() => {
                return;
            }
            Event::Verdict(judged) => judged.verdict == Verdict::Failed,
            _ => return,
        };
        match self {
            Self::Bar(bar) => bar.inc(1),
            Self::Log(log) => log.far.lock().unwrap_or_else(PoisonError::into_inner).add(ended),
        }
    }

    /// The run has ended.
    pub(crate) fn finish(self) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Log(log) => drop(log),
        }
    }
}

/// Lines for a log, until it is dropped.
pub(crate) struct Log {
    far: Arc<Mutex<Far>>,
    telling: JoinHandle<()>,
}

impl Log {
    fn start(checks: usize, walks: usize, every: Duration, tell: impl Fn(String) + Send + 'static) -> Self {
        let far = Arc::new(Mutex::new(Far {
            checks,
            walks,
            ended: 0,
            failed: 0,
        }));
        let seen = Arc::clone(&far);
        let telling = tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let line = seen.lock().unwrap_or_else(PoisonError::into_inner).line();
                tell(line);
            }
        });
        Self { far, telling }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.telling.abort();
    }
}

struct Far {
    checks: usize,
    walks: usize,
    ended: usize,
    failed: usize,
}

impl Far {
    fn add(&mut self, failed: bool) {
        self.ended += 1;
        self.failed += usize::from(failed);
    }

    fn line(&self) -> String {
        let what = match (self.checks, self.walks) {
            (_, 0) => "checks",
            (0, _) => "walks",
            _ => "checks and walks",
        };
        format!(
            "{} of {} {what}, {} failed so far",
            self.ended,
            self.checks + self.walks,
            self.failed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conformance::events::Judged;

    fn verdict(check: &str, requirement: &str, verdict: Verdict) -> Event {
        Event::Verdict(Box::new(Judged {
            check: check.to_owned(),
            requirement: requirement.to_owned(),
            verdict,
            ..Judged::default()
        }))
    }

    #[tokio::test]
    async fn a_log_is_told_how_far_the_run_is_until_it_ends() {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let log = Log::start(2, 1, Duration::from_millis(1), move |line| drop(tell.send(line)));
        let progress = Progress::Log(log);
        assert_eq!(told.recv().await.unwrap(), "0 of 3 checks and walks, 0 failed so far");
        progress.take(&verdict("parameters.within-bounds", "parameters", Verdict::Passed));
        progress.take(&verdict("RSND-02.old-code-is-void", "RSND-02", Verdict::Failed));
        progress.take(&verdict("RSND-01.resend", "RSND-01", Verdict::Passed));
        progress.take(&verdict(WALK, "LIFE-03", Verdict::Failed));
        let mut line = told.recv().await.unwrap();
        while !line.starts_with('2') {
            line = told.recv().await.unwrap();
        }
        assert_eq!(line, "2 of 3 checks and walks, 1 failed so far");
        progress.finish();
        // The task is gone, and with it what it told through.
        while told.recv().await.is_some() {}
    }
}
