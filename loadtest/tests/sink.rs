//! The delivery sink over real connections: what providers' clients send, what they are answered, and what goes wrong on order.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lettre::message::{Mailbox as Address, MultiPart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use loadtest::plan::scenario::Fault;
use loadtest::sink::{Letter, Sink, SinkOptions, Trouble, Wanted};
use reference_server::adapters::mailer::{EmailTarget, ProviderMailer, PushTarget, Templates};
use reference_server::domain::{ChallengeId, Timestamp};
use reference_server::parts::{DeliveryError, Mailer, Message as Outbound, MessageContent, Recipient};
use serde_json::{Value, json};
use targets::Channel;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anything here takes that does happen.
const SOON: Duration = Duration::from_secs(20);

fn sink() -> Sink {
    Sink::start(SinkOptions::new(targets::Native::patterns())).unwrap()
}

fn address(sink: &Sink) -> String {
    sink.http_url().trim_start_matches("http://").to_owned()
}

async fn newest(sink: &Sink, to: &str, after: Instant) -> Letter {
    let wanted = Wanted::new(vec![to.to_owned()], after);
    sink.mailbox.wait(&wanted, SOON).await.expect("a letter with a code")
}

/// One request on a connection of its own: the whole answer, head and body.
async fn raw(sink: &Sink, request: &str) -> String {
    let mut socket = TcpStream::connect(sink.http_url().trim_start_matches("http://"))
        .await
        .unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn request(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

async fn post(sink: &Sink, path: &str, body: &Value) -> (u16, Value) {
    parted(&raw(sink, &request(path, &body.to_string())).await)
}

fn parted(answer: &str) -> (u16, Value) {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status.expect("a status line"), serde_json::from_str(body).unwrap_or_default())
}

const FCM: &str = "/v1/projects/p-1/messages:send";
const SENDGRID: &str = "/v3/mail/send";

fn push(to: &str) -> Value {
    let text = "Your verification code is: 111\nDevice: Phone";
    json!({"message": {"token": to, "notification": {"title": "t", "body": text}, "data": {"code": "4242", "challenge_id": "chl_1"}}})
}

fn email(to: &[&str]) -> Value {
    let to: Vec<Value> = to.iter().map(|to| json!({"email": to, "name": "N"})).collect();
    json!({
        "personalizations": [{"to": to}],
        "from": {"email": "f@x.test"},
        "subject": "s",
        "content": [{"type": "text/plain", "value": "Your verification code is: 77\nDevice: Phone\n"}],
    })
}

#[tokio::test]
async fn fcm_sends_are_read_and_answered() {
    let (sink, start) = (sink(), Instant::now());
    let (status, body) = post(&sink, FCM, &push("token")).await;
    assert_eq!((status, &body["name"]), (200, &json!("projects/p-1/messages/stepproof")));
    let letter = newest(&sink, "token", start).await;
    assert_eq!((letter.channel, letter.code.as_deref()), (Channel::Push, Some("4242")));
    assert_eq!(
        (letter.challenge.as_deref(), letter.device.as_deref()),
        (Some("chl_1"), Some("Phone"))
    );
    let mut asks = push("other");
    asks["validate_only"] = json!(true);
    assert_eq!(post(&sink, FCM, &asks).await.0, 200);
    assert_eq!(sink.mailbox.kept(), 1);
}

#[tokio::test]
async fn sendgrid_sends_are_read_and_answered() {
    let (sink, start) = (sink(), Instant::now());
    let answer = raw(&sink, &request(SENDGRID, &email(&["a@x.test", "b@x.test"]).to_string())).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert!(answer.contains("x-message-id: "), "{answer}");
    for to in ["a@x.test", "b@x.test"] {
        let letter = newest(&sink, to, start).await;
        assert_eq!(
            (letter.code.as_deref(), letter.device.as_deref()),
            (Some("77"), Some("Phone"))
        );
    }
    assert_eq!(sink.mailbox.counts().email_codes, 2);
    let without_key = request(SENDGRID, &email(&["a@x.test"]).to_string()).replace("Bearer k", "Bearer ");
    assert_eq!(parted(&raw(&sink, &without_key).await).0, 401);
}

#[tokio::test]
async fn any_other_provider_is_taken_by_the_plain_call() {
    let (sink, start) = (sink(), Instant::now());
    let told = json!({"to": "p", "text": "hello", "code": "1"});
    assert_eq!(post(&sink, "/generic/push", &told).await.0, 202);
    assert_eq!(newest(&sink, "p", start).await.code.as_deref(), Some("1"));
    let found = json!({"to": "m", "text": "Your verification code is: 5", "data": {"challenge_id": "c"}});
    assert_eq!(post(&sink, "/generic/email", &found).await.0, 202);
    let letter = newest(&sink, "m", start).await;
    assert_eq!((letter.code.as_deref(), letter.challenge.as_deref()), (Some("5"), Some("c")));
    assert_eq!(letter.channel, Channel::Email);
}

#[tokio::test]
async fn what_makes_no_sense_is_answered_so_and_counted() {
    let sink = sink();
    let deep = "[".repeat(100_000);
    let cases = [
        (FCM, "", 400),
        (FCM, "{", 400),
        (FCM, "\u{0}\u{fffd}", 400),
        (FCM, "{\"message\": 3}", 400),
        (FCM, "{\"message\": {}}", 400),
        (FCM, "{\"message\": {\"token\": \"\"}}", 400),
        (FCM, "{\"message\": {\"token\": \"t\", \"data\": {\"code\": 1}}}", 400),
        (FCM, &deep, 400),
        (SENDGRID, "null", 400),
        (SENDGRID, "{\"from\": {\"email\": \"f\"}}", 400),
        (
            SENDGRID,
            "{\"from\": {\"email\": \"f\"}, \"personalizations\": [{}], \"content\": []}",
            400,
        ),
        (
            SENDGRID,
            "{\"from\": {\"email\": \"f\"}, \"personalizations\": [{\"to\": [{}]}], \"content\": []}",
            400,
        ),
        ("/generic/push", "{\"to\": \"p\"}", 400),
        ("/generic/email", "{\"to\": \"\", \"text\": \"\"}", 400),
        ("/generic/fax", "{}", 404),
        ("/v1/projects/a/b/messages:send", "{}", 404),
    ];
    for (path, body, expected) in &cases {
        let (status, _) = parted(&raw(&sink, &request(path, body)).await);
        assert_eq!(status, *expected, "{path} {}", body.get(..40).unwrap_or(body));
    }
    let (_, body) = parted(&raw(&sink, &request(FCM, "{")).await);
    assert_eq!(body["error"]["status"], "INVALID_ARGUMENT");
    let get = request(FCM, "").replacen("POST", "GET", 1);
    assert_eq!(parted(&raw(&sink, &get).await).0, 405);
    assert_eq!(sink.mailbox.counts().malformed, cases.len() as u64 + 2);
    assert_eq!(sink.mailbox.kept(), 0);
    // Too large a body is told before it is sent, and one that is too large without a length when it is.
    let head = request(SENDGRID, "").replace("content-length: 0", "content-length: 2000000");
    assert_eq!(parted(&raw(&sink, &head).await).0, 413);
    let chunk = format!("200000\r\n{}\r\n1\r\nx\r\n", "x".repeat(0x0020_0000));
    let head = request(SENDGRID, "").replace("content-length: 0", "transfer-encoding: chunked");
    let mut socket = TcpStream::connect(address(&sink)).await.unwrap();
    // It may hang up while this is still being sent.
    let _ = socket.write_all(format!("{head}{chunk}").as_bytes()).await;
    let counted = async {
        while sink.mailbox.counts().malformed < cases.len() as u64 + 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, counted).await.expect("it is counted");
    drop(socket);
    assert_eq!(post(&sink, FCM, &push("still there")).await.0, 200);
}

#[tokio::test]
async fn providers_fail_as_ordered_and_only_as_long() {
    let (sink, start) = (sink(), Instant::now());
    sink.faults.apply(Fault::PushDown);
    let (status, body) = post(&sink, FCM, &push("t")).await;
    assert_eq!((status, &body["error"]["status"]), (503, &json!("UNAVAILABLE")));
    assert_eq!(post(&sink, SENDGRID, &email(&["a@x.test"])).await.0, 202);
    sink.faults.lift(Fault::PushDown);
    sink.faults.apply(Fault::EmailDown);
    assert_eq!(post(&sink, SENDGRID, &email(&["b@x.test"])).await.0, 503);
    sink.faults.lift(Fault::EmailDown);
    sink.faults.order(Channel::Push, Trouble::Unregistered);
    let (status, body) = post(&sink, FCM, &push("t")).await;
    assert_eq!(
        (status, &body["error"]["details"][0]["errorCode"]),
        (404, &json!("UNREGISTERED"))
    );
    sink.faults.withdraw(Channel::Push, Trouble::Unregistered);
    sink.faults.apply(Fault::PushLost);
    assert_eq!(post(&sink, FCM, &push("t")).await.0, 200);
    sink.faults.lift(Fault::PushLost);
    assert_eq!(sink.mailbox.kept(), 1);
    assert_eq!(post(&sink, FCM, &push("t")).await.0, 200);
    newest(&sink, "t", start).await;
    assert_eq!(sink.mailbox.kept(), 2);
}

#[tokio::test]
async fn slow_answers_come_late_and_late_letters_arrive_late() {
    let (sink, start) = (sink(), Instant::now());
    sink.faults.apply(Fault::PushSlowMs(300));
    assert_eq!(post(&sink, FCM, &push("t")).await.0, 200);
    let answered = start.elapsed();
    assert!(answered >= Duration::from_millis(300), "{answered:?}");
    let letter = newest(&sink, "t", start).await;
    assert!(
        letter.at + Duration::from_millis(200) < start + answered,
        "it was taken before it was answered"
    );
    let sent = Instant::now();
    sink.faults.apply(Fault::EmailLateMs(300));
    assert_eq!(post(&sink, SENDGRID, &email(&["a@x.test"])).await.0, 202);
    let letter = newest(&sink, "a@x.test", sent).await;
    assert!(letter.at.duration_since(sent) >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_provider_that_hangs_never_answers_and_stopping_ends_it() {
    let sink = sink();
    sink.faults.order(Channel::Push, Trouble::Hang);
    let mut socket = TcpStream::connect(sink.http_url().trim_start_matches("http://"))
        .await
        .unwrap();
    let hanging = request(FCM, &push("t").to_string());
    socket.write_all(hanging.as_bytes()).await.unwrap();
    // Another channel still answers, and it was asked later.
    assert_eq!(post(&sink, SENDGRID, &email(&["a@x.test"])).await.0, 202);
    let mut byte = [0];
    assert!(socket.try_read(&mut byte).is_err());
    let (http, smtp) = (sink.http_url(), sink.smtp_url());
    drop(sink);
    assert!(matches!(socket.read(&mut byte).await, Ok(0) | Err(_)));
    for url in [http, smtp] {
        let address = url.split_once("//").map(|(_, address)| address).unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "{url} is still open");
    }
}

#[tokio::test]
async fn several_threads_share_the_connections() {
    let options = SinkOptions {
        threads: 3,
        ..SinkOptions::new(targets::Native::patterns())
    };
    let (sink, start) = (Sink::start(options).unwrap(), Instant::now());
    for n in 0..30 {
        assert_eq!(post(&sink, FCM, &push(&format!("t{n}"))).await.0, 200);
        newest(&sink, &format!("t{n}"), start).await;
    }
    assert_eq!(sink.mailbox.counts().push_codes, 30);
}

#[tokio::test]
async fn email_by_smtp_arrives_and_is_refused_on_order() {
    let (sink, start) = (sink(), Instant::now());
    let smtp: SocketAddr = sink.smtp_url().trim_start_matches("smtp://").parse().unwrap();
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(smtp.ip().to_string());
    let transport = transport.port(smtp.port()).build();
    let message = |to: &str| {
        let (text, html) = (
            "Your verification code is: 012345\r\n\r\nDevice: Phone of Jörg\r\n",
            "<b>012345</b>",
        );
        Message::builder()
            .from("f@x.test".parse::<Address>().unwrap())
            .to(to.parse::<Address>().unwrap())
            .subject("Code")
            .multipart(MultiPart::alternative_plain_html(text.to_owned(), html.to_owned()))
            .unwrap()
    };
    transport.send(message("a@x.test")).await.unwrap();
    let letter = newest(&sink, "a@x.test", start).await;
    assert_eq!((letter.code.as_deref(), letter.channel), (Some("012345"), Channel::Email));
    assert_eq!(letter.device.as_deref(), Some("Phone of Jörg"));
    sink.faults.apply(Fault::EmailDown);
    let refused = transport.send(message("b@x.test")).await.unwrap_err();
    assert!(refused.is_transient(), "{refused}");
    sink.faults.lift(Fault::EmailDown);
    transport.send(message("c@x.test")).await.unwrap();
    newest(&sink, "c@x.test", start).await;
    assert_eq!(sink.mailbox.counts().email_codes, 2);
}

#[tokio::test]
async fn the_reference_servers_mailer_reaches_all_three() {
    let (sink, start) = (sink(), Instant::now());
    let mailer = ProviderMailer::new(Templates::new("Acme"), SOON);
    let push: PushTarget = sink.fcm_url().parse().unwrap();
    let outgoing = |to: Recipient| Outbound {
        to,
        content: MessageContent::Code {
            code: "012345".to_owned(),
            challenge: ChallengeId("chl_7".into()),
            expires_at: Timestamp(1_700_000_300_000),
            device_name: "Pixel 9".to_owned(),
            place: "Graz".to_owned(),
            at: Timestamp(1_700_000_000_000),
        },
    };
    for (n, url) in [sink.sendgrid_url(), sink.smtp_url()].iter().enumerate() {
        let email: EmailTarget = url.parse().unwrap();
        mailer.set_targets(Some(&email), Some(&push)).unwrap();
        let address = format!("a{n}@x.test");
        mailer.send(&outgoing(Recipient::Email(address.clone()))).await.unwrap();
        let letter = newest(&sink, &address, start).await;
        assert_eq!(
            (letter.code.as_deref(), letter.device.as_deref()),
            (Some("012345"), Some("Pixel 9"))
        );
        assert_eq!(letter.challenge, None);
    }
    mailer.send(&outgoing(Recipient::Push("token".to_owned()))).await.unwrap();
    assert_eq!(newest(&sink, "token", start).await.challenge.as_deref(), Some("chl_7"));
    sink.faults.order(Channel::Push, Trouble::Unregistered);
    let gone = mailer.send(&outgoing(Recipient::Push("token".to_owned()))).await;
    assert_eq!(gone, Err(DeliveryError::Unregistered));
}
