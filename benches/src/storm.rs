//! The load tester's own way through the journey that the baselines make: its engine, its journey, its lines, and everything it measures.
//!
//! The journey is the one of a new device: sign-in, second step, a look at who is signed in. Its code lies in the mailbox before the
//! storm, so that no delivery is waited for and none is paid for; all else is as in a storm.

use std::fs::File;
use std::io::BufWriter;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use loadtest::arrivals::Arrival;
use loadtest::client::{Line, Lines, Waits};
use loadtest::engine::{Due, Gatherer, Manners, Orders, Recorder, Stop, StormClock, Walker, Went, run};
use loadtest::journey::{Identity, Numbers, Terms, Visit, Walk, walk};
use loadtest::judge::{Happened, Histories};
use loadtest::measure::{Clock, Ending, Series, Step, percentiles};
use loadtest::scenario::{Arrivals, Connection, DeviceKind, Journey, Party, Shape, Think};
use loadtest::sink::{Letter, Mailbox};
use targets::Method;
use targets::ledger::Patterns;

use crate::cost::cpu;
use crate::rounds::Told;

/// The seed of everything.
const SEED: u64 = 1;

/// Longer than any measurement: nobody gives up, and letters are dated this far ahead.
const LONG: Duration = Duration::from_secs(600);

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
        Went {
            ending: walked.ending,
            human_us: walked.human_us,
            retry_after: walked.retry_after,
            complaint: walked.complaint,
        }
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

/// Journeys at so many a second, or all due at once where no rate is given; what they took, the generator's own start included.
pub async fn storm(address: SocketAddr, users: usize, journeys: u64, rate: Option<f64>) -> anyhow::Result<Told> {
    let origin = format!("http://{address}");
    let walker = Arc::new(Persons {
        lines: Lines::native(&origin, Waits::default()).await?,
        mailbox: Mailbox::new(Patterns::default(), Duration::from_secs(1)),
        party: party(),
        terms: Terms::default(),
    });
    (0..journeys).for_each(|number| walker.mailbox.post(letter(number)));
    let before = cpu()?;
    let log = tempfile::NamedTempFile::new()?;
    let keep = Keep {
        series: Series::logging(Box::new(BufWriter::new(File::create(log.path())?)), SystemTime::now())?,
        histories: Histories::default(),
    };
    let orders = Orders {
        host: origin,
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
    let (ran, gathered) = run(walker, schedule, orders, Box::new(keep), Stop::default()).await?;
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
    let mut letter = Letter::new(Method::Email, email(number));
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
