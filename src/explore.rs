//! `stepproof explore`: the abstract machine in an explorer, on a local page.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use conformance::verdict::Exit;

use crate::exit::{code, refuse};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct ExploreArgs {
    /// Where the page is served; loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

/// Serves the explorer until it is interrupted.
pub(crate) async fn run(args: ExploreArgs) -> anyhow::Result<ExitCode> {
    if !args.listen.ip().is_loopback() {
        return Ok(refuse(
            Exit::Usage,
            format!("{} is not a loopback address", args.listen),
            None,
        ));
    }
    let listen = args.listen;
    // Standard error may be closed; the page is served all the same.
    let _ = writeln!(anstream::stderr(), "the machine is explored on http://{listen}/ until Ctrl-C");
    match tokio::task::spawn_blocking(move || specs::explore::serve(listen)).await? {
        Ok(()) => Ok(code(Exit::Conforms)),
        Err(error) => {
            let hint = Some("name another address with --listen");
            Ok(refuse(Exit::Unreachable, format!("cannot listen on {listen}: {error}"), hint))
        }
    }
}
