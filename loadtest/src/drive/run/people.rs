//! Who walks: every arrival becomes a person with an account, a device and a line, and goes on its journey.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::client::{Line, Lines};
use crate::drive::engine::{Due, Recorder, Walker, Went};
use crate::flow::{Identity, Numbers, Terms, TrustedDevice, Visit, Walk, walk};
use crate::measure::Ending;
use crate::measure::StormClock;
use crate::plan::population::Population;
use crate::plan::scenario::{Connection, Journey, Party, Scenario};
use crate::sink::Mailbox;

/// Parts of the map of accounts, so that users seldom meet at its lock.
const SHARDS: u64 = 64;

/// Everybody there is.
pub(super) struct People {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) population: Population,
    pub(crate) lines: Lines,
    pub(crate) mailbox: Mailbox,
    pub(crate) terms: Terms,
    pub(crate) seed: u64,
    pub(crate) accounts: Accounts,
}

/// What became of accounts in this storm: only of those that somebody came to.
pub(crate) struct Accounts {
    // Std mutexes: held to look up, never over an await.
    shards: Vec<Mutex<HashMap<u64, Arc<Visited>>>>,
}

/// An account that somebody came to.
#[derive(Default)]
struct Visited {
    numbers: Numbers,
    // The trusted phone does one thing at a time: whoever uses it holds this for as long.
    owner: tokio::sync::Mutex<Owner>,
}

/// What the owner holds by now, where it is another thing than at the beginning.
#[derive(Default)]
struct Owner {
    trust: Option<Option<String>>,
    password: Option<String>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Accounts {
    fn visit(&self, number: u64) -> Arc<Visited> {
        let shard = &self.shards[(number % SHARDS) as usize];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shard.entry(number).or_default())
    }
}

impl People {
    fn identity(&self, due: &Due, owner: &Owner) -> Result<Identity, String> {
        let number = due.arrival.identity;
        let account = self.population.account(number).map_err(|error| error.to_string())?;
        Ok(Identity {
            account: number,
            email: account.email,
            password: owner.password.clone().unwrap_or(account.password),
            trusted: Some(TrustedDevice {
                installation: account.device.installation,
                name: account.device.name,
                trust_token: owner.trust.clone().unwrap_or(account.trust_token),
                push_token: account.device.push_token,
            }),
            source: self
                .lines
                .loopback()
                .then(|| self.population.source(number, due.arrival.party)),
        })
    }
}

impl Walker for People {
    /// Lines that stay open, by party.
    type Kept = HashMap<u16, Line>;

    fn begin(&self) -> Self::Kept {
        HashMap::new()
    }

    async fn walk(&self, kept: &mut Self::Kept, due: &Due, clock: StormClock, recorder: &mut Recorder) -> Went {
        let Some(party) = self.scenario.parties.get(usize::from(due.arrival.party)) else {
            return failed("the schedule has a party that the scenario has not".to_owned());
        };
        let visited = self.accounts.visit(due.arrival.identity);
        let owner = visited.owner.lock().await;
        let identity = match self.identity(due, &owner) {
            Ok(identity) => identity,
            Err(what) => return failed(what),
        };
        // Whoever comes on another device leaves the owner's alone.
        let mut held = uses_trusted_device(party).then_some(owner);
        let mut fresh = None;
        let line = match party.connection {
            Connection::Kept => kept
                .entry(due.arrival.party)
                .or_insert_with(|| self.lines.open(identity.source)),
            Connection::Cold => fresh.insert(self.lines.open(identity.source)),
        };
        recorder.of_attacker(party.attacker);
        let walked = walk(Walk {
            line,
            lines: &self.lines,
            mailbox: &self.mailbox,
            party: due.arrival.party,
            plan: party,
            think: self.scenario.think,
            terms: &self.terms,
            identity: &identity,
            numbers: &visited.numbers,
            visit: Visit {
                seed: self.seed,
                nth: due.arrival.nth,
                attempt: due.attempt,
            },
            clock,
            recorder,
        })
        .await;
        if let Some(owner) = &mut held {
            if walked.trust_doubtful {
                owner.trust = Some(None);
            } else if let Some(trust) = walked.trust {
                owner.trust = Some(Some(trust));
            }
            if let Some(password) = walked.password {
                owner.password = Some(password);
            }
        }
        Went {
            ending: walked.ending,
            human_us: walked.human_us,
            retry_after: walked.retry_after,
            complaint: walked.complaint,
        }
    }
}

/// Whether a party's journey is walked on the account's trusted device.
fn uses_trusted_device(party: &Party) -> bool {
    matches!(
        party.journey,
        Journey::TrustedSignIn | Journey::Refresh | Journey::SignOut | Journey::RemoveDevice | Journey::ChangePassword
    )
}

fn failed(what: String) -> Went {
    Went {
        ending: Ending::Failed,
        human_us: 0,
        retry_after: None,
        complaint: Some(what),
    }
}
