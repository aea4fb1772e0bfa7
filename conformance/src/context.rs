//! What a check works with: a target, its own seed, accounts and devices. Every helper here stops the check as *not
//! tested* when a prerequisite fails; judging is for [`crate::proof`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use specs::{Parameters, Profile};
use targets::{
    Answer, Capability, Channel, ClockMode, Cursor, Device, Exchange, Message, Operation, OperationKind, Outcome, RawRequest,
    RequestMutation, Target,
};

use tokio::time::Instant;

use crate::proof::{Stop, describe};

/// An account of the check's own.
#[derive(Clone, Debug)]
pub struct Account {
    /// Identifier and registered address.
    pub email: String,
    /// Present password.
    pub password: String,
}

/// An account with one device that has completed its second step, is signed in and, where the target has push,
/// registered for it.
#[derive(Clone, Debug)]
pub struct Member {
    /// The account.
    pub account: Account,
    /// The trusted device.
    pub phone: Device,
}

/// A pending challenge of the check's own.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The answer that opened it.
    pub answer: Answer,
    /// The moment before it was opened.
    pub cursor: Cursor,
    /// The way its code came.
    pub method: Channel,
    /// Its code.
    pub code: String,
}

/// What the checks of a run share: source addresses of 127.0.0.0/8, each given out once, so that no check throttles
/// another; and whose mailbox and registration is whose, so that none takes another's message for its own.
#[derive(Clone, Debug, Default)]
pub struct Addresses(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    next: AtomicU32,
    checks: AtomicU32,
    recipients: Mutex<HashMap<String, u32>>,
}

impl Addresses {
    /// Given out from a place of their own, for a target that has seen other runs.
    pub fn from(place: u64) -> Self {
        let place = u32::try_from(place % u64::from(Self::ALL)).unwrap_or(0);
        Self(Arc::new(Shared {
            next: AtomicU32::new(place),
            ..Shared::default()
        }))
    }

    const ALL: u32 = 0x00fe_0000;

    fn next(&self) -> IpAddr {
        // From 127.1.0.1 on; a run uses far fewer than the sixteen million there are.
        let n = self.0.next.fetch_add(1, Ordering::Relaxed) % Self::ALL;
        IpAddr::V4(Ipv4Addr::from(0x7f01_0001 + n))
    }

    /// The number of one more check.
    fn check(&self) -> u32 {
        self.0.checks.fetch_add(1, Ordering::Relaxed)
    }

    fn claim(&self, recipient: &str, check: u32) {
        self.recipients().insert(recipient.to_owned(), check);
    }

    /// Whether a message to this recipient belongs to another check. One to nobody's recipient is everybody's business.
    fn is_anothers(&self, recipient: &str, check: u32) -> bool {
        self.recipients().get(recipient).is_some_and(|owner| *owner != check)
    }

    fn recipients(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.0.recipients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a check works with.
pub struct Context {
    /// The implementation under test.
    pub target: Arc<dyn Target>,
    /// Randomness from the run's seed and the check's id.
    pub rng: StdRng,
    /// The reading of the requirements that the verdict is given under.
    pub profile: Profile,
    /// What accounts and devices are called.
    names: StdRng,
    addresses: Addresses,
    /// Its number among the checks of the run.
    number: u32,
    /// Which push registrations each account's devices have brought along.
    registrations: BTreeMap<String, BTreeSet<String>>,
    exchanges: Vec<Arc<Exchange>>,
    tried: BTreeMap<OperationKind, bool>,
    began: Cursor,
    began_at: Instant,
    /// How much of the target's time was let pass, in all.
    waited: Duration,
}

impl Context {
    /// A context on this target, its randomness from this seed.
    pub fn new(target: Arc<dyn Target>, seed: [u8; 32], addresses: Addresses) -> Self {
        let began = target.deliveries().cursor();
        let mut rng = StdRng::from_seed(seed);
        // A stream of its own: no name is ever drawn again as something else.
        let names = StdRng::seed_from_u64(rng.random());
        Self {
            target,
            rng,
            profile: Profile::default(),
            names,
            number: addresses.check(),
            addresses,
            registrations: BTreeMap::new(),
            exchanges: Vec::new(),
            tried: BTreeMap::new(),
            began,
            began_at: Instant::now(),
            waited: Duration::ZERO,
        }
    }

    /// The same with other names for accounts and devices, on a target that may have seen this seed before.
    #[must_use]
    pub fn salted(mut self, salt: u64) -> Self {
        let names = self.names.random::<u64>() ^ salt;
        self.names = StdRng::seed_from_u64(names);
        self
    }

    /// The same under this reading of the requirements.
    #[must_use]
    pub fn under(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// What the target declares.
    pub fn parameters(&self) -> &Parameters {
        self.target.parameters()
    }

    /// Every exchange of the check, in order.
    pub fn exchanges(&self) -> &[Arc<Exchange>] {
        &self.exchanges
    }

    /// Every message that went to the check's own accounts and devices.
    pub fn deliveries(&self) -> Vec<Message> {
        let mut messages = self.target.deliveries().since(self.began);
        messages.retain(|message| self.is_own(message));
        messages
    }

    /// Whether a message went to a mailbox or a device of the check's own.
    fn is_own(&self, message: &Message) -> bool {
        match message.channel {
            Channel::Email => self.registrations.contains_key(&message.to),
            Channel::Push => self.registrations.values().any(|tokens| tokens.contains(&message.to)),
        }
    }

    /// The operations that were tried, and whether each was ever accepted.
    pub fn tried(&self) -> &BTreeMap<OperationKind, bool> {
        &self.tried
    }

    fn note(&mut self, answer: &Answer) {
        self.exchanges.extend(answer.exchanges.iter().cloned());
        *self.tried.entry(answer.operation).or_default() |= answer.accepted();
    }

    /// Twelve random characters.
    fn word(&mut self) -> String {
        format!("{:012x}", self.names.random::<u64>() & 0xffff_ffff_ffff)
    }

    /// A device that has never spoken to the target, from an address of its own where the target has several.
    pub fn device(&mut self, name: &str) -> Device {
        let installation = format!("install-{}", self.word());
        let mut device = Device::new(name, installation);
        if self.target.has(Capability::SourceAddresses) {
            device.source = Some(self.addresses.next());
        }
        if self.target.has(Capability::Push) {
            let token = format!("push-{}-{}", self.word(), self.word());
            self.addresses.claim(&token, self.number);
            device.push_token = Some(token);
        }
        device
    }

    /// A fresh account with two-step verification on, which is switched on here where the target does not do so itself.
    pub async fn account(&mut self) -> Result<Account, Stop> {
        let account = self.untouched_account().await?;
        if !self.target.two_step_by_default() {
            let mut owner = self.device("registration");
            let opened = self.sign_in(&mut owner, &account).await?;
            if opened.outcome != Outcome::SignedIn {
                return Err(Stop::NotTested(format!(
                    "while switching two-step verification on: {}",
                    describe(&opened)
                )));
            }
            let on = Operation::SetTwoStep {
                enabled: true,
                password: Some(account.password.clone()),
            };
            self.prepare(&mut owner, on).await?;
            self.perform(&mut owner, Operation::SignOut {}).await?;
        }
        Ok(account)
    }

    /// A fresh account exactly as the target creates it, no setting touched.
    pub async fn untouched_account(&mut self) -> Result<Account, Stop> {
        let account = Account {
            email: format!("a{}@example.test", self.word()),
            password: format!("Pw-{}-7!", self.word()),
        };
        self.addresses.claim(&account.email, self.number);
        let mut creator = self.device("registration");
        let create = Operation::CreateAccount {
            email: account.email.clone(),
            password: account.password.clone(),
        };
        self.prepare(&mut creator, create).await?;
        Ok(account)
    }

    /// A fresh account with one trusted device.
    pub async fn member(&mut self) -> Result<Member, Stop> {
        let account = self.account().await?;
        let mut phone = self.device("owner's phone");
        self.trust(&mut phone, &account).await?;
        Ok(Member { account, phone })
    }

    /// Performs an operation.
    pub async fn perform(&mut self, device: &mut Device, operation: Operation) -> Result<Answer, Stop> {
        self.perform_with(device, operation, &[]).await
    }

    /// Performs an operation with departures from the honest request.
    pub async fn perform_with(
        &mut self,
        device: &mut Device,
        operation: Operation,
        mutations: &[RequestMutation],
    ) -> Result<Answer, Stop> {
        if let Operation::SignIn { email, .. } = &operation {
            let tokens = self.registrations.entry(email.clone()).or_default();
            tokens.extend(device.push_token.clone());
        }
        let answer = self.target.perform_with(device, operation, mutations).await?;
        self.note(&answer);
        Ok(answer)
    }

    /// Prepares the operation once and releases it so many times together, each copy judged as a device of its own.
    pub async fn race(&mut self, device: &Device, operation: Operation, times: usize) -> Result<Vec<(Answer, Device)>, Stop> {
        let answers = self.target.race(device, operation, times).await?;
        for (answer, _) in &answers {
            self.note(answer);
        }
        Ok(answers)
    }

    /// Sends a request of the check's own making; the device's cookies and credentials are not added.
    pub async fn raw(&mut self, device: &Device, request: RawRequest) -> Result<Arc<Exchange>, Stop> {
        let exchange = Arc::new(self.target.raw(device, request).await?);
        self.exchanges.push(Arc::clone(&exchange));
        Ok(exchange)
    }

    /// Performs an operation that only prepares the ground: not accepted, the check stops as not tested.
    pub async fn prepare(&mut self, device: &mut Device, operation: Operation) -> Result<Answer, Stop> {
        let answer = self.perform(device, operation).await?;
        if answer.accepted() {
            Ok(answer)
        } else {
            Err(Stop::NotTested(format!("while preparing: {}", describe(&answer))))
        }
    }

    /// Signs in with the account's password, whatever comes of it.
    pub async fn sign_in(&mut self, device: &mut Device, account: &Account) -> Result<Answer, Stop> {
        let operation = Operation::SignIn {
            email: account.email.clone(),
            password: account.password.clone(),
        };
        self.perform(device, operation).await
    }

    /// Signs in and holds a pending challenge, or stops the check. Gives the code that was delivered for it.
    pub async fn challenged(&mut self, device: &mut Device, account: &Account) -> Result<Pending, Stop> {
        let cursor = self.cursor();
        let answer = self.sign_in(device, account).await?;
        if answer.outcome != Outcome::Challenged {
            return Err(Stop::NotTested(format!("no challenge was opened: {}", describe(&answer))));
        }
        let message = self.code_since(cursor, account).await?;
        let code = message.code.clone().unwrap_or_default();
        Ok(Pending {
            answer,
            cursor,
            method: message.channel,
            code,
        })
    }

    /// Signs in with the second step: the device is trusted and has a session afterwards, and is registered for push where
    /// the target has it.
    pub async fn trust(&mut self, device: &mut Device, account: &Account) -> Result<Answer, Stop> {
        let pending = self.challenged(device, account).await?;
        let answer = self.prepare(device, Operation::Verify { code: pending.code }).await?;
        if let Some(token) = device.push_token.clone()
            && self.target.offers(OperationKind::RegisterPush)
        {
            self.prepare(device, Operation::RegisterPush { token }).await?;
        }
        Ok(answer)
    }

    /// The code message sent to this account's mailbox or to one of its devices since the cursor, or the check stops.
    pub async fn code_since(&mut self, cursor: Cursor, account: &Account) -> Result<Message, Stop> {
        let patience = self.target.delivery_patience();
        let belongs = |message: &Message| message.code.is_some() && self.belongs(message, account);
        let message = self.target.deliveries().wait(cursor, patience, belongs).await;
        message.ok_or_else(|| Stop::NotTested(format!("no code came within {} ms", patience.as_millis())))
    }

    /// Whether a message went to the account: to its mailbox, or to a device that ever signed in to it.
    fn belongs(&self, message: &Message, account: &Account) -> bool {
        match message.channel {
            Channel::Email => message.to.eq_ignore_ascii_case(&account.email),
            Channel::Push => self
                .registrations
                .get(&account.email)
                .is_some_and(|tokens| tokens.contains(&message.to)),
        }
    }

    /// Lets this much of the target's time pass, and a moment more: whether a period ends with its last instant or behind it
    /// is nobody's to judge.
    pub async fn advance(&mut self, by: Duration) -> Result<(), Stop> {
        let by = by + Duration::from_millis(1);
        self.target.advance(by).await?;
        self.waited += by;
        Ok(())
    }

    /// How much of the target's time was let pass since the check began.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// How much of the target's time passed unasked since the check began: none where its clock stands still.
    pub fn drift(&self) -> Duration {
        let elapsed = self.began_at.elapsed();
        match self.target.clock() {
            ClockMode::Controlled => Duration::ZERO,
            ClockMode::Waiting { .. } => elapsed.saturating_sub(self.waited),
            ClockMode::None => elapsed,
        }
    }

    /// The present moment of the delivery log.
    pub fn cursor(&self) -> Cursor {
        self.target.deliveries().cursor()
    }

    /// Waits until everything the target was asked to send has arrived, by sending something known behind it on each of
    /// its channels; then tells which codes came since the cursor, whoever got them: other checks' own recipients aside.
    pub async fn settled(&mut self, cursor: Cursor) -> Result<Vec<Message>, Stop> {
        let Member { account, .. } = self.member().await?;
        if self.target.has(Capability::Push) {
            let mut new = self.device("control phone");
            self.challenged(&mut new, &account).await?;
        }
        let mut came = self.target.deliveries().since(cursor);
        came.retain(|message| {
            let anothers = self.addresses.is_anothers(&message.to.to_lowercase(), self.number);
            message.code.is_some() && !anothers && !self.belongs(message, &account)
        });
        Ok(came)
    }

    /// As [`Context::settled`], only what went to this account: to its mailbox or to a device that ever signed in to it.
    pub async fn settled_for(&mut self, cursor: Cursor, account: &Account) -> Result<Vec<Message>, Stop> {
        let mut came = self.settled(cursor).await?;
        came.retain(|message| self.belongs(message, account));
        Ok(came)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_to_another_checks_recipient_is_that_checks_business() {
        let shared = Addresses::default();
        let (one, other) = (shared.check(), shared.check());
        shared.claim("a@example.test", one);
        assert!(shared.is_anothers("a@example.test", other));
        assert!(!shared.is_anothers("a@example.test", one));
        assert!(
            !shared.is_anothers("nobody@example.test", other),
            "a stray message is everybody's"
        );
        assert_ne!(shared.next(), shared.next());
    }
}
