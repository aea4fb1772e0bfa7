//! Each operation as a request of the reference API: method, path and credential from the table, the body from here.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use specs::Channel;
use specs::api::Credential;

use crate::device::{CredentialKind, Device};
use crate::operation::{Operation, OperationKind};
use crate::request::RequestBuilder;

/// What stays as it is in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

/// What a device tells about itself in a body, and the credentials that travel there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender<'a> {
    pub installation: &'a str,
    pub name: &'a str,
    pub push_token: Option<&'a str>,
    pub trust_token: Option<&'a str>,
    pub refresh_token: Option<&'a str>,
}

/// The JSON body of a request. It borrows all it says: a storm makes one for every arrival.
#[derive(Serialize)]
#[serde(untagged)]
pub enum RequestBody<'a> {
    Account {
        email: &'a str,
        password: &'a str,
    },
    SignIn {
        email: &'a str,
        password: &'a str,
        device: Installed<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        trust_token: Option<&'a str>,
    },
    Nothing {},
    Method {
        method: Channel,
    },
    Code {
        code: &'a str,
    },
    Refresh {
        #[serde(skip_serializing_if = "Option::is_none")]
        refresh_token: Option<&'a str>,
    },
    Name {
        name: &'a str,
    },
    Push {
        token: &'a str,
    },
    TwoStep {
        enabled: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        password: Option<&'a str>,
    },
    Password {
        password: &'a str,
    },
    ChangePassword {
        current_password: &'a str,
        new_password: &'a str,
    },
    Email {
        email: &'a str,
    },
    CompleteReset {
        token: &'a str,
        new_password: &'a str,
    },
}

/// How a device introduces itself when signing in.
#[derive(Serialize)]
pub struct Installed<'a> {
    installation: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    push_token: Option<&'a str>,
}

/// The body of this operation's request; `None` where there is none.
pub fn body<'a>(operation: &'a Operation, sender: &Sender<'a>) -> Option<RequestBody<'a>> {
    Some(match operation {
        Operation::CreateAccount { email, password } => RequestBody::Account { email, password },
        Operation::SignIn { email, password } => RequestBody::SignIn {
            email,
            password,
            device: Installed {
                installation: sender.installation,
                name: sender.name,
                push_token: sender.push_token,
            },
            trust_token: sender.trust_token,
        },
        Operation::Resend {} => RequestBody::Nothing {},
        Operation::SwitchMethod { method } => RequestBody::Method { method: *method },
        Operation::Verify { code } => RequestBody::Code { code },
        Operation::Refresh {} => RequestBody::Refresh {
            refresh_token: sender.refresh_token,
        },
        Operation::RenameDevice { name, .. } => RequestBody::Name { name },
        Operation::RegisterPush { token } => RequestBody::Push { token },
        Operation::SetTwoStep { enabled, password } => RequestBody::TwoStep {
            enabled: *enabled,
            password: password.as_deref(),
        },
        Operation::Reauthenticate { password } => RequestBody::Password { password },
        Operation::ChangePassword { current, new } => RequestBody::ChangePassword {
            current_password: current,
            new_password: new,
        },
        Operation::RequestReset { email } => RequestBody::Email { email },
        Operation::CompleteReset { token, new } => RequestBody::CompleteReset {
            token,
            new_password: new,
        },
        Operation::ReadChallenge {}
        | Operation::Cancel {}
        | Operation::ListChallenges {}
        | Operation::Deny { .. }
        | Operation::WhoAmI {}
        | Operation::SignOut {}
        | Operation::ListDevices {}
        | Operation::RemoveDevice { .. }
        | Operation::ForgetPush {}
        | Operation::ReadActivity {}
        | Operation::ReadTwoStep {} => return None,
    })
}

/// The path of this operation's request. An id from anywhere is one segment and cannot become a different path.
pub fn path(operation: &Operation) -> Cow<'static, str> {
    let template = operation.kind().call().path;
    match operation {
        Operation::Deny { challenge: id } | Operation::RenameDevice { id, .. } | Operation::RemoveDevice { id } => {
            Cow::Owned(template.replace("{id}", &utf8_percent_encode(id, SEGMENT).to_string()))
        }
        _ => Cow::Borrowed(template),
    }
}

/// The credential that answers for the operation.
pub fn bearer(operation: OperationKind) -> Option<CredentialKind> {
    operation.call().credential.map(|credential| match credential {
        Credential::Handle => CredentialKind::Handle,
        Credential::Access => CredentialKind::Access,
    })
}

/// The honest request of this device for this operation. A credential the device does not hold is left out.
pub(super) fn builder(origin: &str, device: &Device, operation: &Operation) -> RequestBuilder {
    let held = |kind: CredentialKind| device.variables.get(kind.name()).map(String::as_str);
    let url = format!("{origin}{}", path(operation));
    let mut builder =
        RequestBuilder::new(operation.kind(), operation.kind().call().method, url).header("Accept", "application/json");
    if let Some(version) = &device.app_version {
        builder = builder.header("App-Version", version.clone());
    }
    if let Some(token) = bearer(operation.kind()).and_then(held) {
        builder = builder.header("Authorization", format!("Bearer {token}"));
    }
    let sender = Sender {
        installation: &device.installation,
        name: &device.name,
        push_token: device.push_token.as_deref(),
        trust_token: held(CredentialKind::Trust),
        refresh_token: held(CredentialKind::Refresh),
    };
    match body(operation, &sender) {
        Some(body) => builder.json(serde_json::to_value(body).expect("text, booleans and objects of them are JSON")),
        None => builder,
    }
}
