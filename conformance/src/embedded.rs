//! The reference server inside the process: a fresh one for every check, on free loopback ports, with a clock and fakes of its
//! own, so that checks run side by side without touching each other. The clock stands still unless it is moved: however long the
//! machine stalls, no limit passes that a check did not mean to pass.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use reference_server::adapters::mailer::{EmailTarget, ProviderMailer, PushTarget, Templates};
use reference_server::ports::ManualClock;
use reference_server::{Composition, Config, ConnectionLimits, Deps};
use targets::fakes::{FakeAddresses, Fakes};
use targets::native::{Native, NativeOptions};
use targets::process;
use targets::{Answer, ClockMode, Device, Exchange, Operation, RawRequest, RequestMutation, Target, TargetError};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Files that one server needs at its busiest, with its providers and both ends of every connection.
const FILES_PER_SERVER: u64 = 48;

/// Files that the process needs besides: the record, the runtime, the terminal.
const FILES_RESERVED: u64 = 48;

/// Open files are the process's, whoever starts servers in it: as many run at once as can be had, and further ones wait.
static SERVER_SLOTS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let slots = process::raise_open_files().map_or(u64::MAX, |files| files.saturating_sub(FILES_RESERVED) / FILES_PER_SERVER);
    let slots = usize::try_from(slots.max(1)).unwrap_or(usize::MAX);
    Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS)))
});

/// A reference server with a part replaced, such as a mutant.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    pub name: &'static str,
    /// Replaces the part, before the server starts.
    pub change: fn(&mut Composition),
}

/// A running reference server as a target. It stops when this is dropped.
pub struct Embedded {
    native: Native,
    clock: Arc<ManualClock>,
    // Its providers, which stop with it.
    _fakes: Fakes,
    _stop: oneshot::Sender<()>,
    _slot: OwnedSemaphorePermit,
}

impl Embedded {
    /// Starts a reference server, or this variant of it.
    pub async fn start(variant: Option<Variant>) -> Result<Self, TargetError> {
        let slot = Arc::clone(&SERVER_SLOTS)
            .acquire_owned()
            .await
            .map_err(|error| cannot_start(&error))?;
        let settings = Config::default();
        let fakes = Fakes::start(FakeAddresses::default(), Native::patterns())
            .await
            .map_err(|error| cannot_start(&error))?;
        let clock = Arc::new(ManualClock::default());
        clock.freeze(true);
        let mailer = Arc::new(mailer(&fakes, &settings)?);
        let mut server = Composition::from(Deps::for_tests(Arc::clone(&clock), mailer));
        if let Some(variant) = variant {
            (variant.change)(&mut server);
        }
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|error| cannot_start(&error))?;
        let address = listener.local_addr().map_err(|error| cannot_start(&error))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let limits = ConnectionLimits {
            drain: Duration::ZERO,
            ..ConnectionLimits::default()
        };
        tokio::spawn(reference_server::serve(listener, server.router(settings), limits, async {
            // Either word of the sender's, being dropped included, means stop.
            let _ = stopped.await;
        }));
        let mut options = NativeOptions::new(format!("http://{address}"), fakes.deliveries.clone());
        options.faults = Some(fakes.faults.clone());
        Ok(Self {
            native: Native::open(options)?,
            clock,
            _fakes: fakes,
            _stop: stop,
            _slot: slot,
        })
    }
}

/// The server's own mailer, delivering to these fakes. It gives up before the declared time to answer is over.
fn mailer(fakes: &Fakes, settings: &Config) -> Result<ProviderMailer, TargetError> {
    let within = Duration::from_secs(settings.delivery_answer_s).mul_f64(0.8);
    let mailer = ProviderMailer::new(Templates::new(&settings.service_name), within);
    let email = fakes.smtp.url().parse::<EmailTarget>();
    let push = fakes.fcm.url().parse::<PushTarget>();
    let (email, push) = email
        .and_then(|email| Ok((email, push?)))
        .map_err(|fault| cannot_start(&fault))?;
    mailer
        .set_targets(Some(&email), Some(&push))
        .map_err(|fault| cannot_start(&fault))?;
    Ok(mailer)
}

fn cannot_start(error: &dyn std::error::Error) -> TargetError {
    TargetError::Unreachable {
        operation: "start".to_owned(),
        url: "127.0.0.1".to_owned(),
        reason: error.to_string(),
    }
}

#[async_trait]
impl Target for Embedded {
    forward_target!(native);

    fn clock(&self) -> ClockMode {
        ClockMode::Controlled
    }

    async fn advance(&self, by: Duration) -> Result<(), TargetError> {
        self.clock.advance_ms(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
        Ok(())
    }

    async fn perform_with(
        &self,
        device: &mut Device,
        operation: Operation,
        mutations: &[RequestMutation],
    ) -> Result<Answer, TargetError> {
        self.native.perform_with(device, operation, mutations).await
    }

    async fn race(&self, device: &Device, operation: Operation, times: usize) -> Result<Vec<(Answer, Device)>, TargetError> {
        self.native.race(device, operation, times).await
    }

    async fn raw(&self, device: &Device, request: RawRequest) -> Result<Exchange, TargetError> {
        self.native.raw(device, request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Addresses, Context};

    /// Real time passes here on purpose: it is what must not count.
    #[tokio::test]
    async fn a_stall_of_the_machine_passes_no_limit() {
        let target = Arc::new(Embedded::start(None).await.unwrap());
        let mut cx = Context::new(target, [3; 32], Addresses::default());
        let account = cx.account().await.unwrap();
        let mut device = cx.device("new phone");
        let pending = cx.challenged(&mut device, &account).await.unwrap();
        let lifetime = Duration::from_secs(cx.parameters().code_ttl_s);
        cx.advance(lifetime - Duration::from_secs(1)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1200)).await;
        let code = pending.code;
        assert!(cx.perform(&mut device, Operation::Verify { code }).await.unwrap().accepted());
    }
}
