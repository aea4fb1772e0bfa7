//! A message as the mailbox keeps it, and what somebody who waits for one says about it.

use std::time::Instant;

use targets::Channel;

/// A delivered message, reduced to what a person takes from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    pub channel: Channel,
    /// The address, or the push registration token.
    pub to: Box<str>,
    pub code: Option<Box<str>>,
    pub reset_token: Option<Box<str>>,
    /// The challenge it belongs to, where it says so (the push data field `challenge_id`).
    pub challenge: Option<Box<str>>,
    /// The device that is being signed in, where it says so (the line `Device: NAME`).
    pub device: Option<Box<str>>,
    pub at: Instant,
    pub number: u64,
}

/// The letter somebody waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The recipients it may be for: any of them, letter by letter the same.
    pub to: Vec<String>,
    /// The challenge it has to belong to, when it names one.
    pub challenge: Option<String>,
    /// The device it has to be about, when it names one and no challenge decides.
    pub device: Option<String>,
    /// It has to arrive later than this.
    pub after: Instant,
    /// The running numbers of letters that were taken already.
    pub exclude: Vec<u64>,
}

/// What a letter has to carry to be of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Code,
    ResetToken,
}

impl Letter {
    /// An empty letter to this recipient that arrives now.
    pub fn new(channel: Channel, to: impl Into<Box<str>>) -> Self {
        Self {
            channel,
            to: to.into(),
            code: None,
            reset_token: None,
            challenge: None,
            device: None,
            at: Instant::now(),
            number: 0,
        }
    }
}

impl Wanted {
    /// Any letter to one of these recipients later than this moment.
    pub fn new(to: Vec<String>, after: Instant) -> Self {
        Self {
            to,
            challenge: None,
            device: None,
            after,
            exclude: Vec::new(),
        }
    }

    pub(super) fn is(&self, letter: &Letter, content: Content) -> bool {
        let carries = match content {
            Content::Code => letter.code.is_some(),
            Content::ResetToken => letter.reset_token.is_some(),
        };
        carries
            && letter.at > self.after
            && !self.exclude.contains(&letter.number)
            && self.to.iter().any(|to| **to == *letter.to)
            && self.is_about(letter)
    }

    /// The challenge decides where both sides name one, else the device where both do.
    fn is_about(&self, letter: &Letter) -> bool {
        match (&self.challenge, &letter.challenge) {
            (Some(wanted), Some(said)) => **wanted == **said,
            _ => match (&self.device, &letter.device) {
                (Some(wanted), Some(said)) => **wanted == **said,
                _ => true,
            },
        }
    }
}
