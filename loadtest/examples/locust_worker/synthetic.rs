//! Storms without a service: one arrival after another at an even rate, each with a made-up response time that the seed decides.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use loadtest::fleet::locust::{LocustStats, Order, StormRunner};
use loadtest::plan::Start;
use tokio_util::sync::CancellationToken;

/// Told after every sample.
pub(crate) type Tell = Box<dyn Fn(Counted) + Send + Sync>;

/// Runs made-up storms.
pub(crate) struct Synthetic {
    /// Who is told how it goes.
    pub tell: Tell,
}

/// What one slice came to so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counted {
    /// Of which run.
    pub run: String,
    /// Of which slice.
    pub slice: u32,
    /// Samples.
    pub requests: u64,
    /// Of them, failures.
    pub failures: u64,
    /// Sum of the response times.
    pub total_ms: u64,
    /// Whether the storm is over: `done`, or `stopped` before its time.
    pub over: Option<&'static str>,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requests,
            failures,
            total_ms,
            over,
            ..
        } = self;
        write!(f, "{requests} {failures} {total_ms} {}", over.unwrap_or("running"))
    }
}

#[async_trait]
impl StormRunner for Synthetic {
    async fn run(&self, order: Order, stop: CancellationToken, stats: Arc<LocustStats>) -> anyhow::Result<()> {
        let mut counted = Counted {
            run: order.run.clone(),
            slice: order.slice.index,
            ..Counted::default()
        };
        let over = tokio::select! {
            () = stop.cancelled() => "stopped",
            walked = self.walk(&order, &stats, &mut counted) => {
                walked?;
                "done"
            }
        };
        counted.over = Some(over);
        (self.tell)(counted);
        Ok(())
    }
}

impl Synthetic {
    async fn walk(&self, order: &Order, stats: &LocustStats, counted: &mut Counted) -> anyhow::Result<()> {
        Start::at(order.start_at).wait().await?;
        let (rate, seconds) = (order.rate.unwrap_or(100.0), order.seconds.unwrap_or(10.0));
        let began = tokio::time::Instant::now();
        for nth in (0..(rate * seconds) as u64).filter(|nth| order.slice.has(*nth)) {
            tokio::time::sleep_until(began + Duration::from_secs_f64(nth as f64 / rate)).await;
            let made_up = mix(order.seed, nth);
            let (ms, ok) = (10 + made_up % 1990, !made_up.is_multiple_of(10));
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let method = format!("SLICE-{}", order.slice.index);
            stats.record("sign-in", &method, ms as f64, ok, Some("refused"), now.as_secs_f64());
            counted.requests += 1;
            counted.failures += u64::from(!ok);
            counted.total_ms += ms;
            (self.tell)(counted.clone());
        }
        Ok(())
    }
}

/// The same for the same seed and number, and otherwise anything (SplitMix64).
fn mix(seed: u64, nth: u64) -> u64 {
    let mut z = seed.wrapping_add(nth.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) >> 8
}
