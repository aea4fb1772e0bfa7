//! A run for people: every check with its requirement, then each breach with all that a reader needs to believe and repeat it.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::record::Record;
use crate::events::{Judged, RunFinished};
use crate::verdict::Verdict;

/// Writes the list of checks, area by area.
pub fn checks(record: &Record, to: &mut dyn Write) -> io::Result<()> {
    let mut area = "";
    for judged in record.ordered() {
        let of = area_of(&judged.requirement);
        if of != area {
            area = of;
            writeln!(to, "\n{bold}{area}{bold:#}", bold = Style::new().bold())?;
        }
        let style = style(judged.verdict);
        write!(
            to,
            "  {style}{:<15}{style:#} {:<6} {}",
            judged.verdict.name(),
            judged.level,
            judged.check
        )?;
        match (&judged.reason, judged.verdict) {
            (Some(reason), Verdict::Passed | Verdict::NotApplicable | Verdict::NotTested | Verdict::Inconclusive) => {
                writeln!(to, "  ({reason})")?;
            }
            _ => writeln!(to)?,
        }
    }
    Ok(())
}

/// Writes each breach, warning and harness error with its evidence.
pub fn breaches(record: &Record, to: &mut dyn Write) -> io::Result<()> {
    let loud = [Verdict::Failed, Verdict::Warned, Verdict::HarnessError];
    for judged in record.ordered().into_iter().filter(|judged| loud.contains(&judged.verdict)) {
        breach(record, judged, to)?;
    }
    Ok(())
}

fn breach(record: &Record, judged: &Judged, to: &mut dyn Write) -> io::Result<()> {
    let (style, dim) = (style(judged.verdict), Style::new().dimmed());
    writeln!(to, "\n{style}{}{style:#} {} ({})", judged.verdict, judged.check, judged.level)?;
    if let Some(requirement) = specs::catalogue::requirement(&judged.requirement) {
        writeln!(to, "  {}: {}", requirement.id, requirement.text)?;
        writeln!(to, "  {dim}source: {}{dim:#}", requirement.sources.join("; "))?;
        if let Some(meaning) = requirement.meaning() {
            writeln!(to, "  what it means: {meaning}")?;
        }
    }
    if let Some(title) = record.titles.get(&judged.check) {
        writeln!(to, "  what was done: {title}")?;
    }
    match (&judged.expected, &judged.seen) {
        (Some(expected), Some(seen)) => {
            writeln!(to, "  expected: {expected}")?;
            writeln!(to, "  seen:     {seen}")?;
        }
        _ => writeln!(to, "  {}", judged.reason.as_deref().unwrap_or("no reason was given"))?,
    }
    for step in &judged.story {
        writeln!(to, "    {step}")?;
    }
    transcript(record.evidence.get(&judged.check).map_or(&[][..], Vec::as_slice), to)?;
    if let Some(curl) = &judged.curl {
        writeln!(to, "  to repeat it by hand:")?;
        for line in curl.lines() {
            writeln!(to, "    {dim}{line}{dim:#}")?;
        }
    }
    writeln!(to, "  replay: {}", judged.replay)
}

/// The area of a requirement; what is no requirement of the catalogue goes by the beginning of its name.
pub(super) fn area_of(requirement: &str) -> &str {
    specs::catalogue::requirement(requirement).map_or_else(
        || requirement.split('.').next().unwrap_or(requirement),
        |requirement| requirement.area.as_str(),
    )
}

/// Exchanges shown in the terminal; the record has them all.
const SHOWN: usize = 14;

fn transcript(evidence: &[Value], to: &mut dyn Write) -> io::Result<()> {
    let exchanges: Vec<&Value> = evidence.iter().filter(|event| event["event"] == "exchange").collect();
    if exchanges.is_empty() {
        return Ok(());
    }
    writeln!(to, "  transcript (secrets have names):")?;
    let hidden = exchanges.len().saturating_sub(SHOWN);
    if hidden > 0 {
        writeln!(to, "    … {hidden} exchanges before, all in run.ndjson")?;
    }
    for exchange in &exchanges[hidden..] {
        let text = |path: &str| exchange.pointer(path).and_then(Value::as_str).unwrap_or("");
        let number = |path: &str| exchange.pointer(path).and_then(Value::as_f64).unwrap_or(0.0);
        writeln!(
            to,
            "    {:>9.1} ms  {}: {} {} {}",
            number("/started_ms"),
            text("/device"),
            text("/request/method"),
            text("/request/url"),
            text("/request/body")
        )?;
        writeln!(
            to,
            "              → {} {}",
            number("/response/status"),
            text("/response/body")
        )?;
    }
    Ok(())
}

/// Writes what the run comes to.
pub fn summary(finished: &RunFinished, seed: u64, to: &mut dyn Write) -> io::Result<()> {
    let parts: Vec<String> = Verdict::ALL
        .into_iter()
        .filter(|verdict| finished.counts.of(*verdict) > 0)
        .map(|verdict| {
            let style = style(verdict);
            format!("{style}{} {}{style:#}", finished.counts.of(verdict), verdict.name())
        })
        .collect();
    let parts = if parts.is_empty() {
        "no check ended".to_owned()
    } else {
        parts.join(", ")
    };
    writeln!(
        to,
        "\n{parts}; {} requirements judged; seed {seed}",
        finished.requirements_judged
    )?;
    for gap in &finished.gaps {
        writeln!(to, "too little was tested: {gap}")?;
    }
    if finished.interrupted {
        writeln!(to, "the run was interrupted; what is missing was not judged")?;
    }
    Ok(())
}

fn style(verdict: Verdict) -> Style {
    let color = match verdict {
        Verdict::Passed => AnsiColor::Green,
        Verdict::Failed | Verdict::HarnessError => AnsiColor::Red,
        Verdict::Warned | Verdict::Inconclusive => AnsiColor::Yellow,
        Verdict::NotTested | Verdict::NotApplicable => AnsiColor::BrightBlack,
    };
    Style::new().fg_color(Some(color.into()))
}
