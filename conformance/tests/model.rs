//! Cases on the reference server, and on one that does not consume codes.

use std::sync::Arc;

use conformance::context::Addresses;
use conformance::model::{CaseReport, Config, HttpSutFactory, replay, run_case};
use conformance::target_pool::{PerCheckTarget, Variant};

/// Accepts a code again and again.
fn code_not_consumed() -> Variant {
    let mutant = mutants::find("code-not-consumed").unwrap();
    Variant {
        name: mutant.slug,
        change: mutant.change,
    }
}

fn factory(variant: Option<Variant>, seed: u64) -> Arc<HttpSutFactory> {
    Arc::new(HttpSutFactory::new(
        Arc::new(PerCheckTarget { variant }),
        Addresses::default(),
        seed,
    ))
}

async fn case(variant: Option<Variant>, seed: u64, case: u32) -> CaseReport {
    run_case(factory(variant, seed), seed, case, Config::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_server_does_what_the_machine_does() {
    let mut compared = 0;
    for number in 0..80 {
        let report = case(None, 11, number).await;
        if let Some(failure) = report.failure {
            panic!(
                "case {number}: {} {:#?} {:#?}",
                failure.requirement, failure.trace.story, failure.breach
            );
        }
        compared += report.compared;
    }
    assert!(compared > 600, "only {compared} answers were compared");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_not_consumed_is_found_and_shrunk() {
    let mut number = 0;
    let failure = loop {
        if let Some(failure) = case(Some(code_not_consumed()), 42, number).await.failure {
            break failure;
        }
        number += 1;
        assert!(number < 50, "not found");
    };
    assert_eq!(failure.requirement, "LIFE-03", "{:#?}", failure.trace.story);
    assert!(failure.minimal && failure.steps.len() <= 5, "{:#?}", failure.trace.story);
    let again = case(Some(code_not_consumed()), 42, number).await.failure.unwrap();
    assert_eq!(again.steps, failure.steps);
    let replayed = replay(factory(Some(code_not_consumed()), 1).as_ref(), &failure.steps)
        .await
        .unwrap();
    assert_eq!(replayed.broken, Some((failure.requirement, failure.breach)));
    assert_eq!(replay(factory(None, 1).as_ref(), &failure.steps).await.unwrap().broken, None);
}
