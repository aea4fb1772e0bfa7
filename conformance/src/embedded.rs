//! The reference server inside the process: a fresh one for every check, on free loopback ports, with a clock and fakes of its
//! own, so that checks run side by side without touching each other. The clock stands still unless it is moved: however long the
//! machine stalls, no limit passes that a check did not mean to pass.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use reference_server::adapters::mailer::{EmailTarget, ProviderMailer, PushTarget, Templates};
use reference_server::parts::ManualClock;
use reference_server::{ConnectionLimits, Parts, Service, Settings};
use specs::Parameters;
use targets::fakes::{FakeAddresses, Fakes, Faults};
use targets::native::{Native, NativeOptions};
use targets::process;
use targets::{
    Answer, Capability, ClockMode, CredentialKind, DeliveryLog, Device, Exchange, Operation, OperationKind, RawRequest,
    RequestMutation, Target, TargetError,
};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::provider::Variant;

/// Files that one server needs at its busiest, with its providers and both ends of every connection.
const FILES_EACH: u64 = 48;

/// Files that the process needs besides: the record, the runtime, the terminal.
const FILES_BESIDES: u64 = 48;

/// Open files are the process's, whoever starts servers in it: as many run at once as can be had, and further ones wait.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let places = process::raise_open_files().map_or(u64::MAX, |files| files.saturating_sub(FILES_BESIDES) / FILES_EACH);
    let places = usize::try_from(places.max(1)).unwrap_or(usize::MAX);
    Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)))
});

/// A running reference server as a target. It stops when this is dropped.
pub struct Embedded {
    native: Native,
    clock: Arc<ManualClock>,
    // Its providers, which stop with it.
    _fakes: Fakes,
    _stop: oneshot::Sender<()>,
    _place: OwnedSemaphorePermit,
}

impl Embedded {
    /// Starts a reference server, or this variant of it.
    pub async fn start(variant: Option<Variant>) -> Result<Self, TargetError> {
        let place = Arc::clone(&PLACES)
            .acquire_owned()
            .await
            .map_err(|error| cannot_start(&error))?;
        let settings = Settings::default();
        let fakes = Fakes::start(FakeAddresses::default(), Native::patterns())
            .await
            .map_err(|error| cannot_start(&error))?;
        let clock = Arc::new(ManualClock::default());
        clock.freeze(true);
        let parts = Parts::for_tests(Arc::clone(&clock), Arc::new(mailer(&fakes, &settings)?));
        let parts = match variant {
            Some(variant) => (variant.change)(parts),
            None => parts,
        };
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|error| cannot_start(&error))?;
        let address = listener.local_addr().map_err(|error| cannot_start(&error))?;
        let service = Service::new(parts, settings);
        let (stop, stopped) = oneshot::channel::<()>();
        let limits = ConnectionLimits {
            drain: Duration::ZERO,
            ..ConnectionLimits::default()
        };
        tokio::spawn(reference_server::serve(listener, service, limits, async {
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
            _place: place,
        })
    }
}

/// The server's own mailer, delivering to these fakes. It gives up before the declared time to answer is over.
fn mailer(fakes: &Fakes, settings: &Settings) -> Result<ProviderMailer, TargetError> {
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
    fn name(&self) -> &str {
        self.native.name()
    }

    fn origin(&self) -> &str {
        self.native.origin()
    }

    fn parameters(&self) -> &Parameters {
        self.native.parameters()
    }

    fn offers(&self, operation: OperationKind) -> bool {
        self.native.offers(operation)
    }

    fn has(&self, capability: Capability) -> bool {
        self.native.has(capability)
    }

    fn deliveries(&self) -> &DeliveryLog {
        self.native.deliveries()
    }

    fn faults(&self) -> Option<&Faults> {
        self.native.faults()
    }

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

    fn credential(&self, device: &Device, kind: CredentialKind) -> Option<String> {
        self.native.credential(device, kind)
    }

    fn set_credential(&self, device: &mut Device, kind: CredentialKind, value: Option<String>) {
        self.native.set_credential(device, kind, value);
    }

    fn wrong_code(&self, right: &str, nth: u32) -> String {
        self.native.wrong_code(right, nth)
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
