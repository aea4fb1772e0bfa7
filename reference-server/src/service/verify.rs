//! Step two: the code.

use std::net::IpAddr;

use super::record::Scene;
use super::session::Opening;
use super::{Problem, Service, SessionGrant};
use crate::domain::{Account, AccountId, ChallengeId, Outcome, Status, TokenHash};
use crate::rules::{Claims, Event, Guess, Opened, SourceEvent};

impl Service {
    /// Step two, from this address, with the handle of step one. Account and device come from the handle and from nothing
    /// else (BIND-03, BIND-05).
    pub async fn verify(&self, source: IpAddr, handle: &str, code: &str, trust: bool) -> Result<SessionGrant, Problem> {
        let mut guess = self.reserve_guess(source, false).await?;
        let (id, challenge, claims) = self.find_challenge(handle).await?;
        let opening = Opening::draw(self, &claims, source);
        let (now, settings, rules) = (self.now(), self.settings(), &self.parts().rules);
        guess.begin();
        let verified = self.parts().store.transact(&id, |account| {
            let active = account.status == Status::Active;
            let open = account
                .challenge(&challenge)
                .filter(|challenge| active && rules.codes.is_open(challenge, now, settings));
            let method = open.ok_or(Problem::ChallengeNotLive)?.method;
            let scene = Scene::at(self, &claims.name, source);
            let right = |account: &Account| rules.codes.matches(account, &challenge, code, now, settings);
            match rules.attempts.guess(account, &challenge, now, settings, &right) {
                Guess::Locked(until) => Err(Problem::TooManyAttempts(now.seconds_until(until))),
                Guess::Exhausted => Err(Problem::ChallengeNotLive),
                Guess::Wrong => {
                    self.record(account, now, scene, Outcome::SecondStepFailed, None);
                    Err(Problem::CodeRejected)
                }
                Guess::Right => {
                    if let Some(challenge) = account.challenge_mut(&challenge) {
                        rules.codes.redeem(challenge);
                    }
                    rules.attempts.second_step_completed(account);
                    rules.attempts.sign_in_completed(account, false);
                    // Done, and with it whatever this device began before from the same place.
                    account.incomplete.retain(|begun| {
                        let earlier = begun.installation == claims.installation && begun.address == scene.address;
                        begun.challenge != challenge && !earlier
                    });
                    let opened = Opened::SecondStep { wanted: trust };
                    let grant = self.open_new(account, &opening, opened, method.into(), now);
                    let notice = self.notice(account, Event::NewDevice, Some(&grant.device.id), &scene, now);
                    Ok((grant, notice))
                }
            }
        });
        match verified.await.unwrap_or(Err(Problem::ChallengeNotLive)) {
            Ok((grant, notice)) => {
                guess.settle(None);
                self.tell(notice);
                Ok(grant)
            }
            Err(problem) => {
                guess.settle((problem == Problem::CodeRejected).then_some(SourceEvent::Failure));
                Err(problem)
            }
        }
    }

    /// The account and challenge a handle belongs to, and the device that completed step one.
    pub(super) async fn find_challenge(&self, handle: &str) -> Result<(AccountId, ChallengeId, Claims), Problem> {
        let token = TokenHash::of(handle);
        let store = &self.parts().store;
        let id = store.by_token(&token).await.ok_or(Problem::ChallengeNotLive)?;
        let found = store.transact(&id, |account| {
            let challenge = account.challenges.iter().find(|challenge| challenge.handle == token)?;
            let claims = Claims {
                token: None,
                installation: challenge.installation.clone(),
                name: challenge.device_name.clone(),
                push_token: challenge.push_token.clone(),
            };
            Some((challenge.id.clone(), claims))
        });
        let (challenge, claims) = found.await.flatten().ok_or(Problem::ChallengeNotLive)?;
        Ok((id, challenge, claims))
    }
}
