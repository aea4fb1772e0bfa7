//! Every mutant is caught by a check of its own requirement, and every check catches a mutant.

#![allow(clippy::print_stdout, reason = "tells who caught what")]

use std::collections::BTreeSet;
use std::sync::Arc;

use conformance::check::Check;
use conformance::checks;
use conformance::context::{Addresses, Context};
use conformance::embedded::Embedded;
use conformance::proof::CheckError;
use conformance::target_pool::Variant;
use mutants::Mutant;
use specs::Profile;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Checks that no server with a single wrong part fails, each with the reason.
const CATCHES_NOTHING: [(&str, &str); 0] = [];

/// How one check ended on one mutant.
struct Ran {
    slug: &'static str,
    check: &'static str,
    failed: bool,
    told: String,
}

/// Servers at a time. With all of them at once, a machine of two cores is late with messages that are waited for.
static SERVERS: Semaphore = Semaphore::const_new(24);

async fn run(mutant: &'static Mutant, check: &'static Check) -> Ran {
    let _server = SERVERS.acquire().await;
    let variant = Variant {
        name: mutant.slug,
        change: mutant.change,
    };
    let target = Embedded::start(Some(variant)).await.unwrap();
    let mut cx = Context::new(Arc::new(target), [7; 32], Addresses::default());
    let ending = (check.run)(&mut cx).await;
    Ran {
        slug: mutant.slug,
        check: check.id,
        failed: matches!(ending, Err(CheckError::Failed(_) | CheckError::Advised(_))),
        told: format!("{ending:?}"),
    }
}

/// The checks that every run has: what belongs to another profile says nothing about a server that never claimed it.
fn checks() -> impl Iterator<Item = &'static Check> {
    checks::all().filter(|check| check.profiles.contains(&Profile::default()))
}

/// The area of a requirement.
fn area(requirement: &str) -> &str {
    specs::catalogue::requirement(requirement).map_or("", |requirement| requirement.area.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mutant_is_caught_and_every_check_catches_one() {
    let mut runs = JoinSet::new();
    for mutant in mutants::all() {
        for check in checks().filter(|check| check.requirement() == mutant.requirement) {
            runs.spawn(run(mutant, check));
        }
    }
    let mut ran = runs.join_all().await;
    ran.sort_by_key(|one| (one.slug, one.check));

    let mut survivors = Vec::new();
    for mutant in mutants::all() {
        let own: Vec<&Ran> = ran.iter().filter(|one| one.slug == mutant.slug).collect();
        let caught: Vec<&str> = own.iter().filter(|one| one.failed).map(|one| one.check).collect();
        println!("{:<44} {:<8} {}", mutant.slug, mutant.requirement, caught.join(", "));
        if caught.is_empty() {
            let told: Vec<String> = own.iter().map(|one| format!("\n    {}: {}", one.check, one.told)).collect();
            survivors.push(format!("{} ({}){}", mutant.slug, mutant.requirement, told.concat()));
        }
    }
    assert!(survivors.is_empty(), "mutants nobody caught:\n{}", survivors.join("\n"));

    let covered: BTreeSet<&str> = mutants::all().map(|mutant| area(mutant.requirement)).collect();
    let catching: BTreeSet<&str> = ran.iter().filter(|one| one.failed).map(|one| one.check).collect();
    let idle: Vec<&str> = checks()
        .filter(|check| covered.contains(area(check.requirement())))
        .map(|check| check.id)
        .filter(|id| !catching.contains(id) && !CATCHES_NOTHING.iter().any(|(excused, _)| excused == id))
        .collect();
    assert!(idle.is_empty(), "checks that catch no mutant:\n{}", idle.join("\n"));
}

#[test]
fn mutants_are_named_once_and_break_a_requirement_that_exists() {
    let mut seen = BTreeSet::new();
    for mutant in mutants::all() {
        assert!(seen.insert(mutant.slug), "{} twice", mutant.slug);
        assert!(
            specs::catalogue::requirement(mutant.requirement).is_some(),
            "{}: {} does not exist",
            mutant.slug,
            mutant.requirement
        );
        assert!(mutant.summary.ends_with('.') && !mutant.part.is_empty(), "{}", mutant.slug);
    }
    for (id, reason) in CATCHES_NOTHING {
        assert!(checks::find(id).is_some() && !reason.is_empty(), "{id}");
    }
}
