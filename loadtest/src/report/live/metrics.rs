//! `/metrics` for Prometheus, while a storm runs. `GET /metrics` is all it serves.
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `stepproof_journeys_total` | counter | party, ending | journeys that ended |
//! | `stepproof_exchanges_total` | counter | party, ending | exchanges with the service that ended |
//! | `stepproof_response_seconds` | histogram | party | completed journeys, from the intended instant, without people's time |
//! | `stepproof_service_seconds` | histogram | party | journeys that were begun, from the actual start |
//! | `stepproof_start_lag_seconds` | histogram | party | how late journeys were begun |
//! | `stepproof_exchange_seconds` | histogram | party | single exchanges |
//! | `stepproof_delivery_seconds` | histogram | party | from the request for a code to its arrival |
//! | `stepproof_offered` … | gauge | | the latest [`LiveFrame`]: offered, started, abandoned, waiting, under way, rate, codes by push and email, attacks |
//!
//! The buckets of all histograms are the same, in seconds: 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, +Inf.
//! They are for watching; the verdict is taken from HDR histograms with three significant digits.
//!
//! A sample costs an atomic addition and, for each histogram it belongs to, a walk over at most fifteen bounds under a short lock: every
//! handle is found when the storm begins, none is looked up while it runs. Measured in an optimised build with nobody else at the
//! lock: 55 ns for an exchange, 115 ns for a completed journey, which is in three histograms: about 70 ns a sample for a journey of
//! three exchanges. Two threads that do nothing else get in each other's way at about twice that.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::TcpListener;

use super::{LiveFrame, LiveState, Observe};
use crate::measure::{Ending, Sample, Step};

/// Upper bounds of the buckets, in seconds.
pub const BUCKETS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

type Labels = Vec<(&'static str, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;
type Number = Gauge<f64, AtomicU64>;
/// What a gauge shows of a frame.
type OfFrame = fn(&LiveFrame) -> f64;

/// The metrics of one storm: fed by samples and frames, told as text.
pub struct Metrics {
    registry: Registry,
    parties: Vec<PartyMetrics>,
    gauges: Vec<(Number, OfFrame)>,
    state: LiveState,
    unknown: AtomicU64,
}

struct PartyMetrics {
    journeys: [Counter; Ending::ALL.len()],
    exchanges: [Counter; Ending::ALL.len()],
    response: Histogram,
    service: Histogram,
    lag: Histogram,
    exchange: Histogram,
    delivery: Histogram,
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

impl Metrics {
    /// For a storm of these parties, in the order of the scenario.
    pub fn new(parties: &[String], state: LiveState) -> Arc<Self> {
        let mut registry = Registry::with_prefix("stepproof");
        let counters = [
            ("journeys", "Journeys that ended, by party and ending"),
            ("exchanges", "Exchanges with the service that ended, by party and ending"),
        ]
        .map(|(name, help)| {
            let family = Family::<Labels, Counter>::default();
            registry.register(name, help, family.clone());
            family
        });
        let histograms = [
            (
                "response",
                "Completed journeys, from the intended instant, without people's time",
            ),
            (
                "service",
                "Journeys that were begun, from the actual start, without people's time",
            ),
            ("start_lag", "How late journeys were begun"),
            ("exchange", "Single exchanges with the service"),
            ("delivery", "From the request for a code to its arrival"),
        ]
        .map(|(name, help)| {
            let family: Histograms = Family::new_with_constructor(histogram as fn() -> Histogram);
            registry.register_with_unit(name, help, Unit::Seconds, family.clone());
            family
        });
        let parties = parties
            .iter()
            .map(|party| PartyMetrics::of(party, &counters, &histograms))
            .collect();
        let gauges = gauges(&mut registry);
        Arc::new(Self {
            registry,
            parties,
            gauges,
            state,
            unknown: AtomicU64::new(0),
        })
    }

    /// Everything, in Prometheus's text format (OpenMetrics).
    pub fn told(&self) -> Result<String, std::fmt::Error> {
        let frame = self.state.frame();
        for (gauge, of) in &self.gauges {
            gauge.set(of(&frame));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Samples of a party that the storm does not have: none, unless the engine is wrong.
    pub fn unknown(&self) -> u64 {
        self.unknown.load(Ordering::Relaxed)
    }
}

impl PartyMetrics {
    fn of(party: &str, counters: &[Family<Labels, Counter>; 2], histograms: &[Histograms; 5]) -> Self {
        // The encoder writes label values as they are: what ends one is escaped here.
        let party = party.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels = vec![("party", party.clone())];
        let by_ending = |family: &Family<Labels, Counter>| {
            Ending::ALL.map(|ending| {
                let labels = vec![("party", party.clone()), ("ending", ending.name().to_owned())];
                family.get_or_create(&labels).clone()
            })
        };
        let [response, service, lag, exchange, delivery] =
            histograms.each_ref().map(|family| family.get_or_create(&labels).clone());
        Self {
            journeys: by_ending(&counters[0]),
            exchanges: by_ending(&counters[1]),
            response,
            service,
            lag,
            exchange,
            delivery,
        }
    }
}

impl Observe for Metrics {
    fn sample(&self, sample: &Sample) {
        let Some(party) = self.parties.get(usize::from(sample.party)) else {
            self.unknown.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let ending = sample.ending as usize;
        match sample.step {
            Step::Journey => {
                party.journeys[ending].inc();
                if sample.ending == Ending::Completed {
                    party.response.observe(seconds(sample.response_us()));
                }
                if sample.ending != Ending::Abandoned {
                    party.service.observe(seconds(sample.service_us()));
                    party.lag.observe(seconds(sample.lag_us()));
                }
            }
            Step::Exchange(_) => {
                party.exchanges[ending].inc();
                party.exchange.observe(seconds(sample.service_us()));
            }
            Step::Delivery(_) => {
                if sample.ending == Ending::Completed {
                    party.delivery.observe(seconds(sample.service_us()));
                }
            }
            Step::CodeAge => {}
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a time in microseconds")]
fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[allow(clippy::cast_precision_loss, reason = "counts of one storm")]
fn gauges(registry: &mut Registry) -> Vec<(Number, OfFrame)> {
    let all: [(&str, &str, OfFrame); 10] = [
        ("elapsed_seconds", "Seconds from the storm's beginning", |frame| frame.at_s),
        ("offered", "Arrivals that were due until now", |frame| frame.offered as f64),
        ("started", "Of them, those that were begun", |frame| frame.started as f64),
        ("abandoned", "Arrivals given up before they were begun", |frame| {
            frame.abandoned as f64
        }),
        ("waiting", "Arrivals due and not yet begun", |frame| frame.waiting as f64),
        ("under_way", "Journeys under way", |frame| frame.under_way as f64),
        ("arrival_rate", "Arrivals a second", |frame| frame.rate_now),
        ("codes_push", "Codes sent by push", |frame| frame.codes_push as f64),
        ("codes_email", "Codes sent by email", |frame| frame.codes_email as f64),
        ("attacks", "Attackers' journeys that ended", |frame| frame.attacks as f64),
    ];
    all.into_iter()
        .map(|(name, help, of)| {
            let gauge = Number::default();
            registry.register(name, help, gauge.clone());
            (gauge, of)
        })
        .collect()
}

/// Serves the metrics on a bound listener until `shutdown`.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, shutdown: impl Future<Output = ()>) {
    let mut shutdown = std::pin::pin!(shutdown);
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => return,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of files, most likely: the storm itself says so. Trying again at once would take its processor time.
                Err(_) => { tokio::time::sleep(Duration::from_millis(100)).await; continue }
            },
        };
        let metrics = metrics.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(&request, &metrics);
                async move { Ok::<_, Infallible>(answer) }
            });
            // A scraper that goes away has what it wanted.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => match metrics.told() {
            Ok(text) => (StatusCode::OK, text),
            Err(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the metrics could not be told\n".to_owned(),
            ),
        },
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "only /metrics is served here\n".to_owned()),
    };
    let kind = match status {
        StatusCode::OK => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use targets::OperationKind;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    fn sample(party: u16, step: Step, ending: Ending, took_us: u64) -> Sample {
        Sample {
            party,
            step,
            ending,
            intended_us: 1_000,
            started_us: 3_000,
            done_us: 3_000 + took_us,
            human_us: 0,
        }
    }

    fn fed() -> Arc<Metrics> {
        let state = LiveState::default();
        let metrics = Metrics::new(&["returning".to_owned(), "new \"phones\"".to_owned()], state.clone());
        for (ending, took_us) in [
            (Ending::Completed, 40_000),
            (Ending::Completed, 400_000),
            (Ending::Limited, 900),
            (Ending::Abandoned, 0),
        ] {
            metrics.sample(&sample(1, Step::Journey, ending, took_us));
        }
        metrics.sample(&sample(0, Step::Exchange(OperationKind::SignIn), Ending::Completed, 7_000));
        metrics.sample(&sample(9, Step::Journey, Ending::Completed, 1));
        state.publish(LiveFrame {
            at_s: 12.0,
            offered: 1200,
            waiting: 7,
            ..LiveFrame::default()
        });
        metrics
    }

    /// The answer to one request: its head, and its body.
    async fn asked(request: &str) -> (String, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (over, until) = tokio::sync::oneshot::channel::<()>();
        let serving = serve(listener, fed(), async {
            let _ = until.await;
        });
        let asking = async {
            let mut stream = TcpStream::connect(address).await.expect("connected");
            stream
                .write_all(format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
                .await
                .expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("read");
            drop(over);
            answer
        };
        let (answer, ()) = tokio::join!(asking, serving);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head.to_ascii_lowercase(), body.to_owned())
    }

    /// The value of a line, by its name with labels.
    fn value(text: &str, name: &str) -> f64 {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .unwrap_or_else(|| panic!("{name} is missing in\n{text}"));
        line.parse().expect("a number")
    }

    #[tokio::test]
    async fn scraped_over_tcp() {
        let (head, text) = asked("GET /metrics").await;
        assert!(
            head.starts_with("http/1.1 200") && head.contains("content-type: application/openmetrics-text; version=1.0.0"),
            "{head}"
        );
        let party = "party=\"new \\\"phones\\\"\"";
        let named = |name: &str, more: &str| value(&text, &format!("stepproof_{name}{{{party}{more}}}"));
        assert_eq!(named("journeys_total", ",ending=\"completed\""), 2.0);
        assert_eq!(named("journeys_total", ",ending=\"limited\""), 1.0);
        assert_eq!(named("journeys_total", ",ending=\"abandoned\""), 1.0);
        assert_eq!(named("journeys_total", ",ending=\"failed\""), 0.0);
        assert_eq!(
            value(&text, "stepproof_exchanges_total{party=\"returning\",ending=\"completed\"}"),
            1.0
        );
        assert_eq!(
            (
                value(&text, "stepproof_elapsed_seconds"),
                value(&text, "stepproof_offered"),
                value(&text, "stepproof_waiting")
            ),
            (12.0, 1200.0, 7.0)
        );
        assert!(text.ends_with("# EOF\n"));
    }

    #[tokio::test]
    async fn histograms_are_cumulative_and_have_every_bucket() {
        let (_, text) = asked("GET /metrics").await;
        let buckets: Vec<f64> = text
            .lines()
            .filter(|line| line.starts_with("stepproof_response_seconds_bucket") && line.contains("phones"))
            .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
            .collect();
        assert_eq!(buckets.len(), BUCKETS.len() + 1);
        assert!(buckets.is_sorted() && buckets.last() == Some(&2.0), "{buckets:?}");
        // 42 ms and 402 ms from the intended instant: none up to 0.025, one up to 0.05, both up to 0.5.
        assert_eq!((buckets[4], buckets[5], buckets[7], buckets[8]), (0.0, 1.0, 1.0, 2.0));
        let sum = text
            .lines()
            .find(|line| line.starts_with("stepproof_response_seconds_sum") && line.contains("phones"))
            .expect("the sum");
        assert!(
            (value(sum, sum.rsplit_once(' ').expect("a value").0) - 0.444).abs() < 1e-9,
            "{sum}"
        );
        let lags = text
            .lines()
            .find(|line| line.starts_with("stepproof_start_lag_seconds_count") && line.contains("phones"))
            .expect("the count");
        assert!(lags.ends_with(" 3"), "an abandoned arrival was never begun: {lags}");
    }

    #[tokio::test]
    async fn nothing_else_is_served() {
        assert!(asked("GET /").await.0.starts_with("http/1.1 404"));
        assert!(asked("POST /metrics").await.0.starts_with("http/1.1 405"));
    }

    #[test]
    fn a_party_that_is_none_is_counted_apart() {
        assert_eq!(fed().unknown(), 1);
    }
}
