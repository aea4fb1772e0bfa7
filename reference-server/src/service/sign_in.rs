//! Step one: the password.

use std::net::IpAddr;

use super::delivery::Dispatch;
use super::session::Opening;
use super::{ChallengeView, Problem, Service, SessionGrant};
use crate::domain::{Account, AccountId, Challenge, ChallengeId, ChallengeState, DeviceId, Timestamp, TokenHash};
use crate::parts::{CodeFor, TokenKind};
use crate::rules::{Admission, Claims, Opened, SignInFacts, SourceEvent, Typist};

/// A request for step one.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Identifier as typed.
    pub email: String,
    /// Password.
    pub password: String,
    /// The trust credential the device holds.
    pub trust_token: Option<String>,
    /// The identifier its app chose.
    pub installation: String,
    /// Its label.
    pub name: String,
    /// The push registration it brings.
    pub push_token: Option<String>,
    /// Every app version the request claims.
    pub versions: Vec<String>,
}

/// What comes of step one.
#[derive(Clone, Debug)]
pub enum SignInAnswer {
    /// A full session.
    Session(SessionGrant),
    /// A pending challenge.
    Challenge(ChallengeView),
}

/// What is known of the account before the password is judged.
struct Look {
    hash: String,
    trusted: bool,
    blocked: Option<Timestamp>,
}

/// What the atomic step brought about.
enum Step {
    Session(SessionGrant),
    Challenge(ChallengeView, Dispatch),
}

impl Service {
    /// Step one, from this address.
    pub async fn sign_in(&self, source: IpAddr, request: SignIn) -> Result<SignInAnswer, Problem> {
        let rules = &self.parts().rules;
        let email = rules.identifiers.normalise(&request.email);
        let id = match &email {
            Some(email) => self.parts().store.by_email(email).await,
            None => None,
        };
        let claims = Claims {
            token: request.trust_token.as_deref().map(TokenHash::of),
            installation: request.installation.clone(),
            name: request.name.clone(),
            push_token: request.push_token.clone(),
        };
        let look = match &id {
            Some(id) => self.look(id, &request, &claims).await,
            None => None,
        };
        let trusted = look.as_ref().is_some_and(|look| look.trusted);
        if !trusted {
            self.admit_source(source)?;
        }
        if let Some(until) = look.as_ref().and_then(|look| look.blocked) {
            return Err(Problem::TooManyAttempts(self.now().seconds_until(until)));
        }
        let hash = look.map(|look| look.hash);
        let password_right = self.password_is(request.password.clone(), hash.clone()).await;
        self.note_source(
            source,
            if password_right {
                SourceEvent::Success
            } else {
                SourceEvent::Failure
            },
        );
        let (Some(id), Some(hash)) = (id, hash) else {
            return Err(Problem::InvalidCredentials);
        };
        match self.decide(&id, &request, &claims, source, password_right, &hash).await? {
            Step::Session(grant) => Ok(SignInAnswer::Session(grant)),
            Step::Challenge(view, dispatch) => {
                self.dispatch(&id, &dispatch).await;
                Ok(SignInAnswer::Challenge(view))
            }
        }
    }

    async fn look(&self, id: &AccountId, request: &SignIn, claims: &Claims) -> Option<Look> {
        let (now, settings, rules) = (self.now(), self.settings(), &self.parts().rules);
        self.parts()
            .store
            .transact(id, |account| {
                self.tidy(account, now);
                let trusted = rules.trust.recognise(account, claims, now, settings).is_some();
                let typist = Typist {
                    trusted,
                    typed: &request.email,
                    in_session: false,
                };
                let blocked = rules.attempts.password_blocked(account, typist, now, settings);
                Look {
                    hash: account.password_hash.clone(),
                    trusted,
                    blocked,
                }
            })
            .await
    }

    /// The atomic half of step one.
    async fn decide(
        &self,
        id: &AccountId,
        request: &SignIn,
        claims: &Claims,
        source: IpAddr,
        password_right: bool,
        hash: &str,
    ) -> Result<Step, Problem> {
        let (now, settings, rules) = (self.now(), self.settings(), &self.parts().rules);
        let handle = self.parts().tokens.draw(TokenKind::Handle);
        let opening = Opening::draw(self, claims, source);
        let decided = self.parts().store.transact(id, |account| {
            // The password may have changed while it was being hashed.
            let password_right = password_right && account.password_hash == hash;
            let device = rules.trust.recognise(account, claims, now, settings);
            let typist = Typist {
                trusted: device.is_some(),
                typed: &request.email,
                in_session: false,
            };
            if password_right {
                rules.attempts.password_was_right(account, typist);
                self.end_stolen_trust(account, claims);
            } else {
                rules.attempts.password_was_wrong(account, typist, now);
            }
            let facts = SignInFacts {
                password_right,
                active: account.status == crate::domain::Status::Active,
                two_step: account.two_step,
                version_served: rules.versions.served(&request.versions, &settings.min_version),
                versions: &request.versions,
                trusted: device.is_some(),
                trusted_devices: account.devices.iter().filter(|device| self.is_trusted(device, now)).count(),
            };
            match rules.sign_in.admit(&facts) {
                Admission::Refuse => Err(Problem::InvalidCredentials),
                Admission::UpdateRequired => Err(Problem::UpdateRequired(settings.min_version.to_string())),
                Admission::Session => Ok(Step::Session(self.admit_session(account, &opening, device.clone(), now))),
                Admission::Challenge => self.open_challenge(account, claims, &handle, source, now),
            }
        });
        decided.await.unwrap_or(Err(Problem::InvalidCredentials))
    }

    fn admit_session(&self, account: &mut Account, opening: &Opening, device: Option<DeviceId>, now: Timestamp) -> SessionGrant {
        self.parts().rules.attempts.sign_in_completed(account, device.is_some());
        match device {
            Some(device) => self.open_trusted(account, opening, &device, now),
            None => self.open_new(account, opening, Opened::Password, now),
        }
    }

    /// Somebody with the password presents a trust credential that was replaced: one of the two who hold it is a thief.
    fn end_stolen_trust(&self, account: &mut Account, claims: &Claims) {
        if let Some(device) = self.parts().rules.trust.stolen(account, claims) {
            account.end_sessions(|session| session.device == device);
            if let Some(device) = account.device_mut(&device) {
                device.trust = None;
                device.push_token = None;
            }
        }
    }

    fn open_challenge(
        &self,
        account: &mut Account,
        claims: &Claims,
        handle: &str,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Step, Problem> {
        let (settings, rules) = (self.settings(), &self.parts().rules);
        let may = rules
            .sends
            .may_open(account, &claims.installation, now, settings, rules.codes.as_ref());
        may.map_err(|reason| Problem::not_now(reason, now))?;
        let method = rules.delivery.first_method(account, now, settings, rules.trust.as_ref());
        let method = method.ok_or(Problem::MethodUnavailable)?;
        let mut challenge = Challenge {
            id: ChallengeId::random(),
            handle: TokenHash::of(handle),
            installation: claims.installation.clone(),
            device_name: claims.name.clone(),
            push_token: claims.push_token.clone(),
            place: self.parts().locator.place(source),
            method,
            state: ChallengeState::Live,
            code: None,
            created_at: now,
            sent_at: now,
            sends: 0,
            attempts: 0,
        };
        let code = self.draw_code(account, now);
        rules.codes.issue(&mut challenge, &code, now);
        let recipients = rules
            .delivery
            .recipients(account, &challenge, now, settings, rules.trust.as_ref());
        let dispatch = Dispatch::code(self, &challenge, &code, recipients);
        let id = challenge.id.clone();
        account.challenges.push(challenge);
        rules.sends.sent(account, &id, now);
        let challenge = account.challenge(&id).ok_or(Problem::ChallengeNotLive)?;
        Ok(Step::Challenge(
            self.challenge_view(challenge, Some(handle.to_owned())),
            dispatch,
        ))
    }

    pub(super) fn draw_code(&self, account: &Account, now: Timestamp) -> String {
        self.parts().codes.draw(CodeFor {
            email: &account.email,
            now,
            digits: self.settings().code_length,
        })
    }
}
