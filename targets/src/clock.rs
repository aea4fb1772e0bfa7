//! How a target's time passes for the harness.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::target::TargetError;

/// The three ways.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockMode {
    /// The target's clock stands still, and moves on order.
    Controlled,
    Waiting {
        budget: Duration,
    },
    None,
}

/// Lets real time pass, within the budget of one run.
#[derive(Debug)]
pub struct WaitingClock {
    budget: Duration,
    // What is promised away already: taken before the wait, so that checks in parallel cannot overdraw it.
    spent: Mutex<Duration>,
}

impl WaitingClock {
    /// A clock with this much to wait in all.
    pub fn new(budget: Duration) -> Self {
        Self {
            budget,
            spent: Mutex::default(),
        }
    }

    /// Its mode.
    pub fn mode(&self) -> ClockMode {
        ClockMode::Waiting { budget: self.budget }
    }

    /// Waits, or tells at once that the budget does not allow it.
    pub async fn pass(&self, by: Duration) -> Result<(), TargetError> {
        {
            let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
            let left = self.budget.saturating_sub(*spent);
            if by > left {
                return Err(TargetError::Clock(format!(
                    "{:.1} s of waiting asked for, {:.1} s of the budget of {:.1} s left",
                    by.as_secs_f64(),
                    left.as_secs_f64(),
                    self.budget.as_secs_f64()
                )));
            }
            *spent += by;
        }
        tokio::time::sleep(by).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_within_the_budget_and_not_beyond() {
        let clock = WaitingClock::new(Duration::from_secs(10));
        let before = tokio::time::Instant::now();
        clock.pass(Duration::from_secs(7)).await.unwrap();
        assert!(before.elapsed() >= Duration::from_secs(7));
        let refused = clock.pass(Duration::from_secs(4)).await;
        assert!(matches!(refused, Err(TargetError::Clock(_))));
        clock.pass(Duration::from_secs(3)).await.unwrap();
        assert_eq!(before.elapsed().as_secs(), 10);
    }
}
