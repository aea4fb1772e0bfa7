//! What a check works with: a target, its own seed, accounts and devices. Every helper here stops the check as *not
//! tested* when a prerequisite fails; judging is for [`crate::proof`].

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use specs::Parameters;
use targets::{Answer, Device, Mark, Message, Method, Operation, Target, Tweak};

use crate::proof::Stop;

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

/// What a check works with.
pub struct Context {
    /// The implementation under test.
    pub target: Arc<dyn Target>,
    /// Randomness from the run's seed and the check's id.
    pub rng: StdRng,
}

impl Context {
    /// What the target declares.
    pub fn parameters(&self) -> &Parameters {
        self.target.parameters()
    }

    /// A device that has never spoken to the target, from an address of its own where the target has several.
    pub fn device(&mut self, _name: &str) -> Device {
        unreachable!("filled by the engine")
    }

    /// A fresh account. Two-step verification is on by default; where the target needs it, it is switched on here.
    pub async fn account(&mut self) -> Result<Account, Stop> {
        unreachable!("filled by the engine")
    }

    /// A fresh account exactly as the target creates it, no setting touched.
    pub async fn untouched_account(&mut self) -> Result<Account, Stop> {
        unreachable!("filled by the engine")
    }

    /// A fresh account with one trusted device.
    pub async fn member(&mut self) -> Result<Member, Stop> {
        unreachable!("filled by the engine")
    }

    /// Performs an operation.
    pub async fn perform(&mut self, device: &mut Device, operation: Operation) -> Result<Answer, Stop> {
        Ok(self.target.perform(device, operation).await?)
    }

    /// Performs an operation with departures from the honest request.
    pub async fn perform_with(&mut self, device: &mut Device, operation: Operation, tweaks: &[Tweak]) -> Result<Answer, Stop> {
        Ok(self.target.perform_with(device, operation, tweaks).await?)
    }

    /// Performs an operation that only prepares the ground: not accepted, the check stops as not tested.
    pub async fn prepare(&mut self, _device: &mut Device, _operation: Operation) -> Result<Answer, Stop> {
        unreachable!("filled by the engine")
    }

    /// Signs in with the account's password, whatever comes of it.
    pub async fn sign_in(&mut self, _device: &mut Device, _account: &Account) -> Result<Answer, Stop> {
        unreachable!("filled by the engine")
    }

    /// Signs in and holds a pending challenge, or stops the check. Gives the code that was delivered for it.
    pub async fn challenged(&mut self, _device: &mut Device, _account: &Account) -> Result<Pending, Stop> {
        unreachable!("filled by the engine")
    }

    /// Signs in with the second step: the device is trusted and has a session afterwards.
    pub async fn trust(&mut self, _device: &mut Device, _account: &Account) -> Result<Answer, Stop> {
        unreachable!("filled by the engine")
    }

    /// The code message sent to this account's mailbox or to any of these devices since the mark, or the check stops.
    pub async fn code_since(&mut self, _mark: Mark, _account: &Account) -> Result<Message, Stop> {
        unreachable!("filled by the engine")
    }

    /// Lets this much of the target's time pass.
    pub async fn advance(&mut self, by: Duration) -> Result<(), Stop> {
        Ok(self.target.advance(by).await?)
    }

    /// The present moment of the ledger.
    pub fn mark(&self) -> Mark {
        self.target.ledger().mark()
    }

    /// Waits until everything the target was asked to send has arrived, by sending something known behind it on each of
    /// its channels; then tells what came since the mark.
    pub async fn settled(&mut self, _mark: Mark) -> Result<Vec<Message>, Stop> {
        unreachable!("filled by the engine")
    }

    /// As [`Context::settled`], only what went to this account: to its mailbox or to a device that registered for push on it.
    pub async fn settled_for(&mut self, _mark: Mark, _account: &Account) -> Result<Vec<Message>, Stop> {
        unreachable!("filled by the engine")
    }
}

/// A pending challenge of the check's own.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The answer that opened it.
    pub answer: Answer,
    /// The moment before it was opened.
    pub mark: Mark,
    /// The way its code came.
    pub method: Method,
    /// Its code.
    pub code: String,
}
