//! What known-bad servers that keep secrets in the open are made of: a record of every code and reset token that was drawn.

use std::sync::{Arc, Mutex, PoisonError};

use reference_server::Parts;
use reference_server::parts::{CodeFor, CodeSource, TokenKind, TokenSource};

/// Every secret of one kind that was drawn, with the address it was drawn for where that is known. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Drawn(Arc<Mutex<Vec<(String, String)>>>);

impl Drawn {
    /// Records every code that these parts draw from here on.
    pub(super) fn codes_of(parts: &mut Parts) -> Self {
        let drawn = Self::default();
        let source = Arc::clone(&parts.codes);
        parts.codes = Arc::new(RecordedCodes {
            source,
            drawn: drawn.clone(),
        });
        drawn
    }

    /// Records every reset token that these parts draw from here on.
    pub(super) fn resets_of(parts: &mut Parts) -> Self {
        let drawn = Self::default();
        let source = Arc::clone(&parts.tokens);
        parts.tokens = Arc::new(RecordedResets {
            source,
            drawn: drawn.clone(),
        });
        drawn
    }

    fn add(&self, email: &str, secret: &str) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.push((email.to_owned(), secret.to_owned()));
    }

    /// Whether it was ever drawn, for anybody.
    pub(super) fn contains(&self, secret: &str) -> bool {
        let list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter().any(|(_, known)| known == secret)
    }

    /// The newest one for this address.
    pub(super) fn newest_for(&self, email: &str) -> Option<String> {
        let list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = list.iter().rev().find(|(known, _)| known == email);
        newest.map(|(_, secret)| secret.clone())
    }
}

struct RecordedCodes {
    source: Arc<dyn CodeSource>,
    drawn: Drawn,
}

impl CodeSource for RecordedCodes {
    fn draw(&self, wanted: CodeFor<'_>) -> String {
        let code = self.source.draw(wanted);
        self.drawn.add(wanted.email, &code);
        code
    }
}

struct RecordedResets {
    source: Arc<dyn TokenSource>,
    drawn: Drawn,
}

impl TokenSource for RecordedResets {
    fn draw(&self, kind: TokenKind) -> String {
        let token = self.source.draw(kind);
        if kind == TokenKind::Reset {
            self.drawn.add("", &token);
        }
        token
    }
}
