//! A worker of Locust's master whose storms are made up: to try a master, a network or a page without any service under load.
//!
//! `cargo run -p loadtest --example locust_worker -- 127.0.0.1:5557 worker-1`

mod synthetic;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use loadtest::fleet::locust::{WorkerOptions, run};
use tokio_util::sync::CancellationToken;

use crate::synthetic::{Synthetic, Tell};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let mut options = WorkerOptions::new(arguments.next().unwrap_or_else(|| "127.0.0.1:5557".to_owned()));
    options.node_id = arguments.next();
    options.report = Duration::from_millis(500);
    let shutdown = CancellationToken::new();
    let interrupted = shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.cancel();
        }
    });
    let tell: Tell = Box::new(|counted| {
        use std::io::Write as _;
        // Whoever started it may be gone.
        let _ = writeln!(std::io::stdout(), "{counted}");
    });
    run(options, Arc::new(Synthetic { tell }), shutdown).await?;
    Ok(ExitCode::SUCCESS)
}
