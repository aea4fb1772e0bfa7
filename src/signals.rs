//! What ends a command from outside, the same for every command that takes its time: Ctrl-C, SIGTERM, and SIGHUP unless it was
//! ignored from the start, as `nohup` does. The first signal ends the command in order, the second at once; what was started for
//! it ends with it either way.

use std::io::{self, Write};
use std::time::Duration;

use conformance::verdict::Exit;
use targets::process::ignores_signal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::exit::{CliError, Ended};
use crate::terminal;

/// Turns true when the command is to end.
pub(crate) type Stop = watch::Receiver<bool>;

/// What a command at its second signal may still take to let go of what it started.
const LET_GO_WITHIN: Duration = Duration::from_secs(2);

/// Runs a command that heeds signals. They are caught before it begins, so that none is lost; at the first, `said` is said;
/// nothing, where the command has its own way of saying it.
pub(crate) async fn heeding<F: Future<Output = Ended>>(said: &'static str, command: impl FnOnce(Stop) -> F) -> Ended {
    let mut signals = Signals::caught()?;
    let (stop, stopping) = watch::channel(false);
    let (at_once, now) = oneshot::channel();
    tokio::spawn(async move {
        signals.next().await;
        if !said.is_empty() {
            let _ = writeln!(terminal::err(), "{said}");
        }
        let _ = stop.send(true);
        signals.next().await;
        let _ = at_once.send(());
        // The command may be held up where it cannot be dropped: by a reader of its output who does not read.
        tokio::time::sleep(LET_GO_WITHIN).await;
        std::process::exit(i32::from(Exit::Unreachable.code()));
    });
    tokio::select! {
        ended = command(stopping) => ended,
        // Whatever the command holds is dropped here, servers that it started too.
        Ok(()) = now => Err(CliError::unreachable("ended at once, by a second signal")),
    }
}

/// What the work comes to, or nothing when the command is to end before; the work is dropped then, with all that it started.
pub(crate) async fn unless_stopped<T>(stop: &mut Stop, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = stopped(stop) => None,
    }
}

/// Ends when the command is to end.
pub(crate) async fn stopped(stop: &mut Stop) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}

/// The end of a command that was ended before it came to a result: the signal has been told.
pub(crate) const INTERRUPTED: Ended = Ok(Exit::Unreachable);

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    fn caught() -> io::Result<Self> {
        let hangup = (!ignores_signal(SignalKind::hangup().as_raw_value())).then(|| signal(SignalKind::hangup()));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: hangup.transpose()?,
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}
