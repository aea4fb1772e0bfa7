//! From what a run came to, to the process's exit code; and the one place where errors are written.

use std::io::Write;
use std::process::ExitCode;

use conformance::verdict::Exit;

/// The process's exit code.
pub(crate) fn code(exit: Exit) -> ExitCode {
    ExitCode::from(exit.code())
}

/// Says what is wrong and what to do, and gives the exit code for it.
pub(crate) fn refuse(exit: Exit, what: impl std::fmt::Display, hint: Option<&str>) -> ExitCode {
    let mut err = anstream::stderr().lock();
    // Standard error is gone when this fails, and with it the one to tell.
    let _ = writeln!(err, "error: {what}");
    if let Some(hint) = hint {
        let _ = writeln!(err, "hint: {hint}");
    }
    code(exit)
}
