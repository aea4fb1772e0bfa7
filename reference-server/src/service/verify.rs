//! Step two: the code.

use std::net::IpAddr;

use super::session::Opening;
use super::{Problem, Service, SessionGrant};
use crate::domain::{AccountId, ChallengeId, Status, TokenHash};
use crate::rules::{Claims, Guess, Opened, SourceEvent};

impl Service {
    /// Step two, from this address, with the handle of step one. Account and device come from the handle and from nothing
    /// else (BIND-03, BIND-05).
    pub async fn verify(&self, source: IpAddr, handle: &str, code: &str, trust: bool) -> Result<SessionGrant, Problem> {
        self.admit_source(source)?;
        let (id, challenge, claims) = self.find_challenge(handle).await?;
        let opening = Opening::draw(self, &claims, source);
        let (now, settings, rules) = (self.now(), self.settings(), &self.parts().rules);
        let verified = self.parts().store.transact(&id, |account| {
            let open = account
                .challenge(&challenge)
                .is_some_and(|challenge| rules.codes.is_open(challenge, now, settings));
            if !open || account.status != Status::Active {
                return Err(Problem::ChallengeNotLive);
            }
            let right = |account: &crate::domain::Account| rules.codes.matches(account, &challenge, code, now, settings);
            match rules.attempts.guess(account, &challenge, now, settings, &right) {
                Guess::Locked(until) => Err(Problem::TooManyAttempts(now.seconds_until(until))),
                Guess::Exhausted => Err(Problem::ChallengeNotLive),
                Guess::Wrong => Err(Problem::CodeRejected),
                Guess::Right => {
                    if let Some(challenge) = account.challenge_mut(&challenge) {
                        rules.codes.redeem(challenge);
                    }
                    rules.attempts.second_step_completed(account);
                    rules.attempts.sign_in_completed(account, false);
                    let grant = self.open_new(account, &opening, Opened::SecondStep { wanted: trust }, now);
                    Ok((grant, account.email.clone()))
                }
            }
        });
        match verified.await.unwrap_or(Err(Problem::ChallengeNotLive)) {
            Ok((grant, email)) => {
                let text = format!("A new device, \"{}\", signed in to your account.", grant.device.name);
                self.notify(&id, &email, "New device signed in", text).await;
                Ok(grant)
            }
            Err(problem) => {
                if problem == Problem::CodeRejected {
                    self.note_source(source, SourceEvent::Failure);
                }
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
