//! `stepproof doctor`: is the binding right, before the server is judged.
//!
//! Exit codes: 0 the binding reads the server well, 2 it does not (or the file is wrong), 3 the server cannot be had.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use targets::binding::{self, Finding, Health, Running};

use crate::target::loopback;

const WELL: u8 = 0;
const WRONG: u8 = 2;
const UNREACHABLE: u8 = 3;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// The binding file.
    #[arg(long, value_name = "FILE")]
    binding: PathBuf,
    /// The origin of a server that runs already; without it, the server is started as the binding says.
    #[arg(long, value_name = "URL")]
    target: Option<url::Url>,
    /// Where that server hands in its mail by SMTP.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1025")]
    smtp: SocketAddr,
    /// Allow a server that is not on this machine: an account is created there and messages are sent.
    #[arg(long)]
    allow_remote: bool,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

/// Examines the binding.
pub(crate) async fn run(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    let binding = match binding::load(&args.binding) {
        Ok(binding) => binding,
        Err(report) => {
            writeln!(anstream::stderr(), "{report:?}")?;
            return Ok(ExitCode::from(WRONG));
        }
    };
    if let Some(target) = args.target.as_ref().filter(|target| !args.allow_remote && !loopback(target)) {
        writeln!(
            anstream::stderr(),
            "error: {target} is not on this machine\nhint: add --allow-remote if it is yours to test"
        )?;
        return Ok(ExitCode::from(WRONG));
    }
    let started = match &args.target {
        Some(target) => Running::attach(binding, target.as_str(), Some(args.smtp)).await,
        None => Running::start(binding).await,
    };
    let running = match started {
        Ok(running) => running,
        Err(error) => {
            writeln!(anstream::stderr(), "error: {error}")?;
            return Ok(ExitCode::from(UNREACHABLE));
        }
    };
    let findings = binding::doctor(&running.target).await;
    running.stop().await;
    match args.json {
        true => writeln!(anstream::stdout(), "{}", serde_json::to_string_pretty(&findings)?)?,
        false => show(&findings)?,
    }
    let any = |health| findings.iter().any(|finding| finding.health == health);
    Ok(ExitCode::from(match (any(Health::Unreachable), any(Health::Ill)) {
        (true, _) => UNREACHABLE,
        (false, true) => WRONG,
        (false, false) => WELL,
    }))
}

fn show(findings: &[Finding]) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    let wide = findings.iter().map(|finding| finding.operation.len()).max().unwrap_or(0);
    for finding in findings {
        let (mark, colour) = match finding.health {
            Health::Well => ("ok ", AnsiColor::Green),
            Health::Ill => ("ill", AnsiColor::Red),
            Health::Unreachable => ("???", AnsiColor::Red),
            Health::Untried => (" - ", AnsiColor::BrightBlack),
        };
        let style = Style::new().fg_color(Some(colour.into()));
        writeln!(out, "{style}{mark}{style:#} {:wide$}  {}", finding.operation, finding.told)?;
    }
    Ok(())
}
