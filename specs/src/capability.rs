//! What a service can offer beyond single operations.

use serde::{Deserialize, Serialize};

macro_rules! capabilities {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A capability, declared by a target and asked for by checks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Capability {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Capability {
            pub const ALL: &'static [Capability] = &[$(Capability::$name),*];

            /// The name in bindings and records.
            pub fn name(self) -> &'static str {
                match self { $(Capability::$name => $text,)* }
            }
        }
    };
}

capabilities! {
    /// Codes by push to trusted devices.
    Push = "push",
    Email = "email",
    VersionGate = "version-gate",
    /// Trusted devices that skip the step.
    Trust = "trust",
    /// A refresh credential apart from the access credential.
    RefreshCredential = "refresh-credential",
    /// Several source addresses reach it apart.
    SourceAddresses = "source-addresses",
    /// Throttling is on in the tested configuration.
    Limits = "limits",
    /// The code belongs to a challenge (rather than to the account).
    CodePerChallenge = "code-per-challenge",
    /// Trust credentials bound to a device-held key (DEV-14).
    DeviceKey = "device-key",
    /// Pending codes can be fetched in the app of a trusted device (METH-08).
    Inbox = "inbox",
    /// Provider faults can be ordered on the delivery fakes.
    ProviderFaults = "provider-faults",
}
