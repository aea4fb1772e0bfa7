//! Preparing a population over the control interface of a reference server, in batches.

use serde::Serialize;

use super::{Account, Population};
use crate::plan::Slice;
use crate::plan::scenario::ScenarioError;

#[derive(Serialize)]
struct SeedAccounts {
    accounts: Vec<SeedAccount>,
}

#[derive(Serialize)]
struct SeedAccount {
    email: String,
    password: String,
    two_step: bool,
    device: SeedDevice,
}

#[derive(Serialize)]
struct SeedDevice {
    installation: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    push_token: Option<String>,
}

impl From<Account> for SeedAccount {
    fn from(account: Account) -> Self {
        Self {
            email: account.email,
            password: account.password,
            two_step: true,
            device: SeedDevice {
                installation: account.device.installation,
                name: account.device.name,
                trust_token: account.trust_token,
                push_token: account.device.push_token,
            },
        }
    }
}

/// The bodies for `POST /accounts`, with this many accounts in each; made one by one. Of a slice, those of its own accounts alone:
/// an account that is created again loses what its owner has won since, and another slice may have begun.
pub fn control_bodies(
    population: &Population,
    slice: Option<Slice>,
    batch: usize,
) -> impl Iterator<Item = Result<Vec<u8>, ScenarioError>> + use<'_> {
    let mut numbers = population.numbers(slice).peekable();
    std::iter::from_fn(move || {
        numbers.peek()?;
        let accounts = numbers.by_ref().take(batch.max(1));
        let accounts = accounts.map(|number| population.account(number).map(SeedAccount::from));
        Some(accounts.collect::<Result<_, _>>().and_then(|accounts| {
            serde_json::to_vec(&SeedAccounts { accounts })
                .map_err(|error| ScenarioError::new(format!("accounts cannot be written as JSON: {error}")))
        }))
    })
}
