//! Waiting for a code, and asking for it another way when none comes.

use std::time::{Duration, Instant};

use targets::{Channel, Operation, Outcome, Refusal};

use super::going::{Going, Hand, done};
use super::off::{Off, Way, retry_after};
use crate::client::Reply;
use crate::history::{Act, Presented};
use crate::measure::{Ending, Step};
use crate::sink::{Letter, Wanted};

/// The longest a person waits because the service asks to, before the code is asked for once more.
const LONGEST_COUNTDOWN: Duration = Duration::from_secs(120);

/// A code that arrived.
pub(super) struct Code {
    pub(super) text: String,
    pub(super) presented: Presented,
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

impl Going<'_> {
    /// The code of the challenge just opened or sent anew, by whichever way it comes; by email when it does not come in time.
    pub(super) async fn code(&mut self, hand: &mut Hand<'_>, asked_at: Instant, exclude: &[u64]) -> Way<Code> {
        if let Some(letter) = self.letter(hand, asked_at, Recipients::All, self.patience(), exclude).await {
            return Ok(code(hand, &letter));
        }
        let act = Act::Switch {
            challenge: hand.pending.number,
        };
        let by_email = || Operation::SwitchMethod { method: Channel::Email };
        // The app shows a countdown where the service asks for one; the late message may still come in it.
        let countdown = |reply: &Reply| retry_after(&reply.outcome).filter(|time| *time <= LONGEST_COUNTDOWN);
        let either = |outcome: &Outcome| matches!(outcome, Outcome::Done | Outcome::Limited { .. });
        let mut asked = self.ask(hand, by_email(), act, either).await.map_err(no_code)?;
        if let Some(time) = countdown(&asked.reply) {
            if let Some(letter) = self.letter(hand, asked_at, Recipients::All, time, exclude).await {
                return Ok(code(hand, &letter));
            }
            asked = self.ask(hand, by_email(), act, done).await.map_err(no_code)?;
        } else if !asked.is(&Outcome::Done) {
            return Err(Off::by(by_email().kind(), &asked.reply.outcome));
        }
        match self.letter(hand, asked.at, Recipients::Email, self.patience(), exclude).await {
            Some(letter) => Ok(code(hand, &letter)),
            None => Err(Off::new(Ending::NoCode, "no code came, by email neither")),
        }
    }

    /// Waits for a message with a code, sent because of what was asked at that moment.
    pub(super) async fn letter(
        &mut self,
        hand: &Hand<'_>,
        asked_at: Instant,
        recipients: Recipients,
        within: Duration,
        exclude: &[u64],
    ) -> Option<Letter> {
        let device = self.identity.trusted.as_ref().and_then(|device| device.push_token.as_ref());
        let push = device.filter(|_| recipients == Recipients::All);
        let wanted = Wanted {
            to: push.into_iter().chain([&self.identity.email]).cloned().collect(),
            challenge: hand.pending.id.clone(),
            device: Some(hand.phone.name.clone()),
            after: asked_at,
            exclude: exclude.to_vec(),
        };
        let letter = self.mailbox.wait(&wanted, within).await;
        let (method, ending, at) = match &letter {
            Some(letter) => (letter.channel, Ending::Completed, letter.at),
            None => {
                let method = hand.pending.method.unwrap_or(Channel::Email);
                (method, Ending::NoCode, Instant::now())
            }
        };
        self.measure(Step::Delivery(method), ending, asked_at, at);
        letter
    }

    /// Types the code once it is read.
    pub(super) async fn give(&mut self, hand: &mut Hand<'_>, code: Code) -> Way<()> {
        self.measure(Step::CodeAge, Ending::Completed, code.arrived, Instant::now());
        self.verify(hand, code.text, code.presented, super::going::signed_in).await?;
        Ok(())
    }

    /// The second step of a challenge just opened, from waiting to the session.
    pub(super) async fn second_step(&mut self, hand: &mut Hand<'_>, asked_at: Instant) -> Way<()> {
        let code = self.code(hand, asked_at, &[]).await?;
        self.reads_the_code().await;
        self.give(hand, code).await
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::try_from_secs_f64(self.plan.code_patience_s).unwrap_or_default()
    }
}

pub(super) fn code(hand: &Hand<'_>, letter: &Letter) -> Code {
    Code {
        text: letter.code.as_deref().unwrap_or_default().to_owned(),
        // Codes are numbered as they were made, so that one that never arrived counts, too.
        presented: Presented::Delivered {
            challenge: hand.pending.number,
            number: hand.pending.codes.saturating_sub(1),
        },
        arrived: letter.at,
    }
}

/// A service that cannot send by email either leaves the person without a code.
fn no_code(off: Off) -> Off {
    let unsendable = format!("({:?})", Refusal::Unspecified);
    if off.ending == Ending::Refused && off.complaint.ends_with(&unsendable) {
        return Off {
            ending: Ending::NoCode,
            ..off
        };
    }
    off
}
