//! The reference server passes every check and every walk, and enough is tested to say so.

use std::collections::BTreeMap;
use std::sync::Arc;

use conformance::engine::{self, Config, ModelCases};
use conformance::select::{SelectError, Selection};
use conformance::target_pool::PerCheckTarget;
use conformance::verdict::Verdict;
use specs::Profile;

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

/// The reference server sends codes by email, and its challenges live for fifteen minutes: both is right by the FAQ alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_selects_checks_and_changes_what_they_ask_for() {
    let only = ["METH-06", "LIFE-02.challenge-ends-at-its-limit", "SESS-03"]
        .map(str::to_owned)
        .to_vec();
    let run = async |profile| {
        let selection = Selection {
            only: only.clone(),
            profile,
            ..Selection::default()
        };
        let config = Config {
            profile,
            ..Config::new(selection.checks().unwrap(), 3)
        };
        let (_go_on, stop) = tokio::sync::watch::channel(false);
        let pool = Arc::new(PerCheckTarget { variant: None });
        let summary = engine::run(config, pool, stop, |_| ()).await.unwrap();
        let verdicts = summary.judged.into_iter().map(|judged| (judged.check, judged.verdict));
        verdicts.collect::<BTreeMap<String, Verdict>>()
    };
    let (faq, nist) = (run(Profile::Faq).await, run(Profile::Nist).await);
    assert!(faq.values().all(|verdict| *verdict == Verdict::Passed), "{faq:#?}");
    assert!(faq.contains_key("METH-06.mailed-code-is-bound") && !faq.contains_key("METH-06.no-code-by-email"));
    let expected = [
        ("LIFE-02.challenge-ends-at-its-limit", Verdict::Failed),
        ("METH-06.no-code-by-email", Verdict::Failed),
        ("SESS-03.credentials-are-long-and-random", Verdict::Passed),
    ];
    assert_eq!(nist, expected.map(|(check, verdict)| (check.to_owned(), verdict)).into());

    let of_another = Selection {
        only: vec!["METH-06.no-code-by-email".to_owned()],
        ..Selection::default()
    };
    assert!(matches!(of_another.checks(), Err(SelectError::OtherProfile { .. })));
}
