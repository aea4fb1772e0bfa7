//! Step one: the password.

use std::net::IpAddr;
use std::sync::Arc;

use super::audit::AuditContext;
use super::delivery::Dispatch;
use super::hashers::Lane;
use super::session::NewSession;
use super::{ChallengeView, Problem, Service, SessionGrant};
use crate::account::{
    Account, AccountId, Challenge, ChallengeId, ChallengeState, DeviceId, Method, Outcome, PendingSignIn, Proof, Timestamp,
    TokenHash,
};
use crate::ports::{CodeFor, TokenKind};
use crate::rules::{Admission, Event, Opened, PasswordAttempt, PresentedDevice, SignInFacts, SourceEvent};

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
    /// Every app version the request presented.
    pub versions: Vec<String>,
}

impl SignIn {
    fn attempt(&self, trusted: bool) -> PasswordAttempt<'_> {
        PasswordAttempt {
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
                self.schedule_abandoned_notice(&id, self.now());
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
        let rules = &self.deps().rules;
        let email = rules.identifiers.normalise(&request.email);
        let id = match &email {
            Some(email) => self.deps().store.by_email(email).await,
            None => None,
        };
        let presented = PresentedDevice {
            token: request.trust_token.as_deref().map(TokenHash::of),
            installation: request.installation.clone(),
            name: request.name.clone(),
            push_token: request.push_token.clone(),
        };
        let name = email.unwrap_or_else(|| request.email.to_lowercase());
        let mut trusted = self.look(id.as_ref(), &name, request, &presented).await.trusted;
        loop {
            let lane = if trusted { Lane::Proven } else { Lane::Stranger };
            let place = self.place(lane, &name)?;
            let mut guess = self.reserve_guess(source, trusted).await?;
            let _turn = self.lock_identifier(&name, trusted).await;
            let look = self.look(id.as_ref(), &name, request, &presented).await;
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
                self.inner.unknown_identifiers.transact(&name, |stranger| {
                    rules.attempts.password_was_wrong(stranger, request.attempt(false), now);
                });
                return Err(Problem::InvalidCredentials);
            };
            return self.decide(id, request, &presented, source, password_right, &hash).await;
        }
    }

    /// What the password depends on: of an account, or of a name that nobody has, limited alike (ENUM-01).
    async fn look(&self, id: Option<&AccountId>, name: &str, request: &SignIn, presented: &PresentedDevice) -> Look {
        let (now, config, rules) = (self.now(), self.config(), &self.deps().rules);
        let blocked = |account: &mut Account, trusted| {
            let attempt = request.attempt(trusted);
            rules.attempts.password_blocked(account, attempt, now, config)
        };
        if let Some(id) = id {
            let known = self.deps().store.transact(id, |account| {
                self.expire(account, now);
                let trusted = rules.trust.recognise(account, presented, now, config).is_some();
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
        let blocked = self
            .inner
            .unknown_identifiers
            .transact(name, |stranger| blocked(stranger, false));
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
        presented: &PresentedDevice,
        source: IpAddr,
        password_right: bool,
        hash: &str,
    ) -> Result<Step, Problem> {
        let (now, config, rules) = (self.now(), self.config(), &self.deps().rules);
        let handle = self.deps().tokens.draw(TokenKind::Handle);
        let new_session = NewSession::draw(self, presented, source);
        let decided = self.deps().store.transact(id, |account| {
            // The password may have changed while it was being hashed.
            let password_right = password_right && account.password_hash.as_ref() == hash;
            let device = rules.trust.recognise(account, presented, now, config);
            let attempt = request.attempt(device.is_some());
            let context = AuditContext::at(self, &presented.name, source);
            if password_right {
                rules.attempts.password_was_right(account, attempt);
                self.end_stolen_trust(account, presented, &context, now);
            } else {
                rules.attempts.password_was_wrong(account, attempt, now);
                self.record(account, now, context, Outcome::PasswordFailed, None);
            }
            let facts = SignInFacts {
                password_right,
                active: account.status == crate::account::Status::Active,
                two_step: account.two_step,
                version_served: rules.versions.served(&request.versions, &config.min_version),
                versions: &request.versions,
                trusted: device.is_some(),
                trusted_devices: account.devices.iter().filter(|device| self.is_trusted(device, now)).count(),
            };
            match rules.sign_in.admit(&facts) {
                Admission::Refuse => Err(Problem::InvalidCredentials),
                Admission::UpdateRequired => Err(Problem::UpdateRequired(config.min_version.to_string())),
                Admission::Session => Ok(Step::Session(self.admit_session(account, &new_session, device.clone(), now))),
                Admission::Challenge => self.open_challenge(account, presented, &handle, source, now),
            }
        });
        decided.await.unwrap_or(Err(Problem::InvalidCredentials))
    }

    fn admit_session(
        &self,
        account: &mut Account,
        new_session: &NewSession,
        device: Option<DeviceId>,
        now: Timestamp,
    ) -> SessionGrant {
        self.deps().rules.attempts.sign_in_completed(account, device.is_some());
        match device {
            Some(device) => self.open_trusted(account, new_session, &device, now),
            None => self.open_new(account, new_session, Opened::Password, Proof::Password, now),
        }
    }

    /// Somebody with the password presents a trust credential that was replaced: one of the two who hold it is a thief.
    fn end_stolen_trust(&self, account: &mut Account, presented: &PresentedDevice, context: &AuditContext, now: Timestamp) {
        if let Some(device) = self.deps().rules.trust.stolen(account, presented) {
            self.enqueue(self.notice(account, Event::TrustCopied, Some(&device), context, now));
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
        presented: &PresentedDevice,
        handle: &str,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Step, Problem> {
        let (config, rules) = (self.config(), &self.deps().rules);
        let may = rules
            .sends
            .may_open(account, &presented.installation, now, config, rules.codes.as_ref());
        may.map_err(|reason| Problem::not_now(reason, now))?;
        let mut challenge = Challenge {
            id: ChallengeId::random(),
            handle: TokenHash::of(handle),
            installation: presented.installation.clone(),
            device_name: presented.name.clone(),
            push_token: presented.push_token.clone(),
            place: self.deps().locator.place(source),
            method: Method::Email,
            state: ChallengeState::Live,
            code: None,
            created_at: now,
            sent_at: now,
            sends: 0,
            attempts: 0,
        };
        let trust = rules.trust.as_ref();
        let method = rules.delivery.method_for(account, &challenge, now, config, trust);
        challenge.method = method.ok_or(Problem::MethodUnavailable)?;
        let code = self.draw_code(account, now);
        rules.codes.issue(&mut challenge, &code, now);
        let recipients = rules.delivery.recipients(account, &challenge, now, config, trust);
        let dispatch = Dispatch::code(self, &challenge, &code, recipients);
        let id = challenge.id.clone();
        let context = AuditContext::at(self, &presented.name, source);
        account.pending_sign_ins.push(PendingSignIn {
            challenge: id.clone(),
            since: now,
            installation: presented.installation.clone(),
            device_name: context.device_name,
            place: context.place,
            address: context.address,
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
        self.deps().codes.draw(CodeFor {
            email: &account.email,
            now,
            digits: self.config().code_length,
        })
    }
}
