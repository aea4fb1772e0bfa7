//! The reference server's mailer and the fake providers, each taking the other at its word.

use std::time::Duration;

use reference_server::adapters::mailer::{EmailTarget, ProviderMailer, PushTarget, Templates};
use reference_server::domain::{ChallengeId, Timestamp};
use reference_server::parts::{DeliveryError, Mailer, Message as Outbound, MessageContent, Recipient};
use targets::fakes::{FakeAddresses, Fakes, Fault, FaultOrder};
use targets::{Channel, Cursor, Message, Native};

const ADDRESS: &str = "ada@example.test";
/// Longer than any of these takes, unless the provider hangs.
const LONG: Duration = Duration::from_secs(30);

async fn fakes() -> Fakes {
    Fakes::start(FakeAddresses::default(), Native::patterns()).await.unwrap()
}

fn mailer(within: Duration) -> ProviderMailer {
    ProviderMailer::new(Templates::new("Acme"), within)
}

fn email_to(url: &str) -> EmailTarget {
    url.parse().unwrap()
}

fn push_to(url: &str) -> PushTarget {
    url.parse().unwrap()
}

fn code(to: Recipient, code: &str) -> Outbound {
    let content = MessageContent::Code {
        code: code.to_owned(),
        challenge: ChallengeId("chl_1".into()),
        expires_at: Timestamp(1_700_000_300_000),
        device_name: "Zo\u{eb}'s Pixel \u{202e}<b>".to_owned(),
        place: "Graz, Austria".to_owned(),
        at: Timestamp(1_700_000_000_000),
    };
    Outbound { to, content }
}

fn email() -> Outbound {
    code(Recipient::Email(ADDRESS.to_owned()), "012345")
}

fn push(token: &str) -> Outbound {
    code(Recipient::Push(token.to_owned()), "543210")
}

fn only(fakes: &Fakes) -> Message {
    let messages = fakes.deliveries.since(Cursor(0));
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.into_iter().next().unwrap()
}

fn check_email(message: &Message) {
    assert_eq!(message.to, ADDRESS);
    assert_eq!(message.from.as_deref(), Some("no-reply@stepproof.test"));
    assert_eq!(message.subject, "Acme: sign-in request");
    assert_eq!(message.code.as_deref(), Some("012345"));
    let html = message.html.as_deref().unwrap();
    for text in [message.text.as_str(), html] {
        assert!(text.contains("code is: 012345") && text.contains("s Pixel"), "{text}");
        assert!(!text.contains('\u{202e}') && !text.contains("<b>"), "{text}");
    }
    let raw = String::from_utf8_lossy(&message.raw);
    assert!(
        raw.contains("X-Message-Kind: code") || raw.contains(r#""X-Message-Kind":"code""#),
        "{raw}"
    );
}

#[tokio::test]
async fn email_by_smtp() {
    let (fakes, mailer) = (fakes().await, mailer(LONG));
    mailer.set_targets(Some(&email_to(&fakes.smtp.url())), None).unwrap();
    mailer.send(&email()).await.unwrap();
    check_email(&only(&fakes));
}

#[tokio::test]
async fn email_by_sendgrid() {
    let (fakes, mailer) = (fakes().await, mailer(LONG));
    mailer.set_targets(Some(&email_to(&fakes.sendgrid.url())), None).unwrap();
    mailer.send(&email()).await.unwrap();
    check_email(&only(&fakes));
}

#[tokio::test]
async fn push_by_fcm_tells_the_provider_no_address() {
    let (fakes, mailer) = (fakes().await, mailer(LONG));
    mailer.set_targets(None, Some(&push_to(&fakes.fcm.url()))).unwrap();
    mailer.send(&push("phone")).await.unwrap();
    let message = only(&fakes);
    assert_eq!((message.channel, message.to.as_str()), (Channel::Push, "phone"));
    assert_eq!(message.code.as_deref(), Some("543210"));
    assert!(!message.subject.contains("543210"));
    assert!(message.data.contains(&("challenge_id".to_owned(), "chl_1".to_owned())));
    let raw = String::from_utf8_lossy(&message.raw);
    assert!(raw.contains("PRIVATE") && raw.contains(r#""ttl":"300s""#), "{raw}");
    assert!(!raw.contains('@'), "{raw}");
}

#[tokio::test]
async fn a_busy_provider_is_asked_once_more_with_the_same_code() {
    let (fakes, mailer) = (fakes().await, mailer(LONG));
    mailer.set_targets(None, Some(&push_to(&fakes.fcm.url()))).unwrap();
    for (url, channel, message) in [
        (fakes.smtp.url(), Channel::Email, email()),
        (fakes.sendgrid.url(), Channel::Email, email()),
        (fakes.smtp.url(), Channel::Push, push("phone")),
    ] {
        mailer.set_targets(Some(&email_to(&url)), None).unwrap();
        let busy = |times| FaultOrder {
            channel,
            to: None,
            times: Some(times),
            fault: Fault::Refuse { for_good: false },
        };
        let before = fakes.deliveries.cursor();
        fakes.faults.order(busy(1));
        mailer.send(&message).await.unwrap();
        assert_eq!(fakes.deliveries.since(before).len(), 1, "{channel:?}");

        fakes.faults.order(busy(2));
        let refused = mailer.send(&message).await;
        assert!(matches!(refused, Err(DeliveryError::Refused(_))), "{refused:?}");
        assert_eq!(fakes.deliveries.since(before).len(), 1, "{channel:?}: two tries and no more");
        mailer.send(&message).await.unwrap();
    }
}

#[tokio::test]
async fn a_registration_that_is_gone_is_told_apart() {
    let (fakes, mailer) = (fakes().await, mailer(LONG));
    mailer.set_targets(None, Some(&push_to(&fakes.fcm.url()))).unwrap();
    fakes.faults.order(FaultOrder {
        channel: Channel::Push,
        to: Some("gone".to_owned()),
        times: None,
        fault: Fault::Unregistered,
    });
    let (first, gone, third) = (push("first"), push("gone"), push("third"));
    let (first, gone, third) = tokio::join!(mailer.send(&first), mailer.send(&gone), mailer.send(&third));
    assert_eq!((first, gone, third), (Ok(()), Err(DeliveryError::Unregistered), Ok(())));
    // A wrong path is a 404, too, and says nothing about the registration.
    mailer
        .set_targets(None, Some(&push_to(&format!("{}/elsewhere", fakes.fcm.url()))))
        .unwrap();
    assert_eq!(
        mailer.send(&push("first")).await,
        Err(DeliveryError::Refused("status 404".to_owned()))
    );
}

#[tokio::test]
async fn a_provider_that_hangs_or_is_absent_is_an_error_in_time() {
    let (fakes, mailer) = (fakes().await, mailer(Duration::from_millis(200)));
    assert_eq!(mailer.send(&email()).await, Err(DeliveryError::NoProvider));
    mailer.set_targets(Some(&email_to(&fakes.smtp.url())), None).unwrap();
    mailer.set_targets(None, Some(&push_to(&fakes.fcm.url()))).unwrap();
    for (channel, message) in [(Channel::Email, email()), (Channel::Push, push("phone"))] {
        fakes.faults.always(channel, Fault::Hang);
        assert_eq!(mailer.send(&message).await, Err(DeliveryError::TimedOut));
        fakes.faults.clear();
        fakes.faults.always(channel, Fault::Reset);
        assert!(mailer.send(&message).await.is_err());
        fakes.faults.clear();
        assert_eq!(mailer.send(&message).await, Ok(()), "{channel:?} recovers");
    }
}
