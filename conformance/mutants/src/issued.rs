//! What mutants that keep codes in the open are made of: a record of every code that was drawn.

use std::sync::{Arc, Mutex, PoisonError};

use reference_server::Deps;
use reference_server::ports::{CodeFor, CodeSource};

/// Every code that was drawn, with the address it was drawn for. Clones share it.
#[derive(Clone, Default)]
pub(super) struct IssuedCodes(Arc<Mutex<Vec<(String, String)>>>);

impl IssuedCodes {
    /// Records every code that these parts draw from here on.
    pub(super) fn codes_of(deps: &mut Deps) -> Self {
        let drawn = Self::default();
        let source = Arc::clone(&deps.codes);
        deps.codes = Arc::new(RecordedCodes {
            source,
            drawn: drawn.clone(),
        });
        drawn
    }

    fn add(&self, email: &str, code: &str) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.push((email.to_owned(), code.to_owned()));
    }

    /// The newest one for this address.
    pub(super) fn newest_for(&self, email: &str) -> Option<String> {
        let list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = list.iter().rev().find(|(known, _)| known == email);
        newest.map(|(_, code)| code.clone())
    }
}

struct RecordedCodes {
    source: Arc<dyn CodeSource>,
    drawn: IssuedCodes,
}

impl CodeSource for RecordedCodes {
    fn draw(&self, wanted: CodeFor<'_>) -> String {
        let code = self.source.draw(wanted);
        self.drawn.add(wanted.email, &code);
        code
    }
}
