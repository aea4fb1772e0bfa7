//! Reading answers: matchers, cookies, variables, rows.

use serde_json::json as j;
use targets::{CredentialKind, Device, Operation, Outcome, Refusal, Target};
use wiremock::ResponseTemplate;

use super::common::{REST, device, json, scripted, sign_in, verify};

const REFUSED: Outcome = Outcome::Refused {
    reason: Refusal::Session,
};

#[tokio::test]
async fn point_2_status_json_body_and_location_tell_the_outcome_in_order() {
    let s = scripted(&format!(
        r#"{REST}
[[operations.who_am_i.steps]]
request = "GET /me"
outcomes = [
    {{ status = 200, json = [{{ pointer = "", null = true }}], outcome = "refused", reason = "session" }},
    {{ status = 200, json = [{{ pointer = "/user", present = true }}, {{ pointer = "/error", present = false }}], outcome = "done" }},
    {{ status = [302, 303], location = '/login(\?|$)', outcome = "refused", reason = "session" }},
    {{ status = [302, 303], location = '/home$', outcome = "done" }},
    {{ body = '<h1>Bad', outcome = "refused", reason = "invalid" }},
]
"#
    ))
    .await;
    let html = |text: &str| ResponseTemplate::new(200).set_body_raw(text.to_owned(), "text/html");
    let to = |place: &str| ResponseTemplate::new(302).insert_header("location", place);
    let invalid = Outcome::Refused {
        reason: Refusal::Invalid,
    };
    let limited = Outcome::Limited { retry_after_s: None };
    for (answer, outcome) in [
        (json(200, j!(null)), REFUSED),
        (json(200, j!({ "user": 1 })), Outcome::Done),
        (json(200, j!({ "user": 1, "error": "x" })), Outcome::Unrecognised),
        (to("/login?next=/me"), REFUSED),
        (to("https://x.test/home"), Outcome::Done),
        (to("/loginx"), Outcome::Unrecognised),
        (html("<h1>Bad request"), invalid),
        (html("<h1>Hello"), Outcome::Unrecognised),
        (ResponseTemplate::new(429), limited),
        (ResponseTemplate::new(502), Outcome::ServerError),
    ] {
        s.server.reset().await;
        s.says("GET", "/me", move |_| answer.clone()).await;
        let read = s.perform(&mut device(), Operation::WhoAmI {}).await.outcome;
        assert_eq!(read, outcome, "{:?}", s.sent().await);
    }
}

#[tokio::test]
async fn point_5_a_jar_for_each_device_and_what_it_keeps_after_signing_out() {
    let s = scripted(&format!(
        r#"{REST}
[credentials]
trust = {{ cookie = "tf_validity" }}
access = {{ cookie = "session" }}
[keep]
cookies = ['^tf_', '^device\.']
[[operations.sign_out.steps]]
request = "POST /out"
outcomes = [{{ status = 200, outcome = "done" }}]
"#
    ))
    .await;
    s.says("POST", "/in", |_| ResponseTemplate::new(200)).await;
    s.says("POST", "/code", |_| {
        ResponseTemplate::new(200)
            .append_header("set-cookie", "session=s1; Path=/")
            .append_header("set-cookie", "tf_validity=t1; Path=/; Max-Age=1000")
            .append_header("set-cookie", "gone=1; Path=/; Max-Age=0")
            .append_header("set-cookie", "old=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
            .append_header("set-cookie", "elsewhere=1; Path=/other")
    })
    .await;
    s.says("POST", "/out", |_| ResponseTemplate::new(200)).await;
    let (mut phone, mut laptop) = (device(), Device::new("laptop", "i-2"));
    let answer = s.perform(&mut phone, verify("1")).await;
    assert!(answer.facts.trust_granted);
    s.perform(&mut phone, sign_in()).await;
    s.perform(&mut laptop, sign_in()).await;
    s.perform(&mut phone, Operation::SignOut {}).await;
    assert_eq!(s.target.credential(&phone, CredentialKind::Trust).as_deref(), Some("t1"));
    assert_eq!(s.target.credential(&phone, CredentialKind::Access), None);
    s.target
        .set_credential(&mut laptop, CredentialKind::Trust, Some("stolen".to_owned()));
    let answer = s.perform(&mut laptop, sign_in()).await;
    assert!(!answer.facts.trust_granted, "held before, not granted now");
    let requests = s.server.received_requests().await.expect("are recorded");
    let cookie = |r: &wiremock::Request| r.headers.get("cookie").map(|v| v.to_str().unwrap_or_default().to_owned());
    let sent: Vec<_> = requests.iter().map(cookie).collect();
    let both = Some("session=s1; tf_validity=t1".to_owned());
    assert_eq!(sent, [None, both.clone(), None, both, Some("tf_validity=stolen".to_owned())]);
}

#[tokio::test]
async fn point_7_variables_are_taken_after_every_answer_from_pointer_cookie_header_and_html() {
    let s = scripted(
        r#"
take = [
    { name = "csrf", pointer = "/meta/csrf" },
    { name = "odd", pointer = "/" },
    { name = "seen", cookie = "seen" },
    { name = "trace", header = "X-Trace" },
    { name = "nothing", pointer = "/nothing" },
]
[[operations.sign_in.steps]]
request = "GET /page"
outcomes = [{ status = 200, outcome = "done" }]
take = [{ name = "field", html = 'name="t" value="([^"]*)"' }]
[[operations.sign_in.steps]]
request = "POST /in/{field}"
headers = { X-Csrf = "{csrf?}", X-Odd = "{odd?}" }
json = { count = "{count|int}", deep = [{ at = "{trace}-{seen}" }], trust = "{trust}", fixed = 3 }
outcomes = [{ status = 200, outcome = "challenged" }]
[[operations.verify.steps]]
request = "POST /code"
form = { csrf = "{csrf}", code = "{code}" }
outcomes = [{ status = 200, outcome = "signed-in" }]
[[operations.resend.steps]]
request = "POST /never"
outcomes = [{ status = 200, outcome = "done" }]
take = [{ name = "count", pointer = "/count" }]
"#,
    )
    .await;
    s.says("GET", "/page", |_| {
        ResponseTemplate::new(200)
            .insert_header("x-trace", "t9")
            .insert_header("set-cookie", "seen=1; Path=/")
            .set_body_raw(r#"<input name="t" value="a/b&amp;c">"#, "text/html")
    })
    .await;
    s.says("POST", "/in/a%2Fb%26c", |_| {
        json(200, j!({ "meta": { "csrf": "c 1" }, "": "empty key", "nothing": null }))
    })
    .await;
    s.says("POST", "/code", |_| json(200, j!({ "meta": { "csrf": "c2" } }))).await;
    let mut device = device();
    device.variables.insert("count".to_owned(), "12".to_owned());
    assert_eq!(s.perform(&mut device, sign_in()).await.outcome, Outcome::Challenged);
    assert_eq!(device.variables.get("odd").map(String::as_str), Some("empty key"));
    assert!(!device.variables.contains_key("nothing"), "null is nothing");
    s.perform(&mut device, verify("00 1")).await;
    assert_eq!(
        device.variables.get("csrf").map(String::as_str),
        Some("c2"),
        "the latest counts"
    );
    assert_eq!(
        s.sent().await,
        [
            "GET /page",
            r#"POST /in/a%2Fb%26c {"count":12,"deep":[{"at":"t9-1"}],"fixed":3,"trust":true}"#,
            "POST /code code=00%201&csrf=c%201",
        ]
    );
}

#[tokio::test]
async fn point_11_rows_by_pointer_and_the_current_one_by_flag_or_by_equality() {
    let s = scripted(&format!(
        r#"{REST}
[[operations.who_am_i.steps]]
request = "GET /me"
outcomes = [{{ status = 200, outcome = "done" }}]
take = [{{ name = "session", pointer = "/id" }}]
[[operations.list_devices.steps]]
call = "who_am_i"
[[operations.list_devices.steps]]
request = "GET /devices"
outcomes = [{{ status = 200, outcome = "done" }}]
devices = {{ rows = "/data", fields = {{ id = "/id", name = "/ua/name" }}, current_equals = "session" }}
[[operations.list_challenges.steps]]
request = "GET /pending"
outcomes = [{{ status = 200, outcome = "done" }}]
challenges = {{ rows = "", fields = {{ id = "/id", method = "/by", attempts_left = "/left" }} }}
[[operations.read_activity.steps]]
request = "GET /devices"
outcomes = [{{ status = 200, outcome = "done" }}]
devices = {{ rows = "/data", fields = {{ id = "/id", current = "/is_current" }} }}
"#
    ))
    .await;
    s.says("GET", "/me", |_| json(200, j!({ "id": 2 }))).await;
    s.says("GET", "/devices", |_| {
        json(
            200,
            j!({ "data": [{ "id": 1, "ua": { "name": "phone" } }, { "id": 2, "is_current": true }] }),
        )
    })
    .await;
    s.says("GET", "/pending", |_| {
        json(200, j!([{ "id": "c1", "by": "email", "left": 4 }]))
    })
    .await;
    let mut device = device();
    let rows = s
        .perform(&mut device, Operation::ListDevices {})
        .await
        .facts
        .devices
        .expect("has rows");
    let short: Vec<_> = rows
        .iter()
        .map(|row| (row.id.as_str(), row.name.as_deref(), row.current))
        .collect();
    assert_eq!(short, [("1", Some("phone"), Some(false)), ("2", None, Some(true))]);
    let rows = s
        .perform(&mut device, Operation::ReadActivity {})
        .await
        .facts
        .devices
        .expect("has rows");
    assert_eq!(rows.iter().map(|row| row.current).collect::<Vec<_>>(), [None, Some(true)]);
    let pending = s
        .perform(&mut device, Operation::ListChallenges {})
        .await
        .facts
        .challenges
        .expect("has rows");
    assert_eq!((pending[0].id.as_deref(), pending[0].attempts_left), (Some("c1"), Some(4)));
    assert_eq!(pending[0].method, Some(targets::Channel::Email));
}
