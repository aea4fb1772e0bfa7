//! The reference API, spoken natively.
//!
//! A device's variables are `handle`, `access`, `refresh`, `trust` and `device_id`. Nothing is forgotten when a challenge
//! is completed or a session ended: what a spent credential is still good for is exactly what checks ask.

pub mod outcome;
mod reading;
pub mod request;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use specs::{Capability, Parameters};

use crate::admin::AdminClient;
use crate::answer::Answer;
use crate::clock::{ClockMode, WaitingClock};
use crate::delivery_log::{DeliveryLog, Patterns};
use crate::device::{CredentialKind, Device};
use crate::fakes::Faults;
use crate::http::{HttpClient, Limits, keep_cookies};
use crate::operation::{Operation, OperationKind};
use crate::request::{RawRequest, RequestMutation};
use crate::target::{Target, TargetError};
use crate::transcript::{Exchange, Transcript};
use crate::wrong_code::wrong_code;

/// What is known about a server that speaks the reference API.
#[derive(Clone, Debug)]
pub struct NativeOptions {
    pub name: String,
    /// Its origin, such as `http://127.0.0.1:8080`.
    pub origin: String,
    /// Its admin API, where there is one: then its clock moves on order.
    pub admin: Option<String>,
    /// How much real waiting one run may cost, where there is no admin API; zero for none.
    pub waiting: Duration,
    pub parameters: Parameters,
    pub capabilities: Vec<Capability>,
    pub deliveries: DeliveryLog,
    /// The faults that can be ordered on the fakes it delivers to.
    pub faults: Option<Faults>,
    pub limits: Limits,
}

impl NativeOptions {
    /// The reference server as it comes, at this origin, delivering into this log.
    pub fn new(origin: impl Into<String>, deliveries: DeliveryLog) -> Self {
        Self {
            name: "reference-server".to_owned(),
            origin: origin.into().trim_end_matches('/').to_owned(),
            admin: None,
            waiting: Duration::ZERO,
            parameters: Parameters::default(),
            capabilities: vec![
                Capability::Push,
                Capability::Email,
                Capability::VersionGate,
                Capability::Trust,
                Capability::RefreshCredential,
                Capability::SourceAddresses,
                Capability::Limits,
                Capability::CodePerChallenge,
            ],
            deliveries,
            faults: None,
            limits: Limits::default(),
        }
    }
}

/// A server that speaks the reference API.
pub struct Native {
    options: NativeOptions,
    wire: HttpClient,
    admin: Option<AdminClient>,
    waiting: WaitingClock,
}

impl Native {
    /// A target over these options. Nothing is sent yet.
    pub fn open(options: NativeOptions) -> Result<Self, TargetError> {
        Ok(Self {
            wire: HttpClient::new(options.limits, Transcript::default())?,
            admin: options.admin.as_deref().map(AdminClient::new).transpose()?,
            waiting: WaitingClock::new(options.waiting),
            options,
        })
    }

    /// Where the reference server writes codes and reset tokens.
    pub fn patterns() -> Patterns {
        let pattern = |text| vec![regex::Regex::new(text).expect("a pattern of ours")];
        Patterns {
            code_field: Some("code".to_owned()),
            code: pattern(r"verification code is: (\d+)"),
            reset_token: pattern(r"\bpr_[A-Za-z0-9_-]+"),
        }
    }

    /// Its admin API, where there is one.
    pub fn admin(&self) -> Option<&AdminClient> {
        self.admin.as_ref()
    }

    /// Everything that went to it.
    pub fn transcript(&self) -> &Transcript {
        self.wire.transcript()
    }

    fn judge(&self, device: &mut Device, operation: OperationKind, exchange: Arc<Exchange>) -> Answer {
        let json = exchange.json();
        let read = reading::Recorded {
            exchange: &exchange,
            json: json.as_ref(),
        };
        let mut answer = Answer {
            operation,
            outcome: outcome::outcome(operation, exchange.status, &read),
            facts: Default::default(),
            exchanges: vec![exchange.clone()],
        };
        if let (true, Some(json)) = (answer.accepted(), &json) {
            answer.facts = reading::facts(operation, json);
            keep(device, json);
        }
        answer
    }
}

/// Takes over the credentials that an accepted answer hands out.
fn keep(device: &mut Device, json: &Value) {
    for (path, variable) in [
        ("/challenge/handle", "handle"),
        ("/session/access_token", "access"),
        ("/session/refresh_token", "refresh"),
        ("/trust_token", "trust"),
        ("/device/id", "device_id"),
    ] {
        if let Some(value) = json.pointer(path).and_then(Value::as_str) {
            device.variables.insert(variable.to_owned(), value.to_owned());
        }
    }
}

/// The reference API reads the version from a header.
fn spoken(mutation: RequestMutation) -> RequestMutation {
    match mutation {
        RequestMutation::RepeatVersion(version) => RequestMutation::AddHeader("App-Version".to_owned(), version),
        other => other,
    }
}

#[async_trait]
impl Target for Native {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn origin(&self) -> &str {
        &self.options.origin
    }

    fn parameters(&self) -> &Parameters {
        &self.options.parameters
    }

    fn offers(&self, operation: OperationKind) -> bool {
        match operation {
            OperationKind::RegisterPush | OperationKind::ForgetPush => self.has(Capability::Push),
            OperationKind::Refresh => self.has(Capability::RefreshCredential),
            _ => true,
        }
    }

    fn has(&self, capability: Capability) -> bool {
        let faults = capability == Capability::ProviderFaults && self.options.faults.is_some();
        faults || self.options.capabilities.contains(&capability)
    }

    fn deliveries(&self) -> &DeliveryLog {
        &self.options.deliveries
    }

    fn faults(&self) -> Option<&Faults> {
        self.options.faults.as_ref()
    }

    fn clock(&self) -> ClockMode {
        match (&self.admin, self.options.waiting) {
            (Some(_), _) => ClockMode::Controlled,
            (None, Duration::ZERO) => ClockMode::None,
            (None, _) => self.waiting.mode(),
        }
    }

    async fn advance(&self, by: Duration) -> Result<(), TargetError> {
        match &self.admin {
            Some(admin) => admin.advance(by).await,
            None => self.waiting.pass(by).await,
        }
    }

    async fn perform_with(
        &self,
        device: &mut Device,
        operation: Operation,
        mutations: &[RequestMutation],
    ) -> Result<Answer, TargetError> {
        let builder = request::builder(&self.options.origin, device, &operation);
        let mutations: Vec<RequestMutation> = mutations.iter().cloned().map(spoken).collect();
        let exchange = self.wire.exchange(device, builder, &mutations).await?;
        Ok(self.judge(device, operation.kind(), exchange))
    }

    async fn race(&self, device: &Device, operation: Operation, times: usize) -> Result<Vec<(Answer, Device)>, TargetError> {
        let prepared = request::builder(&self.options.origin, device, &operation).build(device, &[]);
        let endings = self.wire.last_byte_sync(device, &prepared, times).await?;
        let judged = endings.into_iter().map(|ending| {
            let exchange = ending?;
            let mut copy = device.clone();
            keep_cookies(&mut copy, &exchange);
            Ok((self.judge(&mut copy, operation.kind(), exchange), copy))
        });
        judged.collect()
    }

    async fn raw(&self, device: &Device, request: RawRequest) -> Result<Exchange, TargetError> {
        let exchange = self.wire.raw(device, &self.options.origin, request).await?;
        Ok(Arc::unwrap_or_clone(exchange))
    }

    fn credential(&self, device: &Device, kind: CredentialKind) -> Option<String> {
        device.variables.get(kind.name()).cloned()
    }

    fn set_credential(&self, device: &mut Device, kind: CredentialKind, value: Option<String>) {
        match value {
            Some(value) => device.variables.insert(kind.name().to_owned(), value),
            None => device.variables.remove(kind.name()),
        };
    }

    fn wrong_code(&self, right: &str, nth: u32) -> String {
        wrong_code(right, nth)
    }
}
