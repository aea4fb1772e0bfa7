//! The pictures over time.

use super::axes::{Field, Line, Scale, to_text};
use crate::record::{Record, Resources, Second};
use crate::report::words;

/// The most points a line has: more cannot be told apart on a page.
const MAX_POINTS: usize = 1600;

/// A picture with what belongs to it.
pub(super) struct Picture {
    pub(super) title: &'static str,
    pub(super) note: String,
    /// Class and name of each line.
    pub(super) keys: Vec<(&'static str, &'static str)>,
    pub(super) svg: String,
}

fn picture(
    record: &Record,
    id: &str,
    title: &'static str,
    note: String,
    scale: Scale,
    unit: fn(f64) -> String,
    lines: &[Line],
) -> Picture {
    let field = Field::new(record, scale);
    Picture {
        title,
        note,
        keys: lines.iter().map(|line| (line.class, line.name)).collect(),
        svg: field.picture(id, title, &to_text(lines, unit), unit, &field.lines(lines)),
    }
}

/// How many seconds one point stands for.
fn seconds_a_point(record: &Record) -> usize {
    record.seconds.len().div_ceil(MAX_POINTS).max(1)
}

/// A count a second; where a point stands for several seconds, their mean.
#[allow(clippy::cast_precision_loss, reason = "counts of one storm")]
fn counts(record: &Record, name: &'static str, class: &'static str, of: fn(&Second) -> u64) -> Line {
    let points = record.seconds.chunks(seconds_a_point(record)).filter_map(|seconds| {
        let sum: u64 = seconds.iter().map(of).sum();
        Some((f64::from(seconds.first()?.at) + 0.5, Some(sum as f64 / seconds.len() as f64)))
    });
    Line {
        name,
        class,
        points: points.collect(),
    }
}

/// A percentile; where a point stands for several seconds, the worst of theirs: percentiles have no mean.
fn percentiles(record: &Record, name: &'static str, class: &'static str, of: fn(&Second) -> f64) -> Line {
    let points = record.seconds.chunks(seconds_a_point(record)).filter_map(|seconds| {
        let worst = seconds
            .iter()
            .filter(|second| second.response.count > 0)
            .map(of)
            .max_by(f64::total_cmp);
        Some((f64::from(seconds.first()?.at) + 0.5, worst))
    });
    Line {
        name,
        class,
        points: points.collect(),
    }
}

fn highest(lines: &[Line]) -> f64 {
    lines
        .iter()
        .flat_map(|line| &line.points)
        .filter_map(|(_, value)| *value)
        .fold(0.0, f64::max)
}

fn lowest(lines: &[Line]) -> f64 {
    lines
        .iter()
        .flat_map(|line| &line.points)
        .filter_map(|(_, value)| *value)
        .filter(|value| *value > 0.0)
        .fold(f64::INFINITY, f64::min)
}

fn coarse(record: &Record, what: &str) -> String {
    match seconds_a_point(record) {
        1 => String::new(),
        seconds => format!(" Each point is {what} of {seconds} seconds."),
    }
}

fn number(value: f64) -> String {
    words::figure((value * 100.0).round() / 100.0)
}

pub(super) fn arrivals(record: &Record) -> Picture {
    let lines = [
        counts(record, "offered", "l1", |second| second.offered),
        counts(record, "completed", "l2", |second| second.completed),
        counts(record, "broken off", "l3", |second| second.broken_off),
        counts(record, "abandoned", "l4", |second| second.abandoned),
    ];
    let note = format!(
        "Legitimate people, a second. Offered counts by the second in which they were due, the others by the second in which they ended.{}",
        coarse(record, "the mean")
    );
    picture(
        record,
        "arrivals",
        "Arrivals and how they ended",
        note,
        Scale::Linear(highest(&lines)),
        number,
        &lines,
    )
}

pub(super) fn response(record: &Record) -> Picture {
    let lines = [
        percentiles(record, "p50", "l2", |second| second.response.p50_ms),
        percentiles(record, "p90", "l1", |second| second.response.p90_ms),
        percentiles(record, "p99", "l3", |second| second.response.p99_ms),
    ];
    let note = format!(
        "From the instant each person came, without their own time; a scale of factors.{}",
        coarse(record, "the worst")
    );
    let (low, high) = (lowest(&lines), highest(&lines));
    let scale = if low.is_finite() {
        Scale::Log(low, high)
    } else {
        Scale::Log(1.0, 1000.0)
    };
    picture(
        record,
        "response",
        "Response time by second",
        note,
        scale,
        words::ms_short,
        &lines,
    )
}

#[allow(clippy::cast_precision_loss, reason = "counts of one storm")]
pub(super) fn line_of_waiting(record: &Record) -> Picture {
    let lines = [
        moments(record, "waiting", "l3", |moment| Some(moment.waiting as f64)),
        moments(record, "under way", "l1", |moment| Some(moment.under_way as f64)),
    ];
    let note =
        "Arrivals due and not yet begun, and flows under way. How late each class was begun stands in the table of the clocks."
            .to_owned();
    picture(
        record,
        "waiting",
        "Waiting and under way",
        note,
        Scale::Linear(highest(&lines)),
        number,
        &lines,
    )
}

pub(super) fn processor(record: &Record) -> Picture {
    let mut lines = vec![cores(record, "generator", "l1", |moment| Some(moment.generator_cpu_s))];
    if record.resources.iter().any(|moment| moment.server_cpu_s.is_some()) {
        lines.push(cores(record, "server", "l2", |moment| moment.server_cpu_s));
    }
    picture(
        record,
        "processor",
        "Processor: cores in use",
        whose(record),
        Scale::Linear(highest(&lines)),
        number,
        &lines,
    )
}

pub(super) fn memory(record: &Record) -> Picture {
    let mut lines = vec![moments(record, "generator", "l1", |moment| Some(moment.generator_rss_mib))];
    if record.resources.iter().any(|moment| moment.server_rss_mib.is_some()) {
        lines.push(moments(record, "server", "l2", |moment| moment.server_rss_mib));
    }
    picture(
        record,
        "memory",
        "Memory, MiB",
        whose(record),
        Scale::Linear(highest(&lines)),
        number,
        &lines,
    )
}

pub(super) fn attacks(record: &Record) -> Picture {
    let lines = [counts(record, "attackers' flows", "l3", |second| second.attacks)];
    let note = format!("Attackers' flows that ended, a second.{}", coarse(record, "the mean"));
    picture(
        record,
        "attacks",
        "Attacks",
        note,
        Scale::Linear(highest(&lines)),
        number,
        &lines,
    )
}

fn whose(record: &Record) -> String {
    match record.resources.iter().any(|moment| moment.server_cpu_s.is_some()) {
        true => String::new(),
        false => "The server cannot be read by itself: it is part of this process, or not on this machine.".to_owned(),
    }
}

fn thinned(record: &Record) -> usize {
    record.resources.len().div_ceil(MAX_POINTS).max(1)
}

fn moments(record: &Record, name: &'static str, class: &'static str, of: fn(&Resources) -> Option<f64>) -> Line {
    let points = record
        .resources
        .chunks(thinned(record))
        .filter_map(|moments| Some((moments.first()?.at_s, moments.iter().filter_map(of).max_by(f64::total_cmp))));
    Line {
        name,
        class,
        points: points.collect(),
    }
}

/// Processor time between moments, as cores.
fn cores(record: &Record, name: &'static str, class: &'static str, of: fn(&Resources) -> Option<f64>) -> Line {
    let every: Vec<&Resources> = record.resources.iter().step_by(thinned(record)).collect();
    let points = every.windows(2).map(|pair| {
        let took = pair[1].at_s - pair[0].at_s;
        let used = of(pair[1])
            .zip(of(pair[0]))
            .filter(|_| took > 0.0)
            .map(|(now, before)| ((now - before) / took).max(0.0));
        (f64::midpoint(pair[0].at_s, pair[1].at_s), used)
    });
    Line {
        name,
        class,
        points: points.collect(),
    }
}
