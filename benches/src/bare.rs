//! The two baselines that the generator is measured against: the least that can be done over HTTP, and Goose as it comes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use goose::config::GooseConfiguration;
use goose::prelude::*;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use crate::cost::cpu;

#[derive(Deserialize)]
struct Challenged<'a> {
    #[serde(borrow)]
    challenge: Handle<'a>,
}

#[derive(Deserialize)]
struct Handle<'a> {
    handle: &'a str,
}

#[derive(Deserialize)]
struct SignedIn<'a> {
    #[serde(borrow)]
    session: Tokens<'a>,
}

#[derive(Deserialize)]
struct Tokens<'a> {
    access_token: &'a str,
}

/// What a sign-in asks with.
pub fn sign_in(nth: u64) -> String {
    format!(
        r#"{{"email":"storm-{nth}@example.com","password":"correct horse battery","device":{{"installation":"i-{nth}","name":"phone {nth}"}}}}"#
    )
}

/// Journeys over one hyper connection each, as fast as they go; how many were made.
pub async fn hyper_loop(address: SocketAddr, connections: u64, lasts: Duration) -> anyhow::Result<u64> {
    let end = Instant::now() + lasts;
    let made = Arc::new(AtomicU64::new(0));
    let mut walking = tokio::task::JoinSet::new();
    for nth in 0..connections {
        let made = Arc::clone(&made);
        walking.spawn(async move {
            let mut sender = connect(address).await?;
            let host = address.to_string();
            while Instant::now() < end {
                journey(&mut sender, &host, nth).await?;
                made.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    while let Some(walked) = walking.join_next().await {
        walked??;
    }
    Ok(made.load(Ordering::Relaxed))
}

/// A connection of one's own.
pub async fn connect(address: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn journey(sender: &mut SendRequest<Full<Bytes>>, host: &str, nth: u64) -> anyhow::Result<()> {
    let body = exchange(sender, host, "POST", "/v1/sign-ins", None, sign_in(nth)).await?;
    let handle = serde_json::from_slice::<Challenged<'_>>(&body)?.challenge.handle;
    let code = r#"{"code":"123456","trust":true}"#.to_owned();
    let body = exchange(sender, host, "POST", "/v1/challenge/verify", Some(handle), code).await?;
    let token = serde_json::from_slice::<SignedIn<'_>>(&body)?.session.access_token;
    exchange(sender, host, "GET", "/v1/session", Some(token), String::new()).await?;
    Ok(())
}

/// One request on a connection, and its answer's body.
pub async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    host: &str,
    method: &str,
    path: &str,
    bearer: Option<&str>,
    body: String,
) -> anyhow::Result<Bytes> {
    let mut request = Request::builder().method(method).uri(path).header("host", host);
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    if let Some(bearer) = bearer {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    let answer = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
    Ok(answer.into_body().collect().await?.to_bytes())
}

/// Processor time before Goose's first journey: its users' clients are made by then, and are no cost of a journey.
static BEFORE_GOOSE: OnceLock<Duration> = OnceLock::new();

/// The same journeys as a Goose load test is usually written, on reqwest, with Goose's own metrics; how many were made, and the
/// processor time before the first.
pub async fn goose_as_it_comes(address: SocketAddr, users: usize, lasts: Duration) -> anyhow::Result<(u64, Duration)> {
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(format!("http://{address}"));
    configuration.users = Some(users);
    configuration.increase_rate = Some("1000".to_owned());
    configuration.run_time = Some(format!("{}s", lasts.as_secs()));
    configuration.quiet = 3;
    configuration.no_print_metrics = true;
    configuration.no_error_summary = true;
    configuration.no_telnet = true;
    configuration.no_reset_metrics = true;
    let metrics = GooseAttack::initialize_with_config(configuration)?
        .register_scenario(scenario!("journey").register_transaction(transaction!(goose_journey)))
        .execute()
        .await?;
    // Only the last request of a journey is a GET.
    let last = metrics.requests.values().filter(|request| request.method == GooseMethod::Get);
    let made = last.map(|request| request.success_count as u64).sum();
    Ok((made, BEFORE_GOOSE.get().copied().unwrap_or_default()))
}

async fn goose_journey(user: &mut GooseUser) -> TransactionResult {
    BEFORE_GOOSE.get_or_init(|| cpu().unwrap_or_default());
    let nth = user.weighted_users_index as u64;
    let body = goose_post(user, "/v1/sign-ins", None, sign_in(nth)).await?;
    let Ok(challenged) = serde_json::from_slice::<Challenged<'_>>(&body) else {
        return Ok(());
    };
    let code = r#"{"code":"123456","trust":true}"#.to_owned();
    let body = goose_post(user, "/v1/challenge/verify", Some(challenged.challenge.handle), code).await?;
    let Ok(signed_in) = serde_json::from_slice::<SignedIn<'_>>(&body) else {
        return Ok(());
    };
    let request = user
        .get_request_builder(&GooseMethod::Get, "/v1/session")?
        .bearer_auth(signed_in.session.access_token);
    let request = GooseRequest::builder().set_request_builder(request).build();
    let answer = user.request(request).await?;
    if let Ok(answer) = answer.response {
        // Read to its end, as the others do.
        let _ = answer.bytes().await;
    }
    Ok(())
}

async fn goose_post(
    user: &mut GooseUser,
    path: &str,
    bearer: Option<&str>,
    body: String,
) -> Result<Bytes, Box<TransactionError>> {
    let mut request = user
        .get_request_builder(&GooseMethod::Post, path)?
        .header("content-type", "application/json")
        .body(body);
    if let Some(bearer) = bearer {
        request = request.bearer_auth(bearer);
    }
    let request = GooseRequest::builder().set_request_builder(request).build();
    let answer = user.request(request).await?;
    match answer.response {
        Ok(answer) => Ok(answer.bytes().await.unwrap_or_default()),
        Err(_) => Ok(Bytes::new()),
    }
}
