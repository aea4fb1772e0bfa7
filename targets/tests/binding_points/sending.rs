//! Sending: headers, bodies, pages, redirects, parallel copies.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json as j;
use targets::{Operation, Outcome, RequestMutation, Target};
use wiremock::{Request, ResponseTemplate};

use super::common::{REST, device, json, scripted, sign_in, verify};

fn header(request: &Request, name: &str) -> Option<String> {
    let value = request.headers.get(name)?;
    Some(value.to_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn point_6_headers_constant_from_a_cookie_or_a_variable_left_out_while_unset_forgotten_after_sign_out() {
    let s = scripted(&format!(
        r#"
[request]
headers = {{ X-Client = "app", X-Csrf = "{{cookie:csrftoken?}}", X-Session = "{{token?}}", Origin = "{{origin}}", App-Version = "{{app_version?}}" }}
[keep]
cookies = ['.']
[[operations.sign_out.steps]]
request = "DELETE /session"
outcomes = [{{ status = 401, outcome = "done" }}]
forget = ["token"]
{}"#,
        REST.replacen(
            "outcomes",
            "take = [{ name = \"token\", pointer = \"/meta/token\" }]\noutcomes",
            1
        )
    ))
    .await;
    s.says("POST", "/in", |_| {
        json(200, j!({ "meta": { "token": "t1" } })).insert_header("set-cookie", "csrftoken=c1; Path=/")
    })
    .await;
    s.says("DELETE", "/session", |_| ResponseTemplate::new(401)).await;
    let mut device = device();
    device.app_version = None;
    s.perform(&mut device, sign_in()).await;
    s.perform(&mut device, Operation::SignOut {}).await;
    device.app_version = Some("2.3.0".to_owned());
    let twice = [RequestMutation::RepeatVersion("9.9.9".to_owned())];
    s.target.perform_with(&mut device, sign_in(), &twice).await.expect("is sent");
    let sent = s.server.received_requests().await.expect("are recorded");
    let told = |r: &Request| (header(r, "x-csrf"), header(r, "x-session"));
    let some = |text: &str| Some(text.to_owned());
    let all: Vec<_> = sent.iter().map(told).collect();
    assert_eq!(all, [(None, None), (some("c1"), some("t1")), (some("c1"), None)]);
    assert!(
        sent.iter()
            .all(|r| header(r, "x-client") == some("app") && header(r, "origin") == some(&s.server.uri()))
    );
    let versions: Vec<_> = sent.iter().map(|r| r.headers.get_all("app-version").iter().count()).collect();
    assert_eq!(versions, [0, 0, 2]);
}

#[tokio::test]
async fn point_8_json_and_forms_pages_and_redirects_that_are_not_followed() {
    let s = scripted(
        r#"
[[operations.sign_in.steps]]
request = "POST /in"
form = { mail = "{email}", next = "/a b" }
outcomes = [{ status = 302, location = '^/code$', outcome = "challenged" }]
[[operations.verify.steps]]
request = "POST /code"
json = { code = "{code}" }
outcomes = [{ status = 200, body = '<title>Home', outcome = "signed-in" }]
"#,
    )
    .await;
    s.says("POST", "/in", |_| {
        ResponseTemplate::new(302).insert_header("location", "/code")
    })
    .await;
    s.says("POST", "/code", |_| {
        ResponseTemplate::new(200).set_body_raw("<title>Home</title>", "text/html; charset=utf-8")
    })
    .await;
    assert_eq!(s.perform(&mut device(), sign_in()).await.outcome, Outcome::Challenged);
    assert_eq!(s.perform(&mut device(), verify("1")).await.outcome, Outcome::SignedIn);
    let sent = s.server.received_requests().await.expect("are recorded");
    let types: Vec<_> = sent.iter().map(|r| header(r, "content-type").unwrap_or_default()).collect();
    assert_eq!(types, ["application/x-www-form-urlencoded", "application/json"]);
    assert_eq!(s.sent().await[0], "POST /in mail=a%40x.test&next=%2Fa%20b");
}

/// A server that answers 20 times with one session, or each time with another.
async fn race(sessions: usize) -> BTreeSet<String> {
    let s = scripted(
        r#"
[[operations.sign_in.steps]]
request = "POST /in"
outcomes = [{ status = 200, outcome = "challenged" }]
[[operations.verify.steps]]
request = "GET /csrf"
outcomes = [{ status = 200, outcome = "done" }]
take = [{ name = "csrf", pointer = "/csrf" }]
[[operations.verify.steps]]
deciding = true
request = "POST /code"
json = { code = "{code}", csrf = "{csrf}" }
outcomes = [{ status = 200, outcome = "done" }]
[[operations.verify.steps]]
request = "POST /finish"
outcomes = [{ status = 200, outcome = "signed-in" }]
[[operations.who_am_i.steps]]
request = "GET /me"
outcomes = [{ status = 200, json = [{ pointer = "/session" }], outcome = "done" }]
facts = { device_id = "/session" }
"#,
    )
    .await;
    let (asked, opened) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let csrf = asked.clone();
    s.says("GET", "/csrf", move |_| {
        json(200, j!({ "csrf": csrf.fetch_add(1, Ordering::Relaxed) })).insert_header("set-cookie", "before=1; Path=/")
    })
    .await;
    s.says("POST", "/code", move |_| {
        let nth = opened.fetch_add(1, Ordering::Relaxed) % sessions;
        ResponseTemplate::new(200).insert_header("set-cookie", format!("session=s{nth}; Path=/"))
    })
    .await;
    let echo = |r: &Request| json(200, j!({ "session": header(r, "cookie") }));
    s.says("POST", "/finish", echo).await;
    s.says("GET", "/me", echo).await;
    let device = device();
    let answers = s.target.race(&device, verify("1"), 20).await.expect("are sent");
    assert_eq!(asked.load(Ordering::Relaxed), 1, "what comes before is prepared once");
    assert_eq!(answers.len(), 20);
    assert!(device.jar.iter().next().is_none(), "the jar that was given is frozen");
    let mut seen = BTreeSet::new();
    for (answer, mut own) in answers {
        assert_eq!(answer.outcome, Outcome::SignedIn);
        let who = s.perform(&mut own, Operation::WhoAmI {}).await;
        let cookies = who.facts.device_id.expect("is told");
        assert!(cookies.contains("before=1"), "what came before is in every copy: {cookies}");
        seen.insert(cookies);
    }
    seen
}

#[tokio::test]
async fn point_13_twenty_answers_on_one_session_are_told_from_twenty_sessions() {
    assert_eq!(race(1).await.len(), 1);
    assert_eq!(race(20).await.len(), 20);
}
