//! The SMTP sink against a real mailer, and against clients that misbehave.

use std::time::Duration;

use lettre::message::{MultiPart, header};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use targets::fakes::{FakeAddresses, Fakes, Fault, FaultOrder};
use targets::{Channel, Cursor, Native};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn fakes() -> Fakes {
    Fakes::start(FakeAddresses::default(), Native::patterns()).await.unwrap()
}

fn mailer(fakes: &Fakes) -> AsyncSmtpTransport<Tokio1Executor> {
    AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(fakes.smtp.address().port())
        .timeout(Some(Duration::from_secs(10)))
        .build()
}

fn mail(to: &str) -> Message {
    let text = "Hello,\r\n.a line with a dot\r\n..\r\nYour verification code is: 012345\r\n";
    Message::builder()
        .from("no-reply@stepproof.test".parse().unwrap())
        .to(to.parse().unwrap())
        .subject("Sign-in \u{2713}")
        .header(header::MIME_VERSION_1_0)
        .multipart(MultiPart::alternative_plain_html(text.to_owned(), "<p>012345</p>".to_owned()))
        .unwrap()
}

/// Writes all of it at once, closes, and gives the status codes of all replies.
async fn codes(fakes: &Fakes, talk: &[u8]) -> Vec<String> {
    let mut socket = TcpStream::connect(fakes.smtp.address()).await.unwrap();
    let (mut reading, mut writing) = socket.split();
    let mut replies = Vec::new();
    let read = reading.read_to_end(&mut replies);
    let (_, _) = tokio::join!(
        async {
            let _ = writing.write_all(talk).await;
            let _ = writing.shutdown().await;
        },
        tokio::time::timeout(Duration::from_secs(10), read)
    );
    let replies = String::from_utf8_lossy(&replies).into_owned();
    replies
        .lines()
        .filter(|line| line.as_bytes().get(3) != Some(&b'-'))
        .map(|line| line[..3].to_owned())
        .collect()
}

#[tokio::test]
async fn a_real_mailer_is_taken_whole() {
    let fakes = fakes().await;
    mailer(&fakes).send(mail("a@example.test")).await.unwrap();
    let message = &fakes.deliveries.since(Cursor(0))[0];
    assert_eq!((message.channel, message.to.as_str()), (Channel::Email, "a@example.test"));
    assert_eq!(message.from.as_deref(), Some("no-reply@stepproof.test"));
    assert_eq!(message.subject, "Sign-in \u{2713}");
    assert!(message.text.contains("\n.a line with a dot\r\n..\r\n"), "{:?}", message.text);
    assert_eq!(message.code.as_deref(), Some("012345"));
    assert!(message.html.as_deref().is_some_and(|html| html.contains("<p>")));
}

#[tokio::test]
async fn pipelined_commands_and_several_recipients() {
    let fakes = fakes().await;
    let talk = b"EHLO x\r\nMAIL FROM:<f@x.test>\r\nRCPT TO:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n\
        Subject: one\r\n\r\none\r\n.\r\nRSET\r\nNOOP\r\nMAIL FROM:<>\r\nRCPT TO:<c@x.test>\r\nDATA\r\n\r\ntwo\r\n.\r\nQUIT\r\n";
    let expected = "220 250 250 250 250 354 250 250 250 250 250 354 250 221";
    assert_eq!(codes(&fakes, talk).await.join(" "), expected);
    let to: Vec<_> = fakes
        .deliveries
        .since(Cursor(0))
        .into_iter()
        .map(|m| (m.to, m.text.trim().to_owned()))
        .collect();
    let pair = |to: &str, text: &str| (to.to_owned(), text.to_owned());
    assert_eq!(
        to,
        [pair("a@x.test", "one"), pair("b@x.test", "one"), pair("c@x.test", "two")]
    );
}

#[tokio::test]
async fn bad_commands_get_bad_replies_and_deliver_nothing() {
    let fakes = fakes().await;
    let check = async |talk: &[u8], expected: &str| {
        let seen = codes(&fakes, talk).await.join(" ");
        assert_eq!(seen, expected, "{}", String::from_utf8_lossy(&talk[..talk.len().min(80)]));
    };
    check(b"", "220").await;
    check(
        b"HELLO\r\nDATA\r\nRCPT TO:<a@x.test>\r\nMAIL\r\nQUIT\r\n",
        "220 500 503 503 501 221",
    )
    .await;
    check(b"STARTTLS\r\nAUTH PLAIN AA==\r\nVRFY a\r\nQUIT\r\n", "220 502 502 252 221").await;
    check(
        b"MAIL FROM:<a@x.test> SIZE=99999999\r\nMAIL FROM:<a@x.test>\r\nMAIL FROM:<a@x.test>\r\n",
        "220 552 250 503",
    )
    .await;
    check(b"\xff\xfe\x00\r\nQUIT\r\n", "220 500 221").await;
    check(&[vec![b'x'; 70_000], b"\r\nNOOP\r\n".to_vec()].concat(), "220 500 250").await;
    check("nonsense\r\n".repeat(40).as_bytes(), &format!("220{} 421", " 500".repeat(20))).await;
    let start = b"EHLO x\r\nMAIL FROM:<f@x.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\n";
    check(&[start.as_slice(), b"cut off in the middle"].concat(), "220 250 250 250 354").await;
    let large = [
        start.as_slice(),
        &"y".repeat(70).repeat(20_000).into_bytes(),
        b"\r\n.\r\nQUIT\r\n",
    ]
    .concat();
    check(&large, "220 250 250 250 354 552 221").await;
    assert_eq!(fakes.deliveries.since(Cursor(0)), []);
}

#[tokio::test]
async fn faults_on_order() {
    let fakes = fakes().await;
    let mailer = mailer(&fakes);
    let once = |fault| FaultOrder {
        channel: Channel::Email,
        to: Some("a@x.test".to_owned()),
        times: Some(1),
        fault,
    };
    for (fault, permanent) in [
        (Fault::Refuse { for_good: true }, Some(true)),
        (Fault::Refuse { for_good: false }, Some(false)),
        (Fault::Unregistered, Some(true)),
        (Fault::Reset, None),
    ] {
        fakes.faults.order(once(fault));
        let error = mailer.send(mail("a@x.test")).await.unwrap_err();
        let seen = (error.is_permanent() || error.is_transient()).then(|| error.is_permanent());
        assert_eq!(seen, permanent, "{fault:?}: {error}");
    }
    fakes.faults.order(once(Fault::Lose));
    mailer.send(mail("a@x.test")).await.unwrap();
    assert_eq!(fakes.deliveries.since(Cursor(0)), []);
    fakes.faults.order(once(Fault::Hang));
    let hung = tokio::time::timeout(Duration::from_millis(100), mailer.send(mail("a@x.test"))).await;
    assert!(hung.is_err(), "no answer comes");
    fakes.faults.order(once(Fault::Late(Duration::from_millis(150))));
    let before = std::time::Instant::now();
    mailer.send(mail("a@x.test")).await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(150));
    mailer.send(mail("b@x.test")).await.unwrap();
    assert_eq!(fakes.deliveries.since(Cursor(0)).len(), 2);
}
