//! One worker. It says that it is there, runs what the master orders, tells what it measured, and goes when it is told to. A master that
//! goes away does not end a storm: the worker looks for it until it is back, and tells it then what it has not told yet.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::anyhow;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::link::{Gone, Link};
use super::options::WorkerOptions;
use super::order::{Order, StormRunner};
use super::protocol::{Spawn, State, ToMaster, ToWorker, Users};
use super::running::{Running, Why};
use super::stats::LocustStats;
use super::usage::Usage;
use crate::plan::Start;

/// How long a last word may take to leave: the socket takes messages and does not tell when they are gone.
const LAST_WORD: Duration = Duration::from_millis(100);

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    ByMaster,
    /// `shutdown` was cancelled.
    ByShutdown,
}

/// Works for the master until it says `quit`, or until `shutdown` (Ctrl-C, say) is cancelled. The storms run on tasks of their own, so
/// that one which is busy, or fails badly, does not silence the worker.
pub async fn run(options: WorkerOptions, storm: Arc<dyn StormRunner>, shutdown: CancellationToken) -> anyhow::Result<Ended> {
    let node_id = options
        .node_id
        .clone()
        .unwrap_or_else(|| format!("stepproof-{:032x}", rand::random::<u128>()));
    let mut worker = Worker {
        options,
        storm,
        stats: Arc::new(LocustStats::new()),
        usage: Usage::new(),
        index: None,
        last_run: None,
        running: None,
        next: None,
    };
    loop {
        let Some(mut link) = worker.connect(&node_id, &shutdown).await? else {
            worker.abandon().await;
            return Ok(Ended::ByShutdown);
        };
        match worker.serve(&mut link, &shutdown).await {
            Ok(ended) => return Ok(ended),
            Err(Gone) if worker.running.as_ref().is_some_and(|running| running.why == Some(Why::Quit)) => {
                worker.abandon().await;
                return Ok(Ended::ByMaster);
            }
            Err(Gone) => {}
        }
    }
}

struct Worker {
    options: WorkerOptions,
    storm: Arc<dyn StormRunner>,
    stats: Arc<LocustStats>,
    usage: Usage,
    /// The number that the master gave.
    index: Option<u32>,
    /// The last run that was begun or refused: what is ordered again is not begun again.
    last_run: Option<String>,
    running: Option<Running>,
    /// What is begun as soon as the storm that it replaces has ended.
    next: Option<(Order, Users)>,
}

impl Worker {
    /// Looks for the master until it is there and greets it; `None` when the worker is told to go meanwhile.
    async fn connect(&mut self, node_id: &str, shutdown: &CancellationToken) -> anyhow::Result<Option<Link>> {
        let since = Instant::now();
        loop {
            let opened = tokio::select! {
                () = shutdown.cancelled() => return Ok(None),
                opened = Link::open(&self.options.master, node_id) => opened,
            };
            let error = match opened {
                Ok(mut link) => match link.send(&ToMaster::ClientReady).await {
                    Ok(()) => return Ok(Some(link)),
                    Err(Gone) => anyhow!("the master at {} hung up", self.options.master),
                },
                Err(error) => error,
            };
            let idle = self.running.as_ref().is_none_or(Running::is_over);
            if idle && self.options.give_up.is_some_and(|patience| since.elapsed() >= patience) {
                return Err(error);
            }
            tokio::select! {
                () = shutdown.cancelled() => return Ok(None),
                () = sleep(self.options.retry) => {}
            }
        }
    }

    /// Works for a master that is there, until it is gone or the work is over.
    async fn serve(&mut self, link: &mut Link, shutdown: &CancellationToken) -> Result<Ended, Gone> {
        let mut heartbeat = every(self.options.heartbeat);
        let mut report = every(self.options.report);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                () = shutdown.cancelled(), if !self.is_leaving() => match &mut self.running {
                    Some(running) => running.stop(Why::Shutdown, self.options.grace),
                    None => return self.leave(link).await,
                },
                message = link.receive() => {
                    heard = Instant::now();
                    match message.ok_or(Gone)? {
                        Ok(message) => {
                            if let Some(ended) = self.obey(link, message).await? {
                                return Ok(ended);
                            }
                        }
                        Err(malformed) => self.complain(link, &format!("a message was not understood: {malformed}")).await?,
                    }
                }
                _ = heartbeat.tick() => {
                    if heard.elapsed() > self.options.master_timeout {
                        return Err(Gone);
                    }
                    let (cpu, memory) = (self.usage.cpu(), self.usage.memory());
                    link.send(&ToMaster::Heartbeat { state: self.state(), cpu, memory }).await?;
                }
                _ = report.tick() => self.report(link).await?,
                outcome = Running::ended(&mut self.running) => {
                    if let Some(ended) = self.ended(link, outcome).await? {
                        return Ok(ended);
                    }
                }
            }
        }
    }

    async fn obey(&mut self, link: &mut Link, message: ToWorker) -> Result<Option<Ended>, Gone> {
        match message {
            ToWorker::Ack(index) => self.index = index,
            ToWorker::Spawn(spawn) => self.spawn(link, &spawn).await?,
            ToWorker::Stop => match &mut self.running {
                Some(running) => {
                    self.next = None;
                    running.stop(Why::Stop, self.options.grace);
                }
                None => self.stopped(link).await?,
            },
            ToWorker::Quit => {
                // A master that quits waits half a second for the last report.
                self.report(link).await?;
                match &mut self.running {
                    Some(running) => running.stop(Why::Quit, self.options.grace),
                    None => {
                        sleep(LAST_WORD).await;
                        return Ok(Some(Ended::ByMaster));
                    }
                }
            }
            ToWorker::Reconnect => return Err(Gone),
            ToWorker::Heartbeat | ToWorker::Other(_) => {}
        }
        Ok(None)
    }

    /// Begins what is ordered. Locust orders again and again while users are added or a worker comes back: the same run is not begun twice.
    async fn spawn(&mut self, link: &mut Link, spawn: &Spawn) -> Result<(), Gone> {
        link.send(&ToMaster::Spawning).await?;
        let order = match Order::of(spawn, self.index) {
            Ok(order) => order,
            Err(malformed) => return self.refuse(link, spawn.text("storm_run"), &malformed.to_string()).await,
        };
        if self.last_run.as_ref() == Some(&order.run) {
            let users = if self.running.is_some() {
                spawn.users.clone()
            } else {
                none_of(&spawn.users)
            };
            self.stats.set_users(users.clone());
            return link.send(&ToMaster::SpawningComplete(users)).await;
        }
        if let Err(late) = Start::at(order.start_at).check(SystemTime::now()) {
            return self.refuse(link, Some(order.run), &late.to_string()).await;
        }
        match &mut self.running {
            Some(running) => {
                running.stop(Why::Replaced, self.options.grace);
                self.last_run = Some(order.run.clone());
                self.next = Some((order, spawn.users.clone()));
                Ok(())
            }
            None => self.begin(link, order, spawn.users.clone()).await,
        }
    }

    async fn begin(&mut self, link: &mut Link, order: Order, users: Users) -> Result<(), Gone> {
        self.last_run = Some(order.run.clone());
        self.stats.clear();
        self.stats.set_users(users.clone());
        self.running = Some(Running::begin(&self.storm, order, users.clone(), &self.stats));
        link.send(&ToMaster::SpawningComplete(users)).await
    }

    /// Nothing is begun, and the master learns why: without this shard the others are no storm.
    async fn refuse(&mut self, link: &mut Link, run: Option<String>, why: &str) -> Result<(), Gone> {
        self.stats.set_users(Users::new());
        self.last_run.clone_from(&run);
        self.complain(link, why).await?;
        link.send(&ToMaster::StormDone {
            run: run.unwrap_or_default(),
            shard: self.index.unwrap_or(0),
            error: Some(why.to_owned()),
        })
        .await
    }

    /// The storm is over: by itself, or because of what was told to it.
    async fn ended(&mut self, link: &mut Link, outcome: anyhow::Result<()>) -> Result<Option<Ended>, Gone> {
        let Some(running) = self.running.take() else { return Ok(None) };
        self.stats.set_users(none_of(&running.users));
        self.report(link).await?;
        let error = outcome.err().map(|error| format!("{error:#}"));
        if let Some(error) = &error {
            self.complain(link, error).await?;
        }
        match running.why {
            None => {
                link.send(&ToMaster::StormDone {
                    run: running.run.clone(),
                    shard: running.shard,
                    error,
                })
                .await?;
            }
            Some(why @ (Why::Stop | Why::Replaced)) => {
                if why == Why::Stop {
                    self.stopped(link).await?;
                }
                if let Some((order, users)) = self.next.take() {
                    self.begin(link, order, users).await?;
                }
            }
            Some(Why::Quit) => {
                sleep(LAST_WORD).await;
                return Ok(Some(Ended::ByMaster));
            }
            Some(Why::Shutdown) => return self.leave(link).await.map(Some),
        }
        Ok(None)
    }

    async fn stopped(&mut self, link: &mut Link) -> Result<(), Gone> {
        link.send(&ToMaster::ClientStopped).await?;
        link.send(&ToMaster::ClientReady).await
    }

    async fn leave(&mut self, link: &mut Link) -> Result<Ended, Gone> {
        self.report(link).await?;
        link.send(&ToMaster::Quit).await?;
        sleep(LAST_WORD).await;
        Ok(Ended::ByShutdown)
    }

    async fn complain(&mut self, link: &mut Link, what: &str) -> Result<(), Gone> {
        link.send(&ToMaster::Exception(what.to_owned())).await
    }

    /// What is new. It is kept when the master is gone. What is measured still of a storm that another one replaces is not part of that.
    async fn report(&mut self, link: &mut Link) -> Result<(), Gone> {
        if self.next.is_some() {
            return Ok(());
        }
        let (delta, users) = self.stats.take_delta();
        let sent = link.send(&ToMaster::Stats(delta.value(&users))).await;
        if sent.is_err() {
            self.stats.give_back(delta);
        }
        sent
    }

    /// Ends what runs, with nobody to tell.
    async fn abandon(&mut self) {
        if let Some(running) = &mut self.running {
            running.stop(Why::Shutdown, self.options.grace);
            // Whatever it came to, the record tells.
            let _ = Running::ended(&mut self.running).await;
            self.running = None;
        }
    }

    fn is_leaving(&self) -> bool {
        let why = self.running.as_ref().and_then(|running| running.why);
        matches!(why, Some(Why::Shutdown | Why::Quit))
    }

    fn state(&self) -> State {
        if self.running.is_some() {
            State::Running
        } else {
            State::Ready
        }
    }
}

fn none_of(users: &Users) -> Users {
    users.keys().map(|class| (class.clone(), 0)).collect()
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
