//! What is to be run, and how many users that takes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::drive::engine::Stop;
use crate::flow::Flows;
use crate::plan::Shard;
use crate::plan::arrivals::Schedule;
use crate::plan::scenario::{DeviceKind, Fault, Flow, Scenario, UserClass};
use crate::report::live::Observe;

/// Goose users at the least and at the most.
const USERS: (f64, f64) = (64.0, 10_000.0);

/// Seconds a flow may take longer than people do before arrivals wait for a free user.
const SLACK_S: f64 = 5.0;

/// One storm to be run.
#[derive(Clone)]
pub struct Plan {
    pub scenario: Arc<Scenario>,
    pub seed: u64,
    /// Which part of it.
    pub shard: Option<Shard>,
    /// Goose users, where they are not to be worked out.
    pub max_vus: Option<usize>,
    /// Where the record and the log are written; nowhere without it.
    pub out: Option<PathBuf>,
    pub start_at: Option<SystemTime>,
    /// Where Prometheus finds its metrics.
    pub metrics: Option<SocketAddr>,
    /// How it is shown while it runs.
    pub view: View,
    pub stop: Stop,
    /// Who else sees every sample.
    pub observers: Vec<Arc<dyn Observe>>,
    pub flows: Flows,
}

/// How a storm is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Redrawn in place on a terminal.
    Redrawn,
    /// A plain line now and then.
    Plain,
    None,
}

impl Plan {
    /// Goose users: as many as the caller wants, or else the scenario, or else the arrivals need.
    pub fn users(&self, schedule: &Schedule) -> usize {
        let wanted = self.max_vus.or(self.scenario.max_vus);
        wanted.unwrap_or_else(|| users(&self.scenario, schedule, self.shard))
    }
}

/// Users for all flows that can be under way at once: the greatest rate, times how long one takes.
pub(super) fn users(scenario: &Scenario, schedule: &Schedule, shard: Option<Shard>) -> usize {
    let seconds = scenario.seconds.ceil().max(1.0) as u64;
    let mut greatest: f64 = 0.0;
    for second in 0..seconds {
        let at = Duration::from_secs(second);
        let under_way = (0u16..)
            .zip(&scenario.classes)
            .map(|(nth, class)| schedule.rate_at(nth, at) * takes_s(class, scenario));
        greatest = greatest.max(under_way.sum());
    }
    let part = shard.map_or(1.0, |shard| 1.0 / f64::from(shard.of.max(1)));
    (greatest * part * 1.5 + 50.0).clamp(USERS.0, USERS.1) as usize
}

/// Seconds one flow is under way when the service is quick.
fn takes_s(class: &UserClass, scenario: &Scenario) -> f64 {
    let second_step = class.device != DeviceKind::Trusted
        || matches!(
            class.flow,
            Flow::NewDevice | Flow::Resend | Flow::WrongThenRight | Flow::SubmitTwice | Flow::RemoveDevice
        );
    let mut takes = SLACK_S;
    if second_step && !class.attacker {
        takes += scenario.think.read_code_s * (1.0 + scenario.think.spread);
        let push_fails = |fault| matches!(fault, Fault::PushDown | Fault::PushLost | Fault::PushSlowMs(_));
        if scenario.events.iter().any(|event| push_fails(event.fault)) {
            takes += class.code_patience_s;
        }
    }
    if matches!(class.flow, Flow::Resend | Flow::HammerResend) {
        takes += 30.0;
    }
    takes
}
