//! The system under test, as the model needs it.

use std::sync::Arc;

use async_trait::async_trait;
use specs::machine::{Answer, Limits, Op};
use targets::{Exchange, Message, OperationKind};

use crate::proof::CheckError;

/// What a system is like, as far as the drawing of steps is concerned.
#[derive(Clone, Debug)]
pub struct SutCapabilities {
    pub limits: Limits,
    /// Whether its time passes on order.
    pub controlled_clock: bool,
    pub offers: Vec<OperationKind>,
}

impl SutCapabilities {
    pub fn offers(&self, operation: OperationKind) -> bool {
        self.offers.contains(&operation)
    }
}

/// Gives a fresh system for each run.
#[async_trait]
pub trait SutFactory: Send + Sync {
    /// What all its systems are like.
    async fn capabilities(&self) -> Result<SutCapabilities, CheckError>;

    /// Two accounts that nobody ever signed in to.
    async fn fresh(&self) -> Result<Box<dyn SystemUnderTest>, CheckError>;
}

/// One run's service, with its accounts and devices.
#[async_trait]
pub trait SystemUnderTest: Send {
    /// Performs an operation of the machine; `None` where it cannot be expressed.
    async fn perform(&mut self, op: &Op) -> Result<Option<Answer>, CheckError>;

    fn exchanges(&self) -> Vec<Arc<Exchange>> {
        Vec::new()
    }

    /// What was delivered to the run's accounts.
    fn deliveries(&self) -> Vec<Message> {
        Vec::new()
    }
}
