//! What is walked on.

use std::sync::Arc;

use async_trait::async_trait;
use specs::machine::{Answer, Limits, Op};
use targets::{Exchange, Message, OperationKind};

use crate::proof::Stop;

/// What a subject is like, as far as the drawing of steps is concerned.
#[derive(Clone, Debug)]
pub struct Terrain {
    /// Its declared limits.
    pub limits: Limits,
    /// Whether its time passes on order.
    pub controlled_clock: bool,
    /// The operations it offers.
    pub offers: Vec<OperationKind>,
}

impl Terrain {
    /// Whether it offers this operation.
    pub fn offers(&self, operation: OperationKind) -> bool {
        self.offers.contains(&operation)
    }
}

/// Gives a fresh subject for each run.
#[async_trait]
pub trait Ground: Send + Sync {
    /// What all its subjects are like.
    async fn terrain(&self) -> Result<Terrain, Stop>;

    /// Two accounts that nobody ever signed in to.
    async fn fresh(&self) -> Result<Box<dyn Subject>, Stop>;
}

/// One run's service, with its accounts and devices.
#[async_trait]
pub trait Subject: Send {
    /// Performs an operation of the machine; `None` where it cannot be expressed.
    async fn perform(&mut self, op: &Op) -> Result<Option<Answer>, Stop>;

    /// Everything that was exchanged.
    fn exchanges(&self) -> Vec<Arc<Exchange>> {
        Vec::new()
    }

    /// Everything that was delivered to the run's accounts.
    fn deliveries(&self) -> Vec<Message> {
        Vec::new()
    }
}
