//! What is to be run, and how many users that takes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::drive::engine::Stop;
use crate::fleet::locust::LocustStats;
use crate::plan::Slice;
use crate::plan::arrivals::Schedule;
use crate::plan::scenario::{DeviceKind, Fault, Journey, Party, Scenario};

/// Goose users at the least and at the most.
const USERS: (f64, f64) = (64.0, 10_000.0);

/// Seconds a journey may take longer than people do before arrivals wait for a free user.
const SLACK_S: f64 = 5.0;

/// One storm to be run.
#[derive(Clone)]
pub struct Plan {
    /// The storm.
    pub scenario: Arc<Scenario>,
    /// Its seed.
    pub seed: u64,
    /// Which part of it.
    pub slice: Option<Slice>,
    /// Goose users, where they are not to be worked out.
    pub users: Option<usize>,
    /// Where the record and the log are written; nowhere without it.
    pub out: Option<PathBuf>,
    /// When it begins.
    pub start_at: Option<SystemTime>,
    /// Where Prometheus finds its metrics.
    pub metrics: Option<SocketAddr>,
    /// How it is shown while it runs.
    pub view: View,
    /// How it is stopped.
    pub stop: Stop,
    /// Locust's statistics, where it runs for a master.
    pub locust: Option<Arc<LocustStats>>,
}

/// How a storm is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Redrawn in place on a terminal.
    Redrawn,
    /// A plain line now and then.
    Plain,
    /// Not at all.
    None,
}

/// Users for all journeys that can be under way at once: the greatest rate, times how long one takes.
pub fn users(scenario: &Scenario, schedule: &Schedule, slice: Option<Slice>) -> usize {
    let seconds = scenario.seconds.ceil().max(1.0) as u64;
    let mut greatest: f64 = 0.0;
    for second in 0..seconds {
        let at = Duration::from_secs(second);
        let under_way = (0u16..)
            .zip(&scenario.parties)
            .map(|(nth, party)| schedule.rate_at(nth, at) * takes_s(party, scenario));
        greatest = greatest.max(under_way.sum());
    }
    let part = slice.map_or(1.0, |slice| 1.0 / f64::from(slice.of.max(1)));
    (greatest * part * 1.5 + 50.0).clamp(USERS.0, USERS.1) as usize
}

/// Seconds one journey is under way when the service is quick.
fn takes_s(party: &Party, scenario: &Scenario) -> f64 {
    let second_step = party.device != DeviceKind::Trusted
        || matches!(
            party.journey,
            Journey::NewDevice | Journey::Resend | Journey::WrongThenRight | Journey::SubmitTwice | Journey::RemoveDevice
        );
    let mut takes = SLACK_S;
    if second_step && !party.attacker {
        takes += scenario.think.read_code_s * (1.0 + scenario.think.spread);
        let push_fails = |fault| matches!(fault, Fault::PushDown | Fault::PushLost | Fault::PushSlowMs(_));
        if scenario.events.iter().any(|event| push_fails(event.fault)) {
            takes += party.code_patience_s;
        }
    }
    if matches!(party.journey, Journey::Resend | Journey::HammerResend) {
        takes += 30.0;
    }
    takes
}
