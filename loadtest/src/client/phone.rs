//! What a device holds.

use std::collections::BTreeMap;

use targets::CookieJar;

/// One device: its own words about itself, and what it was told to keep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Phone {
    /// The identifier the app chose at installation.
    pub installation: String,
    /// The label it gives itself.
    pub name: String,
    /// The app version it claims; `None` sends none.
    pub app_version: Option<String>,
    /// The push registration it brings along when signing in.
    pub push_token: Option<String>,
    /// Its trust credential.
    pub trust: Option<String>,
    /// Its session's access credential.
    pub access: Option<String>,
    /// Its session's refresh credential.
    pub refresh: Option<String>,
    /// The handle of its pending challenge.
    pub handle: Option<String>,
    /// Its cookies, where a target uses them.
    pub(super) jar: CookieJar,
    /// What a binding lets it keep besides.
    pub(super) variables: BTreeMap<String, String>,
}

impl Phone {
    /// A device that has never spoken to the service.
    pub fn new(installation: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            installation: installation.into(),
            name: name.into(),
            ..Self::default()
        }
    }
}
