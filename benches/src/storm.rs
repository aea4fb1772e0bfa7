//! The load tester's own way through the journey that the baselines make: its engine, its journey, its lines, and everything it measures.
//!
//! It comes in two sizes. `Requests` makes the three requests and records each of them, which is what the baselines are beside.
//! `Persons` walks the journey of a new device as a storm does, with all that belongs to a person besides: the account and its
//! devices, the mailbox that the code is taken out of, the delivery's and the code's own figures. Its codes lie in the mailbox before
//! the storm.

use std::fs::File;
use std::io::BufWriter;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use loadtest::client::{Line, Lines, Phone, Waits};
use loadtest::drive::engine::{Due, Gatherer, Manners, Orders, Recorder, Stop, Walker, Went, run};
use loadtest::flow::{Identity, Numbers, Terms, Visit, Walk, walk};
use loadtest::history::{Act, Happened, Histories, Presented, Seen};
use loadtest::measure::StormClock;
use loadtest::measure::{Clock, Ending, Sample, Series, Step, percentiles};
use loadtest::plan::arrivals::Arrival;
use loadtest::plan::scenario::{Arrivals, Connection, DeviceKind, Journey, Party, Shape, Think};
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

impl Walker for Requests {
    type Kept = Line;

    fn begin(&self) -> Line {
        self.lines.open(None)
    }

    async fn walk(&self, line: &mut Line, due: &Due, clock: StormClock, recorder: &mut Recorder) -> Went {
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
        let code = Presented::Delivered { challenge, number: 0 };
        let steps = [
            (
                sign_in,
                Act::SignIn { password, app },
                Outcome::Challenged,
                Seen::Challenged(challenge),
            ),
            (verify, Act::Verify { challenge, code }, Outcome::SignedIn, Seen::SignedIn),
            (Operation::WhoAmI {}, Act::Use, Outcome::Done, Seen::Done),
        ];
        for (operation, act, right, seen) in steps {
            let step = Step::Exchange(operation.kind());
            let started_us = clock.now_us();
            let outcome = line.perform(&mut phone, operation).await.outcome;
            let done_us = clock.now_us();
            let good = outcome == Ok(right);
            recorder.sample(Sample {
                party: due.arrival.party,
                step,
                ending: if good { Ending::Completed } else { Ending::Failed },
                intended_us: started_us,
                started_us,
                done_us,
                human_us: 0,
            });
            recorder.happened(Happened {
                account: number,
                device: 1,
                act,
                seen: if good { seen } else { Seen::Unknown },
                started_us,
                done_us,
            });
            if !good {
                return went(Ending::Failed, Some(format!("{act:?}: {outcome:?}")));
            }
        }
        went(Ending::Completed, None)
    }
}

fn went(ending: Ending, complaint: Option<String>) -> Went {
    Went {
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
    party: Party,
    terms: Terms,
}

impl Walker for Persons {
    type Kept = Line;

    fn begin(&self) -> Line {
        self.lines.open(None)
    }

    async fn walk(&self, line: &mut Line, due: &Due, clock: StormClock, recorder: &mut Recorder) -> Went {
        let number = due.arrival.identity;
        let identity = Identity {
            account: number,
            email: email(number),
            password: "correct horse battery".to_owned(),
            ..Identity::default()
        };
        let walked = walk(Walk {
            line,
            lines: &self.lines,
            mailbox: &self.mailbox,
            party: due.arrival.party,
            plan: &self.party,
            think: Think {
                read_code_s: 0.0,
                spread: 0.0,
            },
            terms: &self.terms,
            identity: &identity,
            numbers: &Numbers::default(),
            visit: Visit {
                seed: SEED,
                nth: due.arrival.nth,
                attempt: due.attempt,
            },
            clock,
            recorder,
        })
        .await;
        went(walked.ending, walked.complaint)
    }
}

/// The series with its log, and the histories that are judged after a storm.
struct Keep {
    series: Series,
    histories: Histories,
}

impl Gatherer for Keep {
    fn series(&mut self) -> &mut Series {
        &mut self.series
    }

    fn happened(&mut self, attacker: bool, happened: Happened) {
        self.histories.push(&happened, attacker);
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
    /// Journeys in all.
    pub journeys: u64,
    /// Journeys a second; without it, all are due at once.
    pub rate: Option<f64>,
}

/// The three requests of each journey; what they took, the generator's own start included.
pub async fn requests(asked: Asked) -> anyhow::Result<Told> {
    let lines = lines(&asked).await?;
    storm(asked, Requests { lines }).await
}

/// The whole journey of a new device.
pub async fn persons(asked: Asked) -> anyhow::Result<Told> {
    let mailbox = Mailbox::new(Patterns::default(), Duration::from_secs(1));
    (0..asked.journeys).for_each(|number| mailbox.post(letter(number)));
    let walker = Persons {
        lines: lines(&asked).await?,
        mailbox,
        party: party(),
        terms: Terms::default(),
    };
    storm(asked, walker).await
}

async fn lines(asked: &Asked) -> anyhow::Result<Lines> {
    let origin = format!("http://{}", asked.service);
    Ok(Lines::native(&origin, Waits::default()).await?)
}

async fn storm(asked: Asked, walker: impl Walker) -> anyhow::Result<Told> {
    let Asked {
        service,
        users,
        journeys,
        rate,
    } = asked;
    let before = cpu()?;
    let log = tempfile::NamedTempFile::new()?;
    let keep = Keep {
        series: Series::logging(Box::new(BufWriter::new(File::create(log.path())?)), SystemTime::now())?,
        histories: Histories::default(),
    };
    let orders = Orders {
        host: format!("http://{service}"),
        users,
        manners: vec![Manners {
            name: "new-device".to_owned(),
            patience: LONG,
            retry: None,
        }],
        drain: LONG,
        seed: SEED,
        goose_report: None,
        start_at: None,
    };
    let schedule = (0..journeys).map(move |nth| Arrival {
        nth,
        at: rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(nth as f64 / rate)),
        party: 0,
        identity: nth,
    });
    let (ran, gathered) = run(Arc::new(walker), schedule, orders, Box::new(keep), Stop::default()).await?;
    let cpu_s = cpu()?.saturating_sub(before).as_secs_f64();
    let endings = gathered.series.endings(0..u32::MAX, |_| true);
    let completed = endings.get(&Ending::Completed).copied().unwrap_or_default();
    anyhow::ensure!(
        completed == journeys,
        "not every journey was completed: {endings:?} {:?}",
        gathered.complaints
    );
    let lag = |key: &loadtest::measure::Key| key.clock == Clock::Lag && key.step == Step::Journey;
    Ok(Told {
        journeys,
        cpu_s,
        wall_s: ran.took.as_secs_f64(),
        lag_p99_ms: rate.map(|_| percentiles(&gathered.series.total(lag)).p99_ms),
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

fn party() -> Party {
    Party {
        name: "new-device".to_owned(),
        attacker: false,
        arrivals: Arrivals {
            rate: 1.0,
            even: true,
            from_s: 0.0,
            for_s: None,
            shape: Shape::Flat,
        },
        journey: Journey::NewDevice,
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
