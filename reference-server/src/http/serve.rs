//! Serving the API: a bound listener, a service and a shutdown signal go in. Each request leaves one line in the log and one
//! count in the metrics, and neither holds a secret, an account or a whole address.

use std::future::Future;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use specs::api::Route;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::connections::{ConnectionLimits, accept_until};
use super::problem::Outcome;
use super::request::ApiRequest;
use super::router::Router;
use crate::account::anonymize_ip;
use crate::metrics::{Answered, method_label};

/// How often lapsed state is swept out.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How often is looked whether an owner has to be told of a sign-in that was not completed. The clock may be moved by hand,
/// so this does not wait for the moment but looks again and again.
const REMIND_EVERY: Duration = Duration::from_millis(250);

/// Serves until `shutdown`, then lets requests under way finish.
pub async fn serve(
    listener: TcpListener,
    router: impl Into<Router>,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) {
    let router = router.into();
    let service = router.service();
    let proxies = service.config().trusted_proxies.clone();
    // Its tasks end when it is dropped.
    let mut background = JoinSet::new();
    let (sweeping, reminding) = (service.clone(), service.clone());
    background.spawn(async move {
        let mut due = tokio::time::interval(SWEEP_EVERY);
        loop {
            due.tick().await;
            // The log tells of one that failed; the next is never far.
            let _ = sweeping.sweep().await;
        }
    });
    background.spawn(async move {
        let mut due = tokio::time::interval(REMIND_EVERY);
        loop {
            due.tick().await;
            reminding.send_due_notices().await;
        }
    });
    accept_until(listener, limits, proxies, shutdown, move |request, peer| {
        let router = router.clone();
        async move { respond(&router, request, peer, limits).await }
    })
    .await;
}

async fn respond(router: &Router, request: Request<Incoming>, peer: IpAddr, limits: ConnectionLimits) -> Response<Bytes> {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = Route::find(request.uri().path());
    let operation = route.as_ref().and_then(|route| route.operation(method.as_str()));
    let route = route.map_or("other", |route| route.template);
    let response = match ApiRequest::read(request, peer, limits).await {
        Ok(request) => router.answer(request).await,
        Err(refusal) => refusal.response(),
    };
    let took = begun.elapsed();
    let status = response.status().as_u16();
    let outcome = response.extensions().get::<Outcome>().map(|outcome| outcome.0);
    router.service().metrics().answered(&Answered {
        method: &method,
        route,
        operation,
        status,
        outcome,
        took,
    });
    tracing::info!(
        method = method_label(&method),
        route,
        status,
        outcome,
        ms = took.as_micros() as f64 / 1000.0,
        peer = %anonymize_ip(peer),
        "answered"
    );
    response
}
