//! The load tester's own way through the flow that the baselines make: its engine, its flow, its lines, and everything it measures.
//!
//! It comes in two sizes. `Requests` makes the three requests and records each of them, which is what the baselines are beside.
//! `Persons` walks the flow of a new device as a storm does, with all that belongs to a person besides: the account and its
//! devices, the mailbox that the code is taken out of, the delivery's and the code's own figures. Its codes lie in the mailbox before
//! the storm.

use std::fs::File;
use std::io::BufWriter;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use goose::goose::GooseUser;
use loadtest::client::{Line, Lines, Phone, Waits};
use loadtest::drive::engine::{
    Aggregator, ClientPolicy, EngineConfig, IterationResult, Recorder, ScheduledAttempt, Stop, Workload, run,
};
use loadtest::flow::{self, Flows, Identity, Iteration, Recorder as _, ServiceProfile, SharedLine, Visit};
use loadtest::history::{self, Call, CodeUsed, Histories, Response};
use loadtest::measure::StormClock;
use loadtest::measure::{Clock, Ending, Sample, Series, Step, percentiles};
use loadtest::plan::arrivals::Arrival;
use loadtest::plan::scenario::{Arrivals, Connection, DeviceKind, Flow, Scenario, Shape, Think, UserClass, library};
use loadtest::sink::{Letter, Mailbox};
use targets::delivery_log::Patterns;
use targets::{Channel, Operation, Outcome};

use crate::cost::cpu;
use crate::rounds::Told;

/// The seed of everything.
const SEED: u64 = 1;

/// Longer than any measurement: nobody gives up, and letters are dated this far ahead.
const LONG: Duration = Duration::from_secs(600);

/// Three requests, one after the other, over the connection that its user keeps.
struct Requests {
    lines: Lines,
}

impl Workload for Requests {
    type Kept = Line;

    fn begin(&self) -> Line {
        self.lines.open(None)
    }

    async fn walk(
        &self,
        _: &mut GooseUser,
        line: &mut Line,
        due: &ScheduledAttempt,
        clock: StormClock,
        recorder: &Recorder,
    ) -> IterationResult {
        let number = due.arrival.identity;
        let mut phone = Phone::new(format!("i-{number}"), format!("phone {number}"));
        let sign_in = Operation::SignIn {
            email: email(number),
            password: "correct horse battery".to_owned(),
        };
        let verify = Operation::Verify {
            code: "123456".to_owned(),
        };
        let (password, app, challenge) = (true, true, 0);
        let code = CodeUsed::Delivered { challenge, number: 0 };
        let steps = [
            (
                sign_in,
                Call::SignIn { password, app },
                Outcome::Challenged,
                Response::Challenged(challenge),
            ),
            (
                verify,
                Call::Verify { challenge, code },
                Outcome::SignedIn,
                Response::SignedIn,
            ),
            (Operation::WhoAmI {}, Call::Use, Outcome::Done, Response::Done),
        ];
        for (operation, call, right, response) in steps {
            let step = Step::Exchange(operation.kind());
            let invoked_us = clock.now_us();
            let outcome = line.perform(&mut phone, operation).await.outcome;
            let returned_us = clock.now_us();
            let good = outcome == Ok(right);
            recorder.sample(Sample {
                class: due.arrival.class,
                step,
                ending: if good { Ending::Completed } else { Ending::Failed },
                intended_us: invoked_us,
                started_us: invoked_us,
                done_us: returned_us,
                human_us: 0,
            });
            recorder.operation(history::Operation {
                account: number,
                device: 1,
                call,
                response: if good { response } else { Response::Unknown },
                invoked_us,
                returned_us,
            });
            if !good {
                return result(Ending::Failed, Some(format!("{call:?}: {outcome:?}")));
            }
        }
        result(Ending::Completed, None)
    }
}

fn result(ending: Ending, complaint: Option<String>) -> IterationResult {
    IterationResult {
        ending,
        human_us: 0,
        retry_after: None,
        complaint,
    }
}

/// What people do on a new device, in the load tester's own words.
struct Persons {
    lines: Lines,
    mailbox: Mailbox,
    scenario: Arc<Scenario>,
    profile: Arc<ServiceProfile>,
    flows: Flows,
}

impl Workload for Persons {
    type Kept = SharedLine;

    fn begin(&self) -> SharedLine {
        Arc::new(tokio::sync::Mutex::new(self.lines.open(None)))
    }

    async fn walk(
        &self,
        goose: &mut GooseUser,
        line: &mut SharedLine,
        due: &ScheduledAttempt,
        clock: StormClock,
        recorder: &Recorder,
    ) -> IterationResult {
        let number = due.arrival.identity;
        let identity = Identity {
            account: number,
            email: email(number),
            password: "correct horse battery".to_owned(),
            ..Identity::default()
        };
        let iteration = Iteration {
            line: Arc::clone(line),
            lines: self.lines.clone(),
            mailbox: self.mailbox.clone(),
            scenario: Arc::clone(&self.scenario),
            class: due.arrival.class,
            profile: Arc::clone(&self.profile),
            identity,
            numbers: Arc::default(),
            visit: Visit {
                seed: SEED,
                nth: due.arrival.nth,
                attempt: due.attempt,
            },
            clock,
            recorder: Arc::new(recorder.clone()),
        };
        let Some(transaction) = self.flows.of(&self.scenario.classes[0]) else {
            return result(Ending::Failed, None);
        };
        let walked = flow::run(goose, transaction, iteration).await;
        result(walked.ending, walked.complaint)
    }
}

/// The series with its log, and the histories that are judged after a storm.
struct Keep {
    series: Series,
    histories: Histories,
}

impl Aggregator for Keep {
    fn series(&mut self) -> &mut Series {
        &mut self.series
    }

    fn operation(&mut self, attacker: bool, operation: history::Operation) {
        self.histories.push(&operation, attacker);
    }

    fn done(self: Box<Self>) -> Series {
        self.series
    }
}

/// What is asked of the load tester.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Where the service is.
    pub service: SocketAddr,
    /// Goose users, and so connections.
    pub users: usize,
    /// Flows in all.
    pub flows: u64,
    /// Flows a second; without it, all are due at once.
    pub rate: Option<f64>,
}

/// The three requests of each flow; what they took, the generator's own start included.
pub async fn requests(asked: Asked) -> anyhow::Result<Told> {
    let lines = lines(&asked).await?;
    storm(asked, Requests { lines }).await
}

/// The whole flow of a new device.
pub async fn persons(asked: Asked) -> anyhow::Result<Told> {
    let mailbox = Mailbox::new(Patterns::default(), Duration::from_secs(1));
    (0..asked.flows).for_each(|number| mailbox.post(letter(number)));
    let workload = Persons {
        lines: lines(&asked).await?,
        mailbox,
        scenario: Arc::new(scenario()?),
        profile: Arc::default(),
        flows: Flows::default(),
    };
    storm(asked, workload).await
}

async fn lines(asked: &Asked) -> anyhow::Result<Lines> {
    let origin = format!("http://{}", asked.service);
    Ok(Lines::native(&origin, Waits::default()).await?)
}

async fn storm(asked: Asked, workload: impl Workload) -> anyhow::Result<Told> {
    let Asked {
        service,
        users,
        flows,
        rate,
    } = asked;
    let before = cpu()?;
    let log = tempfile::NamedTempFile::new()?;
    let keep = Keep {
        series: Series::logging(Box::new(BufWriter::new(File::create(log.path())?)), SystemTime::now())?,
        histories: Histories::default(),
    };
    let config = EngineConfig {
        host: format!("http://{service}"),
        users,
        policies: vec![ClientPolicy {
            name: "new-device".to_owned(),
            patience: LONG,
            retry: None,
        }],
        drain: LONG,
        seed: SEED,
        goose_report: None,
        start_at: None,
    };
    let schedule = (0..flows).map(move |nth| Arrival {
        nth,
        at: rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(nth as f64 / rate)),
        class: 0,
        identity: nth,
    });
    let (ran, data) = run(Arc::new(workload), schedule, config, Box::new(keep), Stop::default()).await?;
    let cpu_s = cpu()?.saturating_sub(before).as_secs_f64();
    let endings = data.series.endings(0..u32::MAX, |_| true);
    let completed = endings.get(&Ending::Completed).copied().unwrap_or_default();
    anyhow::ensure!(
        completed == flows,
        "not every flow was completed: {endings:?} {:?}",
        data.complaints
    );
    let lag = |key: &loadtest::measure::Key| key.clock == Clock::Lag && key.step == Step::Flow;
    Ok(Told {
        journeys: flows,
        cpu_s,
        wall_s: ran.took.as_secs_f64(),
        lag_p99_ms: rate.map(|_| percentiles(&data.series.total(lag)).p99_ms),
    })
}

fn email(number: u64) -> String {
    format!("storm-{number}@example.com")
}

/// What the service would have sent. A letter counts only when it comes after the request for it, so it is dated ahead.
fn letter(number: u64) -> Letter {
    let mut letter = Letter::new(Channel::Email, email(number));
    letter.code = Some("123456".into());
    letter.at = Instant::now() + LONG;
    letter
}

/// A scenario of that class alone, in which nobody needs time to read.
fn scenario() -> anyhow::Result<Scenario> {
    let stored = library::named("app-update").context("the storm is in the library")?;
    let mut scenario = stored.scenario()?;
    scenario.think = Think {
        read_code_s: 0.0,
        spread: 0.0,
    };
    scenario.classes = vec![class()];
    Ok(scenario)
}

fn class() -> UserClass {
    UserClass {
        name: "new-device".to_owned(),
        attacker: false,
        arrivals: Arrivals {
            rate: 1.0,
            even: true,
            from_s: 0.0,
            for_s: None,
            shape: Shape::Flat,
        },
        flow: Flow::NewDevice,
        device: DeviceKind::New,
        accounts: None,
        accounts_of: None,
        connection: Connection::Kept,
        sources: 1,
        patience_s: LONG.as_secs_f64(),
        code_patience_s: LONG.as_secs_f64(),
        retry: None,
        tries: 1,
    }
}
