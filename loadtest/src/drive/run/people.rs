//! Who walks: every arrival becomes a person with an account, a device and a line, and goes on its flow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use goose::goose::GooseUser;

use crate::client::Lines;
use crate::drive::engine::{IterationResult, Recorder, ScheduledAttempt, Workload};
use crate::flow::{self, Flows, Identity, Iteration, Numbers, ServiceProfile, SharedLine, TrustedDevice, Visit};
use crate::measure::Ending;
use crate::measure::StormClock;
use crate::plan::population::Population;
use crate::plan::scenario::{Connection, DeviceKind, Flow, Scenario, UserClass};
use crate::sink::Mailbox;

/// Parts of the map of accounts, so that users seldom meet at its lock.
const SHARDS: u64 = 64;

/// Everybody there is.
pub(super) struct People {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) population: Population,
    pub(crate) lines: Lines,
    pub(crate) mailbox: Mailbox,
    pub(crate) profile: Arc<ServiceProfile>,
    pub(crate) flows: Flows,
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
    numbers: Arc<Numbers>,
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
    fn identity(&self, due: &ScheduledAttempt, owner: &Owner) -> Result<Identity, String> {
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
                .then(|| self.population.source(number, due.arrival.class)),
        })
    }
}

impl Workload for People {
    /// Lines that stay open, by class.
    type Kept = HashMap<u16, SharedLine>;

    fn begin(&self) -> Self::Kept {
        HashMap::new()
    }

    async fn walk(
        &self,
        goose: &mut GooseUser,
        kept: &mut Self::Kept,
        due: &ScheduledAttempt,
        clock: StormClock,
        recorder: &Recorder,
    ) -> IterationResult {
        let Some(class) = self.scenario.classes.get(usize::from(due.arrival.class)) else {
            return failed("the schedule has a class that the scenario has not".to_owned());
        };
        let visited = self.accounts.visit(due.arrival.identity);
        let owner = visited.owner.lock().await;
        let identity = match self.identity(due, &owner) {
            Ok(identity) => identity,
            Err(what) => return failed(what),
        };
        // Whoever comes on another device leaves the owner's alone.
        let mut held = uses_trusted_device(class).then_some(owner);
        let open = || Arc::new(tokio::sync::Mutex::new(self.lines.open(identity.source)));
        let line = match class.connection {
            Connection::Kept => Arc::clone(kept.entry(due.arrival.class).or_insert_with(open)),
            Connection::Cold => open(),
        };
        let Some(transaction) = self.flows.of(class) else {
            return failed(format!("class `{}` walks a flow that this program does not have", class.name));
        };
        recorder.of_attacker(class.attacker);
        let iteration = Iteration {
            line,
            lines: self.lines.clone(),
            mailbox: self.mailbox.clone(),
            class: due.arrival.class,
            scenario: Arc::clone(&self.scenario),
            profile: Arc::clone(&self.profile),
            identity,
            numbers: Arc::clone(&visited.numbers),
            visit: Visit {
                seed: self.seed,
                nth: due.arrival.nth,
                attempt: due.attempt,
            },
            clock,
            recorder: Arc::new(recorder.clone()),
        };
        let walked = flow::run(goose, transaction, iteration).await;
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
        IterationResult {
            ending: walked.ending,
            human_us: walked.human_us,
            retry_after: walked.retry_after,
            complaint: walked.complaint,
        }
    }
}

/// Whether a class's flow is walked on the account's trusted device.
fn uses_trusted_device(class: &UserClass) -> bool {
    match class.flow {
        Flow::TrustedSignIn | Flow::Refresh | Flow::SignOut | Flow::RemoveDevice | Flow::ChangePassword => true,
        Flow::Own => class.device == DeviceKind::Trusted,
        _ => false,
    }
}

fn failed(what: String) -> IterationResult {
    IterationResult {
        ending: Ending::Failed,
        human_us: 0,
        retry_after: None,
        complaint: Some(what),
    }
}
