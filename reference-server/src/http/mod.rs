//! HTTP around the service: a request becomes a call of it, and what comes of that an answer. There is no framework beneath it
//! but hyper, which reads and writes the protocol and leaves everything else to its caller. In the order of a request:
//!
//! - [`serve`]: the API on a listener, with a line in the log and a count for each answer.
//! - `connections`: how many may be open, by whom and for how long; an orderly end.
//! - `request`: the body, read within limits.
//! - `router`: the API, and what may stand around it; `handlers`: one function an operation, from the request to a call of the
//!   service. Which operation a method and a path mean is said by the table in [`specs::api`].
//! - `extract`, `json_object`, `forwarded`: what a request says, strictly.
//! - `respond`, `problem`: answers, and refusals as RFC 9457.

mod connections;
mod extract;
mod forwarded;
mod handlers;
mod json_object;
mod problem;
mod request;
mod respond;
mod router;
mod serve;

pub use connections::ConnectionLimits;
pub(crate) use connections::accept_until;
pub(crate) use extract::{MAX_INSTALLATION_BYTES, MAX_PUSH_TOKEN_BYTES, label, opaque, read, read_nothing};
pub(crate) use json_object::present;
pub use problem::Outcome;
pub(crate) use problem::Refusal;
pub use request::ApiRequest;
pub use respond::json;
pub(crate) use respond::{answer, empty};
pub use router::{Composition, Middleware, Router};
pub use serve::serve;
