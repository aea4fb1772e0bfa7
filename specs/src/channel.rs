//! How a code travels.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A way to deliver a code. A service may call it its method; SP 800-63B §3.1.3.1 calls it the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// To the account's trusted devices.
    Push,
    /// To the account's registered address.
    Email,
}

impl Channel {
    pub const ALL: [Channel; 2] = [Channel::Push, Channel::Email];

    /// Its name in requests, answers, bindings and reports.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Push => "push",
            Channel::Email => "email",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
