//! The record of what was measured: an HDR interval log (V2, compressed), one line a second and kind of sample, with the kind
//! as its tag. Other tools of the HDR family read it too. Merging the logs of several workers is exact.

use std::fmt;
use std::io::Write;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};
use targets::{Channel, OperationKind};

use super::{Ending, Step};

/// Which of a sample's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clock {
    /// From the intended instant, without people's own time.
    Response,
    /// From the actual start, without people's own time.
    Service,
    /// From the intended instant to the actual start.
    Lag,
}

/// A kind of sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The number of the class.
    pub class: u16,
    pub step: Step,
    pub ending: Ending,
    pub clock: Clock,
}

/// One line of a log: the samples of one kind in one second.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Which second of the storm.
    pub second: u32,
    pub key: Key,
    /// The times in microseconds.
    pub times: Histogram<u64>,
}

/// A log that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A line is no interval, or its histogram is broken: the log was cut off or changed.
    #[error("interval {nth}: {what}; the log was cut off or changed, run the storm again")]
    Broken {
        /// Which interval, from 1.
        nth: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// Writes logs, a second at a time.
pub(crate) struct LogWriter<W> {
    to: W,
    serializer: V2DeflateSerializer,
}

impl<W: Write> LogWriter<W> {
    /// Begins a log of a storm that began then.
    pub(crate) fn begin(mut to: W, began: SystemTime) -> std::io::Result<Self> {
        let mut serializer = V2DeflateSerializer::new();
        IntervalLogWriterBuilder::new()
            .add_comment("microseconds; tag: class/step/ending/clock")
            .with_start_time(began)
            .with_base_time(began)
            .begin_log_with(&mut to, &mut serializer)?;
        Ok(Self { to, serializer })
    }

    /// Writes one interval.
    pub(crate) fn write(&mut self, second: u32, key: Key, times: &Histogram<u64>) -> std::io::Result<()> {
        let tag = key.to_string();
        let mut line = Vec::with_capacity(512);
        let mut log = IntervalLogWriterBuilder::new().begin_log_with(&mut line, &mut self.serializer)?;
        let start = Duration::from_secs(u64::from(second));
        log.write_histogram(times, start, Duration::from_secs(1), Tag::new(&tag))
            .map_err(|error| std::io::Error::other(format!("{error:?}")))?;
        self.to.write_all(&line)
    }

    /// Puts on disk what was written.
    pub(crate) fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// The intervals of a log, in its order.
pub fn read(log: &[u8]) -> impl Iterator<Item = Result<Interval, LogError>> + '_ {
    let mut deserializer = Deserializer::new();
    let intervals = IntervalLogIterator::new(log).filter_map(|entry| match entry {
        Ok(LogEntry::Interval(interval)) => Some(Ok(interval)),
        Ok(_) => None,
        Err(error) => Some(Err(format!("{error:?}"))),
    });
    intervals.enumerate().map(move |(at, interval)| {
        let broken = |what: String| LogError::Broken { nth: at + 1, what };
        let interval = interval.map_err(broken)?;
        let tag = interval.tag().map(|tag| tag.as_str()).unwrap_or_default();
        let key = tag.parse().map_err(broken)?;
        let bytes = BASE64_STANDARD
            .decode(interval.encoded_histogram())
            .map_err(|error| broken(error.to_string()))?;
        let times = deserializer
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| broken(format!("{error:?}")))?;
        Ok(Interval {
            second: u32::try_from(interval.start_timestamp().as_secs()).unwrap_or(u32::MAX),
            key,
            times,
        })
    })
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.class)?;
        match self.step {
            Step::Flow => f.write_str("flow")?,
            Step::Exchange(kind) => write!(f, "exchange:{kind}")?,
            Step::Delivery(Channel::Push) => f.write_str("delivery:push")?,
            Step::Delivery(Channel::Email) => f.write_str("delivery:email")?,
            Step::CodeAge => f.write_str("code-age")?,
        }
        write!(f, "/{}/{}", self.ending.name(), self.clock.name())
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(tag: &str) -> Result<Self, String> {
        let unknown = || format!("its tag `{tag}` names no kind of sample");
        let [class, step, ending, clock] = *tag.split('/').collect::<Vec<_>>() else {
            return Err(unknown());
        };
        let operation = |name: &str| OperationKind::ALL.iter().find(|kind| kind.name() == name).copied();
        let step = match step.split_once(':') {
            None if step == "flow" || step == "journey" => Some(Step::Flow),
            None if step == "code-age" => Some(Step::CodeAge),
            Some(("exchange", name)) => operation(name).map(Step::Exchange),
            Some(("delivery", "push")) => Some(Step::Delivery(Channel::Push)),
            Some(("delivery", "email")) => Some(Step::Delivery(Channel::Email)),
            _ => None,
        };
        Ok(Self {
            class: class.parse().map_err(|_| unknown())?,
            step: step.ok_or_else(unknown)?,
            ending: Ending::ALL
                .into_iter()
                .find(|known| known.name() == ending)
                .ok_or_else(unknown)?,
            clock: Clock::ALL
                .into_iter()
                .find(|known| known.name() == clock)
                .ok_or_else(unknown)?,
        })
    }
}

impl Clock {
    /// All of them.
    pub const ALL: [Clock; 3] = [Clock::Response, Clock::Service, Clock::Lag];

    /// Its name in a log.
    pub fn name(self) -> &'static str {
        match self {
            Clock::Response => "response",
            Clock::Service => "service",
            Clock::Lag => "lag",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::bucket::histogram;

    fn key(step: Step) -> Key {
        Key {
            class: 2,
            step,
            ending: Ending::NoCode,
            clock: Clock::Response,
        }
    }

    fn steps() -> impl Iterator<Item = Step> {
        let others = [
            Step::Flow,
            Step::CodeAge,
            Step::Delivery(Channel::Push),
            Step::Delivery(Channel::Email),
        ];
        OperationKind::ALL.iter().map(|kind| Step::Exchange(*kind)).chain(others)
    }

    #[test]
    fn every_kind_of_sample_comes_back_as_it_was_written() {
        let mut log = Vec::new();
        let mut writer = LogWriter::begin(&mut log, SystemTime::now()).unwrap();
        let mut times = histogram();
        for value in [3, 70, 123_456, 4_000_000] {
            times.record_n(value, 5).unwrap();
        }
        for (second, step) in steps().enumerate() {
            writer.write(second as u32, key(step), &times).unwrap();
        }
        writer.flush().unwrap();
        let back: Vec<Interval> = read(&log).collect::<Result<_, _>>().unwrap();
        assert_eq!(back.len(), steps().count());
        for ((second, step), interval) in steps().enumerate().zip(&back) {
            assert_eq!((interval.second, interval.key), (second as u32, key(step)));
            assert_eq!(interval.times, times);
        }
    }

    #[test]
    fn a_log_that_was_cut_off_is_told() {
        let mut log = Vec::new();
        let mut writer = LogWriter::begin(&mut log, SystemTime::now()).unwrap();
        let mut times = histogram();
        times.record(9).unwrap();
        writer.write(0, key(Step::Flow), &times).unwrap();
        for cut in [log.len() - 9, log.len() - 30] {
            let rendered = read(&log[..cut]).find_map(Result::err).map(|error| error.to_string());
            assert!(
                rendered.as_ref().is_some_and(|rendered| rendered.contains("interval 1")),
                "{rendered:?}"
            );
        }
    }
}
