//! What all pictures over time share: the axes, the phases as bands, the events as marked spans, and lines.

use std::fmt::Write as _;

use minijinja::HtmlEscape;

use crate::record::Record;
use crate::report::words;

const WIDTH: f64 = 880.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 858.0;
const HEIGHT: f64 = 190.0;
/// What one letter takes, about.
const LETTER: f64 = 6.3;

/// How values become heights.
#[derive(Clone, Copy)]
pub(super) enum Scale {
    /// From nothing to at least this.
    Linear(f64),
    /// Between these, by factors.
    Log(f64, f64),
}

/// A line: its name, its class (`l1` to `l6`), and a value at some seconds; where there is none it is broken.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) class: &'static str,
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// The field that a picture is drawn in.
pub(super) struct Field<'a> {
    record: &'a Record,
    until_s: f64,
    lanes: Vec<usize>,
    top: f64,
    scale: Scale,
}

impl<'a> Field<'a> {
    pub(super) fn new(record: &'a Record, scale: Scale) -> Self {
        let last = record.seconds.last().map_or(0.0, |second| f64::from(second.at) + 1.0);
        let until_s = last.max(record.scenario.seconds).max(1.0);
        let scale = match scale {
            Scale::Linear(max) => Scale::Linear(nice(max.max(1e-9) * 1.02)),
            Scale::Log(min, max) => {
                let (low, high) = (
                    10_f64.powf(min.max(1e-3).log10().floor()),
                    10_f64.powf(max.max(1e-3).log10().ceil()),
                );
                Scale::Log(low, if high > low { high } else { low * 10.0 })
            }
        };
        // Spans that overlap are told one below the other.
        let mut ends: Vec<f64> = Vec::new();
        let mut lanes = Vec::new();
        for event in &record.scenario.events {
            let free = ends.iter().position(|end| *end <= event.from_s).unwrap_or(ends.len());
            if free == ends.len() {
                ends.push(0.0);
            }
            ends[free] = event.until_s;
            lanes.push(free);
        }
        #[allow(clippy::cast_precision_loss, reason = "a few lanes")]
        let top = 22.0 + 16.0 * ends.len() as f64;
        Self {
            record,
            until_s,
            lanes,
            top,
            scale,
        }
    }

    pub(super) fn x(&self, at_s: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (at_s / self.until_s).clamp(0.0, 1.0)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear(max) => value / max,
            Scale::Log(min, max) => (value.max(min) / min).ln() / (max / min).ln(),
        };
        self.top + HEIGHT * (1.0 - part.clamp(0.0, 1.0))
    }

    /// The whole picture around what is drawn in it. `rendered` is what somebody hears who cannot see it.
    pub(super) fn picture(&self, id: &str, title: &str, rendered: &str, unit: fn(f64) -> String, drawn: &str) -> String {
        let bottom = self.top + HEIGHT;
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
            bottom + 26.0,
            HtmlEscape(title),
            HtmlEscape(rendered)
        );
        self.phases(&mut svg);
        self.grid(&mut svg, unit);
        svg.push_str(drawn);
        self.events(&mut svg);
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{bottom}\" y2=\"{bottom}\"/></svg>"
        );
        svg
    }

    fn phases(&self, svg: &mut String) {
        let phases = &self.record.scenario.phases;
        for (nth, phase) in phases.iter().enumerate() {
            let until = phases.get(nth + 1).map_or(self.until_s, |next| next.from_s);
            let (from, to) = (self.x(phase.from_s), self.x(until));
            if to <= from {
                continue;
            }
            let _ = write!(
                svg,
                "<g class=\"phase\"><title>phase {}: {} to {}</title><rect class=\"p{}\" x=\"{from:.1}\" y=\"2\" width=\"{:.1}\" height=\"{:.1}\"/>\
                 <line x1=\"{from:.1}\" x2=\"{from:.1}\" y1=\"2\" y2=\"{:.1}\"/><text x=\"{:.1}\" y=\"14\">{}</text></g>",
                HtmlEscape(&phase.name),
                words::s(phase.from_s),
                words::s(until),
                nth % 2,
                to - from,
                self.top + HEIGHT - 2.0,
                self.top + HEIGHT,
                from + 4.0,
                HtmlEscape(&fitting(&phase.name, to - from - 6.0)),
            );
        }
    }

    fn events(&self, svg: &mut String) {
        for (event, lane) in self.record.scenario.events.iter().zip(&self.lanes) {
            let (from, to) = (self.x(event.from_s), self.x(event.until_s));
            #[allow(clippy::cast_precision_loss, reason = "a few lanes")]
            let y = 19.0 + 16.0 * *lane as f64;
            let name = words::fault(event.fault);
            // A name that its span is too short for stands beside it, where the axis has room.
            let _ = write!(
                svg,
                "<g class=\"event\"><title>{0}: {1} to {2}</title><rect class=\"span\" x=\"{from:.1}\" y=\"{y}\" width=\"{3:.1}\" height=\"{4:.1}\"/>\
                 <rect class=\"tab\" x=\"{from:.1}\" y=\"{y}\" width=\"{3:.1}\" height=\"3\"/><text x=\"{5:.1}\" y=\"{6}\">{7}</text></g>",
                HtmlEscape(&name),
                words::s(event.from_s),
                words::s(event.until_s),
                (to - from).max(1.0),
                self.top + HEIGHT - y,
                from + 4.0,
                y + 13.0,
                HtmlEscape(&fitting(&name, RIGHT - from - 4.0)),
            );
        }
    }

    fn grid(&self, svg: &mut String, unit: fn(f64) -> String) {
        for value in self.ticks() {
            let y = self.y(value);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                HtmlEscape(&unit(value)),
            );
        }
        let step = nice(self.until_s / 10.0);
        let mut at = 0.0;
        while at <= self.until_s + 1e-9 {
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                self.x(at),
                self.top + HEIGHT + 17.0,
                words::s(at),
            );
            at += step;
        }
    }

    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear(max) => (0..=4).map(|nth| max * f64::from(nth) / 4.0).collect(),
            Scale::Log(min, max) => std::iter::successors(Some(min), |value| Some(value * 10.0))
                .take_while(|value| *value <= max * 1.01)
                .collect(),
        }
    }

    /// Lines, as they are drawn in the field.
    pub(super) fn lines(&self, lines: &[Line]) -> String {
        let mut svg = String::new();
        for line in lines {
            let (mut path, mut pen) = (String::new(), false);
            for (nth, (at, value)) in line.points.iter().enumerate() {
                let Some(value) = value else {
                    pen = false;
                    continue;
                };
                let _ = write!(
                    path,
                    "{}{:.1} {:.1}",
                    if pen { "L" } else { "M" },
                    self.x(*at),
                    self.y(*value)
                );
                // A value alone between gaps is a dot.
                if !pen && line.points.get(nth + 1).is_none_or(|(_, next)| next.is_none()) {
                    path.push_str("h0.1");
                }
                pen = true;
            }
            let _ = write!(svg, "<path class=\"line {}\" d=\"{path}\"/>", line.class);
        }
        svg
    }
}

/// What lines show, for somebody who cannot see them.
pub(super) fn to_text(lines: &[Line], unit: fn(f64) -> String) -> String {
    let sentences: Vec<String> = lines
        .iter()
        .map(|line| {
            let known = line.points.iter().filter_map(|(at, value)| Some((*at, (*value)?)));
            match known.max_by(|(_, one), (_, two)| one.total_cmp(two)) {
                Some((at, most)) => format!("{}: {} at the most, at {}.", line.name, unit(most), words::s(at.floor())),
                None => format!("{}: nothing measured.", line.name),
            }
        })
        .collect();
    sentences.join(" ")
}

/// The next number above that is 1, 2, 2.5 or 5 with noughts.
pub(super) fn nice(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 4.0, 5.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= least * 0.999_999)
        .unwrap_or(10.0 * power)
}

/// The name, or as much of it as fits.
fn fitting(name: &str, width: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of letters")]
    let letters = (width / LETTER).max(0.0) as usize;
    match name.chars().count() {
        long if long <= letters => name.to_owned(),
        _ if letters < 3 => String::new(),
        _ => name.chars().take(letters - 1).chain(['…']).collect(),
    }
}
