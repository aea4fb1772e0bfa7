//! `stepproof selftest`: the suite against every mutant of the reference server. Who tests the tests, for anyone to see.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use conformance::engine::{self, Config, Summary};
use conformance::select::Selection;
use conformance::target_pool::{PerCheckTarget, Variant};
use conformance::verdict::{Exit, Verdict};
use mutants::Mutant;
use tokio::sync::Semaphore;

use crate::exit::{CliError, Ended, shown};
use crate::signals::Stop;
use crate::terminal;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct SelftestArgs {
    /// Only these mutants, by name
    #[arg(long, value_name = "SLUG")]
    only: Vec<String>,
    /// List the mutants, each with the requirement that it breaks, and run nothing
    #[arg(long)]
    list: bool,
    /// The seed of everything random
    #[arg(long)]
    seed: Option<u64>,
    /// Checks at a time
    #[arg(long, default_value_t = 8)]
    jobs: usize,
}

/// One mutant and the checks that failed on it.
struct Row {
    bad: &'static Mutant,
    own: Vec<String>,
    others: Vec<String>,
}

/// Suites that run beside each other.
const SUITES_AT_ONCE: usize = 3;

/// The mutant of this name; where there is none, the exit code of the call that asked for it.
pub(crate) fn mutant(slug: &str, otherwise: Exit) -> Result<&'static Mutant, CliError> {
    mutants::find(slug).ok_or_else(|| {
        let near = mutants::all()
            .map(|bad| bad.slug)
            .max_by(|a, b| strsim::jaro(slug, a).total_cmp(&strsim::jaro(slug, b)));
        let near = near.filter(|near| strsim::jaro(slug, near) > 0.7);
        let hint = near.map_or("`stepproof selftest --list` lists them".to_owned(), |near| {
            format!("did you mean `{near}`?")
        });
        CliError::of(otherwise, format!("there is no mutant `{slug}`")).hint(hint)
    })
}

/// Runs the suite against the reference server, which has to pass, and against each mutant.
pub(crate) async fn run(args: SelftestArgs, stop: Stop) -> Ended {
    let chosen = args.only.iter().map(|slug| mutant(slug, Exit::TooLittle));
    let mut chosen = chosen.collect::<Result<Vec<_>, _>>()?;
    if chosen.is_empty() {
        chosen = mutants::all().collect();
    }
    if args.list {
        let mut out = terminal::out();
        let mut rows = chosen.iter();
        let written = rows.try_for_each(|bad| writeln!(out, "{:<44} {:<8} {}", bad.slug, bad.requirement, bad.summary));
        return shown(Exit::Conforms, written.and_then(|()| out.flush()));
    }
    let seed = args.seed.unwrap_or_else(rand::random);
    let servers = chosen.len();
    let _ = writeln!(
        terminal::err(),
        "the suite on the reference server, then on {servers} mutants; seed {seed}"
    );
    let green = suite(None, seed, args.jobs, &stop).await?;
    if green.finished.interrupted {
        return Err(CliError::unreachable("interrupted"));
    }
    let red: Vec<&str> = green
        .judged
        .iter()
        .filter(|judged| broken(judged.verdict))
        .map(|judged| judged.check.as_str())
        .collect();
    if !red.is_empty() {
        let what = format!("the reference server itself does not pass {}", red.join(", "));
        return Err(CliError::of(Exit::DoesNotConform, what));
    }
    // A suite waits more than it computes, so a few run beside each other; their rows are told in order.
    let slots = Arc::new(Semaphore::new(SUITES_AT_ONCE));
    let suites: Vec<_> = chosen
        .iter()
        .map(|bad| {
            let (bad, stop, slots, jobs) = (*bad, stop.clone(), Arc::clone(&slots), args.jobs);
            tokio::spawn(async move {
                let _slot = slots.acquire().await;
                suite(Some(bad), seed, jobs, &stop).await
            })
        })
        .collect();
    let mut rows = Vec::new();
    for (at, (bad, suite)) in chosen.iter().zip(suites).enumerate() {
        let summary = suite.await??;
        if summary.finished.interrupted {
            return Err(CliError::unreachable(format!("interrupted after {at} mutants")));
        }
        let row = Row::of(bad, &summary);
        let (at, slug, word) = (at + 1, bad.slug, row.word());
        let _ = writeln!(terminal::err(), "{at:>3}/{servers} {slug:<40} {word}");
        rows.push(row);
    }
    let all = rows.iter().all(|row| !row.own.is_empty());
    let exit = if all { Exit::Conforms } else { Exit::DoesNotConform };
    shown(exit, matrix(&rows, green.judged.len()))
}

async fn suite(mutant: Option<&'static Mutant>, seed: u64, jobs: usize, stop: &Stop) -> anyhow::Result<Summary> {
    // No cases of the model: whatever one finds, the check of the requirement has to find too.
    let config = Config {
        whole: true,
        jobs,
        timeout: Duration::from_secs(30),
        ..Config::new(Selection::default().checks()?, seed)
    };
    let variant = mutant.map(|mutant| Variant {
        name: mutant.slug,
        change: mutant.change,
    });
    Ok(engine::run(config, Arc::new(PerCheckTarget { variant }), stop.clone(), |_| ()).await?)
}

fn broken(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Failed | Verdict::Warned)
}

impl Row {
    fn of(bad: &'static Mutant, summary: &Summary) -> Self {
        let failed = summary.judged.iter().filter(|judged| broken(judged.verdict));
        let (own, others): (Vec<_>, Vec<_>) = failed.partition(|judged| judged.requirement == bad.requirement);
        let ids = |judged: Vec<&conformance::events::Judged>| judged.iter().map(|judged| judged.check.clone()).collect();
        Self {
            bad,
            own: ids(own),
            others: ids(others),
        }
    }

    fn word(&self) -> &'static str {
        match (self.own.is_empty(), self.others.is_empty()) {
            (false, _) => "caught",
            (true, false) => "caught by others only",
            (true, true) => "survived",
        }
    }
}

fn matrix(rows: &[Row], checks: usize) -> io::Result<()> {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if let Some((terminal_size::Width(columns), _)) = terminal_size::terminal_size() {
        table.set_width(columns);
    }
    table.set_header(["mutant", "breaks", "part replaced", "caught by", "also noticed by"]);
    for row in rows {
        let caught = if row.own.is_empty() {
            row.word().to_uppercase()
        } else {
            row.own.join("\n")
        };
        table.add_row([row.bad.slug, row.bad.requirement, row.bad.part, &caught, &brief(&row.others)]);
    }
    let mut out = terminal::out();
    writeln!(out, "{table}")?;
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *words.entry(row.word()).or_default() += 1;
    }
    let words: Vec<String> = words.iter().map(|(word, count)| format!("{count} {word}")).collect();
    writeln!(
        out,
        "{} mutants: {}; {checks} checks, all green on the reference server",
        rows.len(),
        words.join(", ")
    )?;
    out.flush()
}

fn brief(others: &[String]) -> String {
    const SHOWN: usize = 3;
    let mut shown = others.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    if others.len() > SHOWN {
        shown.push(format!("and {} more", others.len() - SHOWN));
    }
    shown.join("\n")
}
