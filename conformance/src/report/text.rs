//! A run for people: every check with its requirement, then each breach with all that a reader needs to believe and repeat it.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use targets::text::printable;

use super::record::Record;
use super::totals::Totals;
use crate::events::Judged;
use crate::verdict::Verdict;

/// What is said of a run that did not come to its end.
pub(super) const INTERRUPTED: &str = "the run was interrupted; what is missing was not judged";

/// Writes the report. What it is made of holds no text that a terminal acts upon, or that could pass for a line of ours.
pub fn write(record: &Record, to: &mut dyn Write) -> io::Result<()> {
    let (totals, contradictions) = (record.totals(), record.contradictions());
    let record = &record.shown(printable);
    checks(record, to)?;
    breaches(record, to)?;
    summary(record, &totals, to)?;
    const SHOWN: usize = 10;
    for contradiction in contradictions.iter().take(SHOWN) {
        writeln!(to, "the record contradicts itself: {}", printable(contradiction))?;
    }
    match contradictions.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(to, "the record contradicts itself: {more} times more"),
    }
}

/// The list of checks, area by area.
fn checks(record: &Record, to: &mut dyn Write) -> io::Result<()> {
    let mut area = "";
    for judged in record.ordered() {
        let of = area_of(&judged.requirement);
        if of != area {
            // No blank line before the first, which is all that `head -1` shows.
            let apart = if area.is_empty() { "" } else { "\n" };
            area = of;
            writeln!(to, "{apart}{bold}{area}{bold:#}", bold = Style::new().bold())?;
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

/// Each breach, warning and harness error with its evidence.
fn breaches(record: &Record, to: &mut dyn Write) -> io::Result<()> {
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
        if let Some(impact) = requirement.impact() {
            writeln!(to, "  what it means: {impact}")?;
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

/// What the run comes to, as it was counted.
fn summary(record: &Record, totals: &Totals, to: &mut dyn Write) -> io::Result<()> {
    let parts: Vec<String> = Verdict::ALL
        .into_iter()
        .filter(|verdict| totals.counts.of(*verdict) > 0)
        .map(|verdict| {
            let style = style(verdict);
            format!("{style}{} {}{style:#}", totals.counts.of(verdict), verdict.name())
        })
        .collect();
    let parts = if parts.is_empty() {
        "no check ended".to_owned()
    } else {
        parts.join(", ")
    };
    write!(to, "\n{parts}; {} requirements judged", totals.requirements_judged)?;
    match &record.started {
        Some(started) => writeln!(to, "; seed {}", started.seed)?,
        None => writeln!(to)?,
    }
    for gap in record.finished.iter().flat_map(|finished| &finished.gaps) {
        writeln!(to, "too little was tested: {gap}")?;
    }
    if record.interrupted() {
        writeln!(to, "{INTERRUPTED}")?;
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
