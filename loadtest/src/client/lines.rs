//! Where lines come from: one service, spoken to natively or through a binding.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use targets::Target;

use super::Line;
use super::bound::Bound;
use super::native::Native;
use super::reconnects::Counts;
use super::slots::Slots;
use crate::record::Reconnects;

/// How long a device waits.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    pub connect: Duration,
    /// For the complete answer, from when the request is made.
    pub answer: Duration,
}

/// Why there are no lines to a service.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The origin is no `http` or `https` URL with a host.
    #[error("`{0}` is no origin such as http://127.0.0.1:8080")]
    Origin(String),
    /// Its name leads nowhere.
    #[error("{host} cannot be resolved: {reason}")]
    Name { host: String, reason: String },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The service, as lines reach it. Clones share it.
#[derive(Clone)]
pub struct Lines {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Native(Arc<Service>),
    Bound(Arc<dyn Target>),
}

/// Where a service that speaks the reference API is.
pub(super) struct Service {
    pub(super) address: SocketAddr,
    pub(super) host: HeaderValue,
    /// Path before the API's own, mostly empty.
    pub(super) prefix: String,
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(super) waits: Waits,
    pub(super) reconnects: Counts,
    /// Where connections are fewer than phones.
    pub(super) slots: Option<Slots>,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(20),
        }
    }
}

impl Lines {
    /// To a service that speaks the reference API at this origin. Its name is resolved once.
    pub async fn native(origin: &str, waits: Waits) -> Result<Self, LineError> {
        Self::native_within(origin, waits, None).await
    }

    /// The same over no more connections at once than these: an idle one is closed for a phone that has something to ask.
    pub async fn native_within(origin: &str, waits: Waits, connections: Option<usize>) -> Result<Self, LineError> {
        let wrong = || LineError::Origin(origin.to_owned());
        let url = url::Url::parse(origin).map_err(|_| wrong())?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(wrong());
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let tls = match url.scheme() {
            "http" => None,
            "https" => Some((tls()?, ServerName::try_from(bare.to_owned()).map_err(|_| wrong())?)),
            _ => return Err(wrong()),
        };
        let address = resolve(bare, port).await?;
        let named = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self {
            kind: Kind::Native(Arc::new(Service {
                address,
                host: HeaderValue::from_str(&named).map_err(|_| wrong())?,
                prefix: url.path().trim_end_matches('/').to_owned(),
                tls,
                waits,
                reconnects: Counts::default(),
                slots: connections.map(Slots::new),
            })),
        })
    }

    /// To any implementation, through its target, whose limits hold.
    pub fn bound(target: Arc<dyn Target>) -> Self {
        Self {
            kind: Kind::Bound(target),
        }
    }

    /// Whether the service is on this machine, so that lines may come from any loopback address.
    pub fn loopback(&self) -> bool {
        match &self.kind {
            Kind::Native(service) => service.address.ip().is_loopback(),
            Kind::Bound(target) => targets::is_loopback(target.origin()),
        }
    }

    /// How often a kept connection was found closed so far; `None` where the connections are a target's own.
    pub fn reconnects(&self) -> Option<Reconnects> {
        match &self.kind {
            Kind::Native(service) => Some(service.reconnects.now()),
            Kind::Bound(_) => None,
        }
    }

    /// How often a phone had to wait for one of so many connections; `None` where they are not limited.
    pub fn waited_for_connections(&self) -> Option<(u64, usize)> {
        match &self.kind {
            Kind::Native(service) => service.slots.as_ref().map(|slots| (slots.waited(), slots.many())),
            Kind::Bound(_) => None,
        }
    }

    /// A device's line, from this source address. Nothing is connected yet.
    pub fn open(&self, source: Option<IpAddr>) -> Line {
        match &self.kind {
            Kind::Native(service) => Line::Native(Box::new(Native::new(Arc::clone(service), source))),
            Kind::Bound(target) => Line::Bound(Box::new(Bound::new(Arc::clone(target), source))),
        }
    }
}

async fn resolve(host: &str, port: u16) -> Result<SocketAddr, LineError> {
    let failed = |reason: String| LineError::Name {
        host: host.to_owned(),
        reason,
    };
    let mut found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| failed(error.to_string()))?;
    found.next().ok_or_else(|| failed("no address".to_owned()))
}

/// Shared by all lines, but for the sessions: a new phone has none to resume, and a full handshake is what it costs.
fn tls() -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}
