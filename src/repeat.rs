//! `stepproof repeat`: repeats recorded breaches by their chains of curl commands, each against a server started for it.
//!
//! Exit codes: 0 every one was repeated, 1 one was not, 2 the call is wrong, 3 the server cannot be had.

use std::fs::File;
use std::io::{BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use conformance::events::Judged;
use conformance::report::record::Record;
use conformance::verdict::Exit;
use targets::Target;
use targets::binding::{self, Binding, Running};
use targets::repeat::repeat;
use targets::text::printable;

use crate::exit::{code, refuse};
use crate::target::loopback;
use crate::terminal;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct RepeatArgs {
    /// The record of a run
    #[arg(value_name = "RUN.ndjson")]
    record: PathBuf,
    /// The checks whose breaches are repeated; every one that has a chain when none is given
    #[arg(value_name = "CHECK")]
    checks: Vec<String>,
    /// The binding file; the one the run was made with when not given
    #[arg(long, value_name = "FILE")]
    binding: Option<PathBuf>,
    /// The origin of a server that runs already; without it, one is started for each breach as the binding says
    #[arg(long, value_name = "URL")]
    target: Option<url::Url>,
    /// Where that server hands in its mail by SMTP
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1025")]
    smtp: SocketAddr,
    /// Allow a server that is not on this machine: accounts are created there and messages are sent
    #[arg(long)]
    allow_remote: bool,
}

/// Repeats them.
pub(crate) async fn run(args: RepeatArgs) -> anyhow::Result<ExitCode> {
    let read = File::open(&args.record)
        .map_err(Into::into)
        .and_then(|file| Record::read(BufReader::new(file)));
    let record = match read {
        Ok(record) => record,
        Err(error) => return Ok(refuse(Exit::Usage, format!("{}: {error}", args.record.display()), None)),
    };
    let file = args
        .binding
        .clone()
        .or_else(|| Some(record.started.as_ref()?.target.binding.as_ref()?.into()));
    let Some(file) = file else {
        let what = "the run was made without a binding, which would tell how a server is started and where its codes stand";
        return Ok(refuse(Exit::Usage, what, Some("give one with --binding")));
    };
    let binding = match binding::load(&file) {
        Ok(binding) => binding,
        Err(report) => return Ok(refuse(Exit::Usage, format!("{report:?}"), None)),
    };
    if let Some(target) = args.target.as_ref().filter(|target| !args.allow_remote && !loopback(target)) {
        let what = format!("{target} is not on this machine");
        return Ok(refuse(Exit::Usage, what, Some("add --allow-remote if it is yours to test")));
    }
    let mut chosen = Vec::new();
    for judged in record.ordered() {
        if let Some(chain) = &judged.curl
            && (args.checks.is_empty() || args.checks.contains(&judged.check))
        {
            chosen.push((judged, chain.as_str()));
        }
    }
    let missing = |check: &&String| !chosen.iter().any(|(judged, _)| judged.check == **check);
    if let Some(check) = args.checks.iter().find(missing) {
        return Ok(refuse(
            Exit::Usage,
            format!("the record has no breach of {check} that can be repeated"),
            None,
        ));
    }
    let mut told = Vec::new();
    for (judged, chain) in chosen {
        match once(&args, binding.clone(), &record, judged, chain).await? {
            Some(alike) => told.push((judged.check.as_str(), alike)),
            None => return Ok(code(Exit::Unreachable)),
        }
    }
    let mut out = terminal::out();
    writeln!(out)?;
    for (check, alike) in &told {
        writeln!(out, "{} {check}", if *alike { "repeated    " } else { "not repeated" })?;
    }
    let all = told.iter().all(|(_, alike)| *alike);
    Ok(code(if all { Exit::Conforms } else { Exit::DoesNotConform }))
}

/// Whether one breach came again; `None` when there is no server to ask.
async fn once(
    args: &RepeatArgs,
    binding: Binding,
    record: &Record,
    judged: &Judged,
    chain: &str,
) -> anyhow::Result<Option<bool>> {
    let started = match &args.target {
        Some(target) => Running::attach(binding, target.as_str().trim_end_matches('/'), Some(args.smtp)).await,
        None => Running::start(binding).await,
    };
    let running = match started {
        Ok(running) => running,
        Err(error) => {
            refuse(Exit::Unreachable, error, None);
            return Ok(None);
        }
    };
    let word = |text: &Option<String>| text.clone().unwrap_or_default();
    {
        let mut out = terminal::out();
        writeln!(out, "\n{} at {}", printable(&judged.check), running.target.origin())?;
        writeln!(
            out,
            "  expected: {}\n  seen:     {}",
            printable(&word(&judged.expected)),
            printable(&word(&judged.seen))
        )?;
        out.flush()?;
    }
    let repeated = repeat(chain, running.target.origin(), &running.fakes.ledger).await;
    running.stop().await;
    let repeated = repeated?;
    let evidence = record.evidence.get(&judged.check).map_or(&[][..], Vec::as_slice);
    let before = evidence.iter().filter(|event| event["event"] == "delivery").count();
    let came = repeated.messages.len();
    writeln!(terminal::out(), "messages: {came} came, {before} in the recorded run")?;
    Ok(Some(repeated.alike && came == before))
}
