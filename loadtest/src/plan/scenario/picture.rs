//! A storm drawn in characters: the arrivals to be expected over time, party by party, with its phases and events marked.
//!
//! ```text
//! people    trusted-sign-in, up to 60/s, 1,200 arrivals
//!            ▁▃▅▇███▇▅▃▁
//!           ▅███████████▅
//!
//! phases    │rising│peak
//! push down     ━━━━        10 to 20 s
//!           └──┴──┴──┴───┴
//!           0 s          40 s
//! ```

use std::fmt::Write as _;

use targets::text::printable;

use super::{Event, Fault, Party, Scenario, ScenarioError, Shape};
use crate::plan::arrivals::Course;

/// Characters that time takes in a picture of ordinary width.
pub const COLUMNS: usize = 64;

/// Rows of a party's hill.
const ROWS: usize = 3;

/// Parts of a character that a hill may reach into it.
const PARTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The picture of a storm, with so many characters for its time. A recording is read for it.
pub fn picture(scenario: &Scenario, columns: usize) -> Result<String, ScenarioError> {
    let columns = columns.max(10);
    let courses = scenario.parties.iter().map(|party| Course::of(&party.arrivals, scenario));
    let courses: Vec<Course> = courses.collect::<Result<_, _>>()?;
    let names = scenario.parties.iter().map(|party| printable(&party.name).chars().count());
    let margin = names.chain([LONGEST, "phases".len()]).max().unwrap_or_default() + 1;
    let sheet = Sheet {
        seconds: scenario.seconds,
        columns,
        margin,
    };
    let expected: f64 = courses.iter().map(Course::expected).sum();
    let mut drawn = format!("{}: {}\n", printable(&scenario.name), printable(&scenario.title));
    let seconds = scenario.seconds;
    let _ = writeln!(
        drawn,
        "{seconds} s, {} arrivals expected; each party is drawn to its own scale",
        whole(expected)
    );
    for (party, course) in scenario.parties.iter().zip(&courses) {
        drawn.push('\n');
        sheet.party(party, course, &mut drawn);
    }
    drawn.push('\n');
    if !scenario.phases.is_empty() {
        sheet.phases(scenario, &mut drawn);
    }
    scenario.events.iter().for_each(|event| sheet.event(event, &mut drawn));
    sheet.axis(&mut drawn);
    Ok(drawn)
}

/// Characters of the longest event's name.
const LONGEST: usize = "email late by 0000 ms".len();

struct Sheet {
    seconds: f64,
    columns: usize,
    margin: usize,
}

impl Sheet {
    /// The instant at which a column begins.
    fn begins(&self, column: usize) -> f64 {
        self.seconds * column as f64 / self.columns as f64
    }

    /// The column that an instant is in.
    fn column(&self, at_s: f64) -> usize {
        ((at_s / self.seconds * self.columns as f64 + 1e-9) as usize).min(self.columns)
    }

    fn party(&self, party: &Party, course: &Course, drawn: &mut String) {
        let per_column: Vec<f64> = (0..self.columns)
            .map(|column| {
                let (from, until) = (self.begins(column), self.begins(column + 1));
                (course.expected_until(until) - course.expected_until(from)) / (until - from)
            })
            .collect();
        let highest = per_column.iter().copied().fold(0.0, f64::max);
        let who = if party.attacker { " (attackers)" } else { "" };
        // A rate that stays needs one row to say so.
        let (rows, up_to) = match party.arrivals.shape {
            Shape::Flat => (1, ""),
            _ => (ROWS, "up to "),
        };
        let about = format!(
            "{}{who}, {up_to}{}/s, {} arrivals",
            party.journey.name(),
            rate(highest),
            whole(course.expected())
        );
        self.line(&printable(&party.name), &about, "", drawn);
        for row in 0..rows {
            // What is below this row, in parts of a character.
            let floor = (rows - 1 - row) * (PARTS.len() - 1);
            let hill = per_column.iter().map(|rate| {
                let most = (rows * (PARTS.len() - 1)) as f64;
                let height = if highest > 0.0 {
                    (rate / highest * most).ceil() as usize
                } else {
                    0
                };
                PARTS[height.saturating_sub(floor).min(PARTS.len() - 1)]
            });
            let hill: String = hill.collect();
            self.line("", &hill, "", drawn);
        }
    }

    fn phases(&self, scenario: &Scenario, drawn: &mut String) {
        let mut line: Vec<char> = vec![' '; self.columns];
        for (nth, phase) in scenario.phases.iter().enumerate() {
            let begin = self.column(phase.from_s);
            let next = scenario.phases.get(nth + 1);
            let end = next.map_or(self.columns, |next| self.column(next.from_s));
            let name = printable(&phase.name);
            let text = "│".chars().chain(name.chars());
            let places = line.iter_mut().take(end).skip(begin);
            places.zip(text).for_each(|(place, letter)| *place = letter);
        }
        let line: String = line.into_iter().collect();
        self.line("phases", &line, "", drawn);
        // Where a name had no room for all of it.
        let told: Vec<String> = scenario
            .phases
            .iter()
            .map(|phase| format!("{} from {} s", printable(&phase.name), phase.from_s))
            .collect();
        self.line("", &told.join(", "), "", drawn);
    }

    fn event(&self, event: &Event, drawn: &mut String) {
        let (begin, end) = (self.column(event.from_s), self.column(event.until_s));
        let line: String = (0..self.columns)
            .map(|column| {
                if (begin..end.max(begin + 1)).contains(&column) {
                    '━'
                } else {
                    ' '
                }
            })
            .collect();
        let times = format!("  {} to {} s", event.from_s, event.until_s);
        self.line(&fault(event.fault), &line, &times, drawn);
    }

    fn axis(&self, drawn: &mut String) {
        let mut line = "└".to_owned();
        let step = self.columns / 4;
        for quarter in 1..=4 {
            let end = if quarter == 4 { self.columns } else { quarter * step };
            while line.chars().count() < end {
                line.push('─');
            }
            line.push('┴');
        }
        self.line("", &line, "", drawn);
        let marks = (0..=4).map(|quarter| format!("{:<step$}", seconds(self.seconds * f64::from(quarter) / 4.0)));
        let marks: String = marks.collect();
        self.line("", &marks, "", drawn);
    }

    fn line(&self, label: &str, line: &str, beside: &str, drawn: &mut String) {
        let margin = self.margin;
        let line = format!("{label:<margin$}{line}{beside}");
        drawn.push_str(line.trim_end());
        drawn.push('\n');
    }
}

/// A fault in words.
fn fault(fault: Fault) -> String {
    match fault {
        Fault::PushDown => "push down".to_owned(),
        Fault::PushLost => "push lost".to_owned(),
        Fault::PushSlowMs(ms) => format!("push slow by {ms} ms"),
        Fault::EmailDown => "email down".to_owned(),
        Fault::EmailLateMs(ms) => format!("email late by {ms} ms"),
    }
}

/// A rate, with as many digits as are worth showing.
fn rate(rate: f64) -> String {
    match rate {
        rate if rate >= 10.0 => whole(rate),
        rate => format!("{rate:.1}"),
    }
}

fn seconds(seconds: f64) -> String {
    let rounded = (seconds * 10.0).round() / 10.0;
    format!("{rounded} s")
}

/// A count with its thousands apart.
fn whole(count: f64) -> String {
    let digits = format!("{count:.0}");
    let mut apart = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}
