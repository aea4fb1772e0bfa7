//! The reference server inside this process, on a runtime of its own: its threads have a name by which their processor time can
//! be told from the generator's.

use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use reference_server::adapters::admin::{self, Admin, Seed};
use reference_server::adapters::mailer::{Mailbox, ProviderMailer, Templates};
use reference_server::ports::{Argon2id, ManualClock};
use reference_server::{Composition, ConnectionLimits, Deps, Service, serve};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::options::{Addresses, Hash, Options};
use super::{BATCH, ServerFault};

/// The name of its threads: as long as Linux lets one be.
pub const THREADS_NAMED: &str = "embedded-server";

/// A running server. It stops when this is dropped.
pub struct Embedded {
    addresses: Addresses,
    service: Service,
    stop: watch::Sender<bool>,
    // Taken when it is dropped, which a runtime may not be where others run.
    runtime: Option<Runtime>,
}

impl Embedded {
    /// Starts one.
    pub fn start(options: &Options) -> Result<Self, ServerFault> {
        let meant = options.meant()?;
        let (api, address) = listen(options.port)?;
        let (controls, control_address) = listen(0)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.threads.max(1))
            .thread_name(THREADS_NAMED)
            .enable_all()
            .build()
            .map_err(|error| ServerFault::Start(error.to_string()))?;
        let within = Duration::from_secs(meant.settings.delivery_answer_s).mul_f64(0.8);
        let mailer = ProviderMailer::new(Templates::new(&meant.settings.service_name), within);
        let unread = Mailbox::default();
        mailer.keep_email(unread.clone());
        mailer.keep_push(unread);
        mailer.set_targets(meant.email.as_ref(), meant.push.as_ref())?;
        // It runs with the system's time as long as nobody asks the admin API to move it, and no storm does.
        let clock = Arc::new(ManualClock::default());
        let mut deps = Deps::standard(Arc::new(mailer.clone()));
        deps.clock = clock.clone();
        if options.hash == Hash::Light {
            deps.passwords = Arc::new(Argon2id::light());
        }
        let mut server = Composition::from(deps);
        if let Some(mutant) = meant.mutant {
            (mutant.change)(&mut server);
        }
        let router = server.router(meant.settings);
        let service = router.service().clone();
        let (stop, stopped) = watch::channel(false);
        let limits = ConnectionLimits {
            connections: options.connections,
            // A storm's devices share the address of the generator.
            per_source: options.connections,
            drain: Duration::ZERO,
            ..ConnectionLimits::default()
        };
        let _inside = runtime.enter();
        let taken = |error: std::io::Error| ServerFault::Start(error.to_string());
        let api = TcpListener::from_std(api).map_err(taken)?;
        let controls = TcpListener::from_std(controls).map_err(taken)?;
        runtime.spawn(serve(api, router, limits, until(stopped.clone())));
        let administered = Admin {
            service: service.clone(),
            clock,
            mailer,
            mailbox: None,
        };
        runtime.spawn(admin::serve(controls, administered, until(stopped)));
        Ok(Self {
            addresses: Addresses {
                api: format!("http://{address}"),
                control: format!("http://{control_address}"),
                pid: std::process::id(),
            },
            service,
            stop,
            runtime: Some(runtime),
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Prepares these accounts; how many.
    pub async fn seed(&self, seeds: impl IntoIterator<Item = Seed>) -> Result<u64, ServerFault> {
        let mut seeds = seeds.into_iter();
        let mut created = 0;
        loop {
            let batch: Vec<Seed> = seeds.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(created);
            }
            let seeded = admin::seed(&self.service, batch).await;
            created += seeded.map_err(|problem| ServerFault::Seed(format!("{problem:?}")))? as u64;
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A listener on the loopback that a runtime can take, and its address.
fn listen(port: u16) -> Result<(StdListener, std::net::SocketAddr), ServerFault> {
    let bound = || {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound().map_err(|error| ServerFault::Listen { port, error })
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // The sender's being gone means stop as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
