//! The checks, one file (or directory) an area of the specification.

use crate::check::Check;

mod attempts;
mod binding;
mod code;
mod lifetime;
mod method;
mod resend;
mod session;
mod sign_in;
mod steps;
mod toggle;
mod trusted_device;
mod version_gate;

const AREAS: &[&[Check]] = &[
    sign_in::password::CHECKS,
    sign_in::handle::CHECKS,
    sign_in::hints::CHECKS,
    sign_in::pathways::CHECKS,
    sign_in::challenge::CHECKS,
    code::shape::CHECKS,
    code::chance::CHECKS,
    code::universal::CHECKS,
    lifetime::expiry::CHECKS,
    lifetime::once::CHECKS,
    lifetime::changes::CHECKS,
    binding::CHECKS,
    attempts::budget::CHECKS,
    attempts::lock::CHECKS,
    attempts::source::CHECKS,
    attempts::owner::CHECKS,
    attempts::shape::CHECKS,
    resend::CHECKS,
    method::choice::CHECKS,
    method::recipients::CHECKS,
    method::switch::CHECKS,
    trusted_device::trust::CHECKS,
    trusted_device::list::CHECKS,
    trusted_device::removal::CHECKS,
    session::CHECKS,
    toggle::CHECKS,
    version_gate::CHECKS,
];

/// All checks, in the order of the specification.
pub fn all() -> impl Iterator<Item = &'static Check> {
    AREAS.iter().flat_map(|area| area.iter())
}

/// The check with this id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id == id)
}
