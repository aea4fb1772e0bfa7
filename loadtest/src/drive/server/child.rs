//! The server as a process of its own: this program again, told to serve. It reads its options from its standard input, answers
//! with its addresses, and ends when its input does: when the generator is gone, however it went.

use std::io::{BufRead, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, Command};

use super::ServerFault;
use super::admin::AdminClient;
use super::embedded::Embedded;
use super::options::{Addresses, Options};
use reference_server::adapters::admin::Seed;

/// The argument by which this program serves. It stands in no help.
pub const SERVE_EMBEDDED: &str = "serve-embedded";

/// How long it may take to begin, and to end.
const WITHIN: Duration = Duration::from_secs(20);

/// What it says once.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Said {
    Listening(Addresses),
    Failed(String),
}

/// A running server. It is ended when this is dropped.
pub struct Child {
    addresses: Addresses,
    process: tokio::process::Child,
    // Held open: its end is the word to stop.
    stdin: Option<ChildStdin>,
}

impl Child {
    /// Starts this program as a server.
    pub async fn start(options: &Options) -> Result<Self, ServerFault> {
        let program = std::env::current_exe().map_err(|error| ServerFault::Start(error.to_string()))?;
        Self::start_with(&program, options).await
    }

    /// Starts that program, which has to call [`serve_embedded`] for [`SERVE_EMBEDDED`].
    pub async fn start_with(program: &Path, options: &Options) -> Result<Self, ServerFault> {
        // What can be told without a process is told without one.
        options.meant()?;
        let started = tokio::time::timeout(WITHIN, Self::begin(program, options)).await;
        started.unwrap_or_else(|_| {
            Err(ServerFault::Start(format!(
                "it did not say where it listens within {WITHIN:?}"
            )))
        })
    }

    async fn begin(program: &Path, options: &Options) -> Result<Self, ServerFault> {
        let fault = |what: &str, error: &dyn std::fmt::Display| ServerFault::Start(format!("{what}: {error}"));
        let mut process = Command::new(program)
            .arg(SERVE_EMBEDDED)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A Ctrl-C at the terminal is the generator's to hear: the server is needed until the report is made.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| fault(&program.display().to_string(), &error))?;
        let (Some(mut stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(ServerFault::Start("it has no input and output".to_owned()));
        };
        let mut order = serde_json::to_vec(options).map_err(|error| fault("its options", &error))?;
        order.push(b'\n');
        stdin
            .write_all(&order)
            .await
            .map_err(|error| fault("it took no options", &error))?;
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line).await;
        read.map_err(|error| fault("it said nothing", &error))?;
        match serde_json::from_str(&line) {
            Ok(Said::Listening(addresses)) => Ok(Self {
                addresses,
                process,
                stdin: Some(stdin),
            }),
            Ok(Said::Failed(why)) => Err(ServerFault::Start(why)),
            Err(_) => Err(ServerFault::Start("it ended without saying where it listens".to_owned())),
        }
    }

    /// Where it listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Prepares these accounts over its admin API; how many.
    pub async fn seed(&self, seeds: impl IntoIterator<Item = Seed>) -> Result<u64, ServerFault> {
        AdminClient::open(&self.addresses.control).await?.seed(seeds).await
    }

    /// Ends it and waits until it is gone.
    pub async fn stop(mut self) -> Result<(), ServerFault> {
        drop(self.stdin.take());
        match tokio::time::timeout(WITHIN, self.process.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(ServerFault::Start(format!("it ended with {status}"))),
            Ok(Err(error)) => Err(ServerFault::Start(error.to_string())),
            Err(_) => Err(ServerFault::Start(format!("it did not end within {WITHIN:?}"))),
        }
    }
}

/// What the process does: serves until its standard input ends.
pub fn serve_embedded() -> std::io::Result<()> {
    let mut input = std::io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line)?;
    let options = serde_json::from_str::<Options>(&line).map_err(|error| format!("its options: {error}"));
    // As many as it may have: each connection is a file.
    let _ = targets::process::raise_open_files();
    let started = options.and_then(|options| Embedded::start(&options).map_err(|fault| fault.to_string()));
    let said = match &started {
        Ok(server) => Said::Listening(server.addresses().clone()),
        Err(why) => Said::Failed(why.clone()),
    };
    let mut output = targets::terminal::data();
    serde_json::to_writer(&mut output, &said)?;
    output.write_all(b"\n")?;
    output.flush()?;
    if started.is_ok() {
        std::io::copy(&mut input, &mut std::io::sink())?;
    }
    Ok(())
}
