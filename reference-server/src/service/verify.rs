//! Step two: the code.

use std::net::IpAddr;

use super::audit::AuditContext;
use super::session::NewSession;
use super::{Problem, Service, SessionGrant};
use crate::account::{Account, ChallengeId, Outcome, Status};
use crate::policy::attempts::sign_in_completed;
use crate::policy::{Event, Guess, Limit, Opened, PresentedDevice, SourceEvent};

impl Service {
    /// Step two, from this address, with the handle of step one. Account and device come from the handle and from nothing
    /// else (BIND-03, BIND-05).
    pub async fn verify(&self, source: IpAddr, handle: &str, code: &str, trust: bool) -> Result<SessionGrant, Problem> {
        let mut guess = self.reserve_guess(source, false).await?;
        let (found, challenge) = self.find_challenge(handle).await?;
        let presented = presented_at_opening(&found, &challenge)?;
        let new_session = NewSession::draw(self, &presented, source);
        let (at, policy) = (self.at(), self.policy());
        guess.begin();
        let verified = self.transact(&found.id, |account, effects| {
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
                    effects.record(account, at, context, Outcome::SecondStepFailed, None);
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
                    let grant = self.open_new(account, effects, &new_session, opened, method.into(), at);
                    let notice = self.notice(account, Event::NewDevice, Some(&grant.device.id), &context, at);
                    effects.notices.push(notice);
                    Ok(grant)
                }
            }
        });
        let verified = verified
            .await
            .and_then(|verified| verified.unwrap_or(Err(Problem::ChallengeNotLive)));
        let event = match &verified {
            Err(Problem::CodeRejected) => Some(SourceEvent::Failure),
            _ => None,
        };
        guess.settle(event).await?;
        verified
    }
}

/// What the device said of itself at step one, which is what becomes trusted (BIND-03).
fn presented_at_opening(account: &Account, challenge: &ChallengeId) -> Result<PresentedDevice, Problem> {
    let challenge = account.challenge(challenge).ok_or(Problem::ChallengeNotLive)?;
    Ok(PresentedDevice {
        token: None,
        installation: challenge.installation.clone(),
        name: challenge.device_name.clone(),
        push_token: challenge.push_token.clone(),
    })
}
