//! Step one: the password.

use std::net::IpAddr;
use std::sync::Arc;

use super::audit::AuditContext;
use super::delivery::Dispatch;
use super::hashers::Lane;
use super::session::NewSession;
use super::transact::Effects;
use super::{ChallengeView, Problem, Service, SessionGrant};
use crate::account::{
    Account, AccountId, Challenge, ChallengeId, ChallengeState, DeviceId, Method, Outcome, PendingSignIn, Proof, Timestamp,
    TokenHash,
};
use crate::policy::attempts::sign_in_completed;
use crate::policy::delivery::method_for;
use crate::policy::identifiers::normalise;
use crate::policy::{Admission, At, Event, Limit, Opened, PasswordAttempt, PresentedDevice, SignInFacts, SourceEvent};
use crate::ports::{CodeFor, TokenKind};

/// A request for step one.
#[derive(Clone, Debug)]
pub struct SignIn {
    pub email: String,
    pub password: String,
    /// The trust credential the device holds.
    pub trust_token: Option<String>,
    /// The identifier its app chose.
    pub installation: String,
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
struct Precheck {
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
        match self.authenticate(source, &request).await? {
            Step::Session(grant) => Ok(SignInAnswer::Session(grant)),
            Step::Challenge { id, view, dispatch } => {
                self.schedule_abandoned_notice(&id, self.at());
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
    async fn authenticate(&self, source: IpAddr, request: &SignIn) -> Result<Step, Problem> {
        let email = normalise(&request.email);
        let id = match &email {
            Some(email) => self.deps().store.by_email(email).await?,
            None => None,
        };
        let presented = PresentedDevice {
            token: request.trust_token.as_deref().map(TokenHash::of),
            installation: request.installation.clone(),
            name: request.name.clone(),
            push_token: request.push_token.clone(),
        };
        let name = email.unwrap_or_else(|| request.email.to_lowercase());
        let mut trusted = self.precheck(id.as_ref(), &name, request, &presented).await?.trusted;
        loop {
            let lane = if trusted { Lane::Proven } else { Lane::Stranger };
            let place = self.place(lane, &name)?;
            let mut guess = self.reserve_guess(source, trusted).await?;
            let _turn = self.lock_identifier(&name, trusted).await;
            let known = self.precheck(id.as_ref(), &name, request, &presented).await?;
            if trusted && !known.trusted {
                // It ended while the device waited: from here on it is a stranger, and bound like one.
                trusted = false;
                continue;
            }
            if let Some(until) = known.blocked {
                return Err(self.at().limited(until, Limit::Attempts).into());
            }
            let password = request.password.clone();
            let password_right = self.password_is(&place, &mut guess, password, known.hash.clone()).await;
            let event = if password_right {
                SourceEvent::Success
            } else {
                SourceEvent::Failure
            };
            guess.settle(Some(event)).await?;
            let (Some(id), Some(hash)) = (&id, known.hash) else {
                self.unknown_was_wrong(&name, request.attempt(false)).await?;
                return Err(Problem::InvalidCredentials);
            };
            return self.commit(id, request, &presented, source, password_right, &hash).await;
        }
    }

    /// What the password depends on: of an account, or of a name that nobody has, limited alike (ENUM-01).
    async fn precheck(
        &self,
        id: Option<&AccountId>,
        name: &str,
        request: &SignIn,
        presented: &PresentedDevice,
    ) -> Result<Precheck, Problem> {
        let (at, policy) = (self.at(), self.policy());
        let blocked = |account: &mut Account, trusted| {
            let attempt = request.attempt(trusted);
            policy.password_blocked(account, attempt, at)
        };
        if let Some(id) = id
            && let Some(account) = self.load(id).await?
        {
            let trusted = policy.recognise(&account, presented, at).is_some();
            // Looks at a copy: what is decided here is decided again where it is kept.
            let blocked = blocked(&mut Account::clone(&account), trusted);
            return Ok(Precheck {
                hash: Some(Arc::clone(&account.password_hash)),
                trusted,
                blocked,
            });
        }
        Ok(Precheck {
            hash: None,
            trusted: false,
            blocked: self.unknown_blocked(name, request.attempt(false)).await?,
        })
    }

    /// The atomic half of step one.
    async fn commit(
        &self,
        id: &AccountId,
        request: &SignIn,
        presented: &PresentedDevice,
        source: IpAddr,
        password_right: bool,
        hash: &str,
    ) -> Result<Step, Problem> {
        let (at, policy) = (self.at(), self.policy());
        let handle = self.deps().tokens.draw(TokenKind::Handle);
        let new_session = NewSession::draw(self, presented, source);
        let decided = self.transact(id, |account, effects| {
            self.expire(account, at);
            // The password may have changed while it was being hashed.
            let password_right = password_right && account.password_hash.as_ref() == hash;
            let device = policy.recognise(account, presented, at);
            let attempt = request.attempt(device.is_some());
            let context = AuditContext::at(self, &presented.name, source);
            if password_right {
                policy.password_was_right(account, attempt);
                self.end_stolen_trust(account, effects, presented, &context, at);
            } else {
                policy.password_was_wrong(account, attempt, at);
                effects.record(account, at, context, Outcome::PasswordFailed, None);
            }
            let facts = SignInFacts {
                password_right,
                active: account.status == crate::account::Status::Active,
                two_step: account.two_step,
                version_served: policy.version_served(&request.versions, &at.config.min_version),
                trusted: device.is_some(),
                trusted_devices: account.devices.iter().filter(|device| self.is_trusted(device, at)).count(),
            };
            match policy.admit(&facts) {
                Admission::Refuse => Err(Problem::InvalidCredentials),
                Admission::UpdateRequired => Err(Problem::UpdateRequired(at.config.min_version.to_string())),
                Admission::Session => Ok(Step::Session(self.admit_session(
                    account,
                    effects,
                    &new_session,
                    device.clone(),
                    at,
                ))),
                Admission::Challenge => self.open_challenge(account, presented, &handle, source, at),
            }
        });
        decided.await?.unwrap_or(Err(Problem::InvalidCredentials))
    }

    fn admit_session(
        &self,
        account: &mut Account,
        effects: &mut Effects,
        new_session: &NewSession,
        device: Option<DeviceId>,
        at: At<'_>,
    ) -> SessionGrant {
        sign_in_completed(account, device.is_some());
        match device {
            Some(device) => self.open_trusted(account, effects, new_session, &device, at),
            None => self.open_new(account, effects, new_session, Opened::Password, Proof::Password, at),
        }
    }

    /// Somebody with the password presents a trust credential that was replaced: one of the two who hold it is a thief.
    fn end_stolen_trust(
        &self,
        account: &mut Account,
        effects: &mut Effects,
        presented: &PresentedDevice,
        context: &AuditContext,
        at: At<'_>,
    ) {
        if let Some(device) = self.policy().stolen_trust(account, presented) {
            effects
                .notices
                .push(self.notice(account, Event::TrustCopied, Some(&device), context, at));
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
        at: At<'_>,
    ) -> Result<Step, Problem> {
        let policy = self.policy();
        policy.may_open_challenge(account, &presented.installation, at)?;
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
            created_at: at.now,
            sent_at: at.now,
            sends: 0,
            attempts: 0,
        };
        let method = method_for(policy, account, &challenge, at);
        challenge.method = method.ok_or(Problem::MethodUnavailable)?;
        let code = self.draw_code(account, at);
        policy.issue_code(&mut challenge, &code, at);
        let recipients = policy.code_recipients(account, &challenge, at);
        let dispatch = Dispatch::code(self, &challenge, &code, recipients, at);
        let id = challenge.id.clone();
        let context = AuditContext::at(self, &presented.name, source);
        account.pending_sign_ins.push(PendingSignIn {
            challenge: id.clone(),
            since: at.now,
            installation: presented.installation.clone(),
            device_name: context.device_name,
            place: context.place,
            address: context.address,
        });
        account.challenges.push(challenge);
        policy.count_send(account, &id, at);
        let challenge = account.challenge(&id).ok_or(Problem::ChallengeNotLive)?;
        Ok(Step::Challenge {
            id: account.id.clone(),
            view: self.challenge_view(account, challenge, Some(handle.to_owned()), at),
            dispatch,
        })
    }

    pub(super) fn draw_code(&self, account: &Account, at: At<'_>) -> String {
        self.deps().codes.draw(CodeFor {
            email: &account.email,
            now: at.now,
            digits: at.config.code_length,
        })
    }
}
