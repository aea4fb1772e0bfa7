//! Serving the public API: a bound listener, a service and a shutdown signal go in. Each request leaves one line in the log and
//! one count in the metrics, and neither holds a secret, an account or a whole address.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use super::{ConnectionLimits, EdgeRequest, Outcome, accept_until, read_body, route_template};
use crate::metrics::{Answered, method_label};
use crate::service::Service;

/// How often lapsed state is swept out.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How often is looked whether an owner has to be told of a sign-in that was not completed. The clock may be moved by hand,
/// so this does not wait for the moment but looks again and again.
const REMIND_EVERY: Duration = Duration::from_millis(250);

/// Serves until `shutdown`, then lets requests under way finish.
pub async fn serve(listener: TcpListener, service: Service, limits: ConnectionLimits, shutdown: impl Future<Output = ()>) {
    let sweeping = tokio::spawn(sweep(service.clone()));
    let reminding = tokio::spawn(remind(service.clone()));
    let proxies = service.settings().trusted_proxies.clone();
    accept_until(listener, limits, proxies, shutdown, move |request, peer| {
        let service = service.clone();
        async move { respond(&service, request, peer, limits).await }
    })
    .await;
    sweeping.abort();
    reminding.abort();
}

async fn remind(service: Service) {
    let mut due = tokio::time::interval(REMIND_EVERY);
    loop {
        due.tick().await;
        service.remind().await;
    }
}

async fn sweep(service: Service) {
    let mut due = tokio::time::interval(SWEEP_EVERY);
    loop {
        due.tick().await;
        service.sweep().await;
    }
}

async fn respond(service: &Service, request: Request<Incoming>, peer: IpAddr, limits: ConnectionLimits) -> Response<Bytes> {
    let begun = Instant::now();
    let (head, body) = request.into_parts();
    let (method, route) = (head.method.clone(), route_template(head.uri.path()));
    let response = match read_body(body, limits).await {
        Err(refused) => refused,
        Ok(body) => {
            let request = EdgeRequest {
                method: head.method,
                path: head.uri.path().to_owned(),
                query: head.uri.query().map(str::to_owned),
                headers: head.headers,
                body,
                peer,
            };
            let edge = Arc::clone(&service.parts().edge);
            edge.answer(service, request).await
        }
    };
    let took = begun.elapsed();
    let status = response.status().as_u16();
    let outcome = response.extensions().get::<Outcome>().map(|outcome| outcome.0);
    service.metrics().answered(&Answered {
        method: &method,
        route,
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
        peer = %crate::domain::coarse(peer),
        "answered"
    );
    response
}
