//! The two-step setting, and the proof of the password that it asks for.

use std::net::IpAddr;

use super::audit::AuditContext;
use super::hashers::Lane;
use super::{Problem, Service, TwoStepView};
use crate::account::{Account, Outcome, SessionId};
use crate::policy::{At, Change, Event, Limit, PasswordAttempt, SourceEvent};

impl Service {
    pub async fn two_step(&self, access: &str) -> Result<TwoStepView, Problem> {
        self.read_session(access, |account, _, _| Ok(self.two_step_view(account)))
            .await
    }

    /// Changes the setting. Off needs a proof of the password, in the request or recent (TOGL-02).
    pub async fn set_two_step(
        &self,
        source: IpAddr,
        access: &str,
        enabled: bool,
        password: Option<String>,
    ) -> Result<TwoStepView, Problem> {
        let proved = match password {
            Some(password) => {
                self.prove(source, access, password).await?;
                true
            }
            None => false,
        };
        self.change_session(access, |account, session, at, effects| {
            let open = account.session(session).ok_or(Problem::SessionNotLive)?;
            let device = open.device.clone();
            let fresh = proved || self.policy().proof_is_fresh(open, at);
            if !enabled && !fresh {
                return Err(Problem::ReauthenticationRequired);
            }
            if account.two_step == enabled {
                return Ok(self.two_step_view(account));
            }
            let (change, event, outcome) = if enabled {
                (Change::TwoStepOn, Event::TwoStepOn, Outcome::TwoStepEnabled)
            } else {
                (Change::TwoStepOff, Event::TwoStepOff, Outcome::TwoStepDisabled)
            };
            account.two_step = enabled;
            self.policy().revoke(account, change, Some(&device));
            let context = AuditContext::of_session(account, session, None);
            effects.notices.push(self.notice(account, event, Some(&device), &context, at));
            effects.record(account, at, context, outcome, None);
            Ok(self.two_step_view(account))
        })
        .await
    }

    /// Proves the password again in a session.
    pub async fn reauthenticate(&self, source: IpAddr, access: &str, password: String) -> Result<(), Problem> {
        self.prove(source, access, password).await?;
        self.change_session(access, |account, session, at, _| {
            account.session_mut(session).ok_or(Problem::SessionNotLive)?.proved_at = Some(at.now);
            Ok(())
        })
        .await
    }

    /// Judges a password typed in a session, within the budget it shares with sign-in (ATT-11).
    pub(super) async fn prove(&self, source: IpAddr, access: &str, password: String) -> Result<(), Problem> {
        let policy = self.policy();
        let (name, trusted) = self
            .read_session(access, |account, session, at| {
                Ok((account.email.clone(), self.session_is_trusted(account, &session.id, at)))
            })
            .await?;
        let place = self.place(Lane::Proven, &name)?;
        let mut guess = self.reserve_guess(source, trusted).await?;
        let _turn = self.lock_identifier(&name, trusted).await;
        let hash = self
            .read_session(access, |account, session, at| {
                let trusted = self.session_is_trusted(account, &session.id, at);
                let typed = account.email.clone();
                let attempt = PasswordAttempt {
                    trusted,
                    typed: &typed,
                    in_session: true,
                };
                // Looks at a copy: the count changes where a wrong password is kept.
                match policy.password_blocked(&mut account.clone(), attempt, at) {
                    Some(until) => Err(at.limited(until, Limit::Attempts).into()),
                    None => Ok(account.password_hash.clone()),
                }
            })
            .await?;
        if self.password_is(&place, &mut guess, password, Some(hash)).await {
            guess.settle(None).await?;
            return Ok(());
        }
        guess.settle(Some(SourceEvent::Failure)).await?;
        self.change_session(access, |account, session, at, _| {
            let typed = account.email.clone();
            let attempt = PasswordAttempt {
                trusted: self.session_is_trusted(account, session, at),
                typed: &typed,
                in_session: true,
            };
            policy.password_was_wrong(account, attempt, at);
            Err(Problem::InvalidCredentials)
        })
        .await
    }

    fn session_is_trusted(&self, account: &Account, session: &SessionId, at: At<'_>) -> bool {
        let device = account.session(session).and_then(|session| account.device(&session.device));
        device.is_some_and(|device| self.is_trusted(device, at))
    }

    fn two_step_view(&self, account: &Account) -> TwoStepView {
        TwoStepView {
            enabled: account.two_step,
            methods: self.config().methods.clone(),
        }
    }
}
