//! Answers of the reference API: their class by status *and* content, and the few facts that journeys need. Nothing else of an
//! answer is kept.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use targets::{Channel, OperationKind, Outcome, Refusal};

use super::connection::Answered;
use super::{Facts, Phone, Reply};

/// The prefix of every problem type of the reference API.
const PROBLEMS: &str = "https://stepproof.dev/problems/";

/// Any accepted answer, as far as it is read.
#[derive(Default, Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    challenge: Option<Challenge<'a>>,
    session: Option<Session>,
    trust_token: Option<String>,
    device: Option<Device>,
    devices: Option<Vec<Device>>,
    #[serde(borrow)]
    account: Option<Account<'a>>,
    challenges: Option<Vec<IgnoredAny>>,
    activity: Option<Vec<IgnoredAny>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    enabled: Option<bool>,
}

#[derive(Deserialize)]
struct Challenge<'a> {
    handle: Option<String>,
    id: Option<String>,
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow, default)]
    methods: Vec<Text<'a>>,
}

#[derive(Deserialize)]
struct Session {
    access_token: String,
    refresh_token: String,
}

#[derive(Deserialize)]
struct Device {
    id: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow, rename = "email")]
    _email: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Problem<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

/// Text that is not copied where it stands as it is.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What the answer says; the phone takes over the credentials of an accepted one.
pub(super) fn read(operation: OperationKind, answer: &Answered, phone: &mut Phone) -> Reply {
    let (outcome, facts) = match answer.status {
        200..300 => success(operation, answer, phone),
        // A provider that does not deliver is no failure of the server, when the server says so.
        400..500 | 503 => (refusal(answer), Facts::default()),
        500.. => (Outcome::ServerError, Facts::default()),
        _ => (Outcome::Unrecognised, Facts::default()),
    };
    Reply {
        outcome: Ok(outcome),
        facts,
    }
}

fn success(operation: OperationKind, answer: &Answered, phone: &mut Phone) -> (Outcome, Facts) {
    use OperationKind as Op;
    let told: Told<'_> = if answer.status == 204 {
        Told::default()
    } else {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    };
    let challenge = told.challenge.as_ref();
    let (class, complete) = match (operation, answer.status) {
        (Op::SignIn | Op::Verify, 201) | (Op::Refresh, 200) => (Outcome::SignedIn, told.session.is_some()),
        (Op::SignIn, 202) => (Outcome::Challenged, challenge.is_some_and(|c| c.handle.is_some())),
        (Op::ReadChallenge | Op::Resend | Op::SwitchMethod, 200) => (Outcome::Done, challenge.is_some_and(|c| c.id.is_some())),
        (Op::CreateAccount | Op::RequestReset, 202) => (Outcome::Done, told.status.is_some()),
        (Op::ListChallenges, 200) => (Outcome::Done, told.challenges.is_some()),
        (Op::ListDevices, 200) => (Outcome::Done, told.devices.is_some()),
        (Op::ReadActivity, 200) => (Outcome::Done, told.activity.is_some()),
        (Op::WhoAmI, 200) => (Outcome::Done, told.account.is_some()),
        (Op::ReadTwoStep | Op::SetTwoStep, 200) => (Outcome::Done, told.enabled.is_some()),
        (Op::RenameDevice, 200) => (Outcome::Done, told.id.is_some() || told.device.is_some()),
        (
            Op::Cancel
            | Op::Deny
            | Op::SignOut
            | Op::RemoveDevice
            | Op::RegisterPush
            | Op::Reauthenticate
            | Op::ChangePassword
            | Op::CompleteReset,
            204,
        ) => (Outcome::Done, true),
        _ => (Outcome::Unrecognised, true),
    };
    if !complete || class == Outcome::Unrecognised {
        return (Outcome::Unrecognised, Facts::default());
    }
    (class, keep(told, phone))
}

/// The phone takes over what an accepted answer hands out; the rest are facts.
fn keep(told: Told<'_>, phone: &mut Phone) -> Facts {
    let mut facts = Facts {
        device_id: told.device.map(|device| device.id),
        ..Facts::default()
    };
    if let Some(session) = told.session {
        phone.access = Some(session.access_token);
        phone.refresh = Some(session.refresh_token);
    }
    phone.trust = told.trust_token.or(phone.trust.take());
    if let Some(challenge) = told.challenge {
        phone.handle = challenge.handle.or(phone.handle.take());
        facts.challenge_id = challenge.id;
        facts.method = challenge.method.as_ref().and_then(method);
        facts.methods = challenge.methods.iter().filter_map(method).collect();
    }
    let rows = told.devices.into_iter().flatten();
    facts.devices = rows.map(|row| (row.id, row.name.unwrap_or_default())).collect();
    facts
}

fn refusal(answer: &Answered) -> Outcome {
    let problem = serde_json::from_slice::<Problem<'_>>(&answer.body).ok();
    let Some(slug) = problem.as_ref().and_then(|problem| problem.kind.strip_prefix(PROBLEMS)) else {
        return if answer.status < 500 {
            Outcome::Unrecognised
        } else {
            Outcome::ServerError
        };
    };
    let reason = match (answer.status, slug) {
        (429, _) => {
            let retry_after_s = answer.retry_after_s;
            return Outcome::Limited { retry_after_s };
        }
        (401, "invalid-credentials") => Refusal::Credentials,
        (401, "code-rejected") => Refusal::Code,
        (401, "challenge-not-live") => Refusal::Challenge,
        (401, "session-not-live") => Refusal::Session,
        (403, "update-required") => Refusal::UpdateRequired,
        (403, "reauthentication-required") => Refusal::Reauthentication,
        (404, "not-found") => Refusal::NotFound,
        (400, "invalid-request") | (422, "password-unacceptable") | (413 | 415, _) => Refusal::Invalid,
        (401, "reset-not-live")
        | (403, "trusted-device-required")
        | (409, "method-unavailable")
        | (405, _)
        | (503, "delivery-failed") => Refusal::Unspecified,
        (503, _) => return Outcome::ServerError,
        _ => return Outcome::Unrecognised,
    };
    Outcome::Refused { reason }
}

fn method(text: &Text<'_>) -> Option<Channel> {
    match &*text.0 {
        "push" => Some(Channel::Push),
        "email" => Some(Channel::Email),
        _ => None,
    }
}
