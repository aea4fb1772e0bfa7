//! What a person or an app can do, in the words of the specification. A target says how each is spoken.

use serde::{Deserialize, Serialize};
use specs::Channel;

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident : $type:ty),* } = $text:literal,)*) => {
        /// One thing to do, with everything the request needs that the device does not already hold.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Operation {
            $($(#[$doc])* $name { $($(#[$fdoc])* $field: $type),* },)*
        }

        /// An operation without its arguments: what bindings, capabilities and reports name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum OperationKind {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Operation {
            /// The operation's kind.
            pub fn kind(&self) -> OperationKind {
                match self { $(Operation::$name { .. } => OperationKind::$name,)* }
            }
        }

        impl OperationKind {
            /// All kinds, in the order of the specification.
            pub const ALL: &'static [OperationKind] = &[$(OperationKind::$name),*];

            /// The name used in bindings and records, such as `sign_in`.
            pub fn name(self) -> &'static str {
                match self { $(OperationKind::$name => $text,)* }
            }
        }
    };
}

operations! {
    /// Create an account.
    CreateAccount { /** Identifier and registered address. */ email: String, /** Password. */ password: String } = "create_account",
    /// First step: the password, from this device with what it holds (trust, version, name, installation).
    SignIn { /** Identifier as typed. */ email: String, /** Password. */ password: String } = "sign_in",
    /// Read the state of the device's pending challenge.
    ReadChallenge {} = "read_challenge",
    /// Ask for the code again.
    Resend {} = "resend",
    /// "Did not receive a code?": have it sent another way.
    SwitchMethod { /** The other way. */ method: Channel } = "switch_method",
    /// Second step: the code.
    Verify { /** The code as typed. */ code: String } = "verify",
    /// Give up the device's own pending challenge.
    Cancel {} = "cancel",
    /// List the account's pending challenges from a signed-in device.
    ListChallenges {} = "list_challenges",
    /// Refuse a pending challenge from a trusted device.
    Deny { /** The challenge's public id, from `list_challenges`. */ challenge: String } = "deny",
    /// Who is signed in here.
    WhoAmI {} = "who_am_i",
    /// Renew the session's credentials.
    Refresh {} = "refresh",
    /// End this device's session.
    SignOut {} = "sign_out",
    /// List the account's devices.
    ListDevices {} = "list_devices",
    /// Change a device's label.
    RenameDevice { /** Device id. */ id: String, /** New label. */ name: String } = "rename_device",
    /// Remove a device: it is signed out at once and needs a code again.
    RemoveDevice { /** Device id. */ id: String } = "remove_device",
    /// Register this device for push.
    RegisterPush { /** The provider's registration token. */ token: String } = "register_push",
    /// Read the login activity.
    ReadActivity {} = "read_activity",
    /// Read the two-step setting.
    ReadTwoStep {} = "read_two_step",
    /// Switch two-step verification on or off.
    SetTwoStep { /** The new setting. */ enabled: bool, /** Proof of the password, when given with the request. */ password: Option<String> } = "set_two_step",
    /// Prove the password again in a session.
    Reauthenticate { /** Password. */ password: String } = "reauthenticate",
    /// Change the password.
    ChangePassword { /** The present one. */ current: String, /** The new one. */ new: String } = "change_password",
    /// Ask for a reset by mail.
    RequestReset { /** Identifier. */ email: String } = "request_reset",
    /// Finish a reset.
    CompleteReset { /** The token from the mail. */ token: String, /** The new password. */ new: String } = "complete_reset",
}

impl std::fmt::Display for OperationKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
