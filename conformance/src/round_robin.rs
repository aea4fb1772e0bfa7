//! Several instances of one service as one target, spoken to in turn; and a ceiling on how often.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use targets::{Answer, ClockMode, Device, Exchange, Operation, RawRequest, RequestMutation, Target, TargetError};
use tokio::time::Instant;

/// A ceiling on operations.
#[derive(Debug)]
pub struct RateLimiter {
    every: Duration,
    /// When the next one may go.
    next: Mutex<Instant>,
}

impl RateLimiter {
    /// So many a second.
    pub fn per_second(rate: u32) -> Self {
        Self {
            every: Duration::from_secs(1) / rate.max(1),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits for the turn of so many operations at once.
    async fn turn(&self, operations: usize) {
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            *next = turn + self.every * u32::try_from(operations).unwrap_or(u32::MAX);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}

/// Instances of one service. They share accounts and deliveries, so each operation may go to any of them.
pub struct RoundRobin {
    first: Arc<dyn Target>,
    others: Vec<Arc<dyn Target>>,
    turn: AtomicUsize,
    pace: Option<RateLimiter>,
}

impl RoundRobin {
    /// These instances, no faster than this.
    pub fn new(first: Arc<dyn Target>, others: Vec<Arc<dyn Target>>, pace: Option<RateLimiter>) -> Self {
        Self {
            first,
            others,
            turn: AtomicUsize::new(0),
            pace,
        }
    }

    /// The one whose turn it is, when so many operations may go.
    async fn next(&self, operations: usize) -> &dyn Target {
        if let Some(pace) = &self.pace {
            pace.turn(operations).await;
        }
        match self.turn.fetch_add(1, Ordering::Relaxed) % (self.others.len() + 1) {
            0 => self.first.as_ref(),
            other => self.others[other - 1].as_ref(),
        }
    }
}

#[async_trait]
impl Target for RoundRobin {
    forward_target!(first);

    fn clock(&self) -> ClockMode {
        self.first.clock()
    }

    async fn advance(&self, by: Duration) -> Result<(), TargetError> {
        self.first.advance(by).await
    }

    async fn perform_with(
        &self,
        device: &mut Device,
        operation: Operation,
        mutations: &[RequestMutation],
    ) -> Result<Answer, TargetError> {
        self.next(1).await.perform_with(device, operation, mutations).await
    }

    async fn race(&self, device: &Device, operation: Operation, times: usize) -> Result<Vec<(Answer, Device)>, TargetError> {
        self.next(times).await.race(device, operation, times).await
    }

    async fn raw(&self, device: &Device, request: RawRequest) -> Result<Exchange, TargetError> {
        self.next(1).await.raw(device, request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_faster_than_the_ceiling() {
        let pace = RateLimiter::per_second(200);
        let before = Instant::now();
        pace.turn(1).await;
        pace.turn(4).await;
        pace.turn(1).await;
        let took = before.elapsed();
        assert!(took >= Duration::from_millis(25), "{took:?}");
    }
}
