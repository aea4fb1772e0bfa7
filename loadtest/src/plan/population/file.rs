//! Accounts from a CSV file. A file may have millions, so only the place of one line in some hundreds is kept.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::plan::scenario::ScenarioError;

/// Lines from one remembered place to the next.
const STRIDE: u64 = 256;

/// The longest line, in bytes.
const LINE_MOST: u64 = 4096;

/// The rows of a file, read when they are asked for.
#[derive(Debug)]
pub(super) struct Rows {
    path: PathBuf,
    columns: Columns,
    places: Vec<u64>,
    count: u64,
    /// One reader for all: rows are read once for each journey, from the page cache.
    file: Mutex<BufReader<File>>,
}

/// Which cell of a line is what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Columns {
    email: usize,
    password: usize,
    push_token: Option<usize>,
    trust_token: Option<usize>,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) email: String,
    pub(super) password: String,
    pub(super) push_token: Option<String>,
    pub(super) trust_token: Option<String>,
}

const FORM: &str = "a first line `email,password[,push_token][,trust_token]`, then one account a line; a cell with a comma stands \
                    in double quotes, and a double quote in it is doubled";

impl Rows {
    /// Reads the file once, to see that every line is an account and where it stands.
    pub(super) fn open(path: &Path) -> Result<Self, ScenarioError> {
        let unreadable = |error: std::io::Error| ScenarioError::new(format!("`{}` cannot be read: {error}", path.display()));
        let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
        let (mut columns, mut places, mut count, mut place) = (None, Vec::new(), 0u64, 0u64);
        let (mut line, mut number) = (String::new(), 0u64);
        loop {
            line.clear();
            // Never more than a line can have, whatever the file is.
            let length = (&mut file).take(LINE_MOST + 1).read_line(&mut line).map_err(unreadable)?;
            number += 1;
            let wrong = |what: &str| ScenarioError::new(format!("{}, line {number}: {what}", path.display())).hint(FORM);
            if length == 0 {
                break;
            }
            if length as u64 > LINE_MOST {
                return Err(wrong("is longer than an account can be"));
            }
            // An empty line would have no row, and rows are found by counting lines.
            let cells = cells(&line).ok_or_else(|| wrong("a quote is not closed"))?;
            match &columns {
                None => columns = Some(Columns::of(&cells).map_err(|what| wrong(&what))?),
                Some(columns) => {
                    columns.row(cells).ok_or_else(|| wrong("has no address or no password"))?;
                    if count % STRIDE == 0 {
                        places.push(place);
                    }
                    count += 1;
                }
            }
            place += length as u64;
        }
        let empty = || ScenarioError::new(format!("`{}` has no line", path.display())).hint(FORM);
        Ok(Self {
            path: path.to_owned(),
            columns: columns.ok_or_else(empty)?,
            places,
            count,
            file: Mutex::new(file),
        })
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.count
    }

    /// The row of this number.
    pub(super) fn row(&self, number: u64) -> Result<Row, ScenarioError> {
        let told = |what: &str| ScenarioError::new(format!("{}, account {number}: {what}", self.path.display()));
        let place = self.places.get((number / STRIDE) as usize).filter(|_| number < self.count);
        let place = place.ok_or_else(|| told("there are not so many"))?;
        // Whatever another thread did with the reader, it is put to a place of its own first.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = String::new();
        let read = (|| {
            file.seek(SeekFrom::Start(*place))?;
            for _ in 0..=number % STRIDE {
                line.clear();
                file.read_line(&mut line)?;
            }
            Ok(())
        })();
        read.map_err(|error: std::io::Error| told(&error.to_string()))?;
        let row = cells(&line).and_then(|cells| self.columns.row(cells));
        row.ok_or_else(|| told("the file changed while it was in use"))
    }
}

impl Columns {
    fn of(names: &[String]) -> Result<Self, String> {
        let at = |name: &str| names.iter().position(|known| known.trim().eq_ignore_ascii_case(name));
        let needed = |name| at(name).ok_or_else(|| format!("the first line names no column `{name}`"));
        Ok(Self {
            email: needed("email")?,
            password: needed("password")?,
            push_token: at("push_token"),
            trust_token: at("trust_token"),
        })
    }

    fn row(&self, cells: Vec<String>) -> Option<Row> {
        let cell = |at: usize| cells.get(at).filter(|cell| !cell.is_empty()).cloned();
        Some(Row {
            email: cell(self.email)?,
            password: cell(self.password)?,
            push_token: self.push_token.and_then(cell),
            trust_token: self.trust_token.and_then(cell),
        })
    }
}

/// The cells of a line; `None` when a quote is not closed.
fn cells(line: &str) -> Option<Vec<String>> {
    let line = line.trim_end_matches(['\r', '\n']).trim_start_matches('\u{feff}');
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            letter => cell.push(letter),
        }
    }
    cells.push(cell);
    (!quoted).then_some(cells)
}
