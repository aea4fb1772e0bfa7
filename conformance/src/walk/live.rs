//! A live target as a subject: operations of the machine spoken through a [`Context`], with fresh accounts, devices and
//! addresses for each run.

mod conversation;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use specs::machine::{Answer, Key, Limits, Op};
use targets::{
    Capability, Channel, ClockMode, CredentialKind, Device, Exchange, Message, Operation, OperationKind, Outcome, Target,
};

use crate::context::{Account, Addresses, Context};
use crate::proof::{Lapse, Stop};
use crate::provider::Provider;
use crate::walk::step::Who;
use crate::walk::subject::{Ground, Subject, Terrain};

/// Leases a target for each run.
pub struct LiveGround {
    provider: Arc<dyn Provider>,
    addresses: Addresses,
    seed: u64,
    runs: AtomicU32,
}

impl LiveGround {
    /// Targets of this provider, randomness from this seed.
    pub fn new(provider: Arc<dyn Provider>, addresses: Addresses, seed: u64) -> Self {
        Self {
            provider,
            addresses,
            seed,
            runs: AtomicU32::new(0),
        }
    }

    /// Whether a target's time is a walk's own, to let pass as it likes. One that others share stands still.
    fn commands_time(&self, target: &dyn Target) -> bool {
        target.clock() == ClockMode::Controlled && !self.provider.shared()
    }
}

#[async_trait]
impl Ground for LiveGround {
    async fn terrain(&self) -> Result<Terrain, Stop> {
        let target = self.provider.lease().await?;
        let mut limits = Limits::from(target.parameters());
        limits.push = target.has(Capability::Push);
        let offers = OperationKind::ALL.iter().copied().filter(|kind| target.offers(*kind));
        Ok(Terrain {
            limits,
            controlled_clock: self.commands_time(target.as_ref()),
            offers: offers.collect(),
        })
    }

    async fn fresh(&self) -> Result<Box<dyn Subject>, Stop> {
        // Two runs never share an account: on a target that all share, a run would find what the one before left.
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let mut hash = Sha256::new();
        hash.update(b"walk's run");
        hash.update(self.seed.to_le_bytes());
        hash.update(run.to_le_bytes());
        let target = self.provider.lease().await?;
        let mut cx = Context::new(target, hash.finalize().into(), self.addresses.clone());
        let accounts = vec![cx.account().await?, cx.account().await?];
        let mut devices = BTreeMap::new();
        for who in Who::ALL {
            let key = who.key();
            let device = cx.device(Who::name(key.device));
            devices.insert(key, Held { device, ..Held::new() });
        }
        Ok(Box::new(Live {
            former: vec![None; accounts.len()],
            cx,
            accounts,
            devices,
            challenges: Vec::new(),
            wrong_codes: 0,
        }))
    }
}

/// A device, and the newest credentials it was ever given: it goes on presenting them when they are worth nothing.
struct Held {
    device: Device,
    id: Option<String>,
    credentials: BTreeMap<CredentialKind, String>,
    /// Whether time passed since its session was opened or renewed.
    aged: bool,
}

impl Held {
    fn new() -> Self {
        Self {
            device: Device::new("", ""),
            id: None,
            credentials: BTreeMap::new(),
            aged: false,
        }
    }
}

/// A challenge that was opened.
struct Opened {
    key: Key,
    id: Option<String>,
    handle: Option<String>,
    codes: Vec<String>,
}

struct Live {
    cx: Context,
    accounts: Vec<Account>,
    former: Vec<Option<String>>,
    devices: BTreeMap<Key, Held>,
    challenges: Vec<Opened>,
    wrong_codes: u32,
}

/// Something that the machine named and this run does not have.
fn missing(what: &str) -> Stop {
    Stop::Harness(format!("a walk lost {what}"))
}

#[async_trait]
impl Subject for Live {
    async fn perform(&mut self, op: &Op) -> Result<Option<Answer>, Stop> {
        let answer = match *op {
            Op::SignIn {
                account,
                device,
                password,
                app,
            } => self.sign_in(Key::new(account, device), password, app).await?,
            Op::Verify { challenge, guess } => match self.code(challenge, guess)? {
                Some(code) => self.verify(challenge, code).await?,
                None => return Ok(None),
            },
            Op::Resend { challenge } => self.send_again(challenge, Operation::Resend {}).await?,
            Op::Switch { challenge } => {
                let switch = Operation::SwitchMethod { method: Channel::Email };
                self.send_again(challenge, switch).await?
            }
            Op::Cancel { challenge } => self.with_handle(challenge, Operation::Cancel {}).await?,
            Op::Deny { challenge, by } => match self.opened(challenge)?.id.clone() {
                Some(id) => {
                    let key = Key::new(self.opened(challenge)?.key.account, by);
                    self.in_session(key, Operation::Deny { challenge: id }).await?
                }
                None => return Ok(None),
            },
            Op::Misuse { challenge, misuse } => match self.misuse(challenge, misuse).await? {
                Some(answer) => answer,
                None => return Ok(None),
            },
            Op::Use { account, device } => self.in_session(Key::new(account, device), Operation::WhoAmI {}).await?,
            Op::Refresh { account, device } => self.refresh(Key::new(account, device)).await?,
            Op::SignOut { account, device } => self.in_session(Key::new(account, device), Operation::SignOut {}).await?,
            Op::Remove { account, by, of, device } => {
                // A device that never signed in has no id to be removed by.
                let Some(id) = self.held(Key::new(of, device))?.id.clone() else {
                    return Ok(None);
                };
                self.in_session(Key::new(account, by), Operation::RemoveDevice { id }).await?
            }
            Op::SwitchOff { account, by, proof } => {
                let password = proof.then(|| self.password(account)).transpose()?;
                let off = Operation::SetTwoStep {
                    enabled: false,
                    password,
                };
                self.in_session(Key::new(account, by), off).await?
            }
            Op::SwitchOn { account, by } => {
                let password = Some(self.password(account)?);
                let on = Operation::SetTwoStep { enabled: true, password };
                self.in_session(Key::new(account, by), on).await?
            }
            Op::ChangePassword { account, by, current } => self.change_password(Key::new(account, by), current).await?,
            Op::Reset { account } => self.reset(account).await?,
            Op::Tick(seconds) => {
                self.cx.advance(Duration::from_secs(seconds)).await?;
                for held in self.devices.values_mut() {
                    held.aged = true;
                }
                Answer::Done
            }
        };
        // The machine's time stands still: the target's must not have moved past anything, however long this step took.
        let parameters = self.cx.parameters();
        let cooldown = Some(parameters.resend_cooldown_s).filter(|seconds| *seconds > 0);
        let lapses = [Lapse::Grant, Lapse::Restriction].map(|lapse| lapse.shortest_s(parameters));
        let shortest = lapses.into_iter().chain(cooldown).min().unwrap_or(0);
        let drift = self.cx.drift();
        if !drift.is_zero() && drift >= Duration::from_secs(shortest) {
            return Err(Stop::Inconclusive(format!(
                "{:.1} s of real time passed in the walk, and the shortest declared period is {shortest} s",
                drift.as_secs_f64()
            )));
        }
        // Where every device has the same address, a throttle of addresses bites for reasons that the machine does not know.
        if answer == Answer::Limited && !self.cx.target.has(Capability::SourceAddresses) {
            return Err(Stop::Inconclusive(
                "a limit that may be the address's ended the walk".to_owned(),
            ));
        }
        Ok(Some(answer))
    }

    fn exchanges(&self) -> Vec<Arc<Exchange>> {
        self.cx.exchanges().to_vec()
    }

    fn deliveries(&self) -> Vec<Message> {
        self.cx.deliveries()
    }
}

/// An answer in the machine's classes. What is not understood was not granted.
fn class(answer: &targets::Answer) -> Answer {
    match answer.outcome {
        Outcome::SignedIn => Answer::SignedIn,
        Outcome::Challenged => Answer::Challenged,
        Outcome::Done => Answer::Done,
        Outcome::Limited { .. } => Answer::Limited,
        Outcome::Refused { .. } | Outcome::ServerError | Outcome::Unrecognised => Answer::Refused,
    }
}
