//! The reference server passes every check and every walk, and enough is tested to say so.

use std::sync::Arc;
use std::time::Duration;

use conformance::engine::{self, Config, Walks};
use conformance::provider::Fresh;
use conformance::select::Selection;
use conformance::verdict::Verdict;
use specs::Profile;

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_server_passes_every_check() {
    let config = Config {
        checks: Selection::default().checks().unwrap(),
        walks: Some(Walks {
            cases: (0..8).collect(),
            steps: None,
        }),
        whole: true,
        bounds: true,
        profile: Profile::Faq,
        seed: 7,
        jobs: 4,
        timeout: Duration::from_secs(60),
        least_judged: 40,
        tell_all: false,
        replay: "stepproof check".to_owned(),
    };
    let (_go_on, stop) = tokio::sync::watch::channel(false);
    let summary = engine::run(config, Arc::new(Fresh { variant: None }), stop, |_| ())
        .await
        .unwrap();
    let others: Vec<_> = summary
        .judged
        .iter()
        .filter(|judged| !matches!(judged.verdict, Verdict::Passed | Verdict::NotApplicable))
        .map(|judged| format!("{} {}: {:?}", judged.verdict, judged.check, judged.reason))
        .collect();
    assert!(others.is_empty(), "{}", others.join("\n"));
}
