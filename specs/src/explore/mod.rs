//! The abstract machine, explored exhaustively: every order of every operation within a [`Scope`], judged by the ten
//! invariants.
//!
//! - [`scope`]: how far the exploration goes, who is in it, and what each of them tries.
//! - [`model`]: the machine as stateright sees it, its properties, and the reachability probes.
//!
//! Two accounts and three devices: devices 0 and 1 belong to the owner of account 0; device 2 belongs to an attacker who
//! knows that account's password, and has account 1 of its own.
//!
//! Operations are atomic here; that a right service keeps its promises under concurrent requests is for the races against a
//! live one. A guess is never lucky, providers do not fail, and the daily cap on messages is out of scope.

pub mod model;
pub mod scope;

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

use crate::machine::{Invariant, Rules, Spec};
pub use model::{Exploration, Explored, PROBES};
pub use scope::Scope;

/// What an exploration found.
#[derive(Clone, Debug)]
pub struct Findings {
    /// Distinct states.
    pub states: usize,
    /// Length of the longest shortest path.
    pub depth: usize,
    /// Invariants that broke, each with the operations that lead there.
    pub broken: Vec<(Invariant, Vec<String>)>,
    /// Probes that were reached.
    pub reached: BTreeSet<&'static str>,
    pub took: Duration,
}

/// Explores the whole scope.
pub fn explore(rules: &'static dyn Rules, scope: Scope) -> Findings {
    run(
        Exploration {
            rules,
            scope,
            merging: true,
        },
        HasDiscoveries::All,
    )
}

/// As [`explore`], without merging states that behave alike: an order of magnitude more of them.
pub fn explore_unmerged(rules: &'static dyn Rules, scope: Scope) -> Findings {
    let exploration = Exploration {
        rules,
        scope,
        merging: false,
    };
    run(exploration, HasDiscoveries::All)
}

/// Explores until this invariant breaks, or the whole scope when it does not.
pub fn explore_until(rules: &'static dyn Rules, scope: Scope, invariant: Invariant) -> Findings {
    let exploration = Exploration {
        rules,
        scope,
        merging: false,
    };
    run(exploration, HasDiscoveries::AllOf(BTreeSet::from([invariant.title()])))
}

fn run(exploration: Exploration, until: HasDiscoveries) -> Findings {
    let started = Instant::now();
    let checker = exploration
        .checker()
        .finish_when(until)
        .timeout(Duration::from_secs(25))
        .threads(1)
        .spawn_bfs()
        .join();
    let discoveries = checker.discoveries();
    let path = |name: &str| discoveries.get(name).cloned();
    let broken = Invariant::ALL.into_iter().filter_map(|invariant| {
        let path = path(invariant.title())?;
        let steps = path.into_actions().iter().map(ToString::to_string).collect();
        Some((invariant, steps))
    });
    Findings {
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        broken: broken.collect(),
        reached: PROBES
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| discoveries.contains_key(name))
            .collect(),
        took: started.elapsed(),
    }
}

/// Serves stateright's explorer of the right machine on this address, until the process ends.
pub fn serve(address: SocketAddr) -> io::Result<()> {
    // The explorer panics on an address that is taken; asking first gives an error that can be told.
    drop(TcpListener::bind(address)?);
    let exploration = Exploration {
        rules: &Spec,
        scope: Scope::full(),
        merging: false,
    };
    let _ = exploration.checker().serve(address);
    Ok(())
}
