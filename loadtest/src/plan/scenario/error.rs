//! What is wrong with a scenario, shown where it stands when it came from a file.

use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

/// Why a storm cannot be run as it is described. Printed by miette, it shows the place in the file and what to do.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(stepproof::scenario))]
pub struct ScenarioError {
    message: String,
    #[source_code]
    text: Option<Arc<NamedSource<String>>>,
    #[label("{label}")]
    span: Option<SourceSpan>,
    label: &'static str,
    #[help]
    help: Option<String>,
    #[related]
    others: Vec<ScenarioError>,
}

impl ScenarioError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            text: None,
            span: None,
            label: "here",
            help: None,
            others: Vec::new(),
        }
    }

    pub(crate) fn hint(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn at(mut self, text: &Arc<NamedSource<String>>, span: Option<Range<usize>>) -> Self {
        self.text = Some(text.clone());
        self.span = span.map(SourceSpan::from);
        self
    }

    /// One error of several: the first, with the others beside it.
    pub(crate) fn first_of(errors: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut errors = errors.into_iter();
        let mut first = errors.next()?;
        first.others.extend(errors);
        Some(first)
    }

    /// Which bytes of the file it is about.
    pub fn span(&self) -> Option<Range<usize>> {
        self.span.map(|span| span.offset()..span.offset() + span.len())
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}
