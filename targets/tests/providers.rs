//! The SendGrid and FCM fakes, called as services call them.

use std::time::Duration;

use serde_json::{Value, json};
use targets::fakes::{FakeAddresses, Fakes, Fault};
use targets::{
    Channel, Cursor, Device, Exchange, HttpClient, Limits, Native, OperationKind, Request, RequestBuilder, TargetError,
    Transcript,
};

fn wire(within: Duration) -> HttpClient {
    let limits = Limits {
        within,
        ..Limits::default()
    };
    HttpClient::new(limits, Transcript::default()).unwrap()
}

struct Service {
    fakes: Fakes,
    wire: HttpClient,
}

impl Service {
    async fn start() -> Self {
        Self {
            fakes: Fakes::start(FakeAddresses::default(), Native::patterns()).await.unwrap(),
            wire: wire(Duration::from_secs(20)),
        }
    }

    async fn call(&self, url: String, body: Value) -> Result<Exchange, TargetError> {
        let builder = RequestBuilder::new(OperationKind::SignIn, "POST", url)
            .header("Authorization", "Bearer key")
            .json(body);
        let device = Device::new("service", "s");
        let prepared: Request = builder.build(&device, &[]);
        self.wire.send(&device, prepared).await.map(|exchange| (*exchange).clone())
    }

    async fn push(&self, body: Value) -> Result<Exchange, TargetError> {
        self.call(format!("{}/v1/projects/demo/messages:send", self.fakes.fcm.url()), body)
            .await
    }

    async fn mail(&self, body: Value) -> Result<Exchange, TargetError> {
        self.call(format!("{}/v3/mail/send", self.fakes.sendgrid.url()), body).await
    }
}

fn push() -> Value {
    json!({"message": {
        "token": "reg-1",
        "notification": {"title": "Sign-in", "body": "Your verification code is: 112233"},
        "data": {"kind": "code", "code": "112233", "challenge_id": "chl_1"},
    }})
}

fn mail() -> Value {
    json!({
        "personalizations": [{"to": [{"email": "a@x.test"}, {"email": "b@x.test"}]}],
        "from": {"email": "no-reply@x.test", "name": "Sign-in"},
        "subject": "Sign-in",
        "content": [
            {"type": "text/plain", "value": "Reset token: pr_abc-DEF_1\n"},
            {"type": "text/html", "value": "<p>reset</p>"},
        ],
    })
}

#[tokio::test]
async fn what_is_sent_is_in_the_delivery_log() {
    let service = Service::start().await;
    let accepted = service.push(push()).await.unwrap();
    assert_eq!(accepted.status, 200);
    assert_eq!(accepted.json().unwrap()["name"], "projects/demo/messages/stepproof");
    assert_eq!(service.mail(mail()).await.unwrap().status, 202);
    let seen = service.fakes.deliveries.since(Cursor(0));
    let brief: Vec<_> = seen
        .iter()
        .map(|m| (m.channel, m.to.as_str(), m.code.as_deref(), m.reset_token.as_deref()))
        .collect();
    let reset = Some("pr_abc-DEF_1");
    let expected = [
        (Channel::Push, "reg-1", Some("112233"), None),
        (Channel::Email, "a@x.test", None, reset),
        (Channel::Email, "b@x.test", None, reset),
    ];
    assert_eq!(brief, expected);
    assert_eq!(seen[1].html.as_deref(), Some("<p>reset</p>"));
}

#[tokio::test]
async fn calls_that_make_no_sense_are_refused_and_deliver_nothing() {
    let service = Service::start().await;
    for body in [
        json!([]),
        json!({"message": {}}),
        json!({"message": {"token": ""}}),
        json!({"message": {"token": "t", "data": {"n": 1}}}),
    ] {
        assert_eq!(service.push(body.clone()).await.unwrap().status, 400, "{body}");
    }
    for body in [
        json!(7),
        json!({}),
        json!({"personalizations": [], "from": {"email": "a"}}),
        json!({"personalizations": [{}], "from": {"email": "a"}, "content": []}),
    ] {
        assert_eq!(service.mail(body.clone()).await.unwrap().status, 400, "{body}");
    }
    assert_eq!(service.call(service.fakes.fcm.url(), json!({})).await.unwrap().status, 404);
    assert_eq!(service.fakes.deliveries.since(Cursor(0)), []);
}

#[tokio::test]
async fn faults_on_order() {
    let mut service = Service::start().await;
    let faults = service.fakes.faults.clone();
    let check = async |service: &Service, fault, expected: Option<u16>, delivered: usize| {
        faults.always(Channel::Push, fault);
        faults.always(Channel::Email, fault);
        let (deliveries, cursor) = (&service.fakes.deliveries, service.fakes.deliveries.cursor());
        let push = service.push(push()).await.ok().map(|answer| answer.status);
        assert_eq!(push, expected, "push {fault:?}");
        let mail = service.mail(mail()).await.ok().map(|answer| answer.status);
        let mail_expected = expected.map(|status| match status {
            200 => 202,
            404 => 400,
            other => other,
        });
        assert_eq!(mail, mail_expected, "mail {fault:?}");
        if delivered > 0 {
            let all = deliveries.wait(cursor, Duration::from_secs(10), |_| {
                deliveries.since(cursor).len() == delivered
            });
            assert!(all.await.is_some(), "{fault:?}");
        }
        assert_eq!(deliveries.since(cursor).len(), delivered, "{fault:?}");
        faults.clear();
    };
    check(&service, Fault::Refuse { for_good: true }, Some(400), 0).await;
    check(&service, Fault::Refuse { for_good: false }, Some(503), 0).await;
    check(&service, Fault::Unregistered, Some(404), 0).await;
    check(&service, Fault::Reset, None, 0).await;
    check(&service, Fault::Lose, Some(200), 0).await;
    check(&service, Fault::Late(Duration::from_millis(50)), Some(200), 3).await;
    service.wire = wire(Duration::from_millis(300));
    check(&service, Fault::Hang, None, 0).await;
    check(&service, Fault::Late(Duration::from_secs(60)), None, 3).await;
    service.wire = wire(Duration::from_secs(20));
    faults.always(Channel::Push, Fault::Unregistered);
    let gone = service.push(push()).await.unwrap().json().unwrap();
    assert_eq!(gone["error"]["details"][0]["errorCode"], "UNREGISTERED");
}
