//! The control interface, each answer judged by its contract.

mod common;

use common::{control, judged, request};
use reference_server::control::Control;
use serde_json::{Value, json};
use specs::openapi::Contract;

struct Bench {
    control: Control,
    contract: Contract,
}

impl Bench {
    fn new() -> Self {
        Self {
            control: control(),
            contract: Contract::load_control(),
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = request(method, path, None, body.as_ref());
        judged(&self.contract, &request, &self.control.answer(&request).await)
    }

    async fn sign_in(&self, email: &str, password: &str) -> u16 {
        let body = json!({"email": email, "password": password, "device": {"installation": "i-1", "name": "Phone"}});
        let request = request("POST", "/v1/sign-ins", None, Some(&body));
        let edge = self.control.service.parts().edge.clone();
        edge.answer(&self.control.service, request).await.status().as_u16()
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
    assert_eq!(bench.control.service.parts().store.count().await, 2_000);
    assert_eq!(bench.sign_in("u1999@example.test", "correct horse").await, 202);

    // A taken address starts anew, and one wrong row changes nothing.
    let anew = json!({"email": "U7@example.test", "password": "another horse", "two_step": false});
    let wrong = json!({"email": "no address", "password": "x"});
    let (status, _) = bench.ask("POST", "/accounts", Some(json!({"accounts": [anew, wrong]}))).await;
    assert_eq!(status, 400);
    assert_eq!(bench.sign_in("u7@example.test", "correct horse").await, 202);
    bench.ask("POST", "/accounts", Some(json!({"accounts": [anew]}))).await;
    assert_eq!(bench.sign_in("u7@example.test", "another horse").await, 201);
    assert_eq!(bench.control.service.parts().store.count().await, 2_000);

    assert_eq!(bench.ask("POST", "/reset", None).await.0, 204);
    assert_eq!(bench.control.service.parts().store.count().await, 0);
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
    bench.control.mailbox = None;
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
    let answer = bench.control.answer(&ask).await;
    judged(&bench.contract, &ask, &answer);
    let text = String::from_utf8(answer.body().to_vec()).unwrap();
    for line in [
        "stepproof_accounts 1",
        "stepproof_live_challenges 1",
        "stepproof_live_sessions 0",
        r#"stepproof_messages_total{channel="email",kind="code",result="taken"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("ada"), "{text}");
}
