//! Request bodies. Unknown fields are refused, so that nothing a client adds can mean anything (SIGN-04, DEV-13, INPUT).

use serde::Deserialize;

use super::json_object::{Object, present};
use crate::account::Method;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateAccount {
    pub(super) email: String,
    pub(super) password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInBody {
    pub(super) email: String,
    pub(super) password: String,
    #[serde(default, deserialize_with = "present")]
    pub(super) trust_token: Option<String>,
    pub(super) device: Object<DeviceBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceBody {
    pub(super) installation: String,
    pub(super) name: String,
    #[serde(default, deserialize_with = "present")]
    pub(super) push_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SwitchBody {
    pub(super) method: Method,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyBody {
    pub(super) code: String,
    #[serde(default = "yes")]
    pub(super) trust: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshBody {
    pub(super) refresh_token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    pub(super) password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RenameBody {
    pub(super) name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PushBody {
    pub(super) token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TwoStepBody {
    pub(super) enabled: bool,
    #[serde(default, deserialize_with = "present")]
    pub(super) password: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangePasswordBody {
    pub(super) current_password: String,
    pub(super) new_password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetBody {
    pub(super) email: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompleteResetBody {
    pub(super) token: String,
    pub(super) new_password: String,
}
