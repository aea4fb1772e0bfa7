//! Time across, response time upwards, the colour how many: what percentiles hide, such as two crowds, is seen here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use minijinja::HtmlEscape;

use super::axes::{Field, Scale};
use super::charts::Picture;
use crate::record::Record;
use crate::report::words;

/// The most columns and rows.
const COLUMNS: u32 = 180;
const ROWS_A_DECADE: f64 = 12.0;
/// A page bears this many tooltips.
const MAX_CELLS: usize = 4000;

pub(super) fn map(record: &Record) -> Picture {
    let bounds = || {
        record
            .seconds
            .iter()
            .flat_map(|second| &second.heat)
            .map(|(bound, _)| *bound)
            .filter(|bound| *bound > 0.0)
    };
    let (low, high) = (bounds().fold(f64::INFINITY, f64::min), bounds().fold(0.0, f64::max));
    let note = "How many flows took how long, by the second: the darker or brighter, the more. A scale of factors in both height and colour.";
    let mut picture = Picture {
        title: "Response time as a heat map",
        note: note.to_owned(),
        keys: Vec::new(),
        svg: String::new(),
    };
    // The rows of the record, where they are few; finer ones are put together.
    let step = step(bounds().map(|bound| bound.ln())).max(std::f64::consts::LN_10 / ROWS_A_DECADE);
    let field = Field::new(
        record,
        if low.is_finite() {
            Scale::Log(low * (-step).exp(), high)
        } else {
            Scale::Log(1.0, 1000.0)
        },
    );
    let seconds = record.seconds.last().map_or(1, |second| second.at + 1);
    let width = seconds.div_ceil(COLUMNS).max(1);
    let mut cells: BTreeMap<(u32, i64), u64> = BTreeMap::new();
    for second in &record.seconds {
        for (bound, count) in second.heat.iter().filter(|(bound, _)| *bound > 0.0) {
            *cells.entry((second.at / width, row(*bound, low, step))).or_default() += count;
        }
    }
    let most = cells.values().copied().max().unwrap_or(0);
    let mut drawn = String::from("<g class=\"heat\">");
    for ((column, row), count) in &cells {
        #[allow(clippy::cast_precision_loss, reason = "a row of a picture")]
        let top_ms = low * (*row as f64 * step).exp();
        let (from, to) = (f64::from(column * width), f64::from((column + 1) * width));
        let (y, foot) = (field.y(top_ms), field.y(top_ms * (-step).exp()));
        let _ = write!(
            drawn,
            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill-opacity=\"{:.2}\"",
            field.x(from),
            field.x(to) - field.x(from) + 0.3,
            foot - y + 0.3,
            opacity(*count, most),
        );
        if cells.len() <= MAX_CELLS {
            let _ = write!(
                drawn,
                "><title>{} to {}: {} up to {}</title></rect>",
                words::s(from),
                words::s(to),
                words::count(*count),
                words::ms(top_ms)
            );
        } else {
            drawn.push_str("/>");
        }
    }
    drawn.push_str("</g>");
    let crowd = cells.iter().max_by_key(|(_, count)| **count).map_or_else(
        || "Nothing was completed.".to_owned(),
        |((column, row), count)| {
            #[allow(clippy::cast_precision_loss, reason = "a row of a picture")]
            let top_ms = low * (*row as f64 * step).exp();
            format!(
                "Response times between {} and {}. The largest crowd: {} flows at {} with up to {}.",
                words::ms(low),
                words::ms(high),
                words::count(*count),
                words::s(f64::from(column * width)),
                words::ms(top_ms)
            )
        },
    );
    if most > 0 {
        let _ = write!(
            picture.note,
            " The strongest colour is {} {}.",
            words::count(most),
            if width == 1 {
                "in a second".to_owned()
            } else {
                format!("in {width} seconds")
            }
        );
    }
    picture.svg = field.picture(
        "heat",
        picture.title,
        &HtmlEscape(&crowd).to_string(),
        words::ms_short,
        &drawn,
    );
    picture
}

/// The least distance between different values.
fn step(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .filter(|gap| *gap > 1e-3)
        .fold(f64::INFINITY, f64::min)
        .min(0.5)
}

#[allow(clippy::cast_possible_truncation, reason = "a row of a picture")]
fn row(bound: f64, low: f64, step: f64) -> i64 {
    ((bound / low).ln() / step).round() as i64
}

/// One of many is still seen.
#[allow(clippy::cast_precision_loss, reason = "counts of one storm")]
fn opacity(count: u64, most: u64) -> f64 {
    0.12 + 0.88 * (count as f64).ln_1p() / (most.max(1) as f64).ln_1p()
}
