//! `stepproof check`: judge a target, requirement by requirement.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use conformance::check::Check;
use conformance::engine::{self, Config, Walks};
use conformance::events::Event;
use conformance::report::record::Record;
use conformance::report::text;
use conformance::select::{BOUNDS, SelectError, Selection, WALK};
use conformance::verdict::Exit;
use conformance::walk::Step;
use indicatif::{ProgressBar, ProgressStyle};
use specs::Profile;
use tokio::sync::watch;

use crate::exit::{code, refuse};
use crate::outputs::Outputs;
use crate::target::TargetArgs;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// The reading of the requirements: faq, asvs or nist
    #[arg(long, default_value_t = Profile::Faq)]
    profile: Profile,
    /// Only checks that match: an id, a requirement, an area, a beginning of these, or a pattern with `*`
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// No checks that match
    #[arg(long, value_name = "PATTERN")]
    skip: Vec<String>,
    /// The seed of everything random; one is drawn and told when none is given
    #[arg(long)]
    seed: Option<u64>,
    /// Walk this case of the state machine and nothing else, unless --only names checks too
    #[arg(long, value_name = "N", conflicts_with_all = ["cases", "steps"])]
    case: Option<u32>,
    /// Cases of the state machine to walk [default: 64, or 16 on a target that is not embedded]
    #[arg(long, value_name = "N")]
    cases: Option<u32>,
    /// Walk the steps of this file, as a run saved them, instead of drawn ones
    #[arg(long, value_name = "FILE", conflicts_with = "cases")]
    steps: Option<PathBuf>,
    /// Checks at a time
    #[arg(long, default_value_t = default_jobs())]
    jobs: usize,
    /// Requirements that have to be judged for a green run; one at least, where checks are selected
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_judged: usize,
    /// Where the record and the reports go
    #[arg(long, value_name = "DIR", default_value = "stepproof-report")]
    report: PathBuf,
    /// Record the exchanges of passed checks too
    #[arg(long)]
    record_all: bool,
    /// List the checks that would run, and run none
    #[arg(long)]
    list: bool,
}

fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get) * 2
}

impl CheckArgs {
    fn selection(&self) -> Selection {
        let mut only = self.only.clone();
        if self.case.is_some() || self.steps.is_some() {
            only.push(WALK.to_owned());
        }
        Selection {
            only,
            skip: self.skip.clone(),
        }
    }

    fn cases(&self, shared: bool, steps: bool) -> Vec<u32> {
        match (self.case, self.cases) {
            (Some(case), _) => vec![case],
            (None, _) if steps => vec![0],
            (None, Some(cases)) => (0..cases).collect(),
            (None, None) => (0..if shared { 16 } else { 64 }).collect(),
        }
    }
}

/// Judges the target.
pub(crate) async fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let selection = args.selection();
    let checks = match selection.checks() {
        Ok(checks) => checks,
        Err(error @ SelectError::Unknown { .. }) => {
            return Ok(refuse(
                Exit::TooLittle,
                error,
                Some("`stepproof check --list` shows every check"),
            ));
        }
        Err(error @ SelectError::Empty) => return Ok(refuse(Exit::TooLittle, error, None)),
    };
    if args.list {
        return list(&checks, &selection);
    }
    let steps = match args.steps.as_deref().map(read_steps).transpose() {
        Ok(steps) => steps,
        Err(error) => {
            return Ok(refuse(
                Exit::Usage,
                error,
                Some("a run saves them as steps-….json beside its record"),
            ));
        }
    };
    let seed = args.seed.unwrap_or_else(rand::random);
    let mut outputs = match Outputs::open(&args.report) {
        Ok(outputs) => outputs,
        Err(error) => {
            let what = format!("{} cannot be written: {error}", args.report.display());
            return Ok(refuse(Exit::Usage, what, Some("name another directory with --report")));
        }
    };
    let ready = match args.target.ready().await {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let cases = args.cases(ready.provider.shared(), steps.is_some());
    let config = Config {
        checks,
        walks: selection
            .walks()
            .then_some(Walks { cases, steps })
            .filter(|walks| !walks.cases.is_empty()),
        whole: selection.whole(),
        bounds: selection.bounds(),
        profile: args.profile,
        seed,
        jobs: args.jobs,
        timeout: Duration::from_secs(60),
        least_judged: args.min_judged,
        tell_all: args.record_all,
        replay: format!("{}{}", args.target.again(), profile_flag(args.profile)),
    };
    let progress = progress(config.checks.len() + config.walks.as_ref().map_or(0, |walks| walks.cases.len()));
    let mut record = Record::default();
    let stop = stop_on_signal();
    let outcome = engine::run(config, ready.provider.clone(), stop, |event| {
        outputs.take(&event);
        record.take(&event);
        match &event {
            Event::CheckStarted { check, .. } => progress.set_message(check.clone()),
            Event::Verdict(_) | Event::Walk { .. } => progress.inc(1),
            _ => {}
        }
    })
    .await;
    progress.finish_and_clear();
    ready.stop().await;
    let summary = match outcome {
        Ok(summary) => summary,
        Err(error) => return Ok(refuse(Exit::Unreachable, error, None)),
    };
    outputs.finish(&record);
    show(&record, seed)?;
    let mut err = anstream::stderr().lock();
    for trouble in &outputs.troubles {
        writeln!(err, "error: a report could not be written: {trouble}")?;
    }
    if outputs.troubles.is_empty() {
        writeln!(err, "record and reports: {}", args.report.display())?;
    }
    let exit = summary.exit;
    let unwritten = exit != Exit::DoesNotConform && !outputs.troubles.is_empty();
    Ok(code(if unwritten { Exit::Unreachable } else { exit }))
}

fn show(record: &Record, seed: u64) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    text::checks(record, &mut out)?;
    text::breaches(record, &mut out)?;
    match &record.finished {
        Some(finished) => text::summary(finished, seed, &mut out),
        None => Ok(()),
    }
}

fn list(checks: &[&'static Check], selection: &Selection) -> anyhow::Result<ExitCode> {
    let mut rows: Vec<(&str, &str)> = checks.iter().map(|check| (check.id, check.title)).collect();
    if selection.bounds() {
        rows.push((BOUNDS, "The declared parameters lie within their bounds."));
    }
    if selection.walks() {
        rows.push((
            WALK,
            "Random walks of honest and hostile steps, compared with the abstract machine.",
        ));
    }
    let mut out = anstream::stdout().lock();
    let wide = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, title) in rows {
        writeln!(out, "{name:wide$}  {title}")?;
    }
    Ok(code(Exit::Conforms))
}

fn read_steps(file: &Path) -> Result<Vec<Step>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{} holds no steps: {error}", file.display()))
}

fn profile_flag(profile: Profile) -> String {
    if profile == Profile::default() {
        String::new()
    } else {
        format!(" --profile {profile}")
    }
}

/// A bar on standard error, for a person who waits there.
fn progress(checks: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(checks as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Turns true at the first Ctrl-C or SIGTERM; the run then ends and its record is closed. The second ends the process.
pub(crate) fn stop_on_signal() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        signal().await;
        let _ = writeln!(anstream::stderr(), "interrupted: the record is closed");
        let _ = stop.send(true);
        signal().await;
        std::process::exit(i32::from(Exit::Unreachable.code()));
    });
    stopped
}

async fn signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
