//! What is wrong with a binding file, shown where it stands.

use std::ops::Range;
use std::path::Path;

use miette::{Diagnostic, NamedSource, SourceSpan};

/// One thing wrong with a binding file.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(stepproof::binding))]
pub struct BindingDiagnostic {
    message: String,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("{label}")]
    span: Option<SourceSpan>,
    label: String,
    #[help]
    help: Option<String>,
}

/// Boxed, since it carries the whole file.
pub(super) type Wrong = Box<BindingDiagnostic>;

/// Makes diagnostics about one file.
#[derive(Debug)]
pub(super) struct Source<'a> {
    name: String,
    pub(super) text: &'a str,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &Path, text: &'a str) -> Self {
        Self {
            name: path.display().to_string(),
            text,
        }
    }

    pub(super) fn diagnostic(
        &self,
        span: impl Into<Option<Range<usize>>>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> Wrong {
        Box::new(BindingDiagnostic {
            message: message.into(),
            source_code: NamedSource::new(&self.name, self.text.to_owned()).with_language("TOML"),
            span: span.into().map(SourceSpan::from),
            label: label.into(),
            help: help.into(),
        })
    }

    /// The place of `needle` inside `span`, or the span itself.
    pub(super) fn within(&self, span: Range<usize>, needle: &str) -> Range<usize> {
        self.text
            .get(span.clone())
            .and_then(|part| part.find(needle))
            .map_or(span.clone(), |at| span.start + at..span.start + at + needle.len())
    }
}

/// The known name nearest to what was written, for a hint.
pub(super) fn nearest<'n>(written: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    known
        .into_iter()
        .map(|name| (strsim::levenshtein(written, name), name))
        .filter(|(far, name)| *far <= 1 + name.len() / 3)
        .min()
        .map(|(_, name)| name)
}

/// "did you mean", and all that is known.
pub(super) fn known_names<'n>(written: &str, known: impl IntoIterator<Item = &'n str> + Clone) -> String {
    let all = known.clone().into_iter().collect::<Vec<_>>().join(", ");
    match nearest(written, known) {
        Some(near) => format!("did you mean `{near}`? Known here: {all}"),
        None => format!("known here: {all}"),
    }
}
