//! What a check is: a small function of one shape, with its requirement and what it needs of the target.

use std::future::Future;
use std::pin::Pin;

use targets::{Capability, OperationKind};

use crate::context::Context;
use crate::proof::Ending;

/// A check's run.
pub type Run<'a> = Pin<Box<dyn Future<Output = Ending> + Send + 'a>>;

/// One check.
pub struct Check {
    /// `REQUIREMENT.what-is-checked`, such as `RSND-02.old-code-is-void`.
    pub id: &'static str,
    /// What is done and what must come of it, in one plain sentence.
    pub title: &'static str,
    /// Operations without which it is not applicable (sign_in and verify go without saying).
    pub operations: &'static [OperationKind],
    /// Capabilities without which it is not applicable.
    pub capabilities: &'static [Capability],
    /// Whether time has to pass on the target; such checks never share its clock with others.
    pub moves_clock: bool,
    /// The check itself.
    pub run: for<'a> fn(&'a mut Context) -> Run<'a>,
}

impl Check {
    /// The id of the requirement it judges.
    pub fn requirement(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(requirement, _)| requirement)
    }
}
