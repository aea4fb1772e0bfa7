//! A storm under way in a worker.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::order::{Order, StormRunner};
use super::protocol::Users;
use super::stats::LocustStats;

/// Why a storm was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// The master ordered another one.
    Replaced,
    /// The master said `stop`.
    Stop,
    /// The master said `quit`.
    Quit,
    /// The worker itself is to go.
    Shutdown,
}

pub(super) struct Running {
    pub(super) run: String,
    pub(super) slice: u32,
    pub(super) users: Users,
    /// Why it was told to end; `None` while it was not.
    pub(super) why: Option<Why>,
    token: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
    /// When it is dropped if it has not ended.
    deadline: Option<Instant>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    pub(super) fn begin(storm: &Arc<dyn StormRunner>, order: Order, users: Users, stats: &Arc<LocustStats>) -> Self {
        let (run, slice) = (order.run.clone(), order.slice.index);
        let token = CancellationToken::new();
        let (storm, stats, stop) = (Arc::clone(storm), Arc::clone(stats), token.clone());
        let task = tokio::spawn(async move { storm.run(order, stop, stats).await });
        Self {
            run,
            slice,
            users,
            why: None,
            token,
            task,
            deadline: None,
        }
    }

    /// Tells it to end. Of several reasons the weightiest counts.
    pub(super) fn stop(&mut self, why: Why, grace: Duration) {
        self.why = self.why.max(Some(why));
        self.deadline.get_or_insert_with(|| Instant::now() + grace);
        self.token.cancel();
    }

    pub(super) fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits for its end; for ever where nothing runs.
    pub(super) async fn ended(running: &mut Option<Self>) -> anyhow::Result<()> {
        let Some(running) = running else {
            return std::future::pending().await;
        };
        let deadline = running.deadline;
        tokio::select! {
            ended = &mut running.task => ended.unwrap_or_else(|error| Err(anyhow!("the storm ended badly: {error}"))),
            () = async { match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }} => bail!("the storm did not end in time when it was told to"),
        }
    }
}
