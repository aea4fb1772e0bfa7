//! `stepproof check`: judge a target, requirement by requirement.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use conformance::check::Check;
use conformance::engine::{self, Config, ModelCases};
use conformance::model::{Step, read_steps};
use conformance::report::record::Record;
use conformance::report::text;
use conformance::select::{BOUNDS, SelectError, Selection, WALK};
use conformance::verdict::Exit;
use specs::Profile;

use crate::exit::{CliError, Ended, shown};
use crate::outputs::Outputs;
use crate::progress::Progress;
use crate::signals::{INTERRUPTED, Stop, unless_stopped};
use crate::target::TargetArgs;
use crate::terminal;

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
    #[arg(long, value_name = "N", conflicts_with_all = ["cases", "trace"])]
    case: Option<u32>,
    /// Cases of the state machine to walk [default: 64, or 16 on a target that is not embedded]
    #[arg(long, value_name = "N")]
    cases: Option<u32>,
    /// Walk the steps of this file, as a run saved them, instead of drawn ones
    #[arg(long, value_name = "FILE", alias = "steps", conflicts_with = "cases")]
    trace: Option<PathBuf>,
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
        if self.case.is_some() || self.trace.is_some() {
            only.push(WALK.to_owned());
        }
        Selection {
            only,
            skip: self.skip.clone(),
            profile: self.profile,
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
pub(crate) async fn run(args: CheckArgs, mut stop: Stop) -> Ended {
    let selection = args.selection();
    let checks = selection.checks().map_err(|error| match error {
        SelectError::Unknown { .. } => CliError::too_little(error).hint("`stepproof check --list` shows every check"),
        SelectError::Empty | SelectError::OtherProfile { .. } => CliError::too_little(error),
    })?;
    if args.list {
        return shown(Exit::Conforms, list(&checks, &selection));
    }
    let steps = args.trace.as_deref().map(read_trace).transpose()?;
    let seed = args.seed.unwrap_or_else(rand::random);
    let outputs = Outputs::open(&args.report, args.trace.as_deref());
    let mut outputs = outputs.map_err(|error| CliError::usage(error).hint("name another directory with --report"))?;
    let Some(ready) = unless_stopped(&mut stop, args.target.ready()).await.transpose()? else {
        return INTERRUPTED;
    };
    let numbers = args.cases(ready.pool.shared(), steps.is_some());
    let cases = (selection.walks() && !numbers.is_empty()).then_some(ModelCases { numbers, steps });
    let config = Config {
        cases,
        whole: selection.whole(),
        bounds: selection.bounds(),
        profile: args.profile,
        jobs: args.jobs,
        min_judged: args.min_judged,
        record_all: args.record_all,
        replay: format!("{}{}", args.target.to_command_line(), profile_flag(args.profile)),
        ..Config::new(checks, seed)
    };
    let cases = config.cases.as_ref().map_or(0, |cases| cases.numbers.len());
    let progress = Progress::of(config.checks.len(), cases);
    let mut record = Record::default();
    let outcome = engine::run(config, ready.pool.clone(), stop, |event| {
        outputs.take(&event);
        record.take(&event);
        progress.take(&event);
    })
    .await;
    progress.finish();
    ready.stop().await;
    let summary = outcome?;
    outputs.finish(&record);
    for trouble in &outputs.troubles {
        CliError::unreachable(format!("a report could not be written: {trouble}")).tell();
    }
    let written = show(&record);
    let exit = match (outputs.troubles.is_empty(), summary.exit) {
        (true, exit) => {
            let _ = writeln!(terminal::err(), "record and reports: {}", args.report.display());
            exit
        }
        // A breach that was found stands all the same.
        (false, Exit::DoesNotConform) => Exit::DoesNotConform,
        (false, _) => Exit::Unreachable,
    };
    shown(exit, written)
}

fn show(record: &Record) -> io::Result<()> {
    let mut out = terminal::out();
    text::write(record, &mut out)?;
    out.flush()
}

fn list(checks: &[&'static Check], selection: &Selection) -> io::Result<()> {
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
    let mut out = terminal::out();
    let wide = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, title) in rows {
        writeln!(out, "{name:wide$}  {title}")?;
    }
    out.flush()
}

fn read_trace(file: &Path) -> Result<Vec<Step>, CliError> {
    let (name, hint) = (file.display(), "a run saves them as steps-….json beside its record");
    let text = std::fs::read_to_string(file).map_err(|error| format!("{name} cannot be read: {error}"));
    let steps = text.and_then(|text| read_steps(&text).map_err(|error| format!("{name} holds no steps: {error}")));
    steps.map_err(|error| CliError::usage(error).hint(hint))
}

fn profile_flag(profile: Profile) -> String {
    if profile == Profile::default() {
        String::new()
    } else {
        format!(" --profile {profile}")
    }
}
