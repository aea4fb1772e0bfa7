//! The admin interface, each answer judged by its contract.

mod common;

use common::{admin, judged, request};
use reference_server::adapters::admin::Admin;
use reference_server::adapters::prometheus;
use reference_server::http::Router;
use serde_json::{Value, json};
use specs::openapi::Contract;

struct Bench {
    admin: Admin,
    contract: Contract,
}

impl Bench {
    fn new() -> Self {
        Self {
            admin: admin(),
            contract: Contract::load_admin(),
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = request(method, path, None, body.as_ref());
        judged(&self.contract, &request, &self.admin.answer(&request).await)
    }

    /// A request to the public API.
    async fn api(&self, path: &str, body: &Value) -> (u16, Value) {
        let router = Router::from(self.admin.service.clone());
        let answer = router.answer(request("POST", path, None, Some(body))).await;
        (
            answer.status().as_u16(),
            serde_json::from_slice(answer.body()).unwrap_or(Value::Null),
        )
    }

    async fn sign_in(&self, email: &str, password: &str) -> u16 {
        let body = json!({"email": email, "password": password, "device": {"installation": "i-1", "name": "Phone"}});
        self.api("/v1/sign-ins", &body).await.0
    }
}

#[tokio::test]
async fn the_clock_moves_as_told() {
    let bench = Bench::new();
    let (_, start) = bench.ask("GET", "/clock", None).await;
    let start = start["now_ms"].as_i64().unwrap();
    let (_, later) = bench.ask("POST", "/clock", Some(json!({"advance_ms": 1500}))).await;
    assert_eq!(later["now_ms"], start + 1500);
    let (_, earlier) = bench.ask("POST", "/clock", Some(json!({"advance_ms": -500}))).await;
    assert_eq!(earlier["now_ms"], start + 1000);
    let (_, set) = bench.ask("POST", "/clock", Some(json!({"set_ms": 7}))).await;
    assert_eq!(set["now_ms"], 7);
    for wrong in [
        json!({}),
        json!({"advance_ms": 1, "freeze": true}),
        json!({"set_ms": -1}),
        json!({"by": 1}),
    ] {
        assert_eq!(bench.ask("POST", "/clock", Some(wrong)).await.0, 400);
    }
    assert_eq!(bench.ask("GET", "/clock", None).await.1["now_ms"], 7);
    assert_eq!(bench.ask("DELETE", "/clock", None).await.0, 405);
}

#[tokio::test]
async fn accounts_by_the_thousand_are_there_at_once() {
    let bench = Bench::new();
    let seeds: Vec<Value> = (0..2_000)
        .map(|nth| json!({"email": format!("u{nth}@example.test"), "password": "correct horse"}))
        .collect();
    let (status, created) = bench.ask("POST", "/accounts", Some(json!({"accounts": seeds}))).await;
    assert_eq!((status, &created["created"]), (201, &json!(2_000)));
    assert_eq!(bench.admin.service.deps().store.count().await.unwrap(), 2_000);
    assert_eq!(bench.sign_in("u1999@example.test", "correct horse").await, 202);

    // A taken address starts anew, and one wrong row changes nothing.
    let anew = json!({"email": "U7@example.test", "password": "another horse", "two_step": false});
    let wrong = json!({"email": "no address", "password": "x"});
    let (status, _) = bench.ask("POST", "/accounts", Some(json!({"accounts": [anew, wrong]}))).await;
    assert_eq!(status, 400);
    assert_eq!(bench.sign_in("u7@example.test", "correct horse").await, 202);
    bench.ask("POST", "/accounts", Some(json!({"accounts": [anew]}))).await;
    assert_eq!(bench.sign_in("u7@example.test", "another horse").await, 201);
    assert_eq!(bench.admin.service.deps().store.count().await.unwrap(), 2_000);

    assert_eq!(bench.ask("POST", "/reset", None).await.0, 204);
    assert_eq!(bench.admin.service.deps().store.count().await.unwrap(), 0);
}

/// A trust credential in the server's shape.
fn trust_token(nth: usize) -> String {
    format!("tt_{nth:043}")
}

#[tokio::test]
async fn an_account_may_come_with_a_trusted_device() {
    let bench = Bench::new();
    let device = json!({"installation": "i-7", "name": "Phone", "trust_token": trust_token(7), "push_token": "push-7"});
    let account = json!({"email": "ada@example.test", "password": "correct horse", "device": device});
    assert_eq!(
        bench.ask("POST", "/accounts", Some(json!({"accounts": [account]}))).await.0,
        201
    );

    // The device skips the step with its credential; a new device has a code pushed to it.
    let mut sign_in =
        json!({"email": "ada@example.test", "password": "correct horse", "device": {"installation": "i-8", "name": "New"}});
    let (status, challenge) = bench.api("/v1/sign-ins", &sign_in).await;
    assert_eq!(
        (status, &challenge["challenge"]["method"]),
        (202, &json!("push")),
        "{challenge}"
    );
    let counts = prometheus::render(bench.admin.service.metrics(), 1);
    let pushed = r#"stepproof_messages_total{channel="push",kind="code",result="taken"} 1"#;
    assert!(counts.contains(pushed), "{counts}");
    sign_in["trust_token"] = json!(trust_token(7));
    sign_in["device"] = json!({"installation": "i-7", "name": "Phone"});
    assert_eq!(bench.api("/v1/sign-ins", &sign_in).await.0, 201);
    sign_in["trust_token"] = json!(trust_token(8));
    assert_eq!(bench.api("/v1/sign-ins", &sign_in).await.0, 202);

    // What the server could not have drawn itself is refused, and changes nothing.
    for (field, wrong) in [
        ("trust_token", json!("")),
        ("trust_token", json!("tt_short")),
        ("trust_token", json!(trust_token(7).replace("tt_", "at_"))),
        ("trust_token", Value::Null),
        ("push_token", json!("")),
        ("installation", json!("i".repeat(129))),
        ("name", json!("a\nb")),
        ("trusted", json!(true)),
    ] {
        let mut account = account.clone();
        account["email"] = json!("bob@example.test");
        account["device"][field] = wrong;
        let (status, _) = bench.ask("POST", "/accounts", Some(json!({"accounts": [account]}))).await;
        assert_eq!(status, 400, "{account}");
    }
    assert_eq!(bench.admin.service.deps().store.count().await.unwrap(), 1);
}

#[tokio::test]
async fn an_account_is_switched_off_and_on() {
    let bench = Bench::new();
    let account = json!({"email": "ada@example.test", "password": "correct horse"});
    bench.ask("POST", "/accounts", Some(json!({"accounts": [account]}))).await;
    for (status, signs_in) in [("disabled", 401), ("active", 202)] {
        let body = json!({"email": "ada@example.test", "status": status});
        assert_eq!(bench.ask("POST", "/accounts/status", Some(body)).await.0, 204);
        assert_eq!(bench.sign_in("ada@example.test", "correct horse").await, signs_in);
    }
    let nobody = json!({"email": "bob@example.test", "status": "disabled"});
    assert_eq!(bench.ask("POST", "/accounts/status", Some(nobody)).await.0, 404);
}

#[tokio::test]
async fn the_mailbox_shows_what_was_sent_until_email_goes_elsewhere() {
    let mut bench = Bench::new();
    let account = json!({"email": "ada@example.test", "password": "correct horse"});
    bench.ask("POST", "/accounts", Some(json!({"accounts": [account]}))).await;
    bench.sign_in("ada@example.test", "correct horse").await;
    let (_, mailbox) = bench.ask("GET", "/mailbox/ada%40example.test", None).await;
    assert_eq!(mailbox["messages"][0]["kind"], "code");
    assert!(mailbox["messages"][0]["text"].as_str().unwrap().contains("code is: "));
    assert_eq!(
        bench.ask("GET", "/mailbox/bob@example.test", None).await.1,
        json!({"messages": []})
    );
    bench.admin.mailbox = None;
    assert_eq!(bench.ask("GET", "/mailbox/ada@example.test", None).await.0, 404);
}

#[tokio::test]
async fn delivery_targets_are_checked_before_any_takes_effect() {
    let bench = Bench::new();
    for (target, status) in [
        (
            json!({"email": {"kind": "smtp", "url": "smtp://127.0.0.1:9", "from": "a@x.test"}}),
            204,
        ),
        (
            json!({"email": {"kind": "sendgrid", "url": "http://127.0.0.1:9"}, "push": {"url": "http://127.0.0.1:9"}}),
            204,
        ),
        (json!({}), 204),
        (json!({"email": {"kind": "smtp", "url": "http://127.0.0.1:9"}}), 400),
        (
            json!({"email": {"kind": "smtp", "url": "smtp://127.0.0.1:9", "from": "nobody"}}),
            400,
        ),
        (json!({"email": {"kind": "pigeon", "url": "smtp://127.0.0.1:9"}}), 400),
        (json!({"push": {"url": "no url"}}), 400),
        (json!({"fax": {}}), 400),
    ] {
        assert_eq!(
            bench.ask("PUT", "/delivery", Some(target.clone())).await.0,
            status,
            "{target}"
        );
    }
}

#[tokio::test]
async fn health_and_counts() {
    let bench = Bench::new();
    assert_eq!(bench.ask("GET", "/healthz", None).await.1, json!({"status": "ok"}));
    let account = json!({"email": "ada@example.test", "password": "correct horse"});
    bench.ask("POST", "/accounts", Some(json!({"accounts": [account]}))).await;
    bench.sign_in("ada@example.test", "correct horse").await;
    let ask = request("GET", "/metrics", None, None);
    let answer = bench.admin.answer(&ask).await;
    judged(&bench.contract, &ask, &answer);
    let text = String::from_utf8(answer.body().to_vec()).unwrap();
    // A scraper that is told OpenMetrics refuses a page without its end, or with anything behind it.
    assert_eq!(
        answer.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert_eq!(text.find("# EOF\n"), text.len().checked_sub("# EOF\n".len()), "{text}");
    for line in [
        "stepproof_accounts 1",
        "stepproof_live_challenges 1",
        "stepproof_live_sessions 0",
        r#"stepproof_messages_total{channel="email",kind="code",result="taken"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("ada"), "{text}");
    #[cfg(target_os = "linux")]
    for name in ["process_cpu_seconds_total", "process_resident_memory_bytes"] {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        assert!(value.is_some_and(|value| value >= 0.0), "{name} is missing in\n{text}");
    }
}
