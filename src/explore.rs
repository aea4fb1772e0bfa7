//! `stepproof explore`: the abstract machine in an explorer, on a local page.
//!
//! Exit codes: 0 stopped by a signal, 2 the call is wrong, 3 the address cannot be had.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use conformance::verdict::Exit;

use crate::exit::{code, refuse};
use crate::signals::{Stop, unless_stopped};
use crate::terminal;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct ExploreArgs {
    /// Where the page is served; loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

/// Serves the explorer until it is interrupted.
pub(crate) async fn run(args: ExploreArgs, mut stop: Stop) -> anyhow::Result<ExitCode> {
    if !args.listen.ip().is_loopback() {
        return Ok(refuse(
            Exit::Usage,
            format!("{} is not a loopback address", args.listen),
            None,
        ));
    }
    let listen = args.listen;
    let _ = writeln!(terminal::err(), "the machine is explored on http://{listen}/ until Ctrl-C");
    // Left alone when the command ends: nothing under way there has to be finished.
    let serving = tokio::task::spawn_blocking(move || specs::explore::serve(listen));
    match unless_stopped(&mut stop, serving).await.transpose()? {
        None | Some(Ok(())) => Ok(code(Exit::Conforms)),
        Some(Err(error)) => {
            let hint = Some("name another address with --listen");
            Ok(refuse(Exit::Unreachable, format!("cannot listen on {listen}: {error}"), hint))
        }
    }
}
