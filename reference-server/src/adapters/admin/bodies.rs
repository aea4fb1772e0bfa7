//! What is sent to the admin interface.

use serde::Deserialize;

use crate::adapters::mailer::{EmailTarget, PushTarget};
use crate::http::present;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveClock {
    pub(super) advance_ms: Option<i64>,
    pub(super) set_ms: Option<u64>,
    pub(super) freeze: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedAccounts {
    pub(super) accounts: Vec<SeedAccount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedAccount {
    pub(super) email: String,
    pub(super) password: String,
    #[serde(default = "on")]
    pub(super) two_step: bool,
    #[serde(default, deserialize_with = "present")]
    pub(super) device: Option<SeedAccountDevice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedAccountDevice {
    pub(super) installation: String,
    pub(super) name: String,
    #[serde(default, deserialize_with = "present")]
    pub(super) trust_token: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(super) push_token: Option<String>,
}

fn on() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountStatus {
    pub(super) email: String,
    pub(super) status: StatusName,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StatusName {
    Active,
    Disabled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delivery {
    pub(super) email: Option<EmailTarget>,
    pub(super) push: Option<PushTarget>,
}
