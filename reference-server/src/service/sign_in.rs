//! Step one: the password.

use std::net::IpAddr;
use std::sync::Arc;

use super::delivery::Dispatch;
use super::hashers::Lane;
use super::record::Scene;
use super::session::Opening;
use super::{ChallengeView, Problem, Service, SessionGrant};
use crate::domain::{
    Account, AccountId, Challenge, ChallengeId, ChallengeState, DeviceId, Incomplete, Method, Outcome, Proof, Timestamp,
    TokenHash,
};
use crate::parts::{CodeFor, TokenKind};
use crate::rules::{Admission, Claims, Event, Opened, SignInFacts, SourceEvent, Typist};

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

impl SignIn {
    fn typist(&self, trusted: bool) -> Typist<'_> {
        Typist {
            trusted,
            typed: &self.email,
            in_session: false,
        }
    }
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
    hash: Option<Arc<str>>,
    trusted: bool,
    blocked: Option<Timestamp>,
}

/// What the atomic step brought about.
enum Step {
    Session(SessionGrant),
    Challenge {
        id: AccountId,
        view: ChallengeView,
        dispatch: Dispatch,
    },
}

impl Service {
    /// Step one, from this address.
    pub async fn sign_in(&self, source: IpAddr, request: SignIn) -> Result<SignInAnswer, Problem> {
        match self.judge(source, &request).await? {
            Step::Session(grant) => Ok(SignInAnswer::Session(grant)),
            Step::Challenge { id, view, dispatch } => {
                self.look_again(&id, self.now());
                if self.dispatch(&id, &dispatch).await {
                    return Ok(SignInAnswer::Challenge(view));
                }
                // It reached nobody, so there is no cool-down to wait for (METH-02).
                let handle = view.handle.clone();
                let as_it_stands = self.challenge(handle.as_deref().unwrap_or_default()).await;
                Ok(SignInAnswer::Challenge(match as_it_stands {
                    Ok(stands) => ChallengeView { handle, ..stands },
                    Err(_) => view,
                }))
            }
        }
    }

    /// Limits, the password, and what follows from it, in the turn of this name.
    async fn judge(&self, source: IpAddr, request: &SignIn) -> Result<Step, Problem> {
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
        let name = email.unwrap_or_else(|| request.email.to_lowercase());
        let mut trusted = self.look(id.as_ref(), &name, request, &claims).await.trusted;
        loop {
            let lane = if trusted { Lane::Proven } else { Lane::Stranger };
            let place = self.place(lane, &name)?;
            let mut guess = self.reserve_guess(source, trusted).await?;
            let _turn = self.lock_identifier(&name, trusted).await;
            let look = self.look(id.as_ref(), &name, request, &claims).await;
            if trusted && !look.trusted {
                // It ended while the device waited: from here on it is a stranger, and bound like one.
                trusted = false;
                continue;
            }
            if let Some(until) = look.blocked {
                return Err(Problem::TooManyAttempts(self.now().seconds_until(until)));
            }
            let password = request.password.clone();
            let password_right = self.password_is(&place, &mut guess, password, look.hash.clone()).await;
            guess.settle(Some(if password_right {
                SourceEvent::Success
            } else {
                SourceEvent::Failure
            }));
            let (Some(id), Some(hash)) = (&id, look.hash) else {
                let now = self.now();
                self.inner.strangers.transact(&name, |stranger| {
                    rules.attempts.password_was_wrong(stranger, request.typist(false), now);
                });
                return Err(Problem::InvalidCredentials);
            };
            return self.decide(id, request, &claims, source, password_right, &hash).await;
        }
    }

    /// What the password depends on: of an account, or of a name that nobody has, limited alike (ENUM-01).
    async fn look(&self, id: Option<&AccountId>, name: &str, request: &SignIn, claims: &Claims) -> Look {
        let (now, settings, rules) = (self.now(), self.settings(), &self.parts().rules);
        let blocked = |account: &mut Account, trusted| {
            let typist = request.typist(trusted);
            rules.attempts.password_blocked(account, typist, now, settings)
        };
        if let Some(id) = id {
            let known = self.parts().store.transact(id, |account| {
                self.tidy(account, now);
                let trusted = rules.trust.recognise(account, claims, now, settings).is_some();
                Look {
                    hash: Some(account.password_hash.clone()),
                    trusted,
                    blocked: blocked(account, trusted),
                }
            });
            if let Some(look) = known.await {
                return look;
            }
        }
        let blocked = self.inner.strangers.transact(name, |stranger| blocked(stranger, false));
        Look {
            hash: None,
            trusted: false,
            blocked,
        }
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
            let password_right = password_right && account.password_hash.as_ref() == hash;
            let device = rules.trust.recognise(account, claims, now, settings);
            let typist = request.typist(device.is_some());
            let scene = Scene::at(self, &claims.name, source);
            if password_right {
                rules.attempts.password_was_right(account, typist);
                self.end_stolen_trust(account, claims, &scene, now);
            } else {
                rules.attempts.password_was_wrong(account, typist, now);
                self.record(account, now, scene, Outcome::PasswordFailed, None);
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
            None => self.open_new(account, opening, Opened::Password, Proof::Password, now),
        }
    }

    /// Somebody with the password presents a trust credential that was replaced: one of the two who hold it is a thief.
    fn end_stolen_trust(&self, account: &mut Account, claims: &Claims, scene: &Scene, now: Timestamp) {
        if let Some(device) = self.parts().rules.trust.stolen(account, claims) {
            self.tell(self.notice(account, Event::TrustCopied, Some(&device), scene, now));
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
        let mut challenge = Challenge {
            id: ChallengeId::random(),
            handle: TokenHash::of(handle),
            installation: claims.installation.clone(),
            device_name: claims.name.clone(),
            push_token: claims.push_token.clone(),
            place: self.parts().locator.place(source),
            method: Method::Email,
            state: ChallengeState::Live,
            code: None,
            created_at: now,
            sent_at: now,
            sends: 0,
            attempts: 0,
        };
        let trust = rules.trust.as_ref();
        let method = rules.delivery.method_for(account, &challenge, now, settings, trust);
        challenge.method = method.ok_or(Problem::MethodUnavailable)?;
        let code = self.draw_code(account, now);
        rules.codes.issue(&mut challenge, &code, now);
        let recipients = rules.delivery.recipients(account, &challenge, now, settings, trust);
        let dispatch = Dispatch::code(self, &challenge, &code, recipients);
        let id = challenge.id.clone();
        let scene = Scene::at(self, &claims.name, source);
        account.incomplete.push(Incomplete {
            challenge: id.clone(),
            since: now,
            installation: claims.installation.clone(),
            device_name: scene.device_name,
            place: scene.place,
            address: scene.address,
        });
        account.challenges.push(challenge);
        rules.sends.sent(account, &id, now);
        let challenge = account.challenge(&id).ok_or(Problem::ChallengeNotLive)?;
        Ok(Step::Challenge {
            id: account.id.clone(),
            view: self.challenge_view(account, challenge, Some(handle.to_owned()), now),
            dispatch,
        })
    }

    pub(super) fn draw_code(&self, account: &Account, now: Timestamp) -> String {
        self.parts().codes.draw(CodeFor {
            email: &account.email,
            now,
            digits: self.settings().code_length,
        })
    }
}
