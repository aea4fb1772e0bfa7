//! What a binding can tell, each point against a small scripted server. Every one of these is needed by at least one real
//! implementation.

#[path = "binding_points/common.rs"]
mod common;
#[path = "binding_points/reading.rs"]
mod reading;
#[path = "binding_points/sending.rs"]
mod sending;
#[path = "binding_points/steps.rs"]
mod steps;
