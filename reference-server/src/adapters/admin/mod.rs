//! The admin API: the clock, the accounts and the delivery targets of a server under test. It listens on an address of its own
//! and is off unless asked for; whoever reaches it owns the server.
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
mod seeding;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use tokio::net::TcpListener;

pub use seeding::{Seed, SeedDevice, seed};

use crate::adapters::mailer::{Mailbox, ProviderMailer};
use crate::http::{ApiRequest, ConnectionLimits, accept_until};
use crate::ports::ManualClock;
use crate::service::Service;

/// Some hundred thousand accounts.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// What is administered.
#[derive(Clone)]
pub struct Admin {
    pub service: Service,
    /// The very clock of the service.
    pub clock: Arc<ManualClock>,
    /// The very mailer of the service, or what its mailer wraps.
    pub mailer: ProviderMailer,
    pub mailbox: Option<Mailbox>,
}

impl Admin {
    pub async fn answer(&self, request: &ApiRequest) -> Response<Bytes> {
        handlers::route(self, request)
            .await
            .unwrap_or_else(|refusal| refusal.response())
    }
}

/// Serves the admin API until `shutdown`.
pub async fn serve(listener: TcpListener, admin: Admin, shutdown: impl Future<Output = ()>) {
    let limits = ConnectionLimits {
        body: MAX_BODY_BYTES,
        connections: 64,
        per_source: 64,
        ..ConnectionLimits::default()
    };
    accept_until(listener, limits, Vec::new(), shutdown, move |request, peer| {
        let admin = admin.clone();
        async move {
            match ApiRequest::read(request, peer, limits).await {
                Ok(request) => admin.answer(&request).await,
                Err(refusal) => refusal.response(),
            }
        }
    })
    .await;
}
