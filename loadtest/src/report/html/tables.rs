//! The figures of the page as text: tiles, tables, and what happened in words.

use std::fmt::Write as _;

use minijinja::{HtmlEscape, Value, context};

use crate::measure::Step;
use crate::record::{Percentiles, Record};
use crate::report::words::{self, count, ms, part, s};

/// The most rows of the table of seconds.
const MAX_ROWS: usize = 300;

/// A figure on top.
fn tile(name: &'static str, figure: String, note: impl Into<String>) -> Value {
    context! { name, figure, note => note.into() }
}

pub(super) fn tiles(record: &Record) -> Vec<Value> {
    let legitimate = || record.classes.iter().filter(|class| !class.attacker);
    let all = words::sum(legitimate().map(|class| &class.funnel));
    let mut tiles = vec![
        tile("people came", count(all.offered), format!("{} begun", count(all.started))),
        tile(
            "got in",
            part(all.completed, all.offered),
            format!("{} completed", count(all.completed)),
        ),
    ];
    let slowest = legitimate()
        .filter(|class| class.response.count > 0)
        .max_by(|one, two| one.response.p99_ms.total_cmp(&two.response.p99_ms));
    if let Some(class) = slowest {
        let note = format!("{}, p50 {}", class.name, ms(class.response.p50_ms));
        tiles.push(tile("p99 of the slowest class", ms(class.response.p99_ms), note));
    }
    tiles.push(match record.drain_s {
        Some(drain) => tile("drained in", s(drain), "after the last arrival"),
        None => tile("did not drain", "–".to_owned(), "somebody still waited at the end"),
    });
    let passed = record.thresholds.iter().filter(|threshold| threshold.passed).count();
    tiles.push(tile(
        "thresholds passed",
        format!("{passed} of {}", record.thresholds.len()),
        "",
    ));
    let judged = format!(
        "in {} operations of {}",
        count(record.safety.operations),
        words::counted(record.safety.accounts, "account")
    );
    tiles.push(tile("security breaches", record.safety.breaches.len().to_string(), judged));
    if let Some(attack) = &record.attack {
        let note = format!("{:.2} % of legitimate arrivals turned away", attack.collateral * 100.0);
        tiles.push(tile("accounts entered", count(attack.accounts_entered), note));
    }
    tiles
}

/// Each class's endings as a bar.
pub(super) fn funnel_bars(record: &Record) -> String {
    const LEFT: f64 = 150.0;
    const LONG: f64 = 710.0;
    let mut y = 4.0;
    let mut drawn = String::new();
    let mut rendered = Vec::new();
    for class in &record.classes {
        rendered.push(format!("{}: {}.", class.name, words::funnel(&class.funnel)));
        let name: String = if class.name.chars().count() > 21 {
            class.name.chars().take(20).chain(['…']).collect()
        } else {
            class.name.clone()
        };
        let _ = write!(
            drawn,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + 16.0,
            HtmlEscape(&name)
        );
        let mut x = LEFT;
        for (nth, (name, number)) in words::endings(&class.funnel)
            .into_iter()
            .enumerate()
            .filter(|(_, (_, number))| *number > 0)
        {
            #[allow(clippy::cast_precision_loss, reason = "counts of one storm")]
            let wide = LONG * number as f64 / class.funnel.offered.max(1) as f64;
            let _ = write!(
                drawn,
                "<rect class=\"e{nth}\" x=\"{x:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"22\"><title>{} {name}, {}</title></rect>",
                (wide - 1.0).max(0.6),
                count(number),
                part(number, class.funnel.offered)
            );
            x += wide;
        }
        y += 30.0;
    }
    format!(
        "<svg viewBox=\"0 0 880 {y}\" role=\"img\" aria-labelledby=\"funnel-t funnel-d\"><title id=\"funnel-t\">Where arrivals went</title><desc id=\"funnel-d\">{}</desc>{drawn}</svg>",
        HtmlEscape(&rendered.join(" "))
    )
}

pub(super) fn funnels(record: &Record) -> Vec<Vec<String>> {
    let rows = record.classes.iter().map(|class| {
        let name = if class.attacker {
            format!("{} (attackers)", class.name)
        } else {
            class.name.clone()
        };
        let mut row = vec![name, count(class.funnel.offered)];
        row.extend(words::endings(&class.funnel).map(|(_, number)| count(number)));
        row.extend([count(class.funnel.started), count(class.funnel.attempts)]);
        row
    });
    rows.collect()
}

fn clock(clock: &Percentiles) -> Vec<String> {
    let figures = [
        clock.mean_ms,
        clock.p50_ms,
        clock.p90_ms,
        clock.p99_ms,
        clock.p999_ms,
        clock.max_ms,
    ];
    let rendered = figures.map(|figure| if clock.count == 0 { "–".to_owned() } else { ms(figure) });
    std::iter::once(count(clock.count)).chain(rendered).collect()
}

pub(super) fn clocks(record: &Record) -> Vec<Vec<String>> {
    let rows = record.classes.iter().flat_map(|class| {
        [
            ("response", &class.response),
            ("service", &class.service),
            ("scheduling delay", &class.scheduling_delay),
        ]
        .map(|(name, of)| {
            let mut row = vec![class.name.clone(), words::flow(class.flow).to_owned(), name.to_owned()];
            row.extend(clock(of));
            row
        })
    });
    rows.collect()
}

pub(super) fn steps(record: &Record) -> Vec<Vec<String>> {
    let rows = record.classes.iter().flat_map(|class| {
        class.steps.iter().filter(|step| step.step != Step::Flow).map(|step| {
            let endings: Vec<String> = step
                .endings
                .iter()
                .filter(|(_, number)| **number > 0)
                .map(|(ending, number)| format!("{} {}", count(*number), ending.name()))
                .collect();
            let mut row = vec![class.name.clone(), words::step(step.step), endings.join(", ")];
            row.extend(clock(&step.service));
            row
        })
    });
    rows.collect()
}

/// The storm in figures, for those who read rather than look. Several seconds a row where there are many.
pub(super) fn seconds(record: &Record) -> (usize, Vec<Vec<String>>) {
    let together = record.seconds.len().div_ceil(MAX_ROWS).max(1);
    let rows = record.seconds.chunks(together).filter_map(|seconds| {
        let sum = |of: fn(&crate::record::Second) -> u64| count(seconds.iter().map(of).sum());
        let worst = |of: fn(&Percentiles) -> f64| {
            let known = seconds
                .iter()
                .filter(|second| second.response.count > 0)
                .map(|second| of(&second.response));
            known.max_by(f64::total_cmp).map_or_else(|| "–".to_owned(), ms)
        };
        Some(vec![
            seconds.first()?.at.to_string(),
            record
                .phase_at(f64::from(seconds.first()?.at))
                .map_or_else(String::new, |phase| phase.name.clone()),
            sum(|second| second.offered),
            sum(|second| second.completed),
            sum(|second| second.broken_off),
            sum(|second| second.abandoned),
            worst(|clock| clock.p50_ms),
            worst(|clock| clock.p90_ms),
            worst(|clock| clock.p99_ms),
        ])
    });
    (together, rows.collect())
}
