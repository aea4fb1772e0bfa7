//! The same storm larger or smaller, longer or shorter.

use super::{Scenario, Shape};

impl Scenario {
    /// With all rates times this, and as many accounts for each arrival as before.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        for party in &mut self.parties {
            party.arrivals.rate *= factor;
            party.accounts = party.accounts.map(|accounts| times(accounts, factor));
        }
        self
    }

    /// With its course stretched or pressed into so many seconds: the times of parties, shapes, events and phases, at the same
    /// rates and with as many accounts for each arrival as before. People's own times (thinking, patience, retries), providers'
    /// delays and the promises stay: nobody types faster because a storm is short.
    #[must_use]
    pub fn shortened(mut self, seconds: f64) -> Self {
        let factor = seconds / self.seconds;
        self.seconds = seconds;
        for party in &mut self.parties {
            let arrivals = &mut party.arrivals;
            arrivals.from_s *= factor;
            arrivals.for_s = arrivals.for_s.map(|lasts| lasts * factor);
            match &mut arrivals.shape {
                Shape::Flat | Shape::Ramp { .. } => {}
                Shape::Spike { at_s, half_life_s, .. } => {
                    *at_s *= factor;
                    *half_life_s *= factor;
                }
                Shape::Sine { period_s, .. } => *period_s = period_s.map(|period| period * factor),
                Shape::Replay { each_s, .. } => {
                    *each_s *= factor;
                    // Each count is for less time now, at the same rate.
                    arrivals.rate *= factor;
                }
            }
            party.accounts = party.accounts.map(|accounts| times(accounts, factor));
        }
        for event in &mut self.events {
            event.from_s *= factor;
            event.until_s = (event.until_s * factor).min(seconds);
        }
        self.phases.iter_mut().for_each(|phase| phase.from_s *= factor);
        self
    }
}

fn times(count: u64, factor: f64) -> u64 {
    ((count as f64 * factor).round() as u64).max(1)
}
