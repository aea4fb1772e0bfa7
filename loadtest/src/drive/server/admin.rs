//! What is asked of a admin API: accounts by the thousand, where messages go, and what it has used.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use reference_server::adapters::admin::Seed;
use serde::Serialize;
use serde_json::json;
use tokio::net::TcpStream;

use super::ServerFault;

/// Accounts in one call.
pub const BATCH: usize = 5_000;

/// A connection to a admin API.
pub struct AdminClient {
    origin: String,
    authority: String,
    sender: SendRequest<Full<Bytes>>,
}

#[derive(Serialize)]
struct Accounts<'a> {
    accounts: Vec<Account<'a>>,
}

#[derive(Serialize)]
struct Account<'a> {
    email: &'a str,
    password: &'a str,
    two_step: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<Device<'a>>,
}

#[derive(Serialize)]
struct Device<'a> {
    installation: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    push_token: Option<&'a str>,
}

impl AdminClient {
    /// Connects to the admin API at this origin, such as `http://127.0.0.1:8081`.
    pub async fn open(origin: &str) -> Result<Self, ServerFault> {
        let fault = |what: String| ServerFault::Control {
            origin: origin.to_owned(),
            what,
        };
        let authority = origin
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'))
            .filter(|rest| !rest.is_empty() && !rest.contains('/'))
            .ok_or_else(|| fault("an origin such as http://127.0.0.1:8081 is needed".to_owned()))?;
        let named = if authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let stream = TcpStream::connect(&named).await.map_err(|error| fault(error.to_string()))?;
        let _ = stream.set_nodelay(true);
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| fault(error.to_string()))?;
        // Its end shows at the next request.
        tokio::spawn(connection);
        Ok(Self {
            origin: origin.to_owned(),
            authority: authority.to_owned(),
            sender,
        })
    }

    /// Prepares these accounts, [`BATCH`] a call; how many. The next call is written while the server works on the one before.
    pub async fn seed(&mut self, seeds: impl IntoIterator<Item = Seed>) -> Result<u64, ServerFault> {
        let mut seeds = seeds.into_iter();
        let bodies = std::iter::from_fn(move || {
            let batch: Vec<Seed> = seeds.by_ref().take(BATCH).collect();
            (!batch.is_empty()).then(|| body(&batch))
        });
        self.seed_bodies(bodies).await
    }

    /// As [`Self::seed`], of calls that are written already.
    pub async fn seed_bodies(&mut self, bodies: impl IntoIterator<Item = Vec<u8>>) -> Result<u64, ServerFault> {
        let mut bodies = bodies.into_iter();
        let mut created = 0;
        let mut next = bodies.next();
        while let Some(body) = next.take() {
            let sending = self.send(Method::POST, "/accounts", body);
            let mut sending = std::pin::pin!(sending);
            // Polled once, so that it is under way while the next one is written.
            let early = futures_util::poll!(sending.as_mut());
            next = bodies.next();
            let (status, answer) = match early {
                std::task::Poll::Ready(done) => done?,
                std::task::Poll::Pending => sending.await?,
            };
            let text = || String::from_utf8_lossy(&answer).into_owned();
            if status != StatusCode::CREATED {
                return Err(ServerFault::Seed(format!("status {status}: {}", text())));
            }
            let rendered: serde_json::Value =
                serde_json::from_slice(&answer).map_err(|error| ServerFault::Seed(error.to_string()))?;
            created += rendered["created"].as_u64().ok_or_else(|| ServerFault::Seed(text()))?;
        }
        Ok(created)
    }

    /// Points its deliveries at these providers; one that is not named stays as it is.
    pub async fn deliver_to(&mut self, email: Option<&str>, push: Option<&str>) -> Result<(), ServerFault> {
        let mut wanted = serde_json::Map::new();
        if let Some(url) = email {
            let kind = if url.starts_with("smtp:") { "smtp" } else { "sendgrid" };
            wanted.insert("email".to_owned(), json!({"kind": kind, "url": url}));
        }
        if let Some(url) = push {
            wanted.insert("push".to_owned(), json!({"url": url}));
        }
        let body = serde_json::Value::Object(wanted).to_string().into_bytes();
        let (status, answer) = self.send(Method::PUT, "/delivery", body).await?;
        if status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        Err(self.fault(format!("status {status}: {}", String::from_utf8_lossy(&answer))))
    }

    /// What its Prometheus page says.
    pub async fn metrics(&mut self) -> Result<String, ServerFault> {
        let (status, answer) = self.send(Method::GET, "/metrics", Vec::new()).await?;
        if status != StatusCode::OK {
            return Err(self.fault(format!("status {status} for /metrics")));
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    async fn send(&mut self, method: Method, path: &str, body: Vec<u8>) -> Result<(StatusCode, Bytes), ServerFault> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.authority.as_str());
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| self.fault(error.to_string()))?;
        let ready = self.sender.ready().await;
        ready.map_err(|error| self.fault(error.to_string()))?;
        let sent = self.sender.send_request(request).await;
        let response = sent.map_err(|error| self.fault(error.to_string()))?;
        let status = response.status();
        let body = response.into_body().collect().await;
        Ok((status, body.map_err(|error| self.fault(error.to_string()))?.to_bytes()))
    }

    fn fault(&self, what: String) -> ServerFault {
        ServerFault::Control {
            origin: self.origin.clone(),
            what,
        }
    }
}

/// The body of one call.
fn body(seeds: &[Seed]) -> Vec<u8> {
    let accounts = seeds.iter().map(|seed| Account {
        email: &seed.email,
        password: &seed.password,
        two_step: seed.two_step,
        device: seed.device.as_ref().map(|device| Device {
            installation: &device.installation,
            name: &device.name,
            trust_token: device.trust_token.as_deref(),
            push_token: device.push_token.as_deref(),
        }),
    });
    // Texts and truth values: nothing that cannot be written.
    serde_json::to_vec(&Accounts {
        accounts: accounts.collect(),
    })
    .unwrap_or_default()
}
