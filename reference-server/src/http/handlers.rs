//! One function an operation, from the request to a call of the service. Unknown fields of a body are refused, so that nothing a
//! client adds can mean anything (SIGN-04, DEV-13, INPUT).

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use specs::api::{Operation, Route};

use super::extract::{
    MAX_INSTALLATION_BYTES, MAX_PUSH_TOKEN_BYTES, bearer, code, email, invalid, label, opaque, password, read, read_nothing,
    source, versions,
};
use super::json_object::{Object, present};
use super::problem::Refusal;
use super::request::ApiRequest;
use super::respond::{empty, json};
use crate::account::{ChallengeId, DeviceId, Method};
use crate::service::{Problem, Service, SignIn, SignInAnswer};

type Answer = Result<Response<Bytes>, Refusal>;

/// Finds the operation that a method and a path mean, and carries it out.
pub(super) async fn route(service: &Service, request: &ApiRequest) -> Answer {
    let route = Route::find(&request.path).ok_or(Problem::NotFound)?;
    let operation = route.operation(request.method.as_str());
    let operation = operation.ok_or_else(|| Refusal::MethodNotAllowed(route.allow()))?;
    let id = route.id.unwrap_or_default();
    // No `_`: an operation that is added to the table has to be served, or this does not compile.
    match operation {
        Operation::CreateAccount => create_account(service, request).await,
        Operation::ChangePassword => change_password(service, request).await,
        Operation::SignIn => sign_in(service, request).await,
        Operation::ReadChallenge => Ok(challenge(&service.challenge(handle(request)?).await?)),
        Operation::Cancel => done(service.cancel(handle(request)?).await),
        Operation::Resend => resend(service, request).await,
        Operation::SwitchMethod => switch_method(service, request).await,
        Operation::Verify => verify(service, request).await,
        Operation::ListChallenges => ok(&json!({ "challenges": service.pending(access(request)?).await? })),
        Operation::Deny => done(service.deny(access(request)?, &ChallengeId(id.into())).await),
        Operation::WhoAmI => ok(&service.who_am_i(access(request)?).await?),
        Operation::SignOut => done(service.sign_out(access(request)?).await),
        Operation::Refresh => refresh(service, request).await,
        Operation::Reauthenticate => reauthenticate(service, request).await,
        Operation::ListDevices => ok(&json!({ "devices": service.devices(access(request)?).await? })),
        Operation::RenameDevice => rename(service, request, id).await,
        Operation::RemoveDevice => done(service.remove_device(access(request)?, &DeviceId(id.into())).await),
        Operation::RegisterPush => register_push(service, request).await,
        Operation::ForgetPush => done(service.register_push(access(request)?, None).await),
        Operation::ReadActivity => ok(&json!({ "activity": service.activity(access(request)?).await? })),
        Operation::ReadTwoStep => ok(&service.two_step(access(request)?).await?),
        Operation::SetTwoStep => set_two_step(service, request).await,
        Operation::RequestReset => request_reset(service, request).await,
        Operation::CompleteReset => complete_reset(service, request).await,
    }
}

async fn create_account(service: &Service, request: &ApiRequest) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        email: String,
        password: String,
    }
    let body: Body = read(request)?;
    service.create_account(&email(body.email)?, body.password).await?;
    Ok(accepted())
}

async fn change_password(service: &Service, request: &ApiRequest) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        current_password: String,
        new_password: String,
    }
    let access = access(request)?;
    let body: Body = read(request)?;
    done(
        service
            .change_password(
                source(service, request),
                access,
                password("current_password", body.current_password)?,
                body.new_password,
            )
            .await,
    )
}

async fn sign_in(service: &Service, request: &ApiRequest) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        email: String,
        password: String,
        #[serde(default, deserialize_with = "present")]
        trust_token: Option<String>,
        device: Object<DeviceBody>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct DeviceBody {
        installation: String,
        name: String,
        #[serde(default, deserialize_with = "present")]
        push_token: Option<String>,
    }
    let body: Body = read(request)?;
    let Object(device) = body.device;
    let sign_in = SignIn {
        email: email(body.email)?,
        password: password("password", body.password)?,
        trust_token: body.trust_token,
        installation: opaque("device.installation", device.installation, MAX_INSTALLATION_BYTES)?,
        name: label("device.name", device.name)?,
        push_token: device
            .push_token
            .map(|token| opaque("device.push_token", token, MAX_PUSH_TOKEN_BYTES))
            .transpose()?,
        versions: versions(request),
    };
    Ok(match service.sign_in(source(service, request), sign_in).await? {
        SignInAnswer::Session(grant) => json(StatusCode::CREATED, &grant),
        SignInAnswer::Challenge(view) => json(StatusCode::ACCEPTED, &json!({ "challenge": view })),
    })
}

async fn resend(service: &Service, request: &ApiRequest) -> Answer {
    let handle = handle(request)?;
    read_nothing(request)?;
    Ok(challenge(&service.resend(handle).await?))
}

async fn switch_method(service: &Service, request: &ApiRequest) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        method: Method,
    }
    let handle = handle(request)?;
    let body: Body = read(request)?;
    Ok(challenge(&service.switch_method(handle, body.method).await?))
}

async fn verify(service: &Service, request: &ApiRequest) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        code: String,
        #[serde(default = "yes")]
        trust: bool,
    }
    let handle = handle(request)?;
    let body: Body = read(request)?;
    let grant = service
        .verify(source(service, request), handle, &code(&body.code)?, body.trust)
        .await?;
    Ok(json(StatusCode::CREATED, &grant))
}

async fn refresh(service: &Service, request: &ApiRequest) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        refresh_token: String,
    }
    let body: Body = read(request)?;
    ok(&service.refresh(&body.refresh_token).await?)
}

async fn reauthenticate(service: &Service, request: &ApiRequest) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        password: String,
    }
    let access = access(request)?;
    let body: Body = read(request)?;
    done(
        service
            .reauthenticate(source(service, request), access, password("password", body.password)?)
            .await,
    )
}

async fn register_push(service: &Service, request: &ApiRequest) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        token: String,
    }
    let access = access(request)?;
    let body: Body = read(request)?;
    done(
        service
            .register_push(access, Some(opaque("token", body.token, MAX_PUSH_TOKEN_BYTES)?))
            .await,
    )
}

async fn rename(service: &Service, request: &ApiRequest, id: &str) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        name: String,
    }
    let access = access(request)?;
    let body: Body = read(request)?;
    let name = label("name", body.name)?;
    ok(&service.rename_device(access, &DeviceId(id.into()), &name).await?)
}

async fn set_two_step(service: &Service, request: &ApiRequest) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        enabled: bool,
        #[serde(default, deserialize_with = "present")]
        password: Option<String>,
    }
    let access = access(request)?;
    let body: Body = read(request)?;
    let proof = body.password.map(|typed| password("password", typed)).transpose()?;
    let view = service
        .set_two_step(source(service, request), access, body.enabled, proof)
        .await?;
    ok(&view)
}

async fn request_reset(service: &Service, request: &ApiRequest) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        email: String,
    }
    let body: Body = read(request)?;
    service.request_reset(&email(body.email)?).await?;
    Ok(accepted())
}

async fn complete_reset(service: &Service, request: &ApiRequest) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        token: String,
        new_password: String,
    }
    let body: Body = read(request)?;
    done(service.complete_reset(&body.token, body.new_password).await)
}

fn handle(request: &ApiRequest) -> Result<&str, Refusal> {
    bearer(request).ok_or(Refusal::Service(Problem::ChallengeNotLive))
}

fn access(request: &ApiRequest) -> Result<&str, Refusal> {
    if request.headers.get_all(http::header::AUTHORIZATION).iter().count() > 1 {
        return Err(invalid("Authorization: more than one".to_owned()));
    }
    bearer(request).ok_or(Refusal::Service(Problem::SessionNotLive))
}

fn ok<T: Serialize>(view: &T) -> Answer {
    Ok(json(StatusCode::OK, view))
}

fn challenge(view: &crate::service::ChallengeView) -> Response<Bytes> {
    json(StatusCode::OK, &json!({ "challenge": view }))
}

fn accepted() -> Response<Bytes> {
    json(StatusCode::ACCEPTED, &json!({ "status": "accepted" }))
}

fn done(outcome: Result<(), Problem>) -> Answer {
    outcome?;
    Ok(empty())
}

fn yes() -> bool {
    true
}
