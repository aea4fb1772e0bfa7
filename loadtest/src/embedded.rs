//! The service under load: the reference server inside the process, on a free loopback port, delivering by SMTP to a sink
//! beside it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use reference_server::courier::{EmailTarget, Router, Wording};
use reference_server::parts::ManualClock;
use reference_server::service::Seed;
use reference_server::{ConnectionLimits, Parts, Service, Settings};
use targets::fakes::{FakeAddresses, Fakes};
use targets::native::NativeOptions;
use targets::{Limits, Native};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Everybody's password: hashed once, however many accounts there are.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// How long one exchange may take.
const EXCHANGE_WITHIN: Duration = Duration::from_secs(20);

/// How passwords are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Hash {
    /// Next to nothing, so that everything else is what is measured.
    Light,
    /// As in production: 19 MiB and two passes a sign-in.
    Owasp,
}

/// A running server. It stops when this is dropped.
pub(crate) struct Embedded {
    /// The way to it.
    pub(crate) target: Arc<Native>,
    _fakes: Fakes,
    _stop: oneshot::Sender<()>,
}

/// The address of an account.
pub(crate) fn email(account: usize) -> String {
    format!("storm-{account}@example.com")
}

impl Embedded {
    /// Starts one with this many accounts.
    pub(crate) async fn start(accounts: usize, hash: Hash) -> anyhow::Result<Self> {
        let settings = Settings::default();
        let fakes = Fakes::start(FakeAddresses::default(), Native::patterns())
            .await
            .context("the mail sink cannot start")?;
        let courier = Router::new(
            Wording::new(&settings.service_name),
            Duration::from_secs(settings.delivery_answer_s).mul_f64(0.8),
        );
        let mail: EmailTarget = fakes.smtp.url().parse()?;
        courier.set_targets(Some(&mail), None)?;
        let parts = match hash {
            Hash::Light => Parts::for_tests(Arc::new(ManualClock::default()), Arc::new(courier)),
            Hash::Owasp => Parts::standard(Arc::new(courier)),
        };
        let service = Service::new(parts, settings);
        let seeds = (0..accounts).map(|account| Seed {
            email: email(account),
            password: PASSWORD.to_owned(),
            two_step: true,
            device: None,
        });
        if let Err(problem) = service.seed(seeds.collect()).await {
            bail!("the accounts cannot be created: {problem:?}");
        }
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("no free port on the loopback")?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let limits = ConnectionLimits {
            drain: Duration::ZERO,
            ..ConnectionLimits::default()
        };
        tokio::spawn(reference_server::serve(listener, service, limits, async {
            // Either word of the sender's, being dropped included, means stop.
            let _ = stopped.await;
        }));
        let mut options = NativeOptions::new(format!("http://{address}"), fakes.ledger.clone());
        options.limits = Limits {
            within: EXCHANGE_WITHIN,
            ..Limits::default()
        };
        Ok(Self {
            target: Arc::new(Native::open(options)?),
            _fakes: fakes,
            _stop: stop,
        })
    }
}
