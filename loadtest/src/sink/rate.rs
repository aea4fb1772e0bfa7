//! How many messages a second the sink takes, and what each costs it in processor time.
//!
//! Senders keep connections open and write requests in batches (HTTP pipelining; by SMTP a conversation a connection), so that they
//! cost little beside the sink and it, not they, is what is measured. Each message goes to a recipient of its own. What was
//! acknowledged is compared with what lies in the mailbox's counts in the end.

mod http_sender;
mod smtp_sender;

use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use targets::Native;

use super::{Sink, SinkOptions};

/// Connections of each sort.
const CONNECTIONS: usize = 16;
/// No measurement takes longer.
const LONGEST_S: f64 = 120.0;

/// What the sink takes.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct RateReport {
    /// FCM and SendGrid calls in equal parts.
    pub http: Rate,
    /// Conversations by SMTP.
    pub smtp: Rate,
}

/// What the sink takes of one sort, as fast as it goes.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Rate {
    /// Messages that were acknowledged.
    pub messages: u64,
    /// Letters with a code that arrived in the mailbox.
    pub letters: u64,
    /// Seconds from the first message to the last.
    pub seconds: f64,
    /// Processor time of the sink's thread, microseconds a message.
    pub sink_us: f64,
    /// Processor time of the sender, microseconds a message.
    pub sender_us: f64,
}

impl Rate {
    /// Messages a second.
    pub fn per_second(&self) -> f64 {
        self.messages as f64 / self.seconds
    }

    /// Messages a second that two cores would take by processor time, if the sink were given both.
    pub fn two_cores(&self) -> f64 {
        2e6 / self.sink_us
    }
}

/// Measures both for so many seconds each, over loopback and with one sink thread. Nothing else should run in the process: whatever
/// is no sender's time is counted as the sink's.
pub fn measure(seconds: f64) -> io::Result<RateReport> {
    let seconds = Duration::from_secs_f64(seconds.clamp(0.01, LONGEST_S));
    Ok(RateReport {
        http: run(seconds, |sink| http_sender::start(address(&sink.http_url()), seconds))?,
        smtp: run(seconds, |sink| smtp_sender::start(address(&sink.smtp_url()), seconds))?,
    })
}

/// What a sender's thread ends with: messages acknowledged, and its processor time.
type Sender = JoinHandle<io::Result<(u64, Duration)>>;

fn run(most: Duration, start: impl FnOnce(&Sink) -> io::Result<Sender>) -> io::Result<Rate> {
    let keep = Duration::from_secs(1);
    let sink = Sink::start(SinkOptions {
        keep,
        ..SinkOptions::new(Native::patterns())
    })?;
    let (began, process, own) = (Instant::now(), cpu(ClockId::ProcessCPUTime), cpu(ClockId::ThreadCPUTime));
    let sender = start(&sink)?;
    let (messages, sender) = sender.join().map_err(|_| io::Error::other("the sender panicked"))??;
    let took = began.elapsed();
    let own = cpu(ClockId::ThreadCPUTime).saturating_sub(own);
    let all = cpu(ClockId::ProcessCPUTime).saturating_sub(process);
    if messages == 0 {
        return Err(io::Error::other(format!("no message was acknowledged within {most:?}")));
    }
    let counts = sink.mailbox.counts();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / messages as f64;
    Ok(Rate {
        messages,
        letters: counts.push_codes + counts.email_codes,
        seconds: took.as_secs_f64(),
        sink_us: each(all.saturating_sub(sender).saturating_sub(own)),
        sender_us: each(sender),
    })
}

/// Runs this many connections on a thread of its own, each until it is told that time is up.
fn on_a_thread<F, S>(seconds: Duration, connection: S) -> io::Result<Sender>
where
    F: Future<Output = io::Result<u64>> + Send + 'static,
    S: Fn(usize, Instant) -> F + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("sender".to_owned()).spawn(move || {
        let until = Instant::now() + seconds;
        let messages = runtime.block_on(async {
            let mut connections = tokio::task::JoinSet::new();
            for nth in 0..CONNECTIONS {
                connections.spawn(connection(nth, until));
            }
            let mut messages = 0;
            while let Some(ended) = connections.join_next().await {
                messages += ended.map_err(io::Error::other)??;
            }
            io::Result::Ok(messages)
        })?;
        Ok((messages, cpu(ClockId::ThreadCPUTime)))
    })
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::try_from(time).unwrap_or_default()
}

fn address(url: &str) -> String {
    url.split_once("//").map_or(url, |(_, address)| address).to_owned()
}

/// Ends a sender that was answered something else.
fn unexpected(answer: &[u8]) -> io::Error {
    io::Error::other(format!("unexpected answer: {}", String::from_utf8_lossy(answer)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn everything_that_was_acknowledged_is_in_the_mailbox() {
        let report = super::measure(0.05).unwrap();
        for rate in [report.http, report.smtp] {
            assert!(rate.messages > 0, "{rate:?}");
            assert_eq!(rate.letters, rate.messages);
            assert!(rate.per_second() > 0.0 && rate.sink_us > 0.0, "{rate:?}");
        }
    }
}
