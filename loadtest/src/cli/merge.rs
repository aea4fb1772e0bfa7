//! `merge`: one report of the shards of a storm.

use std::path::PathBuf;

use crate::fleet::{Part, merge};
use crate::report;
use clap::Args;

use super::{Failure, outputs, print};

#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The report directories of all shards
    #[arg(required = true, value_name = "DIR")]
    shards: Vec<PathBuf>,
    /// Where the report of the whole storm goes
    #[arg(long, value_name = "DIR", default_value = "stepproof-load-report")]
    report: PathBuf,
}

impl Merge {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let parts = self
            .shards
            .iter()
            .map(|dir| Part::read(dir))
            .collect::<anyhow::Result<Vec<_>>>();
        let parts = parts.map_err(|error| Failure::usage(format!("{error:#}")))?;
        let (record, _) = merge(parts).map_err(|refusal| Failure::too_little(format!("no verdict: {refusal}")))?;
        print(&report::terminal::to_text(&record, true));
        outputs::write(&record, &self.report)?;
        Ok(if record.interrupted { 3 } else { record.verdict.exit_code() })
    }
}
