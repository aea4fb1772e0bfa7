//! Use of the machine over the storm.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use url::Url;

use super::Resources;
use super::process::{self, Usage};
use super::scrape;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(1);

/// Where a server's use of the machine is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Watched {
    /// Nowhere: it is on another machine and tells nothing.
    #[default]
    Not,
    /// It is this process on this machine.
    Process(u32),
    /// It is these threads of this process, whose processor time is not the generator's. Memory cannot be told apart.
    Threads(String),
    /// It tells on this Prometheus page.
    Page(Url),
}

/// Where the storm stands at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// Seconds from its beginning.
    pub at_s: f64,
    /// Arrivals due and not yet begun.
    pub waiting: u64,
    pub under_way: u64,
}

/// Looks once a second until it is stopped.
pub struct Meter {
    stop: oneshot::Sender<()>,
    looking: JoinHandle<Vec<Resources>>,
}

impl Meter {
    /// Begins to look. Has to be called within a runtime.
    pub fn start(server: Watched, moment: impl Fn() -> Moment + Send + 'static) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let looking = tokio::spawn(async move {
            let mut due = tokio::time::interval(EVERY);
            due.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut seen = Vec::new();
            loop {
                let last = tokio::select! {
                    _ = due.tick() => false,
                    // Its being dropped is as good a word.
                    _ = &mut stopped => true,
                };
                seen.push(look(&server, moment()).await);
                if last {
                    return seen;
                }
            }
        });
        Self { stop, looking }
    }

    /// Looks a last time; everything that was seen.
    pub async fn stop(self) -> Vec<Resources> {
        let _ = self.stop.send(());
        self.looking.await.unwrap_or_default()
    }
}

async fn look(server: &Watched, moment: Moment) -> Resources {
    let own = process::of_self().unwrap_or_default();
    let (theirs, within) = match server {
        Watched::Not => (None, None),
        Watched::Process(pid) => (process::of_process(*pid), None),
        Watched::Threads(named) => (None, process::of_threads(named)),
        Watched::Page(url) => (
            scrape::read_page(url).await.ok().as_deref().and_then(scrape::usage_on_page),
            None,
        ),
    };
    Resources {
        at_s: moment.at_s,
        generator_cpu_s: own.cpu_s - within.unwrap_or(0.0),
        generator_rss_mib: own.rss_mib,
        server_cpu_s: theirs.map(|Usage { cpu_s, .. }| cpu_s).or(within),
        server_rss_mib: theirs.map(|Usage { rss_mib, .. }| rss_mib),
        waiting: moment.waiting,
        under_way: moment.under_way,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test(start_paused = true)]
    async fn it_looks_once_a_second_and_once_more_at_the_end() {
        let began = tokio::time::Instant::now();
        let moment = move || Moment {
            at_s: began.elapsed().as_secs_f64(),
            waiting: 3,
            under_way: 2,
        };
        let meter = Meter::start(Watched::Process(std::process::id()), moment);
        tokio::time::advance(Duration::from_millis(1)).await;
        for _ in 0..2 {
            tokio::time::advance(Duration::from_secs(1)).await;
            tokio::task::yield_now().await;
        }
        let seen = meter.stop().await;
        assert!((3..=4).contains(&seen.len()), "{seen:?}");
        assert!(seen.windows(2).all(|pair| pair[0].at_s <= pair[1].at_s), "{seen:?}");
        let last = seen.last().unwrap();
        assert_eq!((last.waiting, last.under_way), (3, 2));
        assert!(last.generator_rss_mib > 0.0 && last.server_rss_mib.unwrap() > 0.0);
    }

    #[tokio::test]
    async fn a_server_that_is_gone_is_unknown_and_not_idle() {
        let seen = Meter::start(Watched::Process(u32::MAX), Moment::default).stop().await;
        assert!(seen.iter().all(|at| at.server_cpu_s.is_none() && at.server_rss_mib.is_none()));
    }
}
