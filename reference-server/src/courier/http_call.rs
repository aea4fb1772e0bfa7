//! One JSON call to a provider over HTTP, tried again once when the provider is busy.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::ports::DeliveryError;

/// Pause before the one further try.
const BREATH: Duration = Duration::from_millis(100);
/// Bytes of an answer that are looked at.
const ANSWER_MOST: usize = 64 * 1024;

/// A client with its connections, shared by clones.
#[derive(Clone)]
pub(super) struct HttpCaller {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Default for HttpCaller {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Self { client }
    }
}

/// What a provider answered.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl HttpCaller {
    /// Posts this body. After 429 or 5xx it is posted once more, the very same bytes; who calls sets the time for all of it.
    pub(super) async fn post(&self, uri: &Uri, bearer: &HeaderValue, body: Bytes) -> Result<Answered, DeliveryError> {
        let first = self.once(uri, bearer, body.clone()).await?;
        if first.status != StatusCode::TOO_MANY_REQUESTS && !first.status.is_server_error() {
            return Ok(first);
        }
        tokio::time::sleep(BREATH).await;
        self.once(uri, bearer, body).await
    }

    async fn once(&self, uri: &Uri, bearer: &HeaderValue, body: Bytes) -> Result<Answered, DeliveryError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::AUTHORIZATION, bearer.clone());
        let response = self.client.request(request).await.map_err(|_| unreachable())?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MOST).collect().await;
        let body = body.map_err(|_| unreachable())?.to_bytes();
        Ok(Answered { status, body })
    }
}

fn unreachable() -> DeliveryError {
    DeliveryError::Refused("no answer could be read".to_owned())
}
