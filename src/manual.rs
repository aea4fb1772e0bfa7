//! Completions and the manual page, both made from the command line's own description.

use std::io::Write;

use clap::CommandFactory;
use conformance::verdict::Exit;

use crate::Cli;
use crate::exit::{Ended, shown};
use crate::terminal;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Prints completions.
pub(crate) fn completions(args: &CompletionsArgs) -> Ended {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "stepproof", &mut text);
    print(&text)
}

/// Prints the manual page.
pub(crate) fn page() -> Ended {
    let mut text = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut text)?;
    print(&text)
}

fn print(text: &[u8]) -> Ended {
    let mut out = terminal::data();
    let written = out.write_all(text).and_then(|()| out.flush());
    shown(Exit::Conforms, written)
}
