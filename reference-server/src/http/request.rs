//! A request, once its body has been read within the limits.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

use super::connections::ConnectionLimits;
use super::problem::Refusal;

#[derive(Clone, Debug)]
pub struct ApiRequest {
    pub method: Method,
    /// Without the query.
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Who is at the other end of the connection: a client, or the proxy before it.
    pub peer: IpAddr,
}

impl ApiRequest {
    /// Reads the body. hyper hands a request over as soon as its head is complete; the body is still on its way, as fast as the
    /// client likes, and hyper itself limits neither its size nor its time.
    pub(crate) async fn read(request: Request<Incoming>, peer: IpAddr, limits: ConnectionLimits) -> Result<Self, Refusal> {
        let (head, body) = request.into_parts();
        // `Content-Length` is the lower bound of the hint: what is announced as too large is not waited for.
        if body.size_hint().lower() > limits.body as u64 {
            return Err(Refusal::ContentTooLarge);
        }
        let read = Limited::new(body, limits.body).collect();
        let body = match tokio::time::timeout(limits.body_time, read).await {
            Err(_) => return Err(Refusal::RequestTimeout),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Refusal::ContentTooLarge),
            Ok(Err(_)) => return Err(Refusal::BodyUnreadable),
            Ok(Ok(body)) => body.to_bytes(),
        };
        Ok(Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: head.headers,
            body,
            peer,
        })
    }
}
