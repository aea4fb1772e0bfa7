//! One match from method and path to a call of the service.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::json;

use super::EdgeRequest;
use super::bodies::{
    ChangePasswordBody, CompleteResetBody, CreateAccount, Nothing, PasswordBody, PushBody, RefreshBody, RenameBody, ResetBody,
    SignInBody, SwitchBody, TwoStepBody, VerifyBody,
};
use super::extract::{
    INSTALLATION_MOST, PUSH_TOKEN_MOST, bearer, code, email, invalid, label, opaque, password, read, read_or_nothing, source,
    versions,
};
use super::json_object::Object;
use super::problem::Refusal;
use super::respond::{empty, json};
use crate::domain::{ChallengeId, DeviceId};
use crate::rules::Renaming;
use crate::service::{Problem, Service, SignIn, SignInAnswer};

type Answer = Result<Response<Bytes>, Refusal>;

pub(super) async fn route(service: &Service, request: &EdgeRequest) -> Answer {
    let segments: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    let ["v1", rest @ ..] = segments.as_slice() else {
        return Err(Problem::NotFound.into());
    };
    match (&request.method, rest) {
        (&Method::POST, ["accounts"]) => create_account(service, request).await,
        (_, ["accounts"]) => Err(Refusal::MethodNotAllowed("POST")),
        (&Method::PUT, ["account", "password"]) => change_password(service, request).await,
        (_, ["account", "password"]) => Err(Refusal::MethodNotAllowed("PUT")),
        (&Method::POST, ["sign-ins"]) => sign_in(service, request).await,
        (_, ["sign-ins"]) => Err(Refusal::MethodNotAllowed("POST")),

        (&Method::GET, ["challenge"]) => Ok(challenge(&service.challenge(handle(request)?).await?)),
        (&Method::DELETE, ["challenge"]) => done(service.cancel(handle(request)?).await),
        (_, ["challenge"]) => Err(Refusal::MethodNotAllowed("GET, DELETE")),
        (&Method::POST, ["challenge", "resend"]) => resend(service, request).await,
        (&Method::POST, ["challenge", "method"]) => switch_method(service, request).await,
        (&Method::POST, ["challenge", "verify"]) => verify(service, request).await,
        (_, ["challenge", "resend" | "method" | "verify"]) => Err(Refusal::MethodNotAllowed("POST")),

        (&Method::GET, ["challenges"]) => Ok(json(
            StatusCode::OK,
            &json!({ "challenges": service.pending(access(request)?).await? }),
        )),
        (_, ["challenges"]) => Err(Refusal::MethodNotAllowed("GET")),
        (&Method::POST, ["challenges", id, "deny"]) => done(service.deny(access(request)?, &ChallengeId((*id).into())).await),
        (_, ["challenges", _, "deny"]) => Err(Refusal::MethodNotAllowed("POST")),

        (&Method::GET, ["session"]) => Ok(json(StatusCode::OK, &service.who_am_i(access(request)?).await?)),
        (&Method::DELETE, ["session"]) => done(service.sign_out(access(request)?).await),
        (_, ["session"]) => Err(Refusal::MethodNotAllowed("GET, DELETE")),
        (&Method::POST, ["session", "refresh"]) => refresh(service, request).await,
        (&Method::POST, ["session", "reauthenticate"]) => reauthenticate(service, request).await,
        (_, ["session", "refresh" | "reauthenticate"]) => Err(Refusal::MethodNotAllowed("POST")),

        (&Method::GET, ["devices"]) => Ok(json(
            StatusCode::OK,
            &json!({ "devices": service.devices(access(request)?).await? }),
        )),
        (_, ["devices"]) => Err(Refusal::MethodNotAllowed("GET")),
        (&Method::PUT, ["devices", "current", "push"]) => register_push(service, request).await,
        (&Method::DELETE, ["devices", "current", "push"]) => done(service.register_push(access(request)?, None).await),
        (_, ["devices", "current", "push"]) => Err(Refusal::MethodNotAllowed("PUT, DELETE")),
        (&Method::PATCH, ["devices", id]) => rename(service, request, id).await,
        (&Method::DELETE, ["devices", id]) => done(service.remove_device(access(request)?, &DeviceId((*id).into())).await),
        (_, ["devices", _]) => Err(Refusal::MethodNotAllowed("PATCH, DELETE")),

        (&Method::GET, ["activity"]) => Ok(json(
            StatusCode::OK,
            &json!({ "activity": service.activity(access(request)?).await? }),
        )),
        (_, ["activity"]) => Err(Refusal::MethodNotAllowed("GET")),
        (&Method::GET, ["two-step"]) => Ok(json(StatusCode::OK, &service.two_step(access(request)?).await?)),
        (&Method::PUT, ["two-step"]) => set_two_step(service, request).await,
        (_, ["two-step"]) => Err(Refusal::MethodNotAllowed("GET, PUT")),

        (&Method::POST, ["password-resets"]) => request_reset(service, request).await,
        (&Method::POST, ["password-resets", "complete"]) => complete_reset(service, request).await,
        (_, ["password-resets"] | ["password-resets", "complete"]) => Err(Refusal::MethodNotAllowed("POST")),
        _ => Err(Problem::NotFound.into()),
    }
}

async fn create_account(service: &Service, request: &EdgeRequest) -> Answer {
    let body: CreateAccount = read(request)?;
    service.create_account(&email(body.email)?, body.password).await?;
    Ok(accepted())
}

async fn change_password(service: &Service, request: &EdgeRequest) -> Answer {
    let access = access(request)?;
    let body: ChangePasswordBody = read(request)?;
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

async fn sign_in(service: &Service, request: &EdgeRequest) -> Answer {
    let body: SignInBody = read(request)?;
    let Object(device) = body.device;
    let sign_in = SignIn {
        email: email(body.email)?,
        password: password("password", body.password)?,
        trust_token: body.trust_token,
        installation: opaque("device.installation", device.installation, INSTALLATION_MOST)?,
        name: label("device.name", device.name)?,
        push_token: device
            .push_token
            .map(|token| opaque("device.push_token", token, PUSH_TOKEN_MOST))
            .transpose()?,
        versions: versions(request),
    };
    Ok(match service.sign_in(source(service, request), sign_in).await? {
        SignInAnswer::Session(grant) => json(StatusCode::CREATED, &grant),
        SignInAnswer::Challenge(view) => json(StatusCode::ACCEPTED, &json!({ "challenge": view })),
    })
}

async fn resend(service: &Service, request: &EdgeRequest) -> Answer {
    let handle = handle(request)?;
    let Nothing {} = read_or_nothing(request)?;
    Ok(challenge(&service.resend(handle).await?))
}

async fn switch_method(service: &Service, request: &EdgeRequest) -> Answer {
    let handle = handle(request)?;
    let body: SwitchBody = read(request)?;
    Ok(challenge(&service.switch_method(handle, body.method).await?))
}

async fn verify(service: &Service, request: &EdgeRequest) -> Answer {
    let handle = handle(request)?;
    let body: VerifyBody = read(request)?;
    let grant = service
        .verify(source(service, request), handle, &code(&body.code)?, body.trust)
        .await?;
    Ok(json(StatusCode::CREATED, &grant))
}

async fn refresh(service: &Service, request: &EdgeRequest) -> Answer {
    let body: RefreshBody = read(request)?;
    Ok(json(StatusCode::OK, &service.refresh(&body.refresh_token).await?))
}

async fn reauthenticate(service: &Service, request: &EdgeRequest) -> Answer {
    let access = access(request)?;
    let body: PasswordBody = read(request)?;
    done(
        service
            .reauthenticate(source(service, request), access, password("password", body.password)?)
            .await,
    )
}

async fn register_push(service: &Service, request: &EdgeRequest) -> Answer {
    let access = access(request)?;
    let body: PushBody = read(request)?;
    done(
        service
            .register_push(access, Some(opaque("token", body.token, PUSH_TOKEN_MOST)?))
            .await,
    )
}

async fn rename(service: &Service, request: &EdgeRequest, id: &str) -> Answer {
    let access = access(request)?;
    let body: RenameBody = read(request)?;
    let renaming = Renaming {
        name: label("name", body.name)?,
    };
    Ok(json(
        StatusCode::OK,
        &service.rename_device(access, &DeviceId(id.into()), renaming).await?,
    ))
}

async fn set_two_step(service: &Service, request: &EdgeRequest) -> Answer {
    let access = access(request)?;
    let body: TwoStepBody = read(request)?;
    let proof = body.password.map(|typed| password("password", typed)).transpose()?;
    let view = service
        .set_two_step(source(service, request), access, body.enabled, proof)
        .await?;
    Ok(json(StatusCode::OK, &view))
}

async fn request_reset(service: &Service, request: &EdgeRequest) -> Answer {
    let body: ResetBody = read(request)?;
    service.request_reset(&email(body.email)?).await?;
    Ok(accepted())
}

async fn complete_reset(service: &Service, request: &EdgeRequest) -> Answer {
    let body: CompleteResetBody = read(request)?;
    done(service.complete_reset(&body.token, body.new_password).await)
}

fn handle(request: &EdgeRequest) -> Result<&str, Refusal> {
    bearer(request).ok_or(Refusal::Service(Problem::ChallengeNotLive))
}

fn access(request: &EdgeRequest) -> Result<&str, Refusal> {
    if request.headers.get_all(http::header::AUTHORIZATION).iter().count() > 1 {
        return Err(invalid("Authorization: more than one".to_owned()));
    }
    bearer(request).ok_or(Refusal::Service(Problem::SessionNotLive))
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
