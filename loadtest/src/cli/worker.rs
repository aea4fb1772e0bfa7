//! `worker`: storms by order of a Locust master.

use std::path::PathBuf;
use std::sync::Arc;

use crate::drive::engine::Stop;
use crate::drive::run::{Choice, Plan};
use crate::fleet::locust::{LocustStats, Observer, Order, StormRunner, WorkerOptions, run};
use crate::flow::Flows;
use crate::plan::scenario::library;
use async_trait::async_trait;
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::signals::Signals;
use super::storm::{at_rate, one, view};
use super::target::TargetArgs;
use super::{Failure, note, outputs};

#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// The master, such as 10.0.0.1:5557
    #[arg(long, value_name = "HOST:PORT")]
    locust_master: String,
    /// The worker's name: one that is started again under its old name gets its old shard
    #[arg(long, value_name = "NAME")]
    node_id: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    /// Where the record and the log of each run go
    #[arg(long, value_name = "DIR", default_value = "stepproof-load-report")]
    report: PathBuf,
}

struct Runner {
    target: TargetArgs,
    choice: Choice,
    report: PathBuf,
    flows: Flows,
}

impl Worker {
    pub(crate) async fn run(self, signals: &Signals, flows: &Flows) -> Result<u8, Failure> {
        let runner = Runner {
            choice: self.target.choice()?,
            target: self.target,
            report: self.report,
            flows: flows.clone(),
        };
        let mut options = WorkerOptions::new(self.locust_master);
        options.node_id = self.node_id;
        let shutdown = CancellationToken::new();
        tokio::spawn({
            let (signals, shutdown) = (signals.clone(), shutdown.clone());
            async move {
                signals.first().await;
                shutdown.cancel();
            }
        });
        run(options, Arc::new(runner), shutdown).await?;
        Ok(0)
    }
}

#[async_trait]
impl StormRunner for Runner {
    async fn run(&self, order: Order, cancelled: CancellationToken, stats: Arc<LocustStats>) -> anyhow::Result<()> {
        let mut scenario = library::open(&order.storm)?;
        if let Some(seconds) = order.seconds {
            scenario = scenario.shortened(seconds);
        }
        if let Some(rate) = order.rate {
            scenario = at_rate(scenario, rate).map_err(|failure| anyhow::anyhow!(failure.what))?;
        }
        if self
            .target
            .max_rate()
            .is_some_and(|most| order.rate.is_none_or(|rate| rate > most))
        {
            anyhow::bail!("the master ordered a rate that this worker's --max-rate does not allow");
        }
        let stop = Stop::default();
        tokio::spawn({
            let stop = stop.clone();
            async move {
                cancelled.cancelled().await;
                stop.now();
            }
        });
        let scenario = Arc::new(scenario);
        let out = self.report.join(format!("{}-shard-{}", order.run, order.shard.index));
        let plan = Plan {
            scenario: Arc::clone(&scenario),
            seed: order.seed,
            shard: Some(order.shard),
            max_vus: None,
            out: Some(out.clone()),
            start_at: Some(order.start_at),
            metrics: None,
            view: view(false),
            stop,
            observers: vec![Arc::new(Observer { stats, scenario })],
            flows: self.flows.clone(),
        };
        // The master's --host, where it has one, under the same rules as this worker's own --target.
        let choice = match order.target.filter(|target| !target.is_empty()) {
            Some(target) => self
                .target
                .at(target)
                .choice()
                .map_err(|failure| anyhow::anyhow!(failure.what))?,
            None => self.choice.clone(),
        };
        let record = one(&plan, &choice).await.map_err(|failure| anyhow::anyhow!(failure.what))?;
        outputs::write(&record, &out)?;
        note(&format!("record and log of this shard: {}", out.display()));
        Ok(())
    }
}
