//! `stepproof explore`: the abstract machine in an explorer, on a local page.
//!
//! Exit codes: 0 stopped by a signal, 2 the call is wrong, 3 the address cannot be had.

use std::net::SocketAddr;

use crate::exit::{CliError, Ended};
use crate::signals::Stop;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct ExploreArgs {
    /// Where the page is served; loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

/// Serves the explorer until it is interrupted.
pub(crate) async fn run(args: ExploreArgs, stop: Stop) -> Ended {
    if !args.listen.ip().is_loopback() {
        return Err(CliError::usage(format!("{} is not a loopback address", args.listen)));
    }
    serve(args.listen, stop).await
}

/// An ordinary build leaves the explorer out, so that nobody who only checks waits for the crates that it brings along.
#[cfg(not(feature = "explore"))]
async fn serve(_: SocketAddr, _: Stop) -> Ended {
    let error = CliError::usage("this stepproof was built without the explorer");
    Err(error.hint("cargo run --features explore -- explore"))
}

#[cfg(feature = "explore")]
async fn serve(listen: SocketAddr, mut stop: Stop) -> Ended {
    use std::io::Write;

    let _ = writeln!(
        crate::terminal::err(),
        "the machine is explored on http://{listen}/ until Ctrl-C"
    );
    // Left alone when the command ends: nothing under way there has to be finished.
    let serving = tokio::task::spawn_blocking(move || specs::explore::serve(listen));
    match crate::signals::unless_stopped(&mut stop, serving).await.transpose()? {
        None | Some(Ok(())) => Ok(conformance::verdict::Exit::Conforms),
        Some(Err(error)) => {
            let error = CliError::unreachable(format!("cannot listen on {listen}: {error}"));
            Err(error.hint("name another address with --listen"))
        }
    }
}
