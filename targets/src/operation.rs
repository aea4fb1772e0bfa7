//! What a person or an app can do, with the arguments it takes. A target says how each is spoken.

use serde_json::{Value, json};
use specs::Channel;
pub use specs::Operation as OperationKind;

macro_rules! operations {
    ($($name:ident { $($(#[$doc:meta])* $field:ident : $type:ty),* })*) => {
        /// One thing to do, with everything the request needs that the device does not already hold.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Operation {
            $($name { $($(#[$doc])* $field: $type),* },)*
        }

        impl Operation {
            pub fn kind(&self) -> OperationKind {
                match self { $(Operation::$name { .. } => OperationKind::$name,)* }
            }

            /// The arguments by the names that bindings know them by; what is not given is not there.
            pub fn arguments(&self) -> Vec<(&'static str, Value)> {
                let mut arguments = match self { $(Operation::$name { $($field),* } => vec![$((stringify!($field), json!($field))),*],)* };
                arguments.retain(|(_, value)| !value.is_null());
                arguments
            }
        }

        /// The names of an operation's arguments.
        pub fn argument_names(kind: OperationKind) -> &'static [&'static str] {
            match kind { $(OperationKind::$name => &[$(stringify!($field)),*],)* }
        }
    };
}

operations! {
    CreateAccount { email: String, password: String }
    SignIn { /** Identifier as typed. */ email: String, password: String }
    ReadChallenge {}
    Resend {}
    SwitchMethod { method: Channel }
    Verify { /** As typed. */ code: String }
    Cancel {}
    ListChallenges {}
    Deny { /** The challenge's public id, from `list_challenges`. */ challenge: String }
    WhoAmI {}
    Refresh {}
    SignOut {}
    ListDevices {}
    RenameDevice { id: String, name: String }
    RemoveDevice { id: String }
    RegisterPush { /** The provider's registration token. */ token: String }
    ForgetPush {}
    ReadActivity {}
    ReadTwoStep {}
    SetTwoStep { enabled: bool, /** Proof of the password, when given with the request. */ password: Option<String> }
    Reauthenticate { password: String }
    ChangePassword { current: String, new: String }
    RequestReset { email: String }
    CompleteReset { /** From the mail. */ token: String, new: String }
}
