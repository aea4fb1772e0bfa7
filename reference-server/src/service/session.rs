//! Sessions: opened, read, renewed, ended.

use std::net::IpAddr;

use super::record::Scene;
use super::views::Tokens;
use super::{Problem, Service, SessionGrant, SessionView};
use crate::domain::{
    Account, Activity, Device, DeviceId, Outcome, Proof, Session, SessionId, Timestamp, TokenHash, Trust, coarse,
};
use crate::parts::TokenKind;
use crate::rules::{Claims, Opened, Renewal};

/// Everything a new session needs, drawn before the atomic step.
pub(super) struct Opening {
    access: String,
    refresh: String,
    trust: String,
    claims: Claims,
    place: Option<String>,
    source: IpAddr,
}

impl Opening {
    pub(super) fn draw(service: &Service, claims: &Claims, source: IpAddr) -> Self {
        let tokens = &service.parts().tokens;
        Self {
            access: tokens.draw(TokenKind::Access),
            refresh: tokens.draw(TokenKind::Refresh),
            trust: tokens.draw(TokenKind::Trust),
            claims: claims.clone(),
            place: service.parts().locator.place(source),
            source,
        }
    }
}

impl Service {
    /// A session of a device the account does not know yet, or knows without trust.
    pub(super) fn open_new(
        &self,
        account: &mut Account,
        opening: &Opening,
        opened: Opened,
        proof: Proof,
        now: Timestamp,
    ) -> SessionGrant {
        let claims = &opening.claims;
        // A trusted row is never taken over by a claim: the installation identifier is no secret (DEV-04).
        let known = account
            .devices
            .iter()
            .find(|device| device.trust.is_none() && device.installation == claims.installation);
        let id = known.map_or_else(DeviceId::random, |device| device.id.clone());
        if account.device(&id).is_none() {
            account.devices.push(Device {
                id: id.clone(),
                installation: claims.installation.clone(),
                name: claims.name.clone(),
                trust: None,
                push_token: None,
                first_used_at: now,
                last_used_at: now,
                place: None,
            });
        }
        let trusted = self.parts().rules.trust.grants(opened);
        if let Some(device) = account.device_mut(&id) {
            device.name.clone_from(&claims.name);
            if trusted {
                device.trust = Some(Trust {
                    token: TokenHash::of(&opening.trust),
                    replaced: Vec::new(),
                    granted_at: now,
                    used_at: now,
                });
            }
        }
        self.open(account, opening, &id, trusted, proof, now)
    }

    /// A session of a trusted device, whose credential is replaced.
    pub(super) fn open_trusted(&self, account: &mut Account, opening: &Opening, id: &DeviceId, now: Timestamp) -> SessionGrant {
        if let Some(device) = account.device_mut(id) {
            self.parts().rules.trust.rotate(device, TokenHash::of(&opening.trust), now);
        }
        self.open(account, opening, id, true, Proof::Trust, now)
    }

    fn open(
        &self,
        account: &mut Account,
        opening: &Opening,
        id: &DeviceId,
        with_trust: bool,
        proof: Proof,
        now: Timestamp,
    ) -> SessionGrant {
        let claims = &opening.claims;
        if let Some(device) = account.device_mut(id) {
            device.push_token = claims.push_token.clone().or(device.push_token.take());
            device.last_used_at = now;
            device.place.clone_from(&opening.place);
        }
        // A device has one session: signing in again replaces it.
        account.end_sessions(|session| session.device == *id);
        let session = Session {
            id: SessionId::random(),
            device: id.clone(),
            address: coarse(opening.source),
            access: TokenHash::of(&opening.access),
            access_expires_at: now.plus_s(self.settings().access_ttl_s),
            refresh: TokenHash::of(&opening.refresh),
            replaced: Vec::new(),
            created_at: now,
            used_at: now,
            proved_at: None,
        };
        account.sessions.push(session.clone());
        account.drop_devices_beyond(self.settings().devices);
        let scene = Scene::at(self, &claims.name, opening.source);
        self.record(account, now, scene, Outcome::SignedIn, Some(proof));
        let trust = with_trust.then(|| opening.trust.clone());
        self.grant(account, &session, opening.access.clone(), opening.refresh.clone(), trust, now)
    }

    fn grant(
        &self,
        account: &Account,
        session: &Session,
        access: String,
        refresh: String,
        trust: Option<String>,
        now: Timestamp,
    ) -> SessionGrant {
        let device = account.device(&session.device);
        let brief = device.map(|device| self.device_brief(device, now));
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
        self.in_session(access, |account, id, now| {
            let session = account.session(id).ok_or(Problem::SessionNotLive)?;
            let device = account.device(&session.device).ok_or(Problem::SessionNotLive)?;
            Ok(SessionView {
                account: Self::account_view(account),
                device: self.device_brief(device, now),
                expires_at: self.ends_at(session),
            })
        })
        .await
    }

    /// Renews a session's credentials.
    pub async fn refresh(&self, refresh_token: &str) -> Result<SessionGrant, Problem> {
        let (now, settings, rules) = (self.now(), self.settings(), &self.parts().rules);
        let presented = TokenHash::of(refresh_token);
        let access = self.parts().tokens.draw(TokenKind::Access);
        let refresh = self.parts().tokens.draw(TokenKind::Refresh);
        let id = self.parts().store.by_token(&presented).await.ok_or(Problem::SessionNotLive)?;
        let renewed = self.parts().store.transact(&id, |account| {
            let id = match rules.sessions.renewal(account, &presented, now, settings) {
                Renewal::Renew(id) => id,
                Renewal::Stolen(id) => {
                    account.end_sessions(|session| session.id == id);
                    return Err(Problem::SessionNotLive);
                }
                Renewal::Unknown => return Err(Problem::SessionNotLive),
            };
            let session = account.session_mut(&id).ok_or(Problem::SessionNotLive)?;
            rules
                .sessions
                .renew(session, TokenHash::of(&access), TokenHash::of(&refresh), now, settings);
            let session = session.clone();
            if let Some(device) = account.device_mut(&session.device) {
                device.last_used_at = now;
            }
            Ok(self.grant(account, &session, access.clone(), refresh.clone(), None, now))
        });
        renewed.await.unwrap_or(Err(Problem::SessionNotLive))
    }

    /// Ends the session.
    pub async fn sign_out(&self, access: &str) -> Result<(), Problem> {
        self.in_session(access, |account, id, now| {
            let scene = Scene::of_session(account, id, None);
            self.parts().rules.sessions.sign_out(account, id);
            self.record(account, now, scene, Outcome::SignedOut, None);
            Ok(())
        })
        .await
    }

    /// The login activity, newest first.
    pub async fn activity(&self, access: &str) -> Result<Vec<Activity>, Problem> {
        self.in_session(access, |account, _, _| Ok(account.activity.iter().cloned().collect()))
            .await
    }
}
