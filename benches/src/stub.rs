//! The service that generators are measured against: it knows three requests of the reference API by heart and answers each
//! at once, so that what is measured is the generator. It may stall on a plan, and then answers when the stall is over.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

const CHALLENGE: &str = r#"{"challenge":{"handle":"ch_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","id":"chl_AAAAAAAAAAAAAAAAAAAA","method":"push","methods":["push","email"],"expires_at":"2030-01-01T00:05:00.000Z","resend_at":"2030-01-01T00:00:30.000Z","ends_at":"2030-01-01T00:15:00.000Z","attempts_left":5}}"#;
const SESSION: &str = r#"{"session":{"access_token":"at_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","access_expires_at":"2030-01-01T00:15:00.000Z","refresh_token":"rt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","expires_at":"2030-01-31T00:00:00.000Z"},"device":{"id":"dev_AAAAAAAAAAAAAAAAAAAA","name":"phone","trusted":true}}"#;
const WHO: &str = r#"{"account":{"id":"acc_AAAAAAAAAAAAAAAAAAAA","email":"storm-1@example.com","two_step":true},"device":{"id":"dev_AAAAAAAAAAAAAAAAAAAA","name":"phone","trusted":true},"expires_at":"2030-01-31T00:00:00.000Z"}"#;

/// When answers are held back, and how long one takes otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// How long every answer takes.
    pub takes: Duration,
    /// A stall: the last so much of every period. None where it is zero.
    pub stall: Duration,
    /// The period.
    pub period: Duration,
}

impl Plan {
    /// How long a request is in the service that comes this long after the beginning.
    pub fn service(&self, at: Duration) -> Duration {
        if self.stall.is_zero() {
            return self.takes;
        }
        let into = Duration::from_nanos((at.as_nanos() % self.period.as_nanos()) as u64);
        if into < self.period - self.stall {
            self.takes
        } else {
            self.period - into + self.takes
        }
    }
}

/// Serves until the task is dropped. The plan begins at the first request.
pub async fn serve(listener: TcpListener, plan: Plan) {
    let began: std::sync::Arc<std::sync::OnceLock<Instant>> = std::sync::Arc::default();
    while let Ok((stream, _)) = listener.accept().await {
        // Without it an answer waits for the acknowledgement of the one before; where it fails the run is only slower.
        let _ = stream.set_nodelay(true);
        let began = std::sync::Arc::clone(&began);
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let began = std::sync::Arc::clone(&began);
                async move {
                    if !plan.takes.is_zero() || !plan.stall.is_zero() {
                        let now = Instant::now();
                        let at = now.duration_since(*began.get_or_init(|| now));
                        tokio::time::sleep(plan.service(at)).await;
                    }
                    Ok::<_, Infallible>(answer(&request))
                }
            });
            // A connection that breaks is the generator's to notice.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::POST, "/v1/sign-ins") => (StatusCode::ACCEPTED, CHALLENGE),
        (&Method::POST, "/v1/challenge/verify") => (StatusCode::CREATED, SESSION),
        (&Method::GET, "/v1/session") => (StatusCode::OK, WHO),
        _ => (StatusCode::NOT_FOUND, "{}"),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    response
}

/// A service in a process of its own, so that a generator's processor time is its own; it ends with the guard.
pub struct Child {
    process: std::process::Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Child {
    /// Starts this same program in the role of the service.
    pub fn start(arguments: &[&str]) -> std::io::Result<Self> {
        use std::io::BufRead as _;
        let mut process = std::process::Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            std::io::BufReader::new(out).read_line(&mut line)?;
        }
        let address = line.trim().parse().map_err(std::io::Error::other)?;
        Ok(Self { process, address })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The role of the service: tells its address on standard output and serves until it is ended.
pub async fn role(plan: Plan) -> std::io::Result<()> {
    use std::io::Write as _;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    serve(listener, plan).await;
    Ok(())
}
