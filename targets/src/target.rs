//! The implementation under test, behind one door.

use std::time::Duration;

use async_trait::async_trait;
use specs::{Capability, Parameters};

use crate::answer::Answer;
use crate::clock::ClockMode;
use crate::delivery_log::DeliveryLog;
use crate::device::{CredentialKind, Device};
use crate::fakes::Faults;
use crate::operation::{Operation, OperationKind};
use crate::request::{RawRequest, RequestMutation};
use crate::transcript::Exchange;

/// The target could not be used; never a verdict about it.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The connection failed, or no answer came in time.
    #[error("{operation}: no answer from {url}: {reason}")]
    Unreachable { operation: String, url: String, reason: String },
    /// The target does not offer the operation (declared).
    #[error("{0} is not offered by this target")]
    NotOffered(OperationKind),
    /// The binding cannot express the request.
    #[error("{operation}: {reason}")]
    Binding {
        operation: String,
        /// What is wrong, where, and what to do.
        reason: String,
    },
    /// The clock cannot be moved that far.
    #[error("time cannot pass: {0}")]
    Clock(String),
}

/// An implementation under test. Cheap to share; a device is the only state of a conversation.
#[async_trait]
pub trait Target: Send + Sync {
    /// Its name in reports.
    fn name(&self) -> &str;

    /// Its origin, such as `http://127.0.0.1:8080`.
    fn origin(&self) -> &str;

    /// What it declares.
    fn parameters(&self) -> &Parameters;

    /// Whether it offers this operation.
    fn offers(&self, operation: OperationKind) -> bool;

    /// Whether it has this capability.
    fn has(&self, capability: Capability) -> bool;

    /// Whether a fresh account has two-step verification on; where it has not, the setting is switched on to prepare a check.
    fn two_step_by_default(&self) -> bool {
        true
    }

    /// How long a message may take to arrive.
    fn delivery_patience(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// What it delivered.
    fn deliveries(&self) -> &DeliveryLog;

    /// The faults that can be ordered on its delivery providers, where they are ours.
    fn faults(&self) -> Option<&Faults> {
        None
    }

    /// How its time passes.
    fn clock(&self) -> ClockMode;

    /// Lets this much of the target's time pass.
    async fn advance(&self, by: Duration) -> Result<(), TargetError>;

    /// Performs the operation as this device, with deliberate departures from the honest request.
    async fn perform_with(
        &self,
        device: &mut Device,
        operation: Operation,
        mutations: &[RequestMutation],
    ) -> Result<Answer, TargetError>;

    /// Performs the operation as this device.
    async fn perform(&self, device: &mut Device, operation: Operation) -> Result<Answer, TargetError> {
        self.perform_with(device, operation, &[]).await
    }

    /// Prepares the operation once, holds `times` copies back by their last byte, and releases them together. Each answer
    /// is judged in its own copy of the device.
    async fn race(&self, device: &Device, operation: Operation, times: usize) -> Result<Vec<(Answer, Device)>, TargetError>;

    /// Sends a request of the caller's own making from this device's address; its cookies and credentials are not added.
    async fn raw(&self, device: &Device, request: RawRequest) -> Result<Exchange, TargetError>;

    /// The credential this device holds.
    fn credential(&self, device: &Device, kind: CredentialKind) -> Option<String>;

    /// Gives the device this credential, or takes it away.
    fn set_credential(&self, device: &mut Device, kind: CredentialKind, value: Option<String>);

    /// A code of the right shape that is not `right`; different for different `nth` (up to the size of the code space).
    fn wrong_code(&self, right: &str, nth: u32) -> String;
}
