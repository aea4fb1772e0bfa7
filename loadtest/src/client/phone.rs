//! What a device holds.

use std::collections::BTreeMap;

use targets::CookieJar;

/// One device: its own words about itself, and what it was told to keep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Phone {
    /// The identifier the app chose at installation.
    pub installation: String,
    pub name: String,
    /// The app version it claims; `None` sends none.
    pub app_version: Option<String>,
    /// The push registration it brings along when signing in.
    pub push_token: Option<String>,
    pub trust: Option<String>,
    pub access: Option<String>,
    pub refresh: Option<String>,
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
