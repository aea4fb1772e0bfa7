//! `list`: the storms of the library, or one of them in full.

use std::fmt::Write as _;

use crate::plan::scenario::library::{STORMS, named, open};
use crate::plan::scenario::picture::picture;
use clap::Args;
use targets::text::{printable, printable_lines};

use super::{Failure, print, print_data};

/// Columns of a picture.
const COLUMNS: usize = 80;

#[derive(Debug, Args)]
pub(crate) struct List {
    /// A storm of the library, or a scenario file: shown with a picture of its arrivals
    storm: Option<String>,
    /// Prints the storm's file, to begin one's own from
    #[arg(long, requires = "storm")]
    toml: bool,
}

impl List {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let Some(name) = &self.storm else {
            let mut text = String::new();
            for stored in STORMS {
                let scenario = stored.scenario().map_err(Failure::file)?;
                // Writing to a string does not fail.
                let _ = writeln!(text, "{:<22}{}", stored.name, printable(&scenario.title));
            }
            print(&text);
            return Ok(0);
        };
        if let (true, Some(stored)) = (self.toml, named(name)) {
            print_data(stored.text);
            return Ok(0);
        }
        let scenario = open(name).map_err(Failure::file)?;
        let [name, title] = [&scenario.name, &scenario.title].map(|text| printable(text));
        let mut text = format!("{name}: {title}\n\n{}\n", printable_lines(scenario.about.trim()));
        text.push_str("\nLook for:\n");
        for what in &scenario.look_for {
            let _ = writeln!(text, "  - {}", printable(what));
        }
        let picture = picture(&scenario, COLUMNS).map_err(Failure::file)?;
        print(&format!("{text}\n{picture}"));
        Ok(0)
    }
}
