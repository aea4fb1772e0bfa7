//! Step two: the code.

use std::net::IpAddr;

use super::audit::AuditContext;
use super::session::NewSession;
use super::{Problem, Service, SessionGrant};
use crate::account::{Account, AccountId, ChallengeId, Outcome, Status, TokenHash};
use crate::rules::{Event, Guess, Opened, PresentedDevice, SourceEvent};

impl Service {
    /// Step two, from this address, with the handle of step one. Account and device come from the handle and from nothing
    /// else (BIND-03, BIND-05).
    pub async fn verify(&self, source: IpAddr, handle: &str, code: &str, trust: bool) -> Result<SessionGrant, Problem> {
        let mut guess = self.reserve_guess(source, false).await?;
        let (id, challenge, presented) = self.find_challenge(handle).await?;
        let new_session = NewSession::draw(self, &presented, source);
        let (now, config, rules) = (self.now(), self.config(), &self.deps().rules);
        guess.begin();
        let verified = self.deps().store.transact(&id, |account| {
            let active = account.status == Status::Active;
            let open = account
                .challenge(&challenge)
                .filter(|challenge| active && rules.codes.is_open(challenge, now, config));
            let method = open.ok_or(Problem::ChallengeNotLive)?.method;
            let context = AuditContext::at(self, &presented.name, source);
            let right = |account: &Account| rules.codes.matches(account, &challenge, code, now, config);
            match rules.attempts.guess(account, &challenge, now, config, &right) {
                Guess::Locked(until) => Err(Problem::TooManyAttempts(now.seconds_until(until))),
                Guess::Exhausted => Err(Problem::ChallengeNotLive),
                Guess::Wrong => {
                    self.record(account, now, context, Outcome::SecondStepFailed, None);
                    Err(Problem::CodeRejected)
                }
                Guess::Right => {
                    if let Some(challenge) = account.challenge_mut(&challenge) {
                        rules.codes.redeem(challenge);
                    }
                    rules.attempts.second_step_completed(account);
                    rules.attempts.sign_in_completed(account, false);
                    // Done, and with it whatever this device began before from the same place.
                    account.pending_sign_ins.retain(|begun| {
                        let earlier = begun.installation == presented.installation && begun.address == context.address;
                        begun.challenge != challenge && !earlier
                    });
                    let opened = Opened::SecondStep { wanted: trust };
                    let grant = self.open_new(account, &new_session, opened, method.into(), now);
                    let notice = self.notice(account, Event::NewDevice, Some(&grant.device.id), &context, now);
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
