//! Benchmarks: criterion over the parts that set the pace. `cargo bench -p benches` takes under a minute.
//!
//! `second_step` measures side by side, in one run:
//!
//! - `sign-in/in-process`: both steps through the reference server's service without HTTP, from the password to the session,
//!   with a password hash that costs next to nothing: what the server itself takes.
//! - `sign-in/verify-alone`: the second step of it: the right code against the account, to the session.
//! - `password/argon2id-owasp`: one password check at OWASP's parameters, the baseline: a sign-in in production takes this on
//!   top, so the rows above matter only as far as they come near it.
//! - `machine/step`: one sign-in on the abstract machine, step one and step two, which is what an exhaustive exploration or a
//!   judge of a storm's history does all the time; read its throughput as operations a second.
//!
//! Compare the rows of one run with each other: between machines, or between a quiet and a busy moment, only their relation
//! holds.
//!
//! The `numbers-…` programs each print one of the figures that the load tester is held to, beside its baseline, in one run:
//!
//! - `numbers-generator`: processor time of one journey of three dependent requests, beside a bare loop over hyper, Goose as it
//!   comes, and Locust.
//! - `numbers-accuracy`: a service that stalls, and the truth worked out from the schedule; and three workers beside one recorder.
//! - `numbers-sink`: messages a second that the delivery sink takes.
//! - `numbers-seeding`: a million accounts.

pub mod bare;
pub mod cost;
pub mod rounds;
pub mod storm;
pub mod stub;
