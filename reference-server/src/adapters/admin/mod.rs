//! The admin interface: the clock, the accounts and the delivery targets of a server under test. It listens on an address of
//! its own and is off unless asked for; whoever reaches it owns the server.
//!
//! ```text
//! GET  /healthz           is the server up
//! GET  /metrics           counts, for Prometheus
//! GET  /clock             the server's time
//! POST /clock             advance, set or freeze it
//! POST /reset             forget accounts, limits and the clock's offset
//! POST /accounts          create many accounts
//! POST /accounts/status   switch one off, or on again
//! PUT  /delivery          where email and pushes go
//! GET  /mailbox/{email}   messages to an address (with the development mailbox only)
//! ```

mod bodies;
mod handlers;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use tokio::net::TcpListener;

use crate::adapters::mailer::{Mailbox, ProviderMailer};
use crate::http::{ConnectionLimits, accept_until, read_body};
use crate::http::{EdgeRequest, refusal};
use crate::parts::ManualClock;
use crate::service::Service;

/// Bytes of a body: some hundred thousand accounts.
const BODY_MOST: usize = 32 * 1024 * 1024;

/// What is controlled.
#[derive(Clone)]
pub struct Admin {
    /// The server.
    pub service: Service,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Where it delivers.
    pub mailer: ProviderMailer,
    /// Its development mailbox, when it has one.
    pub mailbox: Option<Mailbox>,
}

impl Admin {
    /// Answers one request.
    pub async fn answer(&self, request: &EdgeRequest) -> Response<Bytes> {
        handlers::route(self, request)
            .await
            .unwrap_or_else(|refused| refusal(&refused))
    }
}

/// Serves the admin interface until `shutdown`.
pub async fn serve(listener: TcpListener, admin: Admin, shutdown: impl Future<Output = ()>) {
    let limits = ConnectionLimits {
        body: BODY_MOST,
        connections: 64,
        per_source: 64,
        ..ConnectionLimits::default()
    };
    accept_until(listener, limits, Vec::new(), shutdown, move |request, peer| {
        let admin = admin.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = match read_body(body, limits).await {
                Ok(body) => body,
                Err(refused) => return refused,
            };
            let request = EdgeRequest {
                method: head.method,
                path: head.uri.path().to_owned(),
                query: head.uri.query().map(str::to_owned),
                headers: head.headers,
                body,
                peer,
            };
            admin.answer(&request).await
        }
    })
    .await;
}
