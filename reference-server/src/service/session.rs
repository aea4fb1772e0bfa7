//! Sessions: opened, read, renewed, ended.

use std::net::IpAddr;

use super::audit::AuditContext;
use super::transact::Effects;
use super::views::Tokens;
use super::{Problem, Service, SessionGrant, SessionView};
use crate::account::{Account, Activity, Device, DeviceId, Outcome, Proof, Session, SessionId, TokenHash, Trust, anonymize_ip};
use crate::policy::{At, Opened, PresentedDevice, Renewal};
use crate::ports::TokenKind;

/// Everything a new session needs, drawn before the atomic step.
pub(super) struct NewSession {
    access: String,
    refresh: String,
    trust: String,
    presented: PresentedDevice,
    place: Option<String>,
    source: IpAddr,
}

impl NewSession {
    pub(super) fn draw(service: &Service, presented: &PresentedDevice, source: IpAddr) -> Self {
        let tokens = &service.deps().tokens;
        Self {
            access: tokens.draw(TokenKind::Access),
            refresh: tokens.draw(TokenKind::Refresh),
            trust: tokens.draw(TokenKind::Trust),
            presented: presented.clone(),
            place: service.deps().locator.place(source),
            source,
        }
    }
}

impl Service {
    /// A session of a device the account does not know yet, or knows without trust.
    pub(super) fn open_new(
        &self,
        account: &mut Account,
        effects: &mut Effects,
        new_session: &NewSession,
        opened: Opened,
        proof: Proof,
        at: At<'_>,
    ) -> SessionGrant {
        let presented = &new_session.presented;
        // A trusted row is never taken over by a claim: the installation identifier is no secret (DEV-04).
        let known = account
            .devices
            .iter()
            .find(|device| device.trust.is_none() && device.installation == presented.installation);
        let id = known.map_or_else(DeviceId::random, |device| device.id.clone());
        if account.device(&id).is_none() {
            account.devices.push(Device {
                id: id.clone(),
                installation: presented.installation.clone(),
                name: presented.name.clone(),
                trust: None,
                push_token: None,
                first_used_at: at.now,
                last_used_at: at.now,
                place: None,
            });
        }
        let trusted = self.policy().grants_trust(opened);
        if let Some(device) = account.device_mut(&id) {
            device.name.clone_from(&presented.name);
            if trusted {
                device.trust = Some(Trust {
                    token: TokenHash::of(&new_session.trust),
                    replaced: Vec::new(),
                    granted_at: at.now,
                    used_at: at.now,
                });
            }
        }
        self.open(account, effects, new_session, &id, proof, at)
    }

    /// A session of a trusted device, whose credential is replaced.
    pub(super) fn open_trusted(
        &self,
        account: &mut Account,
        effects: &mut Effects,
        new_session: &NewSession,
        id: &DeviceId,
        at: At<'_>,
    ) -> SessionGrant {
        if let Some(device) = account.device_mut(id) {
            self.policy().rotate_trust(device, TokenHash::of(&new_session.trust), at);
        }
        self.open(account, effects, new_session, id, Proof::Trust, at)
    }

    fn open(
        &self,
        account: &mut Account,
        effects: &mut Effects,
        new_session: &NewSession,
        id: &DeviceId,
        proof: Proof,
        at: At<'_>,
    ) -> SessionGrant {
        let presented = &new_session.presented;
        let mut trust = None;
        if let Some(device) = account.device_mut(id) {
            trust = device.trust.is_some().then(|| new_session.trust.clone());
            device.push_token = presented.push_token.clone().or(device.push_token.take());
            device.last_used_at = at.now;
            device.place.clone_from(&new_session.place);
        }
        // A device has one session: signing in again replaces it.
        account.end_sessions(|session| session.device == *id);
        let session = Session {
            id: SessionId::random(),
            device: id.clone(),
            address: anonymize_ip(new_session.source),
            access: TokenHash::of(&new_session.access),
            access_expires_at: at.now.plus_s(at.config.access_ttl_s),
            refresh: TokenHash::of(&new_session.refresh),
            replaced: Vec::new(),
            created_at: at.now,
            used_at: at.now,
            proved_at: None,
        };
        account.sessions.push(session.clone());
        account.drop_devices_beyond(self.config().devices);
        let context = AuditContext::at(self, &presented.name, new_session.source);
        effects.record(account, at, context, Outcome::SignedIn, Some(proof));
        self.grant(
            account,
            &session,
            new_session.access.clone(),
            new_session.refresh.clone(),
            trust,
            at,
        )
    }

    fn grant(
        &self,
        account: &Account,
        session: &Session,
        access: String,
        refresh: String,
        trust: Option<String>,
        at: At<'_>,
    ) -> SessionGrant {
        let device = account.device(&session.device);
        let brief = device.map(|device| self.device_brief(device, at));
        SessionGrant {
            session: Tokens {
                access_token: access,
                access_expires_at: session.access_expires_at,
                refresh_token: refresh,
                expires_at: self.ends_at(session),
            },
            device: brief.unwrap_or_else(|| super::views::DeviceBrief {
                id: session.device.clone(),
                name: String::new(),
                trusted: false,
            }),
            trust_token: trust,
        }
    }

    /// Who is signed in.
    pub async fn who_am_i(&self, access: &str) -> Result<SessionView, Problem> {
        self.read_session(access, |account, session, at| {
            let device = account.device(&session.device).ok_or(Problem::SessionNotLive)?;
            Ok(SessionView {
                account: Self::account_view(account),
                device: self.device_brief(device, at),
                expires_at: self.ends_at(session),
            })
        })
        .await
    }

    pub async fn refresh(&self, refresh_token: &str) -> Result<SessionGrant, Problem> {
        let (at, policy) = (self.at(), self.policy());
        let presented = TokenHash::of(refresh_token);
        let access = self.deps().tokens.draw(TokenKind::Access);
        let refresh = self.deps().tokens.draw(TokenKind::Refresh);
        let id = self.deps().store.by_token(&presented).await?.ok_or(Problem::SessionNotLive)?;
        let renewed = self.transact(&id, |account, _| {
            let id = match policy.renewal(account, &presented, at) {
                Renewal::Renew(id) => id,
                Renewal::Stolen(id) => {
                    account.end_sessions(|session| session.id == id);
                    return Err(Problem::SessionNotLive);
                }
                Renewal::Unknown => return Err(Problem::SessionNotLive),
            };
            let session = account.session_mut(&id).ok_or(Problem::SessionNotLive)?;
            policy.renew_session(session, TokenHash::of(&access), TokenHash::of(&refresh), at);
            let session = session.clone();
            if let Some(device) = account.device_mut(&session.device) {
                device.last_used_at = at.now;
            }
            Ok(self.grant(account, &session, access.clone(), refresh.clone(), None, at))
        });
        renewed.await?.unwrap_or(Err(Problem::SessionNotLive))
    }

    pub async fn sign_out(&self, access: &str) -> Result<(), Problem> {
        self.change_session(access, |account, id, at, effects| {
            let context = AuditContext::of_session(account, id, None);
            self.policy().sign_out(account, id);
            effects.record(account, at, context, Outcome::SignedOut, None);
            Ok(())
        })
        .await
    }

    /// The login activity, newest first.
    pub async fn activity(&self, access: &str) -> Result<Vec<Activity>, Problem> {
        self.read_session(access, |account, _, _| {
            Ok(account.activity.iter().map(|row| Activity::clone(row)).collect())
        })
        .await
    }
}
