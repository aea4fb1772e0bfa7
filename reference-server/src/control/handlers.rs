//! One match from method and path to what is done.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::Control;
use super::requests::{AccountStatus, Delivery, MoveClock, Nothing, SeedAccountDevice, SeedAccounts, StatusName};
use crate::account::{Status, Timestamp};
use crate::courier::Letter;
use crate::edge::{EdgeRequest, INSTALLATION_MOST, PUSH_TOKEN_MOST, Refusal, empty, json, label, opaque, read};
use crate::metrics;
use crate::ports::Clock;
use crate::service::{Problem, Seed, SeedDevice};

type Answer = Result<Response<Bytes>, Refusal>;

/// Up to so many accounts, what is live is counted when somebody looks; beyond, it is as of the latest sweep.
const COUNTED_AT_ONCE: usize = 10_000;

pub(super) async fn route(control: &Control, request: &EdgeRequest) -> Answer {
    let segments: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    match (&request.method, segments.as_slice()) {
        (&Method::GET, ["healthz"]) => Ok(json(StatusCode::OK, &json!({"status": "ok"}))),
        (&Method::GET, ["metrics"]) => Ok(read_metrics(control).await),
        (_, ["healthz" | "metrics"]) => Err(Refusal::MethodNotAllowed("GET")),
        (&Method::GET, ["clock"]) => Ok(clock(control)),
        (&Method::POST, ["clock"]) => move_clock(control, request),
        (_, ["clock"]) => Err(Refusal::MethodNotAllowed("GET, POST")),
        (&Method::POST, ["reset"]) => reset(control, request).await,
        (&Method::POST, ["accounts"]) => seed(control, request).await,
        (&Method::POST, ["accounts", "status"]) => set_status(control, request).await,
        (_, ["reset"] | ["accounts"] | ["accounts", "status"]) => Err(Refusal::MethodNotAllowed("POST")),
        (&Method::PUT, ["delivery"]) => set_delivery(control, request),
        (_, ["delivery"]) => Err(Refusal::MethodNotAllowed("PUT")),
        (&Method::GET, ["mailbox", address]) => mailbox(control, address),
        (_, ["mailbox", _]) => Err(Refusal::MethodNotAllowed("GET")),
        _ => Err(Problem::NotFound.into()),
    }
}

async fn read_metrics(control: &Control) -> Response<Bytes> {
    let accounts = control.service.deps().store.count().await;
    control.service.metrics().accounts(accounts);
    if accounts <= COUNTED_AT_ONCE {
        control.service.sweep().await;
    }
    let mut response = empty();
    *response.status_mut() = StatusCode::OK;
    let content_type = HeaderValue::from_static(metrics::CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    *response.body_mut() = Bytes::from(control.service.metrics().render());
    response
}

fn clock(control: &Control) -> Response<Bytes> {
    json(StatusCode::OK, &json!({"now_ms": control.clock.now().0}))
}

fn move_clock(control: &Control, request: &EdgeRequest) -> Answer {
    match read(request)? {
        MoveClock {
            advance_ms: Some(by),
            set_ms: None,
            freeze: None,
        } => control.clock.advance_ms(by),
        MoveClock {
            advance_ms: None,
            set_ms: Some(to),
            freeze: None,
        } => control.clock.set(Timestamp(i64::try_from(to).unwrap_or(i64::MAX))),
        MoveClock {
            advance_ms: None,
            set_ms: None,
            freeze: Some(frozen),
        } => control.clock.freeze(frozen),
        _ => {
            return Err(invalid(
                "one of advance_ms, set_ms and freeze is needed, and only one".to_owned(),
            ));
        }
    }
    Ok(clock(control))
}

async fn reset(control: &Control, request: &EdgeRequest) -> Answer {
    if !request.body.is_empty() {
        let Nothing {} = read(request)?;
    }
    // The clock first: the service takes it as it is then, and not for one that went back.
    control.clock.reset();
    control.service.reset().await;
    Ok(empty())
}

async fn seed(control: &Control, request: &EdgeRequest) -> Answer {
    let body: SeedAccounts = read(request)?;
    let seeds = body.accounts.into_iter().enumerate().map(|(nth, account)| {
        Ok(Seed {
            email: account.email,
            password: account.password,
            two_step: account.two_step,
            device: account.device.map(|device| seed_device(nth, device)).transpose()?,
        })
    });
    let created = control.service.seed(seeds.collect::<Result<_, Refusal>>()?).await?;
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

async fn set_status(control: &Control, request: &EdgeRequest) -> Answer {
    let body: AccountStatus = read(request)?;
    let status = match body.status {
        StatusName::Active => Status::Active,
        StatusName::Disabled => Status::Disabled,
    };
    if control.service.set_status(&body.email, status).await {
        Ok(empty())
    } else {
        Err(Problem::NotFound.into())
    }
}

fn set_delivery(control: &Control, request: &EdgeRequest) -> Answer {
    let Delivery { email, push } = read(request)?;
    let set = control.router.set_targets(email.as_ref(), push.as_ref());
    set.map_err(|fault| invalid(fault.to_string()))?;
    Ok(empty())
}

fn mailbox(control: &Control, address: &str) -> Answer {
    let mailbox = control.mailbox.as_ref().ok_or(Problem::NotFound)?;
    let address = percent_decode_str(address).decode_utf8().map_err(|_| Problem::NotFound)?;
    let shown = |letter: &Letter| json!({"kind": letter.kind.name(), "subject": letter.subject, "text": letter.text});
    let messages: Vec<_> = mailbox.of(&address).iter().map(shown).collect();
    Ok(json(StatusCode::OK, &json!({ "messages": messages })))
}

fn invalid(detail: String) -> Refusal {
    Problem::InvalidRequest(detail).into()
}
