//! Servers that each break one requirement: the reference composition with one part replaced. One file an area. The checks are
//! tested by them; they know nothing of the checks.

use reference_server::Composition;

mod attempts;
mod binding;
mod code;
mod drawn;
mod forge;
mod lifetime;
mod method;
mod resend;
mod session;
mod sign_in;
mod toggle;
mod tools;
mod trusted_device;
mod version_gate;

/// One known-bad server.
pub struct KnownBad {
    /// Its name, such as `old-code-still-valid`.
    pub slug: &'static str,
    /// The requirement it breaks.
    pub requirement: &'static str,
    /// The part that is replaced, such as `policy` or `edge`.
    pub part: &'static str,
    /// What it does wrong, in one sentence.
    pub summary: &'static str,
    /// Replaces the part.
    pub build: fn(&mut Composition),
}

const AREAS: &[&[KnownBad]] = &[
    sign_in::password::KNOWN_BAD,
    sign_in::handle::KNOWN_BAD,
    sign_in::claims::KNOWN_BAD,
    sign_in::pathways::KNOWN_BAD,
    sign_in::challenge::KNOWN_BAD,
    code::KNOWN_BAD,
    lifetime::KNOWN_BAD,
    binding::KNOWN_BAD,
    attempts::codes::KNOWN_BAD,
    attempts::owner::KNOWN_BAD,
    attempts::limits::KNOWN_BAD,
    attempts::secrets::KNOWN_BAD,
    resend::KNOWN_BAD,
    method::choice::KNOWN_BAD,
    method::recipients::KNOWN_BAD,
    method::switch::KNOWN_BAD,
    trusted_device::trust::KNOWN_BAD,
    trusted_device::credentials::KNOWN_BAD,
    trusted_device::trust::LASTING,
    trusted_device::list::KNOWN_BAD,
    trusted_device::removal::KNOWN_BAD,
    trusted_device::list::RENAMING,
    session::KNOWN_BAD,
    toggle::KNOWN_BAD,
    version_gate::KNOWN_BAD,
];

/// All known-bad servers, in the order of the specification.
pub fn all() -> impl Iterator<Item = &'static KnownBad> {
    AREAS.iter().flat_map(|area| area.iter())
}

/// The known-bad server of this name.
pub fn find(slug: &str) -> Option<&'static KnownBad> {
    all().find(|bad| bad.slug == slug)
}
