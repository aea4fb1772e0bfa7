//! A recorded course: counts of arrivals from a CSV file, one a second (or another interval), read line by line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::plan::scenario::ScenarioError;

/// The most intervals a recording has: a day of seconds.
const MOST_INTERVALS: usize = 86_400;

/// Counts by interval, from the first one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts(pub(crate) Vec<f64>);

/// Reads a recording.
pub(crate) fn read(path: &Path) -> Result<Counts, ScenarioError> {
    let file = File::open(path).map_err(|error| {
        ScenarioError::new(format!("the recording `{}` cannot be read: {error}", path.display()))
            .hint("a relative path begins at the scenario file's folder")
    })?;
    parse(&path.display().to_string(), BufReader::new(file))
}

fn parse(name: &str, lines: impl BufRead) -> Result<Counts, ScenarioError> {
    let mut counts: Vec<f64> = Vec::new();
    let mut columns = None;
    for (nth, line) in lines.lines().enumerate() {
        let wrong = |what: String| ScenarioError::new(format!("{name}, line {}: {what}", nth + 1)).hint(FORM);
        let line = line.map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        // Words are a header, where nothing stands before them.
        if columns.is_none() && counts.is_empty() && cells.iter().all(|cell| cell.parse::<f64>().is_err()) {
            columns = Some(cells.len());
            continue;
        }
        if *columns.get_or_insert(cells.len()) != cells.len() {
            return Err(wrong(format!(
                "`{line}` has another number of columns than the lines before it"
            )));
        }
        match cells.as_slice() {
            [count] => counts.push(number(count).map_err(wrong)?),
            [second, count] => {
                let second: usize = second
                    .parse()
                    .map_err(|_| wrong(format!("`{second}` is no second: a whole number from 0")))?;
                if second < counts.len() {
                    return Err(wrong(format!("second {second} comes again, or after a later one")));
                }
                if second < MOST_INTERVALS {
                    counts.resize(second, 0.0);
                    counts.push(number(count).map_err(wrong)?);
                } else {
                    return Err(wrong(format!("second {second} is beyond a day ({MOST_INTERVALS} seconds)")));
                }
            }
            _ => return Err(wrong(format!("`{line}` has {} columns", cells.len()))),
        }
        if counts.len() > MOST_INTERVALS {
            return Err(wrong(format!(
                "more than {MOST_INTERVALS} lines: a storm lasts a day at most"
            )));
        }
    }
    if counts.iter().all(|count| *count == 0.0) {
        return Err(ScenarioError::new(format!("{name}: nobody comes in this recording")).hint(FORM));
    }
    Ok(Counts(counts))
}

const FORM: &str = "one count of arrivals a line, or `second,count` with rising seconds; a first line of names is skipped";

fn number(cell: &str) -> Result<f64, String> {
    match cell.parse::<f64>() {
        Ok(count) if count.is_finite() && count >= 0.0 => Ok(count),
        _ => Err(format!("`{cell}` is no count of arrivals")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Result<Vec<f64>, String> {
        match parse("peak.csv", text.as_bytes()) {
            Ok(counts) => Ok(counts.0),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn counts_alone_and_counts_with_seconds_are_read() {
        assert_eq!(counts("3\n0\n12\n"), Ok(vec![3.0, 0.0, 12.0]));
        assert_eq!(counts("arrivals\r\n3\r\n\r\n4\r\n"), Ok(vec![3.0, 4.0]));
        assert_eq!(counts("\u{feff}second,count\n0,3\n3, 4\n"), Ok(vec![3.0, 0.0, 0.0, 4.0]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, what) in [
            ("1\nmany\n", 2, "`many` is no count"),
            ("1\n-2\n", 2, "`-2` is no count"),
            ("count\ncount\n", 2, "no count"),
            ("1\nNaN\n", 2, "no count"),
            ("0,1\n5,2\n4,3\n", 3, "second 4 comes again"),
            ("0,1\n0,1\n", 2, "second 0 comes again"),
            ("0,1\n2\n", 2, "another number of columns"),
            ("1,2,3\n", 1, "3 columns"),
            ("0,1\n86400,1\n", 2, "beyond a day"),
            ("0,1\n-1,1\n", 2, "is no second"),
        ] {
            let told = counts(text).unwrap_err();
            assert!(told.starts_with(&format!("peak.csv, line {line}: ")), "{told}");
            assert!(told.contains(what), "{told}");
        }
        assert!(counts("").unwrap_err().contains("nobody comes"));
        assert!(counts("0\n0\n").unwrap_err().contains("nobody comes"));
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let told = read(Path::new("nowhere/peak.csv")).unwrap_err().to_string();
        assert!(told.contains("`nowhere/peak.csv` cannot be read"), "{told}");
    }
}
