//! The HTTP edge: turns a request into a call of the service, and what comes of it into an answer. Routes are one plain match:
//!
//! ```text
//! POST   /v1/accounts                 create an account
//! PUT    /v1/account/password         change the password
//! POST   /v1/sign-ins                 step one
//! GET    /v1/challenge                the pending challenge        (bearer: handle)
//! DELETE /v1/challenge                give it up                   (bearer: handle)
//! POST   /v1/challenge/resend         another code                 (bearer: handle)
//! POST   /v1/challenge/method         another way                  (bearer: handle)
//! POST   /v1/challenge/verify         step two                     (bearer: handle)
//! GET    /v1/challenges               the account's challenges     (bearer: access, as all below)
//! POST   /v1/challenges/{id}/deny     refuse one
//! GET    /v1/session                  who is signed in
//! DELETE /v1/session                  sign out
//! POST   /v1/session/refresh          renew                        (no bearer)
//! POST   /v1/session/reauthenticate   prove the password again
//! GET    /v1/devices                  the device list
//! PATCH  /v1/devices/{id}             rename
//! DELETE /v1/devices/{id}             remove
//! PUT    /v1/devices/current/push     register for push
//! DELETE /v1/devices/current/push     take the registration away
//! GET    /v1/activity                 login activity
//! GET    /v1/two-step                 the setting
//! PUT    /v1/two-step                 change it
//! POST   /v1/password-resets          ask for a reset by mail      (no bearer)
//! POST   /v1/password-resets/complete finish it                    (no bearer)
//! ```

mod bodies;
mod body;
mod connections;
mod extract;
mod forwarded;
mod handlers;
mod json_object;
mod problem;
mod respond;
mod routes;
mod server;

use std::net::IpAddr;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Response};

pub(crate) use body::read_body;
pub use connections::ConnectionLimits;
pub(crate) use connections::accept_until;
pub(crate) use extract::{INSTALLATION_MOST, PUSH_TOKEN_MOST, label, opaque, read};
pub(crate) use json_object::present;
pub(crate) use problem::Refusal;
pub use problem::problem_type;
pub use respond::{Outcome, json, problem};
pub(crate) use respond::{empty, refusal};
pub(crate) use routes::route_template;
pub use server::serve;

use crate::service::Service;

/// A request as it came, its body read within the limit.
#[derive(Clone, Debug)]
pub struct EdgeRequest {
    /// Method.
    pub method: Method,
    /// Path, without the query.
    pub path: String,
    /// Query.
    pub query: Option<String>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// The network peer.
    pub peer: IpAddr,
}

/// Speaks HTTP for a service.
#[async_trait]
pub trait Edge: Send + Sync {
    /// Answers one request.
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes>;
}

/// The reference API.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpEdge;

#[async_trait]
impl Edge for HttpEdge {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        handlers::route(service, &request)
            .await
            .unwrap_or_else(|refusal| respond::refusal(&refusal))
    }
}
