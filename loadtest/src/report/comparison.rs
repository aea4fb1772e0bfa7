//! A comparison for people and for machines.

use targets::text::printable;

use crate::report::table::{table, wrapped};
use crate::report::words;
use crate::verdict::compare::{Comparison, Difference, Method, Outcome};

impl Outcome {
    /// In words.
    pub fn told(self) -> &'static str {
        match self {
            Outcome::Slower => "slower",
            Outcome::NoDifferenceShown => "no difference shown",
            Outcome::Faster => "faster",
            Outcome::Mixed => "slower in some figures, faster in others",
        }
    }
}

impl Comparison {
    /// For a person.
    pub fn told(&self) -> String {
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        let mut text = format!("{}: B beside A, seed {}\n", printable(&self.storm), seeds.join(", "));
        for run in &self.left_out {
            text.push_str(&format!(
                "left out: {} seed {}: {}\n",
                run.side,
                run.seed,
                printable(&run.why)
            ));
        }
        text.push_str(match self.method {
            Method::PairedT => "95 % intervals after Student, of the differences within pairs of the same seed\n",
            Method::BootstrapOverSeconds => {
                "one pair only: 95 % intervals by drawing its seconds again (bootstrap), of everybody together; they know nothing of how\n\
                 much one run differs from the next, and a single party's difference has none\n"
            }
        });
        let header = ["party", "figure", "A", "B", "difference", "95 % interval", "shows"];
        let table = table(header, self.differences.iter().map(row), 2, 1);
        text.push_str(&format!("\n{table}\n\n"));
        let because = if self.because.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.because.join(", "))
        };
        text.push_str(&wrapped(
            &printable(&format!("B beside A: {}{because}", self.verdict.told())),
            100,
        ));
        text.push('\n');
        let alone = self
            .differences
            .iter()
            .filter(|one| one.shows != Outcome::NoDifferenceShown)
            .count();
        if alone > self.because.len() {
            text.push_str(
                "a figure outside its own interval that is not named here is what chance does when many figures are compared\n",
            );
        }
        text
    }

    /// For machines.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

#[allow(clippy::cast_precision_loss, reason = "a few pairs")]
fn row(difference: &Difference) -> [String; 7] {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let a = mean(&difference.a);
    let told = |value: f64| match difference.figure {
        "success" => format!("{:.2} %", value * 100.0),
        "drain" => format!("{value:.1} s"),
        _ => words::ms(value),
    };
    let signed = |value: f64| {
        if value > 0.0 {
            format!("+{}", told(value))
        } else {
            told(value)
        }
    };
    let percent = match difference.figure {
        "success" => String::new(),
        _ if a > 0.0 => format!(" ({:+.0} %)", difference.difference / a * 100.0),
        _ => String::new(),
    };
    [
        difference.party.clone(),
        difference.figure.to_owned(),
        told(a),
        told(mean(&difference.b)),
        format!("{}{percent}", signed(difference.difference)),
        difference.interval.map_or_else(
            || "–".to_owned(),
            |(low, high)| format!("{} to {}", signed(low), signed(high)),
        ),
        difference.interval.map_or("", |_| difference.shows.told()).to_owned(),
    ]
}
