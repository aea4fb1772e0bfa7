//! A reference server, the sinks it delivers to, and accounts.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use goose::config::GooseConfiguration;
use goose::goose::GooseUser;
use loadtest::client::{Line, Lines, Waits};
use loadtest::flow::{self, FlowOutcome, Flows, Identity, Iteration, Recorder, ServiceProfile, SharedLine, TrustedDevice, Visit};
use loadtest::history;
use loadtest::history::{Call, Response};
use loadtest::measure::StormClock;
use loadtest::measure::{Ending, Sample, Step};
use loadtest::plan::scenario::library;
use loadtest::plan::scenario::{Arrivals, Connection, DeviceKind, Flow, Shape, Think, UserClass};
use loadtest::sink::{Sink, SinkOptions};
use reference_server::adapters::admin::{Seed, SeedDevice, seed};
use reference_server::adapters::mailer::{EmailTarget, ProviderMailer, PushTarget, Templates};
use reference_server::ports::ManualClock;
use reference_server::{Config, ConnectionLimits, Deps, Service};
use targets::{DeliveryLog, Limits, Native, NativeOptions};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// An account whose trusted device is there without anything having been delivered.
pub(crate) const SEEDED: u64 = 200;

const PASSWORD: &str = "correct horse battery";

/// Everything around a flow.
pub(crate) struct World {
    pub(crate) origin: String,
    pub(crate) lines: Lines,
    pub(crate) sink: Sink,
    pub(crate) profile: ServiceProfile,
    clock: Arc<ManualClock>,
    stands: bool,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<tokio::task::JoinHandle<()>>,
}

/// What was recorded.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) samples: Vec<Sample>,
    pub(crate) operations: Vec<history::Operation>,
    /// A clock that stands still, and the cool-down by which it moves when somebody is told to wait.
    moves: Option<(Arc<ManualClock>, Duration)>,
}

/// A book that a flow writes into.
#[derive(Default)]
struct SharedBook(Mutex<Book>);

impl Recorder for SharedBook {
    fn sample(&self, sample: Sample) {
        self.0.lock().unwrap().samples.push(sample);
    }

    fn operation(&self, operation: history::Operation) {
        let mut book = self.0.lock().unwrap();
        if let Some((clock, by)) = book.moves.as_ref().filter(|_| operation.response == Response::Limited) {
            clock.advance_ms(by.as_millis() as i64);
        }
        book.operations.push(operation);
    }
}

/// A line of an attempt.
pub(crate) fn shared(line: Line) -> SharedLine {
    Arc::new(tokio::sync::Mutex::new(line))
}

impl Book {
    /// Device, act and answer of each operation.
    pub(crate) fn history(&self) -> Vec<(u32, Call, Response)> {
        let row = |operation: &history::Operation| (operation.device, operation.call, operation.response);
        self.operations.iter().map(row).collect()
    }

    /// Step and ending of each sample.
    pub(crate) fn steps(&self) -> Vec<(Step, Ending)> {
        self.samples.iter().map(|sample| (sample.step, sample.ending)).collect()
    }
}

/// A flow's class: nobody reads for long here.
pub(crate) fn class(flow: Flow, device: DeviceKind) -> UserClass {
    UserClass {
        name: "people".to_owned(),
        attacker: matches!(flow, Flow::StuffPasswords | Flow::GuessCodes | Flow::HammerResend),
        arrivals: Arrivals {
            rate: 1.0,
            even: true,
            from_s: 0.0,
            for_s: None,
            shape: Shape::Flat,
        },
        flow,
        device,
        accounts: None,
        accounts_of: None,
        connection: Connection::Cold,
        sources: 0,
        patience_s: 30.0,
        code_patience_s: 60.0,
        retry: None,
        tries: 5,
    }
}

impl World {
    /// A server with these settings and a few accounts.
    pub(crate) async fn start(settings: Config) -> Self {
        let sink = Sink::start(SinkOptions::new(Native::patterns())).unwrap();
        let within = Duration::from_secs(settings.delivery_answer_s).mul_f64(0.8);
        let mailer = ProviderMailer::new(Templates::new(&settings.service_name), within);
        let email: EmailTarget = sink.smtp_url().parse().unwrap();
        let push: PushTarget = sink.fcm_url().parse().unwrap();
        mailer.set_targets(Some(&email), Some(&push)).unwrap();
        // With the system's time, until a test stops it.
        let clock = Arc::<ManualClock>::default();
        let deps = Deps::for_tests(Arc::clone(&clock), Arc::new(mailer));
        let profile = ServiceProfile {
            cooldown: Duration::from_secs(settings.resend_cooldown_s),
            ..ServiceProfile::default()
        };
        let service = Service::new(deps, settings);
        let seeds = (0..=SEEDED).map(|account| Seed {
            email: email_of(account),
            password: PASSWORD.to_owned(),
            two_step: true,
            device: (account == SEEDED).then(|| SeedDevice {
                installation: format!("home-{account}"),
                name: format!("Home {account}"),
                trust_token: None,
                push_token: Some(format!("push-{account}")),
            }),
        });
        seed(&service, seeds.collect()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let limits = ConnectionLimits {
            drain: Duration::ZERO,
            ..ConnectionLimits::default()
        };
        let ended = tokio::spawn(async move {
            let _ = reference_server::serve(listener, service, limits, async {
                // Either word of the sender's, being dropped included, means stop.
                let _ = stopped.await;
            })
            .await;
        });
        Self {
            lines: Lines::native(&origin, Waits::default()).await.unwrap(),
            origin,
            sink,
            profile,
            clock,
            stands: false,
            stop: Some(stop),
            ended: Some(ended),
        }
    }

    /// From now on the server's time stands still, and passes only for those who are told to wait.
    pub(crate) fn stand_still(&mut self) {
        self.clock.freeze(true);
        self.stands = true;
    }

    /// Stops the server.
    pub(crate) async fn kill(&mut self) {
        self.stop.take();
        self.ended.take().unwrap().await.unwrap();
    }

    /// Lines through the general target.
    pub(crate) fn bound(&self) -> Lines {
        let mut options = NativeOptions::new(self.origin.clone(), DeliveryLog::default());
        options.limits = Limits {
            within: Duration::from_secs(20),
            ..Limits::default()
        };
        Lines::bound(Arc::new(Native::open(options).unwrap()))
    }

    /// An account whose device is known by name and not trusted yet.
    pub(crate) fn stranger(&self, account: u64) -> Identity {
        Identity {
            account,
            email: email_of(account),
            password: PASSWORD.to_owned(),
            trusted: Some(TrustedDevice {
                installation: format!("home-{account}"),
                name: format!("Home {account}"),
                trust_token: None,
                push_token: Some(format!("push-{account}")),
            }),
            source: None,
        }
    }

    /// An account with a trusted device: it signs in once, by email, as nobody else could receive a code.
    pub(crate) async fn owner(&self, account: u64) -> Identity {
        let mut identity = self.stranger(account);
        let (walked, _) = self.walk(&identity, &class(Flow::TrustedSignIn, DeviceKind::Trusted)).await;
        assert_eq!((walked.ending, walked.complaint), (Ending::Completed, None));
        assert!(walked.used_second_step);
        keep(&mut identity, walked.trust);
        identity
    }

    /// One attempt on a line of its own.
    pub(crate) async fn walk(&self, identity: &Identity, plan: &UserClass) -> (FlowOutcome, Book) {
        self.walk_on(&self.lines, &shared(self.lines.open(None)), identity, plan, 1)
            .await
    }

    /// One attempt on this line.
    pub(crate) async fn walk_on(
        &self,
        lines: &Lines,
        line: &SharedLine,
        identity: &Identity,
        plan: &UserClass,
        seed: u64,
    ) -> (FlowOutcome, Book) {
        let book = Arc::new(SharedBook::default());
        book.0.lock().unwrap().moves = self.stands.then(|| (Arc::clone(&self.clock), self.profile.cooldown));
        let mut scenario = library::named("app-update").unwrap().scenario().unwrap();
        scenario.think = Think {
            read_code_s: 0.001,
            spread: 0.4,
        };
        // The number of the class stands in every sample.
        scenario.classes = vec![plan.clone(); 4];
        let iteration = Iteration {
            line: Arc::clone(line),
            lines: lines.clone(),
            mailbox: self.sink.mailbox.clone(),
            scenario: Arc::new(scenario),
            class: 3,
            profile: Arc::new(self.profile.clone()),
            identity: identity.clone(),
            numbers: Arc::default(),
            visit: Visit {
                seed,
                nth: 7,
                attempt: 1,
            },
            clock: StormClock::from(Instant::now()),
            recorder: Arc::clone(&book) as Arc<dyn Recorder>,
        };
        let mut configuration = GooseConfiguration::default();
        // Its own client asks nothing here: without certificates to read it costs next to nothing.
        configuration.accept_invalid_certs = true;
        let mut goose = GooseUser::single(self.origin.parse().unwrap(), &configuration).unwrap();
        let flows = Flows::default();
        let walked = flow::run(&mut goose, flows.of(plan).unwrap(), iteration).await;
        let book = std::mem::take(&mut *book.0.lock().unwrap());
        (walked, book)
    }
}

/// The trusted device keeps what it was given.
pub(crate) fn keep(identity: &mut Identity, trust: Option<String>) {
    if let (Some(device), Some(token)) = (&mut identity.trusted, trust) {
        device.trust_token = Some(token);
    }
}

fn email_of(account: u64) -> String {
    format!("person-{account}@example.com")
}
