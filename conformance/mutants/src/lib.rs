//! Mutants: reference servers that each break one requirement by one part replaced. One file an area. The checks are tested by
//! them; they know nothing of the checks.

use reference_server::Composition;

#[macro_use]
mod table;

mod attempts;
mod binding;
mod code;
mod forged_session;
mod http_util;
mod issued;
mod lifetime;
mod method;
mod resend;
mod session;
mod sign_in;
mod toggle;
mod trusted_device;
mod version_gate;

/// One mutant.
pub struct Mutant {
    /// Its name, such as `old-code-still-valid`.
    pub slug: &'static str,
    /// The requirement it breaks.
    pub requirement: &'static str,
    /// The part that is replaced, such as `policy` or `http`.
    pub part: &'static str,
    /// What it does wrong, in one sentence.
    pub summary: &'static str,
    /// Replaces the part.
    pub change: fn(&mut Composition),
}

const AREAS: &[&[Mutant]] = &[
    sign_in::password::MUTANTS,
    sign_in::handle::MUTANTS,
    sign_in::claims::MUTANTS,
    sign_in::pathways::MUTANTS,
    sign_in::challenge::MUTANTS,
    code::MUTANTS,
    lifetime::MUTANTS,
    binding::MUTANTS,
    attempts::codes::MUTANTS,
    attempts::owner::MUTANTS,
    attempts::limits::MUTANTS,
    attempts::secrets::MUTANTS,
    resend::MUTANTS,
    method::choice::MUTANTS,
    method::recipients::MUTANTS,
    method::switch::MUTANTS,
    trusted_device::trust::MUTANTS,
    trusted_device::credentials::MUTANTS,
    trusted_device::list::MUTANTS,
    trusted_device::removal::MUTANTS,
    session::MUTANTS,
    toggle::MUTANTS,
    version_gate::MUTANTS,
];

/// All mutants, in the order of the specification's areas.
pub fn all() -> impl Iterator<Item = &'static Mutant> {
    AREAS.iter().copied().flatten()
}

/// The mutant of this name.
pub fn find(slug: &str) -> Option<&'static Mutant> {
    all().find(|mutant| mutant.slug == slug)
}
