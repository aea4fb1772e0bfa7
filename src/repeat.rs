//! `stepproof repeat`: repeats recorded breaches by their chains of curl commands, each against a server started for it.
//!
//! A record is data, never a program: the chains are made anew from its exchanges, nothing is started but what the binding on
//! the command line says, and nothing is asked but the server that this gives.
//!
//! Exit codes: 0 every one was repeated, 1 one was not, 2 the call is wrong, 3 the server cannot be had.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use conformance::events::Judged;
use conformance::report::record::{Record, RecordError};
use conformance::verdict::{Exit, Verdict};
use targets::Target;
use targets::binding::{Binding, Running};
use targets::repeat::repeat;
use targets::text::printable;

use crate::exit::{CliError, Ended};
use crate::signals::{INTERRUPTED, Stop, unless_stopped};
use crate::target::{allowed, load};
use crate::terminal;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct RepeatArgs {
    /// The record of a run
    #[arg(value_name = "RUN.ndjson")]
    record: PathBuf,
    /// The checks whose breaches are repeated; every one that has exchanges when none is given
    #[arg(value_name = "CHECK")]
    checks: Vec<String>,
    /// The binding file, which tells how a server is started and where its codes stand
    #[arg(long, value_name = "FILE")]
    binding: Option<PathBuf>,
    /// The origin of a server that runs already; without it, one is started for each breach as the binding says
    #[arg(long, value_name = "URL", value_parser = crate::target::origin)]
    target: Option<url::Url>,
    /// Where that server hands in its mail by SMTP
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1025")]
    smtp: SocketAddr,
    /// Allow a server that is not on this machine: accounts are created there and messages are sent
    #[arg(long)]
    allow_remote: bool,
}

/// A record that is larger than this is none.
const LARGEST_RECORD: u64 = 256 << 20;

/// A breach that is repeated.
struct Breach<'r> {
    judged: &'r Judged,
    chain: String,
    /// Messages that came in the recorded run.
    messages: usize,
}

/// Repeats them, until it is interrupted.
pub(crate) async fn run(args: RepeatArgs, mut stop: Stop) -> Ended {
    unless_stopped(&mut stop, all(&args)).await.unwrap_or(INTERRUPTED)
}

async fn all(args: &RepeatArgs) -> Ended {
    let record = read(&args.record).map_err(|error| wrong(&args.record, &error))?;
    let Some(file) = &args.binding else {
        let what = "a binding is needed, which tells how a server is started and where its codes stand";
        let made_with = record.started.as_ref().and_then(|started| started.target.binding.as_deref());
        let hint = made_with.map_or_else(
            || {
                "give it with --binding FILE; the run was made without a binding: a target of the reference API is judged again by the \
                 replay command that stands beside each breach"
                    .to_owned()
            },
            // Not taken from there: whoever wrote the record would choose what is started.
            |made_with| format!("give it with --binding FILE; the record says that the run was made with {made_with:?}"),
        );
        return Err(CliError::usage(what).hint(hint));
    };
    let binding = load(file)?;
    allowed(args.target.iter(), args.allow_remote)?;
    let chosen = chosen(&record, &args.checks).map_err(|error| {
        wrong(&args.record, &error).hint("name the checks whose breaches are to be repeated, to leave this one out")
    })?;
    let missing = |check: &&String| !chosen.iter().any(|breach| breach.judged.check == **check);
    if let Some(check) = args.checks.iter().find(missing) {
        return Err(CliError::usage(format!(
            "the record has no breach of {check} that can be repeated"
        )));
    }
    if chosen.is_empty() {
        return Err(CliError::usage("the record has no breach that can be repeated"));
    }
    let mut told = Vec::new();
    for breach in &chosen {
        told.push((printable(&breach.judged.check), once(args, binding.clone(), breach).await?));
    }
    let mut out = terminal::out();
    writeln!(out)?;
    for (check, alike) in &told {
        writeln!(out, "{} {check}", if *alike { "repeated    " } else { "not repeated" })?;
    }
    let all = told.iter().all(|(_, alike)| *alike);
    Ok(if all { Exit::Conforms } else { Exit::DoesNotConform })
}

fn read(path: &Path) -> Result<Record, RecordError> {
    let file = File::open(path)?;
    let mut within = file.take(LARGEST_RECORD);
    let record = Record::read(BufReader::new(&mut within));
    if within.limit() == 0 {
        let what = format!("it is larger than {} MiB, and no run's record is", LARGEST_RECORD >> 20);
        return Err(io::Error::other(what).into());
    }
    record
}

/// The breaches that were asked for, each with its chain.
fn chosen<'r>(record: &'r Record, checks: &[String]) -> Result<Vec<Breach<'r>>, RecordError> {
    let mut chosen = Vec::new();
    for judged in record.ordered() {
        let broken = matches!(judged.verdict, Verdict::Failed | Verdict::Warned);
        let asked = checks.is_empty() || checks.contains(&judged.check);
        // The breach of a declared parameter has no exchanges: nothing was sent to find it.
        if broken && asked && !record.exchanges(judged)?.is_empty() {
            chosen.push(Breach {
                judged,
                chain: record.chain(judged)?,
                messages: record.deliveries(judged)?.len(),
            });
        }
    }
    Ok(chosen)
}

/// What is wrong with a record; a part of it may be in that.
fn wrong(record: &Path, error: &RecordError) -> CliError {
    CliError::usage(format!("{}: {}", record.display(), printable(&error.to_string())))
}

/// Whether one breach came again.
async fn once(args: &RepeatArgs, binding: Binding, breach: &Breach<'_>) -> Result<bool, CliError> {
    let judged = breach.judged;
    let running = match &args.target {
        Some(target) => Running::attach(binding, target.as_str().trim_end_matches('/'), Some(args.smtp)).await,
        None => Running::start(binding).await,
    }?;
    let word = |text: &Option<String>| printable(text.as_deref().unwrap_or_default()).into_owned();
    {
        let mut out = terminal::out();
        writeln!(out, "\n{} at {}", printable(&judged.check), running.target.origin())?;
        writeln!(
            out,
            "  expected: {}\n  seen:     {}",
            word(&judged.expected),
            word(&judged.seen)
        )?;
        out.flush()?;
    }
    let repeated = repeat(&breach.chain, running.target.origin(), &running.fakes.deliveries).await;
    running.stop().await;
    let repeated = repeated?;
    let (came, before) = (repeated.messages.len(), breach.messages);
    writeln!(terminal::out(), "messages: {came} came, {before} in the recorded run")?;
    Ok(repeated.alike && came == before)
}
