//! `stepproof doctor`: is the binding right, before the server is judged.
//!
//! Exit codes: 0 the binding reads the server well, 2 it does not (or the file is wrong), 3 the server cannot be had, or the
//! walk was interrupted.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use conformance::verdict::Exit;
use targets::binding::{self, Finding, Health, Running};
use targets::text::{json, printable};

use crate::exit::{Ended, shown};
use crate::signals::{INTERRUPTED, Stop, unless_stopped};
use crate::target::{allowed, load};
use crate::terminal;

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
pub(crate) async fn run(args: DoctorArgs, mut stop: Stop) -> Ended {
    let binding = load(&args.binding)?;
    allowed(args.target.iter(), args.allow_remote)?;
    let start = async {
        match &args.target {
            Some(target) => Running::attach(binding, target.as_str(), Some(args.smtp)).await,
            None => Running::start(binding).await,
        }
    };
    let Some(running) = unless_stopped(&mut stop, start).await.transpose()? else {
        return INTERRUPTED;
    };
    let findings = unless_stopped(&mut stop, binding::doctor(&running.target)).await;
    running.stop().await;
    let Some(findings) = findings else { return INTERRUPTED };
    let written = match args.json {
        true => document(&findings),
        false => show(&findings),
    };
    let any = |health| findings.iter().any(|finding| finding.health == health);
    let exit = match (any(Health::Unreachable), any(Health::Ill)) {
        (true, _) => Exit::Unreachable,
        (false, true) => Exit::Usage,
        (false, false) => Exit::Conforms,
    };
    shown(exit, written)
}

fn document(findings: &[Finding]) -> io::Result<()> {
    let mut out = terminal::out();
    writeln!(out, "{}", json(&serde_json::to_string_pretty(findings)?))?;
    out.flush()
}

fn show(findings: &[Finding]) -> io::Result<()> {
    let mut out = terminal::out();
    let wide = findings.iter().map(|finding| finding.operation.len()).max().unwrap_or(0);
    for finding in findings {
        let (mark, colour) = match finding.health {
            Health::Well => ("ok ", AnsiColor::Green),
            Health::Ill => ("ill", AnsiColor::Red),
            Health::Unreachable => ("???", AnsiColor::Red),
            Health::Untried => (" - ", AnsiColor::BrightBlack),
        };
        let style = Style::new().fg_color(Some(colour.into()));
        writeln!(
            out,
            "{style}{mark}{style:#} {:wide$}  {}",
            finding.operation,
            printable(&finding.told)
        )?;
    }
    out.flush()
}
