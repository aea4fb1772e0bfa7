//! The specification itself is consistent: the right machine keeps all ten promises wherever it can get within the scope,
//! and each promise is broken by machines that take one decision wrongly.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use specs::explore::{Findings, PROBES, Scope, explore, explore_unmerged, explore_until, serve};
use specs::machine::mutants::{self, Mutant};
use specs::machine::{Invariant, Spec};

#[test]
fn the_right_machine_keeps_every_promise() {
    let findings = explore(&Spec, Scope::full());
    assert_eq!(findings.broken, []);
    let missed: Vec<_> = PROBES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !findings.reached.contains(name))
        .collect();
    assert!(missed.is_empty(), "never reached: {missed:?}");
    // Told in the documentation of the scope. It changes with the machine, and only then.
    assert_eq!(findings.states, 102_421, "took {:?}, depth {}", findings.took, findings.depth);
}

#[test]
fn the_right_machine_keeps_every_promise_under_other_limits() {
    for scope in [Scope::guessing(), Scope::crowded()] {
        let findings = explore(&Spec, scope);
        assert_eq!(findings.broken, []);
        assert!(findings.states > 1_000, "only {} states", findings.states);
    }
}

/// The scope in which a mutant's way to its breach is short.
fn scope_for(mutant: &Mutant) -> Scope {
    match mutant.slug {
        "hourly-window-forgets" => Scope::guessing(),
        "evict-oldest-challenge" => Scope::crowded(),
        _ => Scope::full(),
    }
}

#[test]
fn merging_states_hides_nothing() {
    let scope = Scope {
        ticks: 1,
        changes: 0,
        ..Scope::full()
    };
    let merged = explore(&Spec, scope.clone());
    let plain = explore_unmerged(&Spec, scope);
    assert_eq!((merged.broken, merged.reached), (plain.broken, plain.reached));
    assert!(plain.states > merged.states, "{} and {}", plain.states, merged.states);
}

#[test]
fn every_mutant_breaks_its_promise() {
    let explored: Vec<(&Mutant, Findings)> = mutants::ALL
        .iter()
        .map(|mutant| (mutant, explore_until(mutant.rules, scope_for(mutant), mutant.breaks)))
        .collect();
    let mut harmless = Vec::new();
    for (mutant, found) in &explored {
        if !found.broken.iter().any(|(invariant, _)| *invariant == mutant.breaks) {
            harmless.push((mutant.slug, mutant.breaks, found.states, &found.broken));
        }
    }
    assert!(harmless.is_empty(), "not caught: {harmless:#?}");
}

#[test]
fn the_explorer_tells_that_its_address_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = serve(taken.local_addr().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[test]
fn the_explorer_shows_operations_and_states_in_words() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // It serves until the process ends.
    std::thread::spawn(move || serve(free));
    let start = Instant::now();
    let mut page = loop {
        match TcpStream::connect(free) {
            Ok(page) => break page,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(20), "{error}"),
        }
        std::thread::yield_now();
    };
    // What can be done in the first of the two beginnings.
    page.write_all(b"GET /.states/0 HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    page.read_to_string(&mut text).unwrap();
    for words in [
        "account 0: two-step on, wrong guesses 0",
        "device 0 signs in to account 0 with the right password",
        "a code is asked for",
    ] {
        assert!(text.contains(words), "{words} not in {text}");
    }
}

#[test]
fn every_promise_is_broken_by_two_machines_at_least() {
    let mut count: BTreeMap<Invariant, usize> = Invariant::ALL.into_iter().map(|invariant| (invariant, 0)).collect();
    for mutant in mutants::ALL {
        *count.entry(mutant.breaks).or_default() += 1;
    }
    assert!(count.values().all(|machines| *machines >= 2), "{count:?}");
}
