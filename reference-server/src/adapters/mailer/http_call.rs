//! One JSON call to a provider over HTTP, tried again once when the provider is busy.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;

use super::RETRY_PAUSE;
use crate::parts::DeliveryError;

/// Bytes of a provider's answer that are looked at.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A client with its connections, shared by clones.
#[derive(Clone)]
pub(super) struct HttpCaller {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Default for HttpCaller {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        // Nagle's algorithm would hold the last packet of a call back until the provider has acknowledged the first.
        connector.set_nodelay(true);
        // hyper knows no clock of its own: without a timer the pool's time-out never passes.
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Self { client }
    }
}

impl HttpCaller {
    /// Posts this call: the status and the body of the answer. After 429 or 5xx it is posted once more, the very same bytes; who
    /// calls sets the time for all of it.
    pub(super) async fn post(&self, uri: &Uri, bearer: &HeaderValue, call: &Value) -> Result<(StatusCode, Bytes), DeliveryError> {
        let body = Bytes::from(call.to_string());
        let first = self.post_once(uri, bearer, body.clone()).await?;
        if first.0 != StatusCode::TOO_MANY_REQUESTS && !first.0.is_server_error() {
            return Ok(first);
        }
        tokio::time::sleep(RETRY_PAUSE).await;
        self.post_once(uri, bearer, body).await
    }

    async fn post_once(&self, uri: &Uri, bearer: &HeaderValue, body: Bytes) -> Result<(StatusCode, Bytes), DeliveryError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::AUTHORIZATION, bearer.clone());
        let response = self.client.request(request).await.map_err(|_| no_answer())?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        Ok((status, body.map_err(|_| no_answer())?.to_bytes()))
    }
}

fn no_answer() -> DeliveryError {
    DeliveryError::Refused("no answer could be read".to_owned())
}
