//! Connections to a target: plain or TLS, from a chosen source address.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore};

/// What opens connections from one source address.
pub(crate) type Connector = HttpsConnector<HttpConnector>;

/// The TLS set-up. Reading the system's certificates is slow, and a run opens many targets: it is done once.
pub(crate) fn tls() -> Result<ClientConfig, rustls::Error> {
    static READ: OnceLock<Result<ClientConfig, rustls::Error>> = OnceLock::new();
    READ.get_or_init(read_certificates).clone()
}

/// A machine without any certificates can still speak HTTP; an HTTPS connection then fails with the reason.
fn read_certificates() -> Result<ClientConfig, rustls::Error> {
    use hyper_rustls::ConfigBuilderExt;
    let builder = || {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
    };
    match builder()?.with_native_roots() {
        Ok(config) => Ok(config.with_no_client_auth()),
        Err(error) => {
            tracing::warn!(%error, "no system certificates, https targets will not be trusted");
            Ok(builder()?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth())
        }
    }
}

/// A connector whose connections leave from this address.
pub(crate) fn connector(tls: &ClientConfig, source: Option<IpAddr>, within: Duration) -> Connector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(within));
    tcp.set_local_address(source);
    HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp)
}

/// Whether the URL names this machine and nothing else.
pub fn is_loopback(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}
