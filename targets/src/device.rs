//! One client: a phone or a browser. It holds what a real one would hold, and can be cloned to play a thief.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::jar::CookieJar;

/// What a credential is for. A binding says where each one lives (a cookie or a variable).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialKind {
    Handle,
    Access,
    Refresh,
    Trust,
}

impl CredentialKind {
    /// All kinds.
    pub const ALL: [CredentialKind; 4] = [
        CredentialKind::Handle,
        CredentialKind::Access,
        CredentialKind::Refresh,
        CredentialKind::Trust,
    ];

    /// The name used in bindings and as a native variable.
    pub fn name(self) -> &'static str {
        match self {
            CredentialKind::Handle => "handle",
            CredentialKind::Access => "access",
            CredentialKind::Refresh => "refresh",
            CredentialKind::Trust => "trust",
        }
    }
}

/// One client of the target.
#[derive(Clone, Debug)]
pub struct Device {
    /// The label it gives itself, shown in device lists.
    pub name: String,
    /// The identifier the app chose at installation; never a secret.
    pub installation: String,
    /// The app version it claims; `None` sends none.
    pub app_version: Option<String>,
    /// The source address its connections come from (any of 127.0.0.0/8 on a loopback target).
    pub source: Option<IpAddr>,
    /// The push registration it would bring along when signing in.
    pub push_token: Option<String>,
    pub user_agent: String,
    pub jar: CookieJar,
    /// What it was told to keep: handles, tokens, CSRF values.
    pub variables: BTreeMap<String, String>,
}

impl Device {
    /// A new device that has never spoken to the target.
    pub fn new(name: impl Into<String>, installation: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            installation: installation.into(),
            app_version: Some("2.3.0".to_owned()),
            source: None,
            push_token: None,
            user_agent: "stepproof".to_owned(),
            jar: CookieJar::default(),
            variables: BTreeMap::new(),
        }
    }
}
