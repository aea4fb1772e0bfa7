//! `stepproof explore`: the abstract machine in an explorer, on a local page.

#[cfg(feature = "explore")]
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use conformance::verdict::Exit;

#[cfg(feature = "explore")]
use crate::exit::code;
use crate::exit::refuse;

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
    serve(args.listen).await
}

/// The explorer is left out of an ordinary build, which has no use for the crates that it brings along.
#[cfg(not(feature = "explore"))]
async fn serve(_: SocketAddr) -> anyhow::Result<ExitCode> {
    let what = "this stepproof was built without the explorer";
    let hint = "cargo run --features explore -- explore";
    Ok(refuse(Exit::Usage, what, Some(hint)))
}

#[cfg(feature = "explore")]
async fn serve(listen: SocketAddr) -> anyhow::Result<ExitCode> {
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
