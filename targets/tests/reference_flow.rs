//! The reference API spoken to the reference server itself, from the first account to the race for one code.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reference_server::ports::{DeliveryError, Mailer, ManualClock, Message as Outbound, MessageContent, Recipient};
use reference_server::{Config, ConnectionLimits, Deps, Service, serve};
use targets::{
    Answer, Channel, Cursor, DeliveryLog, Device, Message, Native, NativeOptions, Operation, OperationKind, Outcome, Refusal,
    Target,
};
use tokio::net::TcpListener;

/// Delivers straight into the delivery log.
struct IntoDeliveryLog(DeliveryLog);

#[async_trait]
impl Mailer for IntoDeliveryLog {
    async fn send(&self, outgoing: &Outbound) -> Result<(), DeliveryError> {
        let mut message = match &outgoing.to {
            Recipient::Email(address) => Message::new(Channel::Email, address),
            Recipient::Push(token) => Message::new(Channel::Push, token),
        };
        message.text = match &outgoing.content {
            MessageContent::Code { code, .. } => format!("Your verification code is: {code}\n"),
            MessageContent::Reset { token, .. } => format!("Reset token: {token}\n"),
            MessageContent::Notice { text, .. } => text.clone(),
        };
        self.0.record(message);
        Ok(())
    }
}

async fn target() -> Native {
    let deliveries = DeliveryLog::new(Native::patterns());
    let deps = Deps::for_tests(
        Arc::new(ManualClock::default()),
        Arc::new(IntoDeliveryLog(deliveries.clone())),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let service = Service::new(deps, Config::default());
    tokio::spawn(serve(listener, service, ConnectionLimits::default(), std::future::pending()));
    Native::open(NativeOptions::new(origin, deliveries)).unwrap()
}

const EMAIL: &str = "ada@example.test";
const PASSWORD: &str = "correct horse battery staple";

fn sign_in() -> Operation {
    Operation::SignIn {
        email: EMAIL.to_owned(),
        password: PASSWORD.to_owned(),
    }
}

async fn done(target: &Native, device: &mut Device, operation: Operation) -> Answer {
    let kind = operation.kind();
    let answer = target.perform(device, operation).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Done, "{kind}: {}", answer.last().unwrap().text());
    answer
}

async fn code(target: &Native, cursor: Cursor) -> Message {
    let message = target
        .deliveries()
        .wait(cursor, Duration::from_secs(10), |m| m.code.is_some())
        .await;
    message.expect("a code is delivered")
}

/// An account with a device that has completed its second step.
async fn member(target: &Native) -> Device {
    let mut phone = Device::new("Phone", "installation-phone");
    let (email, password) = (EMAIL.to_owned(), PASSWORD.to_owned());
    done(target, &mut phone, Operation::CreateAccount { email, password }).await;
    let cursor = target.deliveries().cursor();
    let answer = target.perform(&mut phone, sign_in()).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Challenged);
    let right = code(target, cursor).await.code.unwrap();
    let wrong = target.wrong_code(&right, 0);
    let refused = target.perform(&mut phone, Operation::Verify { code: wrong }).await.unwrap();
    assert_eq!(refused.outcome, Outcome::Refused { reason: Refusal::Code });
    let answer = target.perform(&mut phone, Operation::Verify { code: right }).await.unwrap();
    assert_eq!(answer.outcome, Outcome::SignedIn);
    assert!(answer.facts.trust_granted);
    phone
}

#[tokio::test]
async fn a_member_goes_everywhere() {
    let target = target().await;
    let mut phone = member(&target).await;
    let who = done(&target, &mut phone, Operation::WhoAmI {}).await.facts;
    assert_eq!((who.email.as_deref(), who.two_step), (Some(EMAIL), Some(true)));
    assert_eq!(who.device_id.as_ref(), phone.variables.get("device_id"));
    let id = who.device_id.unwrap();
    done(
        &target,
        &mut phone,
        Operation::RenameDevice {
            id: id.clone(),
            name: "Mine".to_owned(),
        },
    )
    .await;
    let devices = done(&target, &mut phone, Operation::ListDevices {})
        .await
        .facts
        .devices
        .unwrap();
    assert_eq!(
        (devices.len(), devices[0].name.as_deref(), devices[0].current),
        (1, Some("Mine"), Some(true))
    );
    done(&target, &mut phone, Operation::ReadActivity {}).await;
    done(
        &target,
        &mut phone,
        Operation::RegisterPush {
            token: "reg-1".to_owned(),
        },
    )
    .await;
    done(&target, &mut phone, Operation::ForgetPush {}).await;
    assert_eq!(
        done(&target, &mut phone, Operation::ReadTwoStep {}).await.facts.two_step,
        Some(true)
    );
    let renewed = target.perform(&mut phone, Operation::Refresh {}).await.unwrap();
    assert_eq!(renewed.outcome, Outcome::SignedIn);
    done(
        &target,
        &mut phone,
        Operation::Reauthenticate {
            password: PASSWORD.to_owned(),
        },
    )
    .await;
    done(&target, &mut phone, Operation::SignOut {}).await;
    let out = target.perform(&mut phone, Operation::WhoAmI {}).await.unwrap();
    assert_eq!(
        out.outcome,
        Outcome::Refused {
            reason: Refusal::Session
        }
    );
    let again = target.perform(&mut phone, sign_in()).await.unwrap();
    assert_eq!(again.outcome, Outcome::SignedIn, "a trusted device skips the step");
    done(&target, &mut phone, Operation::RemoveDevice { id }).await;
}

#[tokio::test]
async fn a_second_device_is_challenged_by_push_and_denied() {
    let target = target().await;
    let mut phone = member(&target).await;
    done(
        &target,
        &mut phone,
        Operation::RegisterPush {
            token: "reg-1".to_owned(),
        },
    )
    .await;
    let mut laptop = Device::new("Laptop", "installation-laptop");
    let cursor = target.deliveries().cursor();
    let answer = target.perform(&mut laptop, sign_in()).await.unwrap();
    let facts = answer.facts.challenge.unwrap();
    assert_eq!((answer.outcome, facts.method), (Outcome::Challenged, Some(Channel::Push)));
    assert_eq!(code(&target, cursor).await.to, "reg-1");
    done(&target, &mut laptop, Operation::ReadChallenge {}).await;
    let soon = target.perform(&mut laptop, Operation::Resend {}).await.unwrap();
    assert!(
        soon.retry_after().is_some_and(|wait| wait > Duration::ZERO),
        "{:?}",
        soon.outcome
    );
    let pending = done(&target, &mut phone, Operation::ListChallenges {})
        .await
        .facts
        .challenges
        .unwrap();
    assert_eq!((pending.len(), &pending[0].id), (1, &facts.id));
    let challenge = pending[0].id.clone().unwrap();
    done(&target, &mut phone, Operation::Deny { challenge }).await;
    let dead = target.perform(&mut laptop, Operation::ReadChallenge {}).await.unwrap();
    assert_eq!(
        dead.outcome,
        Outcome::Refused {
            reason: Refusal::Challenge
        }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_at_once_wins_the_code() {
    let target = target().await;
    member(&target).await;
    let mut laptop = Device::new("Laptop", "installation-laptop");
    let cursor = target.deliveries().cursor();
    target.perform(&mut laptop, sign_in()).await.unwrap();
    let code = code(&target, cursor).await.code.unwrap();
    let judged = target.race(&laptop, Operation::Verify { code }, 16).await.unwrap();
    let winners: Vec<&Device> = judged
        .iter()
        .filter(|(answer, _)| answer.outcome == Outcome::SignedIn)
        .map(|(_, d)| d)
        .collect();
    assert_eq!(winners.len(), 1);
    for (answer, device) in &judged {
        assert_eq!(answer.operation, OperationKind::Verify);
        let live = target
            .perform(&mut device.clone(), Operation::WhoAmI {})
            .await
            .unwrap()
            .accepted();
        assert_eq!(live, answer.accepted(), "who was answered a session has one, and nobody else");
    }
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_mail() {
    let target = target().await;
    let mut phone = member(&target).await;
    let cursor = target.deliveries().cursor();
    done(&target, &mut phone, Operation::RequestReset { email: EMAIL.to_owned() }).await;
    let mail = target
        .deliveries()
        .wait(cursor, Duration::from_secs(10), |m| m.reset_token.is_some())
        .await
        .unwrap();
    let (token, new) = (mail.reset_token.unwrap(), "another good password".to_owned());
    done(
        &target,
        &mut phone,
        Operation::CompleteReset {
            token: token.clone(),
            new: new.clone(),
        },
    )
    .await;
    let spent = target
        .perform(&mut phone, Operation::CompleteReset { token, new })
        .await
        .unwrap();
    assert_eq!(
        spent.outcome,
        Outcome::Refused {
            reason: Refusal::Unspecified
        }
    );
    let old = target.perform(&mut phone, sign_in()).await.unwrap();
    assert_eq!(
        old.outcome,
        Outcome::Refused {
            reason: Refusal::Credentials
        }
    );
}
