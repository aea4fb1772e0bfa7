//! A mailbox for development: keeps the latest messages where the person at the keyboard can read them. It delivers nothing,
//! and whoever can read it can sign in to every account, so it has no place in production.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::Letter;
use crate::ports::{DeliveryError, Recipient};

/// Messages kept; the oldest leave.
const KEPT: usize = 1000;

type Onlooker = dyn Fn(&Letter) + Send + Sync;

/// Keeps messages. Clones share them.
#[derive(Clone, Default)]
pub struct Mailbox {
    letters: Arc<Mutex<VecDeque<Letter>>>,
    onlooker: Option<Arc<Onlooker>>,
}

impl Mailbox {
    /// A mailbox that shows each message to this function as it comes.
    pub fn watched(onlooker: impl Fn(&Letter) + Send + Sync + 'static) -> Self {
        Self {
            onlooker: Some(Arc::new(onlooker)),
            ..Self::default()
        }
    }

    /// The messages to this email address, oldest first.
    pub fn of(&self, address: &str) -> Vec<Letter> {
        let letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        let theirs = letters.iter().filter(|letter| match &letter.to {
            Recipient::Email(to) => to.eq_ignore_ascii_case(address),
            Recipient::Push(_) => false,
        });
        theirs.cloned().collect()
    }

    pub(super) fn keep(&self, letter: &Letter) -> Result<(), DeliveryError> {
        if let Some(onlooker) = &self.onlooker {
            onlooker(letter);
        }
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.push_back(letter.clone());
        if letters.len() > KEPT {
            letters.pop_front();
        }
        Ok(())
    }
}
