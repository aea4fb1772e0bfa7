//! What a check works with: a target, its own seed, accounts and devices. Every helper here stops the check as *not
//! tested* when a prerequisite fails; judging is for [`crate::proof`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use specs::{Parameters, Profile};
use targets::{
    Answer, Capability, Channel, ClockMode, Cursor, Device, Exchange, Message, Operation, OperationKind, Outcome, RawRequest,
    RequestMutation, Target,
};

use tokio::time::Instant;

pub use crate::addresses::Addresses;
use crate::proof::{CheckError, describe, not_tested, require};

/// An account of the check's own.
#[derive(Clone, Debug)]
pub struct Account {
    /// Identifier and registered address.
    pub email: String,
    pub password: String,
}

impl Account {
    /// The first step with its password.
    pub fn sign_in(&self) -> Operation {
        Operation::SignIn {
            email: self.email.clone(),
            password: self.password.clone(),
        }
    }

    /// The same address with another password, which need not be right.
    pub fn with_password(&self, password: &str) -> Self {
        Self {
            email: self.email.clone(),
            password: password.to_owned(),
        }
    }

    /// The same password under another address, which need not be anybody's.
    pub fn with_email(&self, email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            password: self.password.clone(),
        }
    }

    /// Two-step verification on or off, with a proof of the password.
    pub fn set_two_step(&self, enabled: bool) -> Operation {
        Operation::SetTwoStep {
            enabled,
            password: Some(self.password.clone()),
        }
    }
}

/// An account with one device that has completed its second step, is signed in and, where the target has push,
/// registered for it.
#[derive(Clone, Debug)]
pub struct Member {
    pub account: Account,
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
    pub code: String,
}

/// What a check works with.
pub struct Context {
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

    #[must_use]
    pub fn under(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    pub fn parameters(&self) -> &Parameters {
        self.target.parameters()
    }

    /// When a challenge has to be over: as declared, and in the `nist` profile after ten minutes at the latest (LIFE-02).
    pub fn challenge_max_s(&self) -> u64 {
        let declared = self.parameters().challenge_max_s;
        match self.profile {
            Profile::Faq | Profile::Asvs => declared,
            Profile::Nist => declared.min(Parameters::defaults(Profile::Nist).challenge_max_s),
        }
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
    pub async fn account(&mut self) -> Result<Account, CheckError> {
        let account = self.untouched_account().await?;
        if !self.target.two_step_by_default() {
            let mut owner = self.device("registration");
            let opened = self.sign_in(&mut owner, &account).await?;
            if opened.outcome != Outcome::SignedIn {
                return not_tested(format!("while switching two-step verification on: {}", describe(&opened)));
            }
            self.prepare(&mut owner, account.set_two_step(true)).await?;
            self.perform(&mut owner, Operation::SignOut {}).await?;
        }
        Ok(account)
    }

    /// A fresh account exactly as the target creates it, no setting touched.
    pub async fn untouched_account(&mut self) -> Result<Account, CheckError> {
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
    pub async fn member(&mut self) -> Result<Member, CheckError> {
        let account = self.account().await?;
        let mut phone = self.device("owner's phone");
        self.trust(&mut phone, &account).await?;
        Ok(Member { account, phone })
    }

    pub async fn perform(&mut self, device: &mut Device, operation: Operation) -> Result<Answer, CheckError> {
        self.perform_with(device, operation, &[]).await
    }

    /// Performs an operation with departures from the honest request.
    pub async fn perform_with(
        &mut self,
        device: &mut Device,
        operation: Operation,
        mutations: &[RequestMutation],
    ) -> Result<Answer, CheckError> {
        if let Operation::SignIn { email, .. } = &operation {
            let tokens = self.registrations.entry(email.clone()).or_default();
            tokens.extend(device.push_token.clone());
        }
        let answer = self.target.perform_with(device, operation, mutations).await?;
        self.note(&answer);
        Ok(answer)
    }

    /// Prepares the operation once and releases it so many times together, each copy judged as a device of its own.
    pub async fn race(
        &mut self,
        device: &Device,
        operation: Operation,
        times: usize,
    ) -> Result<Vec<(Answer, Device)>, CheckError> {
        let answers = self.target.race(device, operation, times).await?;
        for (answer, _) in &answers {
            self.note(answer);
        }
        Ok(answers)
    }

    /// Sends a request of the check's own making; the device's cookies and credentials are not added.
    pub async fn raw(&mut self, device: &Device, request: RawRequest) -> Result<Arc<Exchange>, CheckError> {
        let exchange = Arc::new(self.target.raw(device, request).await?);
        self.exchanges.push(Arc::clone(&exchange));
        Ok(exchange)
    }

    /// Performs an operation that only prepares the ground: not accepted, the check stops as not tested.
    pub async fn prepare(&mut self, device: &mut Device, operation: Operation) -> Result<Answer, CheckError> {
        let answer = self.perform(device, operation).await?;
        if answer.accepted() {
            Ok(answer)
        } else {
            not_tested(format!("while preparing: {}", describe(&answer)))
        }
    }

    /// Signs in with the account's password, whatever comes of it.
    pub async fn sign_in(&mut self, device: &mut Device, account: &Account) -> Result<Answer, CheckError> {
        self.perform(device, account.sign_in()).await
    }

    /// Signs in and holds a pending challenge, or stops the check. Gives the code that was delivered for it.
    pub async fn challenged(&mut self, device: &mut Device, account: &Account) -> Result<Pending, CheckError> {
        let cursor = self.cursor();
        let answer = self.sign_in(device, account).await?;
        if answer.outcome != Outcome::Challenged {
            return not_tested(format!("no challenge was opened: {}", describe(&answer)));
        }
        self.pending(answer, cursor, account).await
    }

    /// The challenge that this answer opened or renewed, with the code that came for it since the cursor; or the check stops.
    pub async fn pending(&self, answer: Answer, cursor: Cursor, account: &Account) -> Result<Pending, CheckError> {
        let message = self.code_since(cursor, account).await?;
        Ok(Pending {
            answer,
            cursor,
            method: message.channel,
            code: message.code.unwrap_or_default(),
        })
    }

    /// Signs in with the second step: the device is trusted and has a session afterwards, and is registered for push where
    /// the target has it.
    pub async fn trust(&mut self, device: &mut Device, account: &Account) -> Result<Answer, CheckError> {
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
    pub async fn code_since(&self, cursor: Cursor, account: &Account) -> Result<Message, CheckError> {
        let patience = self.target.delivery_patience();
        let belongs = |message: &Message| message.code.is_some() && self.belongs(message, account);
        let message = self.target.deliveries().wait(cursor, patience, belongs).await;
        message.ok_or_else(|| CheckError::NotTested(format!("no code came within {} ms", patience.as_millis())))
    }

    /// Has a reset token mailed to the account, and reads it, or the check stops.
    pub async fn reset_token(&mut self, device: &mut Device, account: &Account) -> Result<String, CheckError> {
        let (cursor, email) = (self.cursor(), account.email.clone());
        self.prepare(device, Operation::RequestReset { email }).await?;
        let patience = self.target.delivery_patience();
        let wanted = |message: &Message| message.reset_token.is_some() && message.to.eq_ignore_ascii_case(&account.email);
        let message = self.target.deliveries().wait(cursor, patience, wanted).await;
        let token = message.and_then(|message| message.reset_token);
        require(token, &format!("no reset mail came within {} ms", patience.as_millis()))
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
    pub async fn advance(&mut self, by: Duration) -> Result<(), CheckError> {
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

    pub fn cursor(&self) -> Cursor {
        self.target.deliveries().cursor()
    }

    /// Waits until everything the target was asked to send has arrived, by sending something known behind it on each of
    /// its channels; then tells which codes came since the cursor, whoever got them: other checks' own recipients aside.
    pub async fn settled(&mut self, cursor: Cursor) -> Result<Vec<Message>, CheckError> {
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
    pub async fn settled_for(&mut self, cursor: Cursor, account: &Account) -> Result<Vec<Message>, CheckError> {
        let mut came = self.settled(cursor).await?;
        came.retain(|message| self.belongs(message, account));
        Ok(came)
    }
}
