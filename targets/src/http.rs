//! The exchange layer: one prepared request out, one recorded exchange back. Redirects are not followed, an answer has to
//! come within a time and a size, and what fails is told as [`TargetError::Unreachable`], never as a verdict.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use crate::connect::{Connector, connector, tls};
use crate::device::Device;
use crate::request::{Body, Request, RequestBuilder, path_of};
use crate::request::{RawRequest, RequestMutation};
use crate::target::TargetError;
use crate::transcript::{Exchange, Transcript};

/// What an exchange may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first byte sent to the last byte read.
    pub within: Duration,
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            within: Duration::from_secs(30),
            body: 1 << 20,
        }
    }
}

/// Source addresses whose connections are kept open. A check speaks from hundreds of addresses, most of them once: what they
/// left open would use up the files that the process may have.
const SOURCES_KEPT: usize = 8;

/// Idle connections kept for one source address.
const IDLE_KEPT: usize = 2;

/// For how long an idle connection is used again. Servers close theirs after 5 s and more (Node: 5 s, nginx: 75 s); a request
/// that meets the close half-way has no answer, and nobody knows whether it acted.
const IDLE_TIME: Duration = Duration::from_secs(1);

type Pool = Client<Connector, Full<Bytes>>;

/// The way to one target. Clones share connections and transcript.
#[derive(Clone)]
pub struct HttpClient {
    inner: Arc<Inner>,
}

struct Inner {
    tls: ClientConfig,
    limits: Limits,
    opened: Instant,
    transcript: Transcript,
    // A pool for each source address, since a connection keeps the address it was opened from; the one used last stands last.
    // Never held over an await.
    clients: Mutex<VecDeque<(Option<IpAddr>, Pool)>>,
}

impl HttpClient {
    /// A wire with these limits, recording into this transcript.
    pub fn new(limits: Limits, transcript: Transcript) -> Result<Self, TargetError> {
        let tls = tls().map_err(|error| TargetError::Binding {
            operation: "connect".to_owned(),
            reason: format!("TLS cannot be set up: {error}"),
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                tls,
                limits,
                opened: Instant::now(),
                transcript,
                clients: Mutex::default(),
            }),
        })
    }

    /// Everything that went over it.
    pub fn transcript(&self) -> &Transcript {
        &self.inner.transcript
    }

    /// Its limits.
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// Sends the builder as this device, with departures from the honest request; cookies of the answer go into its jar.
    pub async fn exchange(
        &self,
        device: &mut Device,
        builder: RequestBuilder,
        mutations: &[RequestMutation],
    ) -> Result<Arc<Exchange>, TargetError> {
        let prepared = builder.build(device, mutations);
        let exchange = self.send(device, prepared).await?;
        keep_cookies(device, &exchange);
        Ok(exchange)
    }

    /// Sends a request of the caller's own making: nothing of the device is added but its address.
    pub async fn raw(&self, device: &Device, origin: &str, request: RawRequest) -> Result<Arc<Exchange>, TargetError> {
        let mut bare = device.clone();
        bare.jar.clear();
        let builder = RequestBuilder {
            operation: None,
            method: request.method,
            url: format!("{}{}", origin.trim_end_matches('/'), request.path),
            headers: request.headers,
            body: Body::Bytes(None, request.body),
        };
        self.send(&bare, builder.build(&bare, &[])).await
    }

    /// Sends the request from the device's address, as it is.
    pub async fn send(&self, device: &Device, prepared: Request) -> Result<Arc<Exchange>, TargetError> {
        let request = to_request(&prepared)?;
        let client = self.client(device.source);
        let started = Instant::now();
        let mut exchange = self.blank(device, &prepared, started);
        let ending = tokio::time::timeout(self.inner.limits.within, async {
            let answer = client.request(request).await.map_err(|error| chain(&error))?;
            read(answer, self.inner.limits.body, &mut exchange).await
        })
        .await;
        self.conclude(exchange, started, ending.unwrap_or_else(|_| Err(self.late())))
    }

    pub(crate) fn late(&self) -> String {
        format!("no complete answer within {} ms", self.inner.limits.within.as_millis())
    }

    pub(crate) fn connector(&self, source: Option<IpAddr>) -> Connector {
        connector(&self.inner.tls, source, self.inner.limits.within)
    }

    /// An exchange that has no answer yet.
    pub(crate) fn blank(&self, device: &Device, prepared: &Request, started: Instant) -> Exchange {
        Exchange {
            operation: prepared.operation,
            device: device.name.clone(),
            source: device.source,
            method: prepared.method.clone(),
            url: prepared.url.clone(),
            request_headers: prepared.headers.clone(),
            request_body: prepared.body.clone(),
            status: 0,
            response_headers: Vec::new(),
            response_body: Vec::new(),
            started_ms: millis(started.saturating_duration_since(self.inner.opened)),
            took_ms: 0.0,
        }
    }

    /// Records the exchange however it ended.
    pub(crate) fn conclude(
        &self,
        mut exchange: Exchange,
        started: Instant,
        ending: Result<(), String>,
    ) -> Result<Arc<Exchange>, TargetError> {
        exchange.took_ms = millis(started.elapsed());
        let exchange = self.inner.transcript.record(exchange);
        match ending {
            Ok(()) => Ok(exchange),
            Err(reason) => Err(TargetError::Unreachable {
                operation: name_of(exchange.operation).to_owned(),
                url: exchange.url.clone(),
                reason,
            }),
        }
    }

    fn client(&self, source: Option<IpAddr>) -> Pool {
        let mut clients = self.inner.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let known = clients.iter().position(|(of, _)| *of == source);
        let entry = known.and_then(|at| clients.remove(at)).unwrap_or_else(|| {
            let pool = Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIME)
                .pool_max_idle_per_host(IDLE_KEPT)
                .build(self.connector(source));
            (source, pool)
        });
        let pool = entry.1.clone();
        clients.push_back(entry);
        if clients.len() > SOURCES_KEPT {
            // A request that is under way has a clone of its pool; idle connections close with the last one.
            clients.pop_front();
        }
        pool
    }
}

/// Puts the cookies of an answer into the device's jar.
pub(crate) fn keep_cookies(device: &mut Device, exchange: &Exchange) {
    for (name, line) in &exchange.response_headers {
        if name.eq_ignore_ascii_case("set-cookie") {
            device.jar.store(path_of(&exchange.url), line);
        }
    }
}

/// The request as hyper takes it. What HTTP cannot carry is the caller's mistake.
pub(crate) fn to_request(prepared: &Request) -> Result<http::Request<Full<Bytes>>, TargetError> {
    let wrong = |reason: String| TargetError::Binding {
        operation: name_of(prepared.operation).to_owned(),
        reason,
    };
    let mut request = http::Request::builder()
        .method(prepared.method.as_str())
        .uri(prepared.url.as_str());
    for (name, value) in &prepared.headers {
        let value = http::HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| wrong(format!("header {name} has a value that HTTP cannot carry")))?;
        request = request.header(name.as_str(), value);
    }
    request
        .body(Full::new(Bytes::from(prepared.body.clone())))
        .map_err(|error| wrong(format!("{} {}: {error}", prepared.method, prepared.url)))
}

/// Reads an answer into the exchange, as far as it comes.
pub(crate) async fn read(
    answer: http::Response<hyper::body::Incoming>,
    most: usize,
    exchange: &mut Exchange,
) -> Result<(), String> {
    exchange.status = answer.status().as_u16();
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    exchange.response_headers = answer.headers().iter().map(line).collect();
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the answer broke off: {}", chain(&error)))?;
        if let Some(data) = frame.data_ref() {
            if exchange.response_body.len() + data.len() > most {
                return Err(format!("the answer is larger than {most} bytes"));
            }
            exchange.response_body.extend_from_slice(data);
        }
    }
    Ok(())
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn name_of(operation: Option<crate::operation::OperationKind>) -> &'static str {
    operation.map_or("raw request", |kind| kind.name())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
