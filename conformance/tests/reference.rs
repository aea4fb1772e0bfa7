//! The reference server passes every check and every walk, and enough is tested to say so.

use std::sync::Arc;

use conformance::engine::{self, Config, ModelCases};
use conformance::select::Selection;
use conformance::target_pool::PerCheckTarget;
use conformance::verdict::Verdict;

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_server_passes_every_check() {
    let config = Config {
        cases: Some(ModelCases {
            numbers: (0..8).collect(),
            steps: None,
        }),
        whole: true,
        bounds: true,
        min_judged: 40,
        ..Config::new(Selection::default().checks().unwrap(), 7)
    };
    let (_go_on, stop) = tokio::sync::watch::channel(false);
    let summary = engine::run(config, Arc::new(PerCheckTarget { variant: None }), stop, |_| ())
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
