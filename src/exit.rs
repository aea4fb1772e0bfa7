//! From what a run came to, to the process's exit code; and the one place where errors are written.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use conformance::verdict::Exit;
use targets::text::printable_lines;

use crate::terminal;

/// The process's exit code.
pub(crate) fn code(exit: Exit) -> ExitCode {
    ExitCode::from(exit.code())
}

/// Says what is wrong and what to do, and gives the exit code for it.
pub(crate) fn refuse(exit: Exit, what: impl Display, hint: Option<&str>) -> ExitCode {
    let hint = hint.map(|hint| format!("hint: {}\n", indented(&hint))).unwrap_or_default();
    let _ = write!(terminal::err(), "error: {}\n{hint}", indented(&what));
    code(exit)
}

/// Says what is odd, where it goes on.
pub(crate) fn warn(what: impl Display) {
    let _ = writeln!(terminal::err(), "warning: {}", indented(&what));
}

/// The exit code of a command whose result was to be shown. What could not be is a failure of ours, told on standard error; a
/// breach that was found stands all the same.
pub(crate) fn shown(exit: Exit, written: io::Result<()>) -> ExitCode {
    match written {
        Ok(()) => code(exit),
        Err(error) if exit == Exit::DoesNotConform => refuse(exit, error, None),
        Err(error) => refuse(Exit::Unreachable, error, None),
    }
}

/// What the command line's parser has to say: help, the version, or what is wrong with the call.
pub(crate) fn usage(said: &clap::Error) -> ExitCode {
    let text = said.render();
    if said.use_stderr() {
        let _ = write!(terminal::err(), "{}", text.ansi());
        return code(Exit::Usage);
    }
    let mut out = terminal::out();
    let written = write!(out, "{}", text.ansi()).and_then(|()| out.flush());
    shown(Exit::Conforms, written)
}

/// Further lines are set in, so that what somebody else said does not pass for a line of ours.
fn indented(what: &dyn Display) -> String {
    let text = what.to_string();
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
