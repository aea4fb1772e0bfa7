//! A process group that ends with us, however we end: dropped, interrupted, or killed.

use std::io;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, Command};

/// The keeper leads the group and waits for its input to end, which it does when we are gone. Then the group is asked to
/// leave, what it wrote to disk is removed, and what is left of it is killed, the keeper too. It does not leave by itself
/// before, so the group's number cannot become anybody else's.
const KEEPER: &str = "trap '' HUP INT TERM; read -r _; kill -s TERM 0; sleep 2; rm -rf -- \"$@\"; kill -s KILL 0";

/// A group of processes. Dropping it asks them to leave, and kills what does not within two seconds.
#[derive(Debug)]
pub(crate) struct Group {
    id: Pid,
    keeper: Child,
    /// Closed by the system when this process ends.
    lifeline: Option<ChildStdin>,
}

impl Group {
    /// A group without processes. When it ends without [`Group::end`], these files go too.
    pub(crate) fn new(files: Option<&Path>) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command
            .args(["-c", KEEPER, "sh"])
            .args(files)
            .current_dir("/")
            .process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut keeper = command.spawn()?;
        let id = keeper.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        Ok(Self {
            id: id.ok_or_else(|| io::Error::other("the keeper of a process group has ended already"))?,
            lifeline: keeper.stdin.take(),
            keeper,
        })
    }

    /// Starts a command in the group.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        command.process_group(self.id.as_raw_nonzero().get()).spawn()
    }

    /// Asks all of it to leave.
    pub(crate) fn ask(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills what is left of it.
    pub(crate) async fn end(mut self) {
        self.signal(Signal::KILL);
        // Where that could not be sent, the keeper does it.
        drop(self.lifeline.take());
        // It has left, or cannot be waited for: then nobody has to.
        let _ = self.keeper.wait().await;
    }

    fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process_group(self.id, signal) {
            tracing::warn!(%error, "cannot signal what was started");
        }
    }
}
