//! Step two: the code.

use std::net::IpAddr;

use super::audit::AuditContext;
use super::session::NewSession;
use super::{Problem, Service, SessionGrant};
use crate::account::{Account, AccountId, ChallengeId, Outcome, Status, TokenHash};
use crate::policy::attempts::sign_in_completed;
use crate::policy::{Event, Guess, Limit, Opened, PresentedDevice, SourceEvent};

impl Service {
    /// Step two, from this address, with the handle of step one. Account and device come from the handle and from nothing
    /// else (BIND-03, BIND-05).
    pub async fn verify(&self, source: IpAddr, handle: &str, code: &str, trust: bool) -> Result<SessionGrant, Problem> {
        let mut guess = self.reserve_guess(source, false).await?;
        let (id, challenge, presented) = self.find_challenge(handle).await?;
        let new_session = NewSession::draw(self, &presented, source);
        let (at, policy) = (self.at(), self.policy());
        guess.begin();
        let verified = self.deps().store.transact(&id, |account| {
            let active = account.status == Status::Active;
            let open = account
                .challenge(&challenge)
                .filter(|challenge| active && policy.challenge_is_open(challenge, at));
            let method = open.ok_or(Problem::ChallengeNotLive)?.method;
            let context = AuditContext::at(self, &presented.name, source);
            let right = |account: &Account| policy.code_matches(account, &challenge, code, at);
            match policy.guess(account, &challenge, at, &right) {
                Guess::Locked(until) => Err(at.limited(until, Limit::Attempts).into()),
                Guess::Exhausted => Err(Problem::ChallengeNotLive),
                Guess::Wrong => {
                    self.record(account, at, context, Outcome::SecondStepFailed, None);
                    Err(Problem::CodeRejected)
                }
                Guess::Right => {
                    if let Some(challenge) = account.challenge_mut(&challenge) {
                        policy.redeem_code(challenge);
                    }
                    policy.second_step_completed(account);
                    sign_in_completed(account, false);
                    // Done, and with it whatever this device began before from the same place.
                    account.pending_sign_ins.retain(|begun| {
                        let earlier = begun.installation == presented.installation && begun.address == context.address;
                        begun.challenge != challenge && !earlier
                    });
                    let opened = Opened::SecondStep { wanted: trust };
                    let grant = self.open_new(account, &new_session, opened, method.into(), at);
                    let notice = self.notice(account, Event::NewDevice, Some(&grant.device.id), &context, at);
                    Ok((grant, notice))
                }
            }
        });
        match verified.await.unwrap_or(Err(Problem::ChallengeNotLive)) {
            Ok((grant, notice)) => {
                guess.settle(None);
                self.enqueue(notice);
                Ok(grant)
            }
            Err(problem) => {
                guess.settle((problem == Problem::CodeRejected).then_some(SourceEvent::Failure));
                Err(problem)
            }
        }
    }

    /// The account and challenge a handle belongs to, and the device that completed step one.
    pub(super) async fn find_challenge(&self, handle: &str) -> Result<(AccountId, ChallengeId, PresentedDevice), Problem> {
        let token = TokenHash::of(handle);
        let store = &self.deps().store;
        let id = store.by_token(&token).await.ok_or(Problem::ChallengeNotLive)?;
        let found = store.transact(&id, |account| {
            let challenge = account.challenges.iter().find(|challenge| challenge.handle == token)?;
            let presented = PresentedDevice {
                token: None,
                installation: challenge.installation.clone(),
                name: challenge.device_name.clone(),
                push_token: challenge.push_token.clone(),
            };
            Some((challenge.id.clone(), presented))
        });
        let (challenge, presented) = found.await.flatten().ok_or(Problem::ChallengeNotLive)?;
        Ok((id, challenge, presented))
    }
}
