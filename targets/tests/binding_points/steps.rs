//! Steps: several of them, calls, early ends, messages in between, a second actor, operations that are not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json as j;
use targets::{Capability, Operation, OperationKind, Outcome, Refusal, RequestMutation, Target, TargetError};
use wiremock::ResponseTemplate;

use super::common::{REST, device, json, mail, scripted, sign_in, verify};

#[tokio::test]
async fn point_1_steps_go_on_end_early_and_call_others() {
    let s = scripted(
        r#"
[[routines.page.steps]]
request = "GET /page"
outcomes = [{ status = 200, outcome = "done" }]
[[operations.sign_in.steps]]
call = "page"
[[operations.sign_in.steps]]
request = "POST /in"
json = { email = "{email}" }
outcomes = [
    { status = 200, json = [{ pointer = "/mfa", equals = true }], outcome = "challenged" },
    { status = 200, outcome = "signed-in" },
]
[[operations.sign_in.steps]]
request = "POST /send"
outcomes = [{ status = 204, outcome = "challenged" }]
[[operations.verify.steps]]
request = "POST /code"
outcomes = [{ status = 200, outcome = "signed-in" }]
"#,
    )
    .await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    s.says("GET", "/page", |_| ResponseTemplate::new(200)).await;
    s.says("POST", "/in", move |_| {
        json(200, j!({ "mfa": count.fetch_add(1, Ordering::Relaxed) == 0 }))
    })
    .await;
    s.says("POST", "/send", |_| ResponseTemplate::new(204)).await;
    let answer = s.perform(&mut device(), sign_in()).await;
    assert_eq!((answer.outcome, answer.exchanges.len()), (Outcome::Challenged, 3));
    let answer = s.perform(&mut device(), sign_in()).await;
    assert_eq!(
        (answer.outcome, answer.exchanges.len()),
        (Outcome::SignedIn, 2),
        "ends before /send"
    );
}

#[tokio::test]
async fn point_1_a_step_is_left_out_by_a_variable_that_is_set_or_an_argument_that_is_other() {
    let s = scripted(&format!(
        r#"{REST}
[[operations.set_two_step.steps]]
unless = "csrf"
request = "GET /page"
outcomes = [{{ status = 200, outcome = "done" }}]
take = [{{ name = "csrf", header = "x-csrf" }}]
[[operations.set_two_step.steps]]
when = {{ enabled = true }}
request = "POST /on"
json = {{ password = "{{password?}}" }}
outcomes = [{{ status = 200, outcome = "done" }}]
[[operations.set_two_step.steps]]
when = {{ enabled = false }}
request = "POST /off"
outcomes = [{{ status = 200, outcome = "done" }}]
"#
    ))
    .await;
    for (verb, at) in [("GET", "/page"), ("POST", "/on"), ("POST", "/off")] {
        s.says(verb, at, |_| ResponseTemplate::new(200).insert_header("x-csrf", "c"))
            .await;
    }
    let mut device = device();
    for enabled in [true, false] {
        let set = Operation::SetTwoStep { enabled, password: None };
        assert_eq!(s.perform(&mut device, set).await.outcome, Outcome::Done);
    }
    assert_eq!(s.sent().await, ["GET /page", "POST /on {}", "POST /off"]);
}

#[tokio::test]
async fn point_3_trust_is_asked_for_at_sign_in_at_verify_or_in_a_step_of_its_own() {
    let s = scripted(
        r#"
[[operations.sign_in.steps]]
request = "POST /in"
json = { remember = "{trust}" }
outcomes = [{ status = 200, outcome = "challenged" }]
[[operations.verify.steps]]
request = "POST /code"
json = { code = "{code}" }
outcomes = [
    { status = 401, json = [{ pointer = "/next", equals = "trust" }], outcome = "done" },
    { status = 200, outcome = "signed-in" },
]
[[operations.verify.steps]]
request = "POST /trust"
form = { trust = "{trust}" }
outcomes = [{ status = 200, outcome = "signed-in" }]
"#,
    )
    .await;
    s.says("POST", "/in", |_| ResponseTemplate::new(200)).await;
    s.says("POST", "/code", |_| json(401, j!({ "next": "trust" }))).await;
    s.says("POST", "/trust", |_| ResponseTemplate::new(200)).await;
    s.perform(&mut device(), sign_in()).await;
    let answer = s.perform(&mut device(), verify("1")).await;
    assert_eq!(answer.outcome, Outcome::SignedIn);
    let decline = [RequestMutation::SetField("trust".to_owned(), false.into())];
    s.target
        .perform_with(&mut device(), sign_in(), &decline)
        .await
        .expect("is sent");
    let left_out = [RequestMutation::DropField("trust".to_owned())];
    s.target
        .perform_with(&mut device(), sign_in(), &left_out)
        .await
        .expect("is sent");
    assert_eq!(
        s.sent().await,
        [
            r#"POST /in {"remember":true}"#,
            r#"POST /code {"code":"1"}"#,
            "POST /trust trust=true",
            r#"POST /in {"remember":false}"#,
            "POST /in {}",
        ]
    );
}

#[tokio::test]
async fn point_4_an_operation_left_out_is_not_offered() {
    let s = scripted(REST).await;
    assert!(s.target.offers(OperationKind::Verify) && !s.target.offers(OperationKind::Resend));
    let error = s
        .target
        .perform(&mut device(), Operation::Resend {})
        .await
        .expect_err("is not offered");
    assert!(matches!(error, TargetError::NotOffered(OperationKind::Resend)));
    assert!(s.sent().await.is_empty(), "nothing is sent");
}

const MAILED: &str = r#"
[mail]
code = ['code: ([A-Z0-9-]+)', '[?&]key=(\w+)']
[facts]
mail_slow_s = 1
[[operations.create_account.steps]]
request = "POST /up"
json = { email = "{email}" }
outcomes = [{ status = 401, outcome = "done" }]
[[operations.create_account.steps]]
mail = { to = "{email}", into = "mailed" }
[[operations.create_account.steps]]
request = "POST /confirm/{mailed}"
outcomes = [{ status = 200, outcome = "done" }, { status = 400, outcome = "refused", reason = "code" }]
"#;

#[tokio::test]
async fn point_9_a_message_to_the_address_after_the_mark_is_waited_for() {
    let s = scripted(&format!("{MAILED}{REST}")).await;
    let deliveries = s.target.deliveries().clone();
    deliveries.record(mail("a@x.test", "code: OLD-1"));
    s.says("POST", "/up", move |_| {
        deliveries.record(mail("other@x.test", "code: NOT-YOURS"));
        deliveries.record(mail("a@x.test", "welcome"));
        deliveries.record(mail("A@x.test", "https://x.test/in?a=1&key=LINKED"));
        ResponseTemplate::new(401)
    })
    .await;
    s.says("POST", "/confirm/LINKED", |_| ResponseTemplate::new(200)).await;
    let create = |email: &str| Operation::CreateAccount {
        email: email.to_owned(),
        password: "p".to_owned(),
    };
    assert_eq!(s.perform(&mut device(), create("a@x.test")).await.outcome, Outcome::Done);
    let error = s
        .target
        .perform(&mut device(), create("nobody@x.test"))
        .await
        .expect_err("no mail comes");
    assert!(error.to_string().contains("no message to nobody@x.test"), "{error}");
}

#[tokio::test]
async fn point_9_a_wrong_code_has_the_shape_of_the_right_one() {
    let s = scripted(REST).await;
    let codes: Vec<String> = (0..50).map(|nth| s.target.wrong_code("QX7B-PF4K", nth)).collect();
    let shape = regex::Regex::new("^[A-Z]{2}[0-9][A-Z]-[A-Z]{2}[0-9][A-Z]$").expect("a pattern");
    assert!(
        codes.iter().all(|code| code != "QX7B-PF4K" && shape.is_match(code)),
        "{codes:?}"
    );
    let different: std::collections::BTreeSet<_> = codes.iter().collect();
    assert_eq!(different.len(), 50);
}

#[tokio::test]
async fn point_10_a_second_actor_is_set_up_once_and_gives_what_it_gets() {
    let s = scripted(&format!(
        r#"{REST}
[[actors.owner.steps]]
request = "POST /bootstrap"
json = {{ email = "owner-{{run}}@x.test" }}
outcomes = [{{ status = 200, outcome = "done" }}]
[[operations.create_account.steps]]
as = "owner"
request = "POST /invite"
json = {{ email = "{{email}}" }}
outcomes = [{{ status = 200, outcome = "done" }}]
take = [{{ name = "invite", pointer = "/invite", required = true }}]
share = ["invite"]
[[operations.create_account.steps]]
request = "POST /join"
json = {{ invite = "{{invite}}", password = "{{password}}" }}
outcomes = [{{ status = 200, outcome = "done" }}]
"#
    ))
    .await;
    s.says("POST", "/bootstrap", |_| {
        ResponseTemplate::new(200).insert_header("set-cookie", "owner=1; Path=/")
    })
    .await;
    s.says("POST", "/invite", |request| {
        let mine = request.headers.get("cookie").is_some_and(|cookie| cookie == "owner=1");
        if mine {
            json(200, j!({ "invite": "i-7" }))
        } else {
            ResponseTemplate::new(403)
        }
    })
    .await;
    s.says("POST", "/join", |request| match request.headers.contains_key("cookie") {
        true => ResponseTemplate::new(403),
        false => ResponseTemplate::new(200),
    })
    .await;
    for _ in 0..2 {
        let create = Operation::CreateAccount {
            email: "a@x.test".to_owned(),
            password: "p".to_owned(),
        };
        assert_eq!(s.perform(&mut device(), create).await.outcome, Outcome::Done);
    }
    let sent = s.sent().await;
    assert_eq!(
        sent.iter().filter(|line| line.starts_with("POST /bootstrap")).count(),
        1,
        "{sent:?}"
    );
    assert_eq!(
        sent.iter()
            .filter(|line| *line == r#"POST /join {"invite":"i-7","password":"p"}"#)
            .count(),
        2,
        "{sent:?}"
    );
}

#[tokio::test]
async fn point_12_declared_facts_become_parameters_and_capabilities() {
    let s = scripted(&format!(
        r#"capabilities = ["email", "trust"]
[parameters]
code_ttl_s = 30
[facts]
code_granularity_s = 30.0
code_shortest_s = 30.0
pause_after_wrong_ms = 40
mail_slow_s = 9
limits = "on"
code_belongs_to = "challenge"
two_step_by_default = "off"
[clock]
mode = "waiting"
budget_s = 0
{REST}"#
    ))
    .await;
    for capability in [
        Capability::Email,
        Capability::Trust,
        Capability::Limits,
        Capability::CodePerChallenge,
    ] {
        assert!(s.target.has(capability), "{capability:?}");
    }
    assert!(!s.target.has(Capability::Push) && !s.target.two_step_by_default());
    assert_eq!((s.target.parameters().code_ttl_s, s.target.parameters().code_length), (30, 6));
    assert_eq!(s.target.delivery_patience().as_secs(), 9);
    let error = s
        .target
        .advance(std::time::Duration::from_secs(1))
        .await
        .expect_err("over the budget");
    assert!(matches!(error, TargetError::Clock(_)));
    s.says("POST", "/code", |_| {
        ResponseTemplate::new(429).insert_header("retry-after", "7")
    })
    .await;
    let started = std::time::Instant::now();
    let answer = s.perform(&mut device(), verify("1")).await;
    assert_eq!(answer.outcome, Outcome::Limited { retry_after_s: Some(7) });
    assert!(
        started.elapsed().as_millis() >= 40,
        "the declared pause is left after a wrong code"
    );
}

#[tokio::test]
async fn a_required_value_that_is_missing_is_the_bindings_fault_and_a_refusal_needs_none() {
    let s = scripted(
        r#"
[[operations.sign_in.steps]]
request = "POST /in"
outcomes = [{ status = 200, outcome = "challenged" }, { status = 401, outcome = "refused", reason = "credentials" }]
take = [{ name = "handle", pointer = "/handle", required = true }]
[[operations.verify.steps]]
request = "POST /code"
outcomes = [{ status = 200, outcome = "signed-in" }]
"#,
    )
    .await;
    let status = Arc::new(AtomicUsize::new(200));
    let now = status.clone();
    s.says("POST", "/in", move |_| {
        let status = u16::try_from(now.load(Ordering::Relaxed)).unwrap_or(500);
        json(status, j!({}))
    })
    .await;
    let error = s
        .target
        .perform(&mut device(), sign_in())
        .await
        .expect_err("handle is missing");
    assert!(error.to_string().contains("`handle` is not in it"), "{error}");
    status.store(401, Ordering::Relaxed);
    let refused = Outcome::Refused {
        reason: Refusal::Credentials,
    };
    assert_eq!(s.perform(&mut device(), sign_in()).await.outcome, refused);
}
