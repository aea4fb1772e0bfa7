//! Starting an implementation as its binding says, and stopping it again with everything it started.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::plan::{Binding, Launch};
use super::template::Lookup;
use crate::group::Group;

/// How long a stopped implementation may take to leave by itself.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
/// Lines of its output that are kept for the case that it does not come up.
const LINES_KEPT: usize = 20;

/// Why it could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The binding has no `[launch]`.
    #[error("{0} has no `[launch]` table, so there is nothing to start; give the address of a running server")]
    NotDescribed(String),
    /// The program could not be run.
    #[error("cannot run `{command}` in {folder}: {reason}")]
    NotRun {
        command: String,
        folder: String,
        reason: String,
    },
    /// It left, or did not say in time that it is ready.
    #[error("`{command}` {what}; its last lines were:\n{lines}")]
    NotReady {
        command: String,
        /// What happened instead.
        what: String,
        lines: String,
    },
}

/// A started implementation. Dropping it stops it, with everything that it started; so does the end of this process.
#[derive(Debug)]
pub struct Launched {
    origin: String,
    child: Child,
    /// `None` once it is stopped.
    group: Option<Group>,
}

/// Starts what the binding describes, handing in its mail to `smtp`, and waits until it says that it is ready.
pub async fn launch(binding: &Binding, smtp: SocketAddr) -> Result<Launched, LaunchError> {
    let plan = binding
        .launch
        .as_ref()
        .ok_or_else(|| LaunchError::NotDescribed(binding.name.clone()))?;
    let not_run = |reason: String| LaunchError::NotRun {
        command: plan.command.clone(),
        folder: plan.working_dir.display().to_string(),
        reason,
    };
    let folder = plan.working_dir.canonicalize().map_err(|error| not_run(error.to_string()))?;
    let port = free_port().map_err(|error| not_run(error.to_string()))?;
    let places = Places { port, smtp };
    let fill = |template: &super::template::Template| template.text(&places).map_err(|why| not_run(why.to_string()));
    // A path with a slash is taken from the working directory, as a shell there would; a bare name from PATH.
    let program = match plan.command.contains('/') {
        true => folder.join(&plan.command).into_os_string(),
        false => plan.command.clone().into(),
    };
    let mut command = Command::new(program);
    command
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for template in &plan.args {
        command.arg(fill(template)?);
    }
    for (name, template) in &plan.env {
        command.env(name, fill(template)?);
    }
    let group = Group::new(None).map_err(|error| not_run(error.to_string()))?;
    let mut child = group.spawn(&mut command).map_err(|error| not_run(error.to_string()))?;
    let lines = Lines::default();
    let (said, ready) = tokio::sync::oneshot::channel();
    let mut drains = tokio::task::JoinSet::new();
    if let Some(stderr) = child.stderr.take() {
        drains.spawn(drain(stderr, lines.clone(), None));
    }
    if let Some(stdout) = child.stdout.take() {
        drains.spawn(drain(stdout, lines.clone(), Some((plan.ready.clone(), said))));
    }
    let mut launched = Launched {
        origin: format!("http://127.0.0.1:{port}"),
        child,
        group: Some(group),
    };
    match tokio::time::timeout(plan.timeout, ready).await {
        Ok(Ok(origin)) => {
            if let Some(origin) = origin {
                launched.origin = origin;
            }
            drains.detach_all();
            Ok(launched)
        }
        ended => {
            let what = match ended {
                Ok(_) => "left before it was ready".to_owned(),
                Err(_) => format!("was not ready within {} s", plan.timeout.as_secs()),
            };
            launched.stop().await;
            // Stopped, it says no more: its last lines are read before they are told.
            let _ = tokio::time::timeout(LEAVE_WITHIN, drains.join_all()).await;
            Err(LaunchError::NotReady {
                command: plan.command.clone(),
                what,
                lines: lines.text(),
            })
        }
    }
}

impl Launched {
    /// Where it listens.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Asks it to leave, and after a while makes it.
    pub async fn stop(&mut self) {
        let Some(group) = self.group.take() else { return };
        group.ask();
        if tokio::time::timeout(LEAVE_WITHIN, self.child.wait()).await.is_err() {
            tracing::warn!("the implementation did not leave when asked to");
        }
        group.end().await;
        // A child that has left already is what is wanted.
        drop(self.child.wait().await);
    }
}

impl Launch {
    /// The line that it runs, for people.
    pub fn shown(&self) -> String {
        format!("{} (in {})", self.command, self.working_dir.display())
    }
}

/// What `[launch]` templates are filled from.
struct Places {
    port: u16,
    smtp: SocketAddr,
}

impl Lookup for Places {
    fn variable(&self, name: &str) -> Option<Value> {
        match name {
            "port" => Some(self.port.into()),
            "smtp_port" => Some(self.smtp.port().into()),
            "smtp_host" => Some(self.smtp.ip().to_string().into()),
            _ => None,
        }
    }

    fn cookie(&self, _name: &str) -> Option<String> {
        None
    }
}

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<VecDeque<String>>>);

impl Lines {
    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LINES_KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("  {line}\n")).collect()
    }
}

type Ready = (regex::Regex, tokio::sync::oneshot::Sender<Option<String>>);

/// Reads to the end, so that the program is never held up by a full pipe.
async fn drain(output: impl AsyncRead + Unpin, kept: Lines, mut ready: Option<Ready>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some((pattern, said)) = ready.take() {
            match pattern.captures(&line) {
                Some(found) => {
                    let origin = found
                        .name("origin")
                        .map(|origin| origin.as_str().trim_end_matches('/').to_owned());
                    drop(said.send(origin));
                }
                None => ready = Some((pattern, said)),
            }
        }
        kept.push(line);
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
