//! Login activity, and the line in the log that goes with it (PRIV-02).

use std::net::IpAddr;

use super::Service;
use super::transact::Effects;
use super::views::UNKNOWN_PLACE;
use crate::account::{Account, AccountId, Activity, Challenge, DeviceId, Outcome, Proof, SessionId, anonymize_ip};
use crate::policy::{At, activity};

/// Where and by what device something happened.
#[derive(Clone, Debug)]
pub(super) struct AuditContext {
    pub(super) device_name: String,
    pub(super) place: String,
    pub(super) address: String,
}

impl AuditContext {
    /// A device at an address.
    pub(super) fn at(service: &Service, device_name: &str, source: IpAddr) -> Self {
        Self {
            device_name: device_name.to_owned(),
            place: named(service.deps().locator.place(source)),
            address: anonymize_ip(source),
        }
    }

    /// Where the challenge was opened.
    pub(super) fn of_challenge(account: &Account, challenge: &Challenge) -> Self {
        let opened = account.pending_sign_ins.iter().find(|begun| begun.challenge == challenge.id);
        Self {
            device_name: challenge.device_name.clone(),
            place: named(challenge.place.clone()),
            address: opened.map_or_else(|| UNKNOWN_PLACE.to_owned(), |begun| begun.address.clone()),
        }
    }

    /// The device of a session, with another's label where it is about that one.
    pub(super) fn of_session(account: &Account, session: &SessionId, about: Option<&DeviceId>) -> Self {
        let session = account.session(session);
        let acting = session.and_then(|session| account.device(&session.device));
        let shown = about.and_then(|about| account.device(about)).or(acting);
        Self {
            device_name: shown.map_or_else(|| "unknown".to_owned(), |device| device.name.clone()),
            place: named(acting.and_then(|device| device.place.clone())),
            address: session.map_or_else(|| UNKNOWN_PLACE.to_owned(), |session| session.address.clone()),
        }
    }

    /// Nothing is known but that it happened.
    pub(super) fn unknown() -> Self {
        let unknown = || UNKNOWN_PLACE.to_owned();
        Self {
            device_name: unknown(),
            place: unknown(),
            address: unknown(),
        }
    }
}

fn named(place: Option<String>) -> String {
    place.unwrap_or_else(|| UNKNOWN_PLACE.to_owned())
}

/// What the log tells of an account. No name that a person gave anything: only what the server itself named.
pub(super) struct AuditLine {
    account: AccountId,
    outcome: Outcome,
    source: String,
}

impl AuditLine {
    pub(super) fn write(&self) {
        tracing::info!(
            target: "security",
            account = %self.account.0,
            outcome = ?self.outcome,
            source = %self.source,
            "account event"
        );
    }
}

impl Effects {
    /// Keeps what happened, for the owner and for the log.
    pub(super) fn record(
        &mut self,
        account: &mut Account,
        at: At<'_>,
        context: AuditContext,
        outcome: Outcome,
        method: Option<Proof>,
    ) {
        self.log.push(AuditLine {
            account: account.id.clone(),
            outcome,
            source: context.address.clone(),
        });
        let row = Activity {
            at: at.now,
            device_name: context.device_name,
            place: context.place,
            address: context.address,
            method,
            outcome,
        };
        activity::record(&mut account.activity, row);
    }
}
