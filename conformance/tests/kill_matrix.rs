//! Every known-bad server is caught by a check of its own requirement, and every check catches a known-bad server.

#![allow(clippy::print_stdout, reason = "tells who caught what")]

use std::collections::BTreeSet;
use std::sync::Arc;

use conformance::check::Check;
use conformance::checks;
use conformance::context::{Addresses, Context};
use conformance::embedded::Embedded;
use conformance::proof::CheckError;
use conformance::target_pool::Variant;
use mutants::KnownBad;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Checks that no server with a single wrong part fails, each with the reason.
const CATCHES_NOTHING: [(&str, &str); 0] = [];

/// How one check ended on one known-bad server.
struct Ran {
    slug: &'static str,
    check: &'static str,
    failed: bool,
    told: String,
}

/// Servers at a time. With all of them at once, a machine of two cores is late with messages that are waited for.
static SERVERS: Semaphore = Semaphore::const_new(24);

async fn run(bad: &'static KnownBad, check: &'static Check) -> Ran {
    let _server = SERVERS.acquire().await;
    let variant = Variant {
        name: bad.slug,
        change: bad.build,
    };
    let target = Embedded::start(Some(variant)).await.unwrap();
    let mut cx = Context::new(Arc::new(target), [7; 32], Addresses::default());
    let ending = (check.run)(&mut cx).await;
    Ran {
        slug: bad.slug,
        check: check.id,
        failed: matches!(ending, Err(CheckError::Failed(_) | CheckError::Advised(_))),
        told: format!("{ending:?}"),
    }
}

/// The area of a requirement.
fn area(requirement: &str) -> &str {
    specs::catalogue::requirement(requirement).map_or("", |requirement| requirement.area.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_known_bad_server_is_caught_and_every_check_catches_one() {
    let mut runs = JoinSet::new();
    for bad in mutants::all() {
        for check in checks::all().filter(|check| check.requirement() == bad.requirement) {
            runs.spawn(run(bad, check));
        }
    }
    let mut ran = runs.join_all().await;
    ran.sort_by_key(|one| (one.slug, one.check));

    let mut survivors = Vec::new();
    for bad in mutants::all() {
        let own: Vec<&Ran> = ran.iter().filter(|one| one.slug == bad.slug).collect();
        let caught: Vec<&str> = own.iter().filter(|one| one.failed).map(|one| one.check).collect();
        println!("{:<44} {:<8} {}", bad.slug, bad.requirement, caught.join(", "));
        if caught.is_empty() {
            let told: Vec<String> = own.iter().map(|one| format!("\n    {}: {}", one.check, one.told)).collect();
            survivors.push(format!("{} ({}){}", bad.slug, bad.requirement, told.concat()));
        }
    }
    assert!(
        survivors.is_empty(),
        "known-bad servers nobody caught:\n{}",
        survivors.join("\n")
    );

    let covered: BTreeSet<&str> = mutants::all().map(|bad| area(bad.requirement)).collect();
    let catching: BTreeSet<&str> = ran.iter().filter(|one| one.failed).map(|one| one.check).collect();
    let idle: Vec<&str> = checks::all()
        .filter(|check| covered.contains(area(check.requirement())))
        .map(|check| check.id)
        .filter(|id| !catching.contains(id) && !CATCHES_NOTHING.iter().any(|(excused, _)| excused == id))
        .collect();
    assert!(idle.is_empty(), "checks that catch no known-bad server:\n{}", idle.join("\n"));
}

#[test]
fn known_bad_servers_are_named_once_and_break_a_requirement_that_exists() {
    let mut seen = BTreeSet::new();
    for bad in mutants::all() {
        assert!(seen.insert(bad.slug), "{} twice", bad.slug);
        assert!(
            specs::catalogue::requirement(bad.requirement).is_some(),
            "{}: {} does not exist",
            bad.slug,
            bad.requirement
        );
        assert!(bad.summary.ends_with('.') && !bad.part.is_empty(), "{}", bad.slug);
    }
    for (id, reason) in CATCHES_NOTHING {
        assert!(checks::find(id).is_some() && !reason.is_empty(), "{id}");
    }
}
