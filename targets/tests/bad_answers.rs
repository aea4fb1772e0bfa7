//! What a broken or hostile target answers never panics and is never mistaken for a proper answer.

mod common;

use common::{answering, json, native, server};
use targets::{Device, Operation, Outcome, Refusal, Target, TargetError};
use tokio::io::AsyncWriteExt;

fn sign_in() -> Operation {
    Operation::SignIn {
        email: "a@example.test".to_owned(),
        password: "correct horse".to_owned(),
    }
}

async fn outcome(answer: impl Into<Vec<u8>>) -> Result<Outcome, TargetError> {
    let target = native(&answering(answer).await, 5000);
    let mut device = Device::new("phone", "i-1");
    let answer = target.perform(&mut device, sign_in()).await?;
    assert!(
        device.variables.is_empty() || answer.accepted(),
        "credentials are taken from accepted answers only"
    );
    Ok(answer.outcome)
}

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

#[tokio::test]
async fn contents_that_do_not_fit_are_not_recognised() {
    let session = r#"{"session":{"access_token":"at_1","refresh_token":"rt_1"}}"#;
    for answer in [
        json("201 Created", JSON, "", "not json"),
        json("201 Created", JSON, "", "{}"),
        json("201 Created", JSON, "", r#"{"session":{"access_token":7}}"#),
        json("200 OK", JSON, "", session),
        json("202 Accepted", JSON, "", session),
        json("202 Accepted", JSON, "", "[[[[[["),
        json("204 No Content", JSON, "", ""),
        json("302 Found", "text/html", "Location: http://127.0.0.1:1/\r\n", ""),
        json("401 Unauthorized", JSON, "", "{}"),
        json(
            "401 Unauthorized",
            PROBLEM,
            "",
            r#"{"type":"https://elsewhere.example/invalid-credentials"}"#,
        ),
        json(
            "400 Bad Request",
            PROBLEM,
            "",
            r#"{"type":"https://stepproof.dev/problems/invalid-credentials"}"#,
        ),
        json("429 Too Many Requests", "text/html", "Retry-After: 3\r\n", "<html>"),
        json("200 OK", "text/html", "Set-Cookie: \u{1}\u{1}=;;;=\r\n", "<html>\u{0}"),
    ] {
        match outcome(answer.clone()).await {
            Ok(seen) => assert_eq!(seen, Outcome::Unrecognised, "{answer}"),
            Err(TargetError::Unreachable { .. }) => {}
            Err(error) => panic!("{answer}: {error}"),
        }
    }
}

#[tokio::test]
async fn proper_answers_are_told_apart() {
    let problem = |slug: &str| format!(r#"{{"type":"https://stepproof.dev/problems/{slug}","status":0}}"#);
    let refused = |reason| Outcome::Refused { reason };
    let limited = |retry_after_s| Outcome::Limited { retry_after_s };
    let cases = [
        (
            json("401 Unauthorized", PROBLEM, "", &problem("invalid-credentials")),
            refused(Refusal::Credentials),
        ),
        (
            json("403 Forbidden", PROBLEM, "", &problem("update-required")),
            refused(Refusal::UpdateRequired),
        ),
        (
            json("429 Too Many", PROBLEM, "Retry-After: 17\r\n", &problem("send-too-soon")),
            limited(Some(17)),
        ),
        (
            json("429 Too Many", PROBLEM, "Retry-After: soon\r\n", &problem("send-too-soon")),
            limited(None),
        ),
        (json("503 Unavailable", "text/html", "", "<html>"), Outcome::ServerError),
        (
            json("202 Accepted", JSON, "", r#"{"challenge":{"handle":"ch_1","id":"chl_1"}}"#),
            Outcome::Challenged,
        ),
    ];
    for (answer, expected) in cases {
        assert_eq!(outcome(answer.clone()).await.unwrap(), expected, "{answer}");
    }
}

#[tokio::test]
async fn broken_conversations_are_unreachable() {
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n{}", "x".repeat(999_999));
    for answer in [
        "",
        "\u{0}\u{1}\u{2}garbage\r\n\r\n",
        "HTTP/1.1 999999 What\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"half\":",
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        long.as_str(),
    ] {
        let seen = outcome(answer).await;
        assert!(matches!(seen, Err(TargetError::Unreachable { .. })), "{answer:.60}: {seen:?}");
    }
}

#[tokio::test]
async fn silence_ends_in_time_and_a_closed_port_at_once() {
    let origin = server(|mut socket| async move {
        common::request(&mut socket).await;
        std::future::pending::<()>().await;
    })
    .await;
    let target = native(&origin, 80);
    let mut device = Device::new("phone", "i-1");
    let seen = target.perform(&mut device, sign_in()).await;
    assert!(
        matches!(&seen, Err(TargetError::Unreachable { reason, .. }) if reason.contains("within 80 ms")),
        "{seen:?}"
    );
    let kept = target.transcript().exchanges();
    assert_eq!(
        (kept.len(), kept[0].status),
        (1, 0),
        "what was asked in vain is in the transcript"
    );
    let closed = native("http://127.0.0.1:1", 5000).perform(&mut device, sign_in()).await;
    assert!(matches!(closed, Err(TargetError::Unreachable { .. })), "{closed:?}");
}

#[tokio::test]
async fn a_plain_server_behind_an_https_url_is_unreachable() {
    let origin = server(|mut socket| async move {
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let target = native(&origin.replace("http://", "https://"), 5000);
    let seen = target.perform(&mut Device::new("phone", "i-1"), sign_in()).await;
    assert!(matches!(seen, Err(TargetError::Unreachable { .. })), "{seen:?}");
}

#[tokio::test]
async fn what_http_cannot_carry_is_the_callers_mistake() {
    let target = native("http://127.0.0.1:1", 500);
    let mut device = Device::new("phone", "i-1");
    device.app_version = Some("1\r\nX: 2".to_owned());
    let seen = target.perform(&mut device, sign_in()).await;
    assert!(matches!(seen, Err(TargetError::Binding { .. })), "{seen:?}");
}
