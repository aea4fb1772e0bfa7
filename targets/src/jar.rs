//! The cookies of one device (RFC 6265): name, value, path, expiry.

/// A cookie jar. Cloning it freezes it: the copy lives its own life.
#[derive(Clone, Debug, Default)]
pub struct CookieJar {}
