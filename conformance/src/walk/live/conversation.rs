//! How each operation is spoken: which credential is presented, which code is typed, what an answer leaves behind.

use std::sync::Arc;

use rand::RngExt;
use specs::machine::{Answer, App, ChallengeId, Guess, Key, Misuse, Password};
use targets::{CredentialKind, Operation, OperationKind, Outcome};

use super::{Held, Live, Opened, class, missing};
use crate::context::Account;
use crate::proof::Stop;

impl Live {
    pub(super) fn held(&mut self, key: Key) -> Result<&mut Held, Stop> {
        self.devices.get_mut(&key).ok_or_else(|| missing("a device"))
    }

    pub(super) fn opened(&mut self, id: ChallengeId) -> Result<&mut Opened, Stop> {
        self.challenges.get_mut(usize::from(id)).ok_or_else(|| missing("a challenge"))
    }

    fn account(&self, id: u8) -> Result<&Account, Stop> {
        self.accounts.get(usize::from(id)).ok_or_else(|| missing("an account"))
    }

    pub(super) fn password(&self, account: u8) -> Result<String, Stop> {
        Ok(self.account(account)?.password.clone())
    }

    /// Performs an operation as a device, and keeps the credentials it brings.
    pub(super) async fn act(&mut self, key: Key, operation: Operation) -> Result<targets::Answer, Stop> {
        let mut device = self.held(key)?.device.clone();
        let answer = match self.cx.perform(&mut device, operation).await {
            Err(stop) => return Err(stop),
            Ok(answer) => answer,
        };
        let target = Arc::clone(&self.cx.target);
        let held = self.held(key)?;
        held.device = device;
        if answer.outcome == Outcome::SignedIn {
            for kind in [CredentialKind::Access, CredentialKind::Refresh, CredentialKind::Trust] {
                if let Some(value) = target.credential(&held.device, kind) {
                    held.credentials.insert(kind, value);
                }
            }
            held.aged = false;
            held.id = answer.facts.device_id.clone().or(held.id.take());
        }
        Ok(answer)
    }

    /// Puts back what the device once held, so that a credential is judged by the server and not by a client that forgot it.
    fn present(&mut self, key: Key, kinds: &[CredentialKind]) -> Result<(), Stop> {
        let target = Arc::clone(&self.cx.target);
        let held = self.held(key)?;
        for kind in kinds {
            if let Some(value) = held.credentials.get(kind).cloned() {
                target.set_credential(&mut held.device, *kind, Some(value));
            }
        }
        Ok(())
    }

    pub(super) async fn sign_in(&mut self, key: Key, password: Password, app: App) -> Result<Answer, Stop> {
        let account = self.account(key.account)?.clone();
        let password = match password {
            Password::Right => account.password.clone(),
            Password::Wrong => format!("not-{}", account.password),
            Password::Former => {
                let former = self.former.get(usize::from(key.account)).cloned().flatten();
                former.unwrap_or_else(|| format!("never-{}", account.password))
            }
        };
        self.present(key, &[CredentialKind::Trust])?;
        let served = self.held(key)?.device.app_version.clone();
        if app == App::Old {
            self.held(key)?.device.app_version = Some("0.0.1".to_owned());
        }
        let cursor = self.cx.cursor();
        let email = account.email.clone();
        let answer = self.act(key, Operation::SignIn { email, password }).await?;
        self.held(key)?.device.app_version = served;
        if answer.outcome == Outcome::Challenged {
            let message = self.cx.code_since(cursor, &account).await?;
            let target = Arc::clone(&self.cx.target);
            let handle = target.credential(&self.held(key)?.device, CredentialKind::Handle);
            self.challenges.push(Opened {
                key,
                id: answer.facts.challenge.as_ref().and_then(|challenge| challenge.id.clone()),
                handle,
                codes: message.code.into_iter().collect(),
            });
        }
        self.learn_id(key, &answer).await?;
        Ok(class(&answer))
    }

    /// The device's own id, where the answer did not tell it.
    pub(super) async fn learn_id(&mut self, key: Key, answer: &targets::Answer) -> Result<(), Stop> {
        let told = answer.facts.device_id.is_some();
        if answer.outcome == Outcome::SignedIn && !told && self.cx.target.offers(OperationKind::WhoAmI) {
            let who = self.act(key, Operation::WhoAmI {}).await?;
            if let Some(id) = who.facts.device_id {
                self.held(key)?.id = Some(id);
            }
        }
        Ok(())
    }

    /// The code to type; `None` when there is none of that kind, or it happens to be the right one.
    pub(super) fn code(&mut self, id: ChallengeId, guess: Guess) -> Result<Option<String>, Stop> {
        let own = self.opened(id)?.codes.clone();
        let Some(newest) = own.last().cloned() else { return Ok(None) };
        let other = match guess {
            Guess::Right => return Ok(Some(newest)),
            Guess::Wrong => {
                self.wrong_codes += 1;
                let code = self.cx.target.wrong_code(&newest, self.wrong_codes);
                // Not any other code of this run either.
                let used = self.challenges.iter().any(|challenge| challenge.codes.contains(&code));
                return Ok(Some(code).filter(|_| !used));
            }
            Guess::Old => own.iter().rev().nth(1).cloned(),
            Guess::Foreign(other) => self.opened(other)?.codes.last().cloned(),
        };
        Ok(other.filter(|code| *code != newest))
    }

    pub(super) async fn verify(&mut self, id: ChallengeId, code: String) -> Result<Answer, Stop> {
        let key = self.opened(id)?.key;
        let answer = self.hand_over(id, Operation::Verify { code }).await?;
        self.learn_id(key, &answer).await?;
        let token = self.held(key)?.device.push_token.clone();
        if let (Outcome::SignedIn, Some(token)) = (&answer.outcome, token)
            && self.cx.target.offers(OperationKind::RegisterPush)
        {
            self.act(key, Operation::RegisterPush { token }).await?;
        }
        Ok(class(&answer))
    }

    /// Performs an operation with the handle of this challenge, which may not be the device's latest.
    pub(super) async fn hand_over(&mut self, id: ChallengeId, operation: Operation) -> Result<targets::Answer, Stop> {
        let Opened { key, handle, .. } = self.opened(id)?;
        let (key, handle) = (*key, handle.clone());
        let target = Arc::clone(&self.cx.target);
        target.set_credential(&mut self.held(key)?.device, CredentialKind::Handle, handle);
        self.act(key, operation).await
    }

    pub(super) async fn with_handle(&mut self, id: ChallengeId, operation: Operation) -> Result<Answer, Stop> {
        self.hand_over(id, operation).await.map(|answer| class(&answer))
    }

    pub(super) async fn send_again(&mut self, id: ChallengeId, operation: Operation) -> Result<Answer, Stop> {
        let account = self
            .account(self.challenges.get(usize::from(id)).map_or(0, |c| c.key.account))?
            .clone();
        let cursor = self.cx.cursor();
        let answer = self.with_handle(id, operation).await?;
        if answer.accepted() {
            let message = self.cx.code_since(cursor, &account).await?;
            self.opened(id)?.codes.extend(message.code);
        }
        Ok(answer)
    }

    /// The pending handle where the access credential stands. `None` where a target has no such place.
    pub(super) async fn misuse(&mut self, id: ChallengeId, misuse: Misuse) -> Result<Option<Answer>, Stop> {
        let Opened { key, handle, .. } = self.opened(id)?;
        let (key, handle) = (*key, handle.clone());
        let Some(handle) = handle else { return Ok(None) };
        let operation = match misuse {
            Misuse::Use => Operation::WhoAmI {},
            Misuse::SwitchOff => Operation::SetTwoStep {
                enabled: false,
                password: Some(self.password(key.account)?),
            },
            Misuse::Remove(device) => {
                let id = self.held(Key::new(0, device))?.id.clone();
                Operation::RemoveDevice {
                    id: id.unwrap_or_else(|| "dev_unknown".to_owned()),
                }
            }
        };
        let mut device = self.held(key)?.device.clone();
        let target = Arc::clone(&self.cx.target);
        target.set_credential(&mut device, CredentialKind::Access, Some(handle.clone()));
        target.set_credential(&mut device, CredentialKind::Refresh, Some(handle));
        let answer = self.cx.perform(&mut device, operation).await;
        match answer {
            Ok(answer) => Ok(Some(class(&answer))),
            Err(stop) => Err(stop),
        }
    }

    /// Performs an operation in the device's session. An access credential may have run out by time while the session
    /// lives: then it is renewed once.
    pub(super) async fn in_session(&mut self, key: Key, operation: Operation) -> Result<Answer, Stop> {
        self.present(key, &[CredentialKind::Access, CredentialKind::Refresh])?;
        let answer = class(&self.act(key, operation.clone()).await?);
        let aged = self.held(key)?.aged && self.cx.target.offers(OperationKind::Refresh);
        if answer.accepted() || !aged || self.refresh(key).await? != Answer::SignedIn {
            return Ok(answer);
        }
        self.act(key, operation).await.map(|answer| class(&answer))
    }

    pub(super) async fn refresh(&mut self, key: Key) -> Result<Answer, Stop> {
        self.present(key, &[CredentialKind::Access, CredentialKind::Refresh])?;
        let answer = self.act(key, Operation::Refresh {}).await?;
        Ok(match class(&answer) {
            Answer::Done => Answer::SignedIn,
            answer => answer,
        })
    }

    fn new_password(&mut self) -> String {
        format!("Pw-{:012x}-7!", self.cx.rng.random::<u64>() & 0xffff_ffff_ffff)
    }

    fn replace_password(&mut self, account: u8, new: String) {
        let index = usize::from(account);
        if let (Some(account), Some(former)) = (self.accounts.get_mut(index), self.former.get_mut(index)) {
            *former = Some(std::mem::replace(&mut account.password, new));
        }
    }

    pub(super) async fn change_password(&mut self, key: Key, current: bool) -> Result<Answer, Stop> {
        let new = self.new_password();
        let right = self.password(key.account)?;
        let current = if current { right } else { format!("not-{right}") };
        let new_one = new.clone();
        let answer = self.in_session(key, Operation::ChangePassword { current, new }).await?;
        if answer.accepted() {
            self.replace_password(key.account, new_one);
        }
        Ok(answer)
    }

    pub(super) async fn reset(&mut self, account: u8) -> Result<Answer, Stop> {
        let email = self.account(account)?.email.clone();
        let mut browser = self.cx.device("a browser");
        let cursor = self.cx.cursor();
        self.cx
            .prepare(&mut browser, Operation::RequestReset { email: email.clone() })
            .await?;
        let patience = self.cx.target.delivery_patience();
        let wanted = |message: &targets::Message| message.reset_token.is_some() && message.to.eq_ignore_ascii_case(&email);
        let message = self.cx.target.deliveries().wait(cursor, patience, wanted).await;
        let token = message.and_then(|message| message.reset_token);
        let token = token.ok_or_else(|| Stop::NotTested("no reset token came".to_owned()))?;
        let new = self.new_password();
        let complete = Operation::CompleteReset { token, new: new.clone() };
        let answer = class(&self.cx.perform(&mut browser, complete).await?);
        if answer.accepted() {
            self.replace_password(account, new);
        }
        Ok(answer)
    }
}
