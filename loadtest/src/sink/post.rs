//! The way of a letter from any sink to the mailbox.

use std::time::Duration;

use super::faults::SinkFaults;
use super::late::Late;
use super::letter::Letter;
use super::mailbox::Mailbox;

/// What every sink works with. Clones share it.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) mailbox: Mailbox,
    pub(super) faults: SinkFaults,
    pub(super) late: Late,
}

impl Post {
    /// Puts letters into the mailbox, at once or later.
    pub(super) fn deliver(&self, letters: Vec<Letter>, after: Duration) {
        for letter in letters {
            if after.is_zero() {
                self.mailbox.post(letter);
            } else {
                self.late.send(letter, after);
            }
        }
    }
}
