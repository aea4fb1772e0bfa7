//! Accounts by the thousand, for whoever tests at the size of a real service.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::join_all;

use crate::account::{Account, AccountId, Device, DeviceId, Timestamp, TokenHash, Trust};
use crate::policy::identifiers::normalise;
use crate::policy::passwords::MAX_PASSWORD_CHARS;
use crate::ports::TokenKind;
use crate::service::{Problem, Service};

/// Accounts put in the store between two pauses in which requests are answered.
const PUT_AT_ONCE: usize = 128;

/// An account to be.
#[derive(Clone, Debug)]
pub struct Seed {
    pub email: String,
    pub password: String,
    pub two_step: bool,
    pub device: Option<SeedDevice>,
}

/// The trusted device of an account to be. Trust is granted at the moment of seeding.
#[derive(Clone, Debug)]
pub struct SeedDevice {
    /// The identifier its app chose.
    pub installation: String,
    pub name: String,
    /// The credential it holds, in the shape of the server's own; without it nobody holds one, and the device still receives
    /// pushes.
    pub trust_token: Option<String>,
    /// Its registration for push.
    pub push_token: Option<String>,
}

/// Creates these accounts without mail and without limits, in place of those that have their addresses; how many. Nothing is
/// created when one of them cannot be. A password that several share is hashed once.
pub async fn seed(service: &Service, seeds: Vec<Seed>) -> Result<usize, Problem> {
    let emails = checked(&seeds)?;
    let distinct: HashSet<&str> = seeds.iter().map(|seed| seed.password.as_str()).collect();
    let hashes = distinct
        .into_iter()
        .map(async |password| (password.to_owned(), service.hash_in_time(password.to_owned()).await));
    let hashes = join_all(hashes).await.into_iter();
    let hashes: HashMap<String, Arc<str>> = hashes
        .map(|(password, hash)| Ok((password, hash?)))
        .collect::<Result<_, Problem>>()?;
    let (created, now) = (seeds.len(), service.now());
    for (nth, (email, seed)) in emails.into_iter().zip(seeds).enumerate() {
        let hash = Arc::clone(&hashes[&seed.password]);
        let mut account = Account::new(AccountId::random(), email, hash, seed.two_step);
        // Exactly as many as there are: at a million accounts, room for more would be most of the memory.
        account.devices = seed.device.map(|device| trusted(service, device, now)).into_iter().collect();
        account.devices.shrink_to_fit();
        service.put_account(account).await?;
        if nth % PUT_AT_ONCE == PUT_AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
    }
    Ok(created)
}

/// The normalised addresses, when every account can be created.
fn checked(seeds: &[Seed]) -> Result<Vec<String>, Problem> {
    let checked = seeds.iter().enumerate().map(|(nth, seed)| {
        let invalid = |what: &str| Problem::InvalidRequest(format!("accounts[{nth}].{what}"));
        if seed.password.is_empty() || seed.password.chars().count() > MAX_PASSWORD_CHARS {
            return Err(invalid("password: empty or too long"));
        }
        let token = seed.device.as_ref().and_then(|device| device.trust_token.as_deref());
        if token.is_some_and(|token| !TokenKind::Trust.is_shape_of(token)) {
            return Err(invalid("device.trust_token: not in the shape of a trust credential"));
        }
        normalise(&seed.email).ok_or_else(|| invalid("email: not an address"))
    });
    checked.collect()
}

fn trusted(service: &Service, device: SeedDevice, now: Timestamp) -> Device {
    let token = device
        .trust_token
        .unwrap_or_else(|| service.deps().tokens.draw(TokenKind::Trust));
    Device {
        id: DeviceId::random(),
        installation: device.installation,
        name: device.name,
        trust: Some(Trust {
            token: TokenHash::of(&token),
            replaced: Vec::new(),
            granted_at: now,
            used_at: now,
        }),
        push_token: device.push_token,
        first_used_at: now,
        last_used_at: now,
        place: None,
    }
}
