//! One match from method and path to what is done.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::Admin;
use super::bodies::{AccountStatus, Delivery, MoveClock, Nothing, SeedAccountDevice, SeedAccounts, StatusName};
use crate::adapters::mailer::RenderedMessage;
use crate::adapters::prometheus;
use crate::domain::{Status, Timestamp};
use crate::http::{EdgeRequest, INSTALLATION_MOST, PUSH_TOKEN_MOST, Refusal, empty, json, label, opaque, read};
use crate::parts::Clock;
use crate::service::{Problem, Seed, SeedDevice};

type Answer = Result<Response<Bytes>, Refusal>;

/// Up to so many accounts, what is live is counted when somebody looks; beyond, it is as of the latest sweep.
const COUNTED_AT_ONCE: usize = 10_000;

pub(super) async fn route(admin: &Admin, request: &EdgeRequest) -> Answer {
    let segments: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    match (&request.method, segments.as_slice()) {
        (&Method::GET, ["healthz"]) => Ok(json(StatusCode::OK, &json!({"status": "ok"}))),
        (&Method::GET, ["metrics"]) => Ok(read_metrics(admin).await),
        (_, ["healthz" | "metrics"]) => Err(Refusal::MethodNotAllowed("GET")),
        (&Method::GET, ["clock"]) => Ok(clock(admin)),
        (&Method::POST, ["clock"]) => move_clock(admin, request),
        (_, ["clock"]) => Err(Refusal::MethodNotAllowed("GET, POST")),
        (&Method::POST, ["reset"]) => reset(admin, request).await,
        (&Method::POST, ["accounts"]) => seed(admin, request).await,
        (&Method::POST, ["accounts", "status"]) => set_status(admin, request).await,
        (_, ["reset"] | ["accounts"] | ["accounts", "status"]) => Err(Refusal::MethodNotAllowed("POST")),
        (&Method::PUT, ["delivery"]) => set_delivery(admin, request),
        (_, ["delivery"]) => Err(Refusal::MethodNotAllowed("PUT")),
        (&Method::GET, ["mailbox", address]) => mailbox(admin, address),
        (_, ["mailbox", _]) => Err(Refusal::MethodNotAllowed("GET")),
        _ => Err(Problem::NotFound.into()),
    }
}

async fn read_metrics(admin: &Admin) -> Response<Bytes> {
    let accounts = admin.service.parts().store.count().await;
    if accounts <= COUNTED_AT_ONCE {
        admin.service.sweep().await;
    }
    let mut response = empty();
    *response.status_mut() = StatusCode::OK;
    let content_type = HeaderValue::from_static(prometheus::CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    *response.body_mut() = Bytes::from(prometheus::render(admin.service.metrics(), accounts));
    response
}

fn clock(admin: &Admin) -> Response<Bytes> {
    json(StatusCode::OK, &json!({"now_ms": admin.clock.now().0}))
}

fn move_clock(admin: &Admin, request: &EdgeRequest) -> Answer {
    match read(request)? {
        MoveClock {
            advance_ms: Some(by),
            set_ms: None,
            freeze: None,
        } => admin.clock.advance_ms(by),
        MoveClock {
            advance_ms: None,
            set_ms: Some(to),
            freeze: None,
        } => admin.clock.set(Timestamp(i64::try_from(to).unwrap_or(i64::MAX))),
        MoveClock {
            advance_ms: None,
            set_ms: None,
            freeze: Some(frozen),
        } => admin.clock.freeze(frozen),
        _ => {
            return Err(invalid(
                "one of advance_ms, set_ms and freeze is needed, and only one".to_owned(),
            ));
        }
    }
    Ok(clock(admin))
}

async fn reset(admin: &Admin, request: &EdgeRequest) -> Answer {
    if !request.body.is_empty() {
        let Nothing {} = read(request)?;
    }
    // The clock first: the service takes it as it is then, and not for one that went back.
    admin.clock.reset();
    admin.service.reset().await;
    Ok(empty())
}

async fn seed(admin: &Admin, request: &EdgeRequest) -> Answer {
    let body: SeedAccounts = read(request)?;
    let seeds = body.accounts.into_iter().enumerate().map(|(nth, account)| {
        Ok(Seed {
            email: account.email,
            password: account.password,
            two_step: account.two_step,
            device: account.device.map(|device| seed_device(nth, device)).transpose()?,
        })
    });
    let created = admin.service.seed(seeds.collect::<Result<_, Refusal>>()?).await?;
    Ok(json(StatusCode::CREATED, &json!({"created": created})))
}

/// The device of the nth account, as the public API would take it.
fn seed_device(nth: usize, device: SeedAccountDevice) -> Result<SeedDevice, Refusal> {
    let field = |name: &str| format!("accounts[{nth}].device.{name}");
    let push_token = device.push_token;
    let push_token = push_token.map(|token| opaque(&field("push_token"), token, PUSH_TOKEN_MOST));
    Ok(SeedDevice {
        installation: opaque(&field("installation"), device.installation, INSTALLATION_MOST)?,
        name: label(&field("name"), device.name)?,
        trust_token: device.trust_token,
        push_token: push_token.transpose()?,
    })
}

async fn set_status(admin: &Admin, request: &EdgeRequest) -> Answer {
    let body: AccountStatus = read(request)?;
    let status = match body.status {
        StatusName::Active => Status::Active,
        StatusName::Disabled => Status::Disabled,
    };
    if admin.service.set_status(&body.email, status).await {
        Ok(empty())
    } else {
        Err(Problem::NotFound.into())
    }
}

fn set_delivery(admin: &Admin, request: &EdgeRequest) -> Answer {
    let Delivery { email, push } = read(request)?;
    let set = admin.mailer.set_targets(email.as_ref(), push.as_ref());
    set.map_err(|fault| invalid(fault.to_string()))?;
    Ok(empty())
}

fn mailbox(admin: &Admin, address: &str) -> Answer {
    let mailbox = admin.mailbox.as_ref().ok_or(Problem::NotFound)?;
    let address = percent_decode_str(address).decode_utf8().map_err(|_| Problem::NotFound)?;
    let shown =
        |message: &RenderedMessage| json!({"kind": message.kind.name(), "subject": message.subject, "text": message.text});
    let messages: Vec<_> = mailbox.messages_to(&address).iter().map(shown).collect();
    Ok(json(StatusCode::OK, &json!({ "messages": messages })))
}

fn invalid(detail: String) -> Refusal {
    Problem::InvalidRequest(detail).into()
}
