//! From what a run came to, to the process's exit code; and the one place where errors are written.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use conformance::verdict::Exit;
use targets::text::printable_lines;

use crate::terminal;

/// What a command came to.
pub(crate) type Ended = Result<Exit, CliError>;

/// What kept a command from its result: the exit code, what was wrong and where, and what to do about it.
#[derive(Debug)]
pub(crate) struct CliError {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl CliError {
    /// The call, a configuration or a binding is wrong.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::of(Exit::Usage, message)
    }

    /// The target could not be reached, or the harness failed.
    pub(crate) fn unreachable(message: impl Display) -> Self {
        Self::of(Exit::Unreachable, message)
    }

    /// Too little can be tested to say anything.
    pub(crate) fn too_little(message: impl Display) -> Self {
        Self::of(Exit::TooLittle, message)
    }

    pub(crate) fn of(exit: Exit, message: impl Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Writes it on standard error.
    pub(crate) fn tell(&self) {
        let hint = self.hint.as_ref().map(|hint| format!("hint: {}\n", indented(hint)));
        let _ = write!(
            terminal::err(),
            "error: {}\n{}",
            indented(&self.message),
            hint.unwrap_or_default()
        );
    }
}

/// What no command expects is a failure of ours.
impl<E: Into<anyhow::Error>> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::unreachable(format!("{:#}", error.into()))
    }
}

/// The process's exit code, after whatever went wrong was told.
pub(crate) fn code(ended: Ended) -> ExitCode {
    let exit = ended.unwrap_or_else(|error| {
        error.tell();
        error.exit
    });
    ExitCode::from(exit.code())
}

/// Says what is odd, where it goes on.
pub(crate) fn warn(what: impl Display) {
    let _ = writeln!(terminal::err(), "warning: {}", indented(&what.to_string()));
}

/// The end of a command whose result was to be shown. What could not be is a failure of ours; a breach that was found stands all
/// the same.
pub(crate) fn shown(exit: Exit, written: io::Result<()>) -> Ended {
    let worse = if exit == Exit::DoesNotConform {
        exit
    } else {
        Exit::Unreachable
    };
    written.map(|()| exit).map_err(|error| CliError::of(worse, error))
}

/// What the command line's parser has to say: help, the version, or what is wrong with the call.
pub(crate) fn usage(said: &clap::Error) -> Ended {
    let text = said.render();
    if said.use_stderr() {
        let _ = write!(terminal::err(), "{}", text.ansi());
        return Ok(Exit::Usage);
    }
    let mut out = terminal::out();
    let written = write!(out, "{}", text.ansi()).and_then(|()| out.flush());
    shown(Exit::Conforms, written)
}

/// Further lines are set in, so that what somebody else said does not pass for a line of ours.
fn indented(text: &str) -> String {
    let mut lines = text.trim_end().split('\n').map(printable_lines);
    let mut told = lines.next().unwrap_or_default().into_owned();
    for line in lines {
        told.push('\n');
        if !line.starts_with(' ') && !line.is_empty() {
            told.push_str("  ");
        }
        told.push_str(&line);
    }
    told
}
