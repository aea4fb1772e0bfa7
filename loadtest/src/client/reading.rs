//! Answers of the reference API, read once and without a copy of what is not kept: the members that make a success, and the few
//! facts that journeys need.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use specs::api::Told;
use targets::native::outcome::{Reading, outcome};
use targets::{Channel, OperationKind};

use super::connection::Answered;
use super::{Facts, Phone, Reply};

/// Any answer, as far as it is read.
#[derive(Default, Deserialize)]
struct Body<'a> {
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

struct Read<'a> {
    body: Body<'a>,
    problem: Option<Problem<'a>>,
    retry_after_s: Option<u64>,
}

impl Reading for Read<'_> {
    fn tells(&self, member: &Told) -> bool {
        let challenge = |has: fn(&Challenge<'_>) -> bool| self.body.challenge.as_ref().is_some_and(has);
        match member {
            // A session is read with both of its credentials or not at all.
            Told::Text("/session/access_token" | "/session/refresh_token") => self.body.session.is_some(),
            Told::Text("/challenge/handle") => challenge(|challenge| challenge.handle.is_some()),
            Told::Text("/challenge/id") => challenge(|challenge| challenge.id.is_some()),
            Told::Text("/account/email") => self.body.account.is_some(),
            Told::Text("/status") => self.body.status.is_some(),
            Told::Text("/id") => self.body.id.is_some(),
            Told::List("/challenges") => self.body.challenges.is_some(),
            Told::List("/devices") => self.body.devices.is_some(),
            Told::List("/activity") => self.body.activity.is_some(),
            Told::Flag("/enabled") => self.body.enabled.is_some(),
            _ => false,
        }
    }

    fn problem_type(&self) -> Option<&str> {
        self.problem.as_ref().map(|problem| &*problem.kind)
    }

    fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }
}

/// What the answer says; the phone takes over the credentials of an accepted one.
pub(super) fn read(operation: OperationKind, answer: &Answered, phone: &mut Phone) -> Reply {
    let success = (200..300).contains(&answer.status);
    let read = Read {
        body: match success && !answer.body.is_empty() {
            true => serde_json::from_slice(&answer.body).unwrap_or_default(),
            false => Body::default(),
        },
        problem: match success {
            true => None,
            false => serde_json::from_slice(&answer.body).ok(),
        },
        retry_after_s: answer.retry_after_s,
    };
    let outcome = outcome(operation, answer.status, &read);
    let accepted = success && outcome != targets::Outcome::Unrecognised;
    Reply {
        outcome: Ok(outcome),
        facts: if accepted { keep(read.body, phone) } else { Facts::default() },
    }
}

/// The phone takes over what an accepted answer hands out; the rest are facts.
fn keep(told: Body<'_>, phone: &mut Phone) -> Facts {
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
        facts.method = challenge.method.as_ref().and_then(channel);
        facts.methods = challenge.methods.iter().filter_map(channel).collect();
    }
    let rows = told.devices.into_iter().flatten();
    facts.devices = rows.map(|row| (row.id, row.name.unwrap_or_default())).collect();
    facts
}

fn channel(text: &Text<'_>) -> Option<Channel> {
    Channel::named(&text.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A member that the table asks for and nothing here reads would make every success of its operation unrecognised.
    #[test]
    fn every_success_of_the_table_is_read() {
        for operation in OperationKind::ALL {
            for answer in operation.call().answers {
                let mut body = json!({});
                for told in answer.told {
                    let (pointer, value) = match told {
                        Told::Text(pointer) => (pointer, json!("x")),
                        Told::List(pointer) => (pointer, json!([])),
                        Told::Flag(pointer) => (pointer, json!(true)),
                    };
                    let mut at = &mut body;
                    for name in pointer[1..].split('/') {
                        at = &mut at[name];
                    }
                    *at = value;
                }
                let answered = Answered {
                    status: answer.status,
                    retry_after_s: None,
                    body: body.to_string().into(),
                };
                let reply = read(*operation, &answered, &mut Phone::default());
                assert!(
                    !matches!(reply.outcome, Ok(targets::Outcome::Unrecognised)),
                    "{operation} {}",
                    answer.status
                );
            }
        }
    }
}
