//! `stepproof explore`: the abstract machine in an explorer, on a local page.
//!
//! Exit codes: 0 stopped by a signal, 2 the call is wrong, 3 the address cannot be had.

use std::net::SocketAddr;
use std::process::ExitCode;

use conformance::verdict::Exit;

use crate::exit::refuse;
use crate::signals::Stop;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct ExploreArgs {
    /// Where the page is served; loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

/// Serves the explorer until it is interrupted.
pub(crate) async fn run(args: ExploreArgs, stop: Stop) -> anyhow::Result<ExitCode> {
    if !args.listen.ip().is_loopback() {
        return Ok(refuse(
            Exit::Usage,
            format!("{} is not a loopback address", args.listen),
            None,
        ));
    }
    serve(args.listen, stop).await
}

/// An ordinary build leaves the explorer out, so that nobody who only checks waits for the crates that it brings along.
#[cfg(not(feature = "explore"))]
async fn serve(_: SocketAddr, _: Stop) -> anyhow::Result<ExitCode> {
    let what = "this stepproof was built without the explorer";
    let hint = "cargo run --features explore -- explore";
    Ok(refuse(Exit::Usage, what, Some(hint)))
}

#[cfg(feature = "explore")]
async fn serve(listen: SocketAddr, mut stop: Stop) -> anyhow::Result<ExitCode> {
    use std::io::Write;

    let _ = writeln!(
        crate::terminal::err(),
        "the machine is explored on http://{listen}/ until Ctrl-C"
    );
    // Left alone when the command ends: nothing under way there has to be finished.
    let serving = tokio::task::spawn_blocking(move || specs::explore::serve(listen));
    match crate::signals::unless_stopped(&mut stop, serving).await.transpose()? {
        None | Some(Ok(())) => Ok(crate::exit::code(Exit::Conforms)),
        Some(Err(error)) => {
            let hint = Some("name another address with --listen");
            Ok(refuse(Exit::Unreachable, format!("cannot listen on {listen}: {error}"), hint))
        }
    }
}
