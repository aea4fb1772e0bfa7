//! Waiting for a code, and asking for it another way when none comes.

use std::time::{Duration, Instant};

use targets::{Channel, Operation, Outcome, Refusal};

use super::error::{FlowError, retry_after};
use super::virtual_user::{Device, VirtualUser, done};
use crate::client::Reply;
use crate::history::{Call, CodeUsed};
use crate::measure::{Ending, Step};
use crate::sink::{Letter, Wanted};

/// The longest a person waits because the service asks to, before the code is asked for once more.
const LONGEST_COUNTDOWN: Duration = Duration::from_secs(120);

/// A code that arrived.
pub(super) struct Code {
    pub(super) text: String,
    pub(super) code_used: CodeUsed,
    arrived: Instant,
}

/// Who is looked at for a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Recipients {
    /// The trusted device and the address.
    All,
    /// The address alone: an older message to the device is no longer the newest code.
    Email,
}

impl VirtualUser {
    /// The code of the challenge just opened or sent anew, by whichever way it comes; by email when it does not come in time.
    pub(super) async fn code(&mut self, device: &mut Device, asked_at: Instant, exclude: &[u64]) -> Result<Code, FlowError> {
        if let Some(letter) = self.letter(device, asked_at, Recipients::All, self.patience(), exclude).await {
            return Ok(code(device, &letter));
        }
        let call = Call::Switch {
            challenge: device.pending.number,
        };
        let by_email = || Operation::SwitchMethod { method: Channel::Email };
        // The app shows a countdown where the service asks for one; the late message may still come in it.
        let countdown = |reply: &Reply| retry_after(&reply.outcome).filter(|time| *time <= LONGEST_COUNTDOWN);
        let either = |outcome: &Outcome| matches!(outcome, Outcome::Done | Outcome::Limited { .. });
        let mut asked = self.ask(device, by_email(), call, either).await.map_err(no_code)?;
        if let Some(time) = countdown(&asked.reply) {
            if let Some(letter) = self.letter(device, asked_at, Recipients::All, time, exclude).await {
                return Ok(code(device, &letter));
            }
            asked = self.ask(device, by_email(), call, done).await.map_err(no_code)?;
        } else if !asked.is(&Outcome::Done) {
            return Err(FlowError::by(by_email().kind(), &asked.reply.outcome));
        }
        match self
            .letter(device, asked.at, Recipients::Email, self.patience(), exclude)
            .await
        {
            Some(letter) => Ok(code(device, &letter)),
            None => Err(FlowError::new(Ending::NoCode, "no code came, by email neither")),
        }
    }

    /// Waits for a message with a code, sent because of what was asked at that moment.
    pub(super) async fn letter(
        &mut self,
        device: &Device,
        asked_at: Instant,
        recipients: Recipients,
        within: Duration,
        exclude: &[u64],
    ) -> Option<Letter> {
        let registered = self
            .now
            .identity
            .trusted
            .as_ref()
            .and_then(|trusted| trusted.push_token.as_ref());
        let push = registered.filter(|_| recipients == Recipients::All);
        let wanted = Wanted {
            to: push.into_iter().chain([&self.now.identity.email]).cloned().collect(),
            challenge: device.pending.id.clone(),
            device: Some(device.phone.name.clone()),
            after: asked_at,
            exclude: exclude.to_vec(),
        };
        let letter = self.now.mailbox.wait(&wanted, within).await;
        let (method, ending, at) = match &letter {
            Some(letter) => (letter.channel, Ending::Completed, letter.at),
            None => {
                let method = device.pending.method.unwrap_or(Channel::Email);
                (method, Ending::NoCode, Instant::now())
            }
        };
        self.measure(Step::Delivery(method), ending, asked_at, at);
        letter
    }

    /// Types the code once it is read.
    pub(super) async fn give(&mut self, device: &mut Device, code: Code) -> Result<(), FlowError> {
        self.measure(Step::CodeAge, Ending::Completed, code.arrived, Instant::now());
        self.verify(device, code.text, code.code_used, super::virtual_user::signed_in)
            .await?;
        Ok(())
    }

    /// The second step of a challenge just opened, from waiting to the session.
    pub async fn second_step(&mut self, device: &mut Device, asked_at: Instant) -> Result<(), FlowError> {
        let code = self.code(device, asked_at, &[]).await?;
        self.reads_the_code().await;
        self.give(device, code).await
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::try_from_secs_f64(self.class().code_patience_s).unwrap_or_default()
    }
}

pub(super) fn code(device: &Device, letter: &Letter) -> Code {
    Code {
        text: letter.code.as_deref().unwrap_or_default().to_owned(),
        // Codes are numbered as they were made, so that one that never arrived counts, too.
        code_used: CodeUsed::Delivered {
            challenge: device.pending.number,
            number: device.pending.codes.saturating_sub(1),
        },
        arrived: letter.at,
    }
}

/// A service that cannot send by email either leaves the person without a code.
fn no_code(error: FlowError) -> FlowError {
    let unsendable = format!("({:?})", Refusal::Unspecified);
    if error.ending == Ending::Refused && error.complaint.ends_with(&unsendable) {
        return FlowError {
            ending: Ending::NoCode,
            ..error
        };
    }
    error
}
