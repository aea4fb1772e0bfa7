//! One function for each of its operations.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::Admin;
use super::bodies::{AccountStatus, Delivery, MoveClock, SeedAccountDevice, SeedAccounts, StatusName};
use super::seeding::{self, Seed, SeedDevice};
use crate::account::{Status, Timestamp};
use crate::adapters::mailer::RenderedMessage;
use crate::adapters::prometheus;
use crate::http::{
    ApiRequest, MAX_INSTALLATION_BYTES, MAX_PUSH_TOKEN_BYTES, Refusal, answer, empty, json, label, opaque, read, read_nothing,
};
use crate::ports::Clock;
use crate::service::Problem;

type Answer = Result<Response<Bytes>, Refusal>;

/// Up to so many accounts, what is live is counted when somebody looks; beyond, it is as of the latest sweep.
const MAX_ACCOUNTS_COUNTED: usize = 10_000;

pub(super) async fn route(admin: &Admin, request: &ApiRequest) -> Answer {
    let segments: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    let not_allowed = |allow: &str| Err(Refusal::MethodNotAllowed(allow.to_owned()));
    match (&request.method, segments.as_slice()) {
        (&Method::GET, ["healthz"]) => Ok(json(StatusCode::OK, &json!({"status": "ok"}))),
        (&Method::GET, ["metrics"]) => read_metrics(admin).await,
        (&Method::GET, ["mailbox", address]) => mailbox(admin, address),
        (_, ["healthz" | "metrics"] | ["mailbox", _]) => not_allowed("GET"),
        (&Method::GET, ["clock"]) => Ok(clock(admin)),
        (&Method::POST, ["clock"]) => move_clock(admin, request),
        (_, ["clock"]) => not_allowed("GET, POST"),
        (&Method::POST, ["reset"]) => reset(admin, request).await,
        (&Method::POST, ["accounts"]) => seed(admin, request).await,
        (&Method::POST, ["accounts", "status"]) => set_status(admin, request).await,
        (_, ["reset"] | ["accounts"] | ["accounts", "status"]) => not_allowed("POST"),
        (&Method::PUT, ["delivery"]) => set_delivery(admin, request),
        (_, ["delivery"]) => not_allowed("PUT"),
        _ => Err(Problem::NotFound.into()),
    }
}

async fn read_metrics(admin: &Admin) -> Answer {
    let accounts = admin.service.deps().store.count().await.map_err(Problem::from)?;
    if accounts <= MAX_ACCOUNTS_COUNTED {
        admin.service.sweep().await?;
    }
    let page = prometheus::render(admin.service.metrics(), accounts);
    Ok(answer(StatusCode::OK, prometheus::CONTENT_TYPE, page))
}

fn clock(admin: &Admin) -> Response<Bytes> {
    json(StatusCode::OK, &json!({"now_ms": admin.clock.now().0}))
}

fn move_clock(admin: &Admin, request: &ApiRequest) -> Answer {
    let MoveClock {
        advance_ms,
        set_ms,
        freeze,
    } = read(request)?;
    match (advance_ms, set_ms, freeze) {
        (Some(by), None, None) => admin.clock.advance_ms(by),
        (None, Some(to), None) => admin.clock.set(Timestamp(i64::try_from(to).unwrap_or(i64::MAX))),
        (None, None, Some(frozen)) => admin.clock.freeze(frozen),
        _ => {
            let what = "one of advance_ms, set_ms and freeze is needed, and only one";
            return Err(invalid(what.to_owned()));
        }
    }
    Ok(clock(admin))
}

async fn reset(admin: &Admin, request: &ApiRequest) -> Answer {
    read_nothing(request)?;
    // The clock first: the service takes it as it is then, and not for one that went back.
    admin.clock.reset();
    admin.service.reset().await?;
    Ok(empty())
}

async fn seed(admin: &Admin, request: &ApiRequest) -> Answer {
    let body: SeedAccounts = read(request)?;
    let seeds = body.accounts.into_iter().enumerate().map(|(nth, account)| {
        Ok(Seed {
            email: account.email,
            password: account.password,
            two_step: account.two_step,
            device: account.device.map(|device| seed_device(nth, device)).transpose()?,
        })
    });
    let created = seeding::seed(&admin.service, seeds.collect::<Result<_, Refusal>>()?).await?;
    Ok(json(StatusCode::CREATED, &json!({"created": created})))
}

/// The device of the nth account, as the public API would take it.
fn seed_device(nth: usize, device: SeedAccountDevice) -> Result<SeedDevice, Refusal> {
    let field = |name: &str| format!("accounts[{nth}].device.{name}");
    let push_token = device.push_token;
    let push_token = push_token.map(|token| opaque(&field("push_token"), token, MAX_PUSH_TOKEN_BYTES));
    Ok(SeedDevice {
        installation: opaque(&field("installation"), device.installation, MAX_INSTALLATION_BYTES)?,
        name: label(&field("name"), device.name)?,
        trust_token: device.trust_token,
        push_token: push_token.transpose()?,
    })
}

async fn set_status(admin: &Admin, request: &ApiRequest) -> Answer {
    let body: AccountStatus = read(request)?;
    let status = match body.status {
        StatusName::Active => Status::Active,
        StatusName::Disabled => Status::Disabled,
    };
    if admin.service.set_status(&body.email, status).await? {
        Ok(empty())
    } else {
        Err(Problem::NotFound.into())
    }
}

fn set_delivery(admin: &Admin, request: &ApiRequest) -> Answer {
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
