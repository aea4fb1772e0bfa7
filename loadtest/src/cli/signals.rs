//! Ctrl-C, SIGTERM and SIGHUP: the first ends what is under way in order, the second at once.

use std::sync::Arc;
use std::time::Duration;

use targets::process::ignores_signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::note;

/// How long what was started has for leaving, after the second signal.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// The exit code of a run that was interrupted.
pub(crate) const INTERRUPTED: u8 = 3;

/// How often this process was told to end.
#[derive(Clone)]
pub(crate) struct Signals {
    times: watch::Receiver<u32>,
    at_once: watch::Receiver<bool>,
}

impl Signals {
    /// Takes them from now on.
    pub(crate) fn listen() -> Self {
        let (tell, times) = watch::channel(0);
        let tell = Arc::new(tell);
        let once_more = |tell: &Arc<watch::Sender<u32>>| tell.send_modify(|times| *times += 1);
        // Not tokio's: a process has one such handler. Goose, which comes later, does without; its own would end the process with
        // another code.
        let interrupt = ctrlc::set_handler({
            let tell = Arc::clone(&tell);
            move || once_more(&tell)
        });
        if let Err(error) = interrupt {
            note(&format!("warning: Ctrl-C ends this without a report: {error}"));
        }
        for (name, kind) in [("SIGTERM", SignalKind::terminate()), ("SIGHUP", SignalKind::hangup())] {
            if ignores_signal(kind.as_raw_value()) {
                continue;
            }
            match signal(kind) {
                Ok(mut signals) => {
                    let tell = Arc::clone(&tell);
                    tokio::spawn(async move {
                        while signals.recv().await.is_some() {
                            once_more(&tell);
                        }
                    });
                }
                Err(error) => note(&format!("warning: {name} ends this without a report: {error}")),
            }
        }
        let (let_go, at_once) = watch::channel(false);
        let signals = Self { times, at_once };
        tokio::spawn(signals.clone().answer(let_go));
        signals
    }

    /// Until it was told to end.
    pub(crate) async fn first(&self) {
        until(&self.times, |times| *times >= 1).await;
    }

    /// Until it was told to end at once, and has said that it does.
    pub(crate) async fn second(&self) {
        until(&self.at_once, |at_once| *at_once).await;
    }

    async fn answer(self, let_go: watch::Sender<bool>) {
        self.first().await;
        note("stopping: what was measured is told; press Ctrl-C again to end at once");
        until(&self.times, |times| *times >= 2).await;
        note("stopped at once: the record is not complete");
        let_go.send_replace(true);
        // The command is dropped meanwhile, and what it started with it. A write that never ends would keep it for ever.
        tokio::time::sleep(LEAVE_WITHIN).await;
        std::process::exit(INTERRUPTED.into());
    }
}

async fn until<T>(rendered: &watch::Receiver<T>, there: impl FnMut(&T) -> bool) {
    if rendered.clone().wait_for(there).await.is_err() {
        // Nobody is left who could tell.
        std::future::pending().await
    }
}
