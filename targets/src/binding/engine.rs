//! The target that a binding makes: operations in, walked steps out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use specs::{Capability, Channel, Parameters};
use tokio::sync::{Mutex, OnceCell};

use super::format::Switch;
use super::names;
use super::plan::{Act, Binding, Place};
use super::steps::{Stand, Walk, deciding};
use crate::answer::{Answer, ChallengeFacts, Facts, Outcome};
use crate::clock::{ClockMode, WaitingClock};
use crate::delivery_log::DeliveryLog;
use crate::device::{CredentialKind, Device};
use crate::http::HttpClient;
use crate::operation::{Operation, OperationKind};
use crate::request::{RawRequest, RequestMutation};
use crate::target::{Target, TargetError};
use crate::transcript::Exchange;
use crate::wrong_code;

/// An implementation spoken to by a binding.
pub struct BoundTarget {
    binding: Binding,
    origin: String,
    deliveries: DeliveryLog,
    wire: HttpClient,
    run: String,
    waiting: WaitingClock,
    // Set up at the first step that needs one; the lock is held for that step, since an actor is one client.
    actors: BTreeMap<String, OnceCell<Arc<Mutex<Device>>>>,
}

impl BoundTarget {
    /// The implementation at `origin`, whose deliveries go to `delivery_log`.
    pub fn new(binding: Binding, origin: impl Into<String>, deliveries: DeliveryLog, wire: HttpClient) -> Self {
        Self {
            actors: binding.actors.keys().map(|name| (name.clone(), OnceCell::new())).collect(),
            waiting: WaitingClock::new(match binding.clock {
                ClockMode::Waiting { budget } => budget,
                ClockMode::Controlled | ClockMode::None => Duration::ZERO,
            }),
            binding,
            origin: origin.into(),
            deliveries,
            wire,
            run: format!("{:08x}", rand::random::<u32>()),
        }
    }

    /// The binding.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    pub(super) fn wire(&self) -> &HttpClient {
        &self.wire
    }

    pub(super) fn run(&self) -> &str {
        &self.run
    }

    pub(super) fn trimmed_origin(&self) -> &str {
        self.origin.trim_end_matches('/')
    }

    pub(super) async fn actor(&self, name: &str) -> Result<Arc<Mutex<Device>>, TargetError> {
        let unknown = || TargetError::Binding {
            operation: name.to_owned(),
            reason: "no such actor".to_owned(),
        };
        let cell = self.actors.get(name).ok_or_else(unknown)?;
        let made = cell.get_or_try_init(|| async {
            let mut device = Device::new(name, format!("{name}-{}", self.run));
            let steps = self.binding.actors.get(name).ok_or_else(unknown)?;
            let mut walk = self.walk(&Operation::WhoAmI {}, &[]);
            let stand = Box::pin(walk.steps(steps, &mut device, Stand::START)).await?;
            let answer = walk.answer(stand);
            if !answer.accepted() {
                return Err(TargetError::Binding {
                    operation: name.to_owned(),
                    reason: format!("the actor could not be set up: {:?}", answer.outcome),
                });
            }
            Ok(Arc::new(Mutex::new(device)))
        });
        made.await.cloned()
    }

    fn walk(&self, operation: &Operation, mutations: &[RequestMutation]) -> Walk<'_> {
        let mut arguments = arguments(operation);
        let (mut dropped, mut http_mutations) = (BTreeSet::new(), Vec::new());
        for mutation in mutations {
            match mutation {
                RequestMutation::SetField(name, value) if names::arguments(operation.kind()).contains(&name.as_str()) => {
                    arguments.insert(name.clone(), value.clone());
                }
                RequestMutation::DropField(name) if names::arguments(operation.kind()).contains(&name.as_str()) => {
                    dropped.insert(name.clone());
                }
                RequestMutation::RepeatVersion(version) => {
                    let header = self.binding.version_header().map(str::to_owned);
                    http_mutations.extend(header.map(|name| RequestMutation::AddHeader(name, version.clone())));
                }
                other => http_mutations.push(other.clone()),
            }
        }
        Walk {
            target: self,
            operation: operation.kind(),
            arguments,
            dropped,
            mutations: http_mutations,
            cursor: self.deliveries.cursor(),
            facts: Facts::default(),
            exchanges: Vec::new(),
        }
    }

    /// What holds after an operation, whichever way it was sent.
    fn finish(&self, walk: Walk<'_>, stand: Stand, device: &mut Device, trust_before: Option<&str>) -> Answer {
        let mut answer = walk.answer(stand);
        let trust = self.credential(device, CredentialKind::Trust);
        answer.facts.trust_granted = trust.is_some() && trust.as_deref() != trust_before;
        if answer.outcome == Outcome::Challenged {
            let challenge = answer.facts.challenge.get_or_insert_with(ChallengeFacts::default);
            challenge.method = challenge.method.or_else(|| self.only_method());
        }
        if answer.operation == OperationKind::SignOut
            && answer.accepted()
            && let Some(keep) = &self.binding.keep
        {
            let kept = |name: &str| keep.cookies.iter().any(|pattern| pattern.is_match(name));
            let gone: Vec<String> = device
                .jar
                .iter()
                .map(|(name, _)| name.to_owned())
                .filter(|n| !kept(n))
                .collect();
            gone.iter().for_each(|name| device.jar.remove(name));
            device.variables.retain(|name, _| keep.variables.contains(name));
        }
        answer
    }

    fn only_method(&self) -> Option<Channel> {
        match (self.has(Capability::Push), self.has(Capability::Email)) {
            (false, true) => Some(Channel::Email),
            (true, false) => Some(Channel::Push),
            _ => None,
        }
    }

    /// Leaves the target the time it has declared to need.
    async fn settle(&self, answer: &Answer) {
        let facts = &self.binding.facts;
        let ms = match (answer.operation, answer.accepted()) {
            (OperationKind::Verify, false) => facts.pause_after_wrong_ms,
            (_, true) => facts.settle_ms,
            _ => 0,
        };
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    }

    fn steps(&self, kind: OperationKind) -> Result<&[super::plan::Step], TargetError> {
        let steps = self.binding.operations.get(&kind);
        steps.map(Vec::as_slice).ok_or(TargetError::NotOffered(kind))
    }
}

#[async_trait]
impl Target for BoundTarget {
    fn name(&self) -> &str {
        &self.binding.name
    }

    fn origin(&self) -> &str {
        &self.origin
    }

    fn parameters(&self) -> &Parameters {
        &self.binding.parameters
    }

    fn offers(&self, operation: OperationKind) -> bool {
        self.binding.offers(operation)
    }

    fn has(&self, capability: Capability) -> bool {
        self.binding.capabilities.contains(&capability)
    }

    fn two_step_by_default(&self) -> bool {
        self.binding.facts.two_step_by_default == Switch::On
    }

    fn delivery_patience(&self) -> Duration {
        self.binding.mail_patience()
    }

    fn deliveries(&self) -> &DeliveryLog {
        &self.deliveries
    }

    fn clock(&self) -> ClockMode {
        self.binding.clock.clone()
    }

    async fn advance(&self, by: Duration) -> Result<(), TargetError> {
        match self.binding.clock {
            ClockMode::Waiting { .. } => self.waiting.pass(by).await,
            _ => Err(TargetError::Clock("the binding declares no clock".to_owned())),
        }
    }

    async fn perform_with(
        &self,
        device: &mut Device,
        operation: Operation,
        mutations: &[RequestMutation],
    ) -> Result<Answer, TargetError> {
        let steps = self.steps(operation.kind())?;
        let trust = self.credential(device, CredentialKind::Trust);
        let mut walk = self.walk(&operation, mutations);
        let stand = walk.steps(steps, device, Stand::START).await?;
        let answer = self.finish(walk, stand, device, trust.as_deref());
        self.settle(&answer).await;
        Ok(answer)
    }

    async fn race(&self, device: &Device, operation: Operation, times: usize) -> Result<Vec<(Answer, Device)>, TargetError> {
        let steps = self.steps(operation.kind())?;
        let trust = self.credential(device, CredentialKind::Trust);
        let mut walk = self.walk(&operation, &[]);
        let no_request = || walk_error(&operation, "no step of it is a request, so it cannot be sent in parallel");
        let at = deciding(steps).ok_or_else(no_request)?;
        let (Some(step), Some(rest)) = (steps.get(at), steps.get(at + 1..)) else {
            return Err(no_request());
        };
        let Act::Request(request) = &step.act else {
            return Err(no_request());
        };
        let mut frozen = device.clone();
        let stand = walk.steps(&steps[..at], &mut frozen, Stand::START).await?;
        if stand.ended {
            let answer = self.finish(walk, stand, &mut frozen, trust.as_deref());
            return Ok(vec![(answer, frozen); times]);
        }
        let prepared = walk.builder(request, &frozen)?.build(&frozen, &[]);
        let mut answers = Vec::with_capacity(times);
        for sent in self.wire.last_byte_sync(&frozen, &prepared, times).await? {
            let exchange = sent?;
            let (mut own, mut walk) = (frozen.clone(), walk.clone());
            crate::http::keep_cookies(&mut own, &exchange);
            let stand = walk.after(step, exchange, &mut own)?;
            let stand = walk.steps(rest, &mut own, stand).await?;
            answers.push((self.finish(walk, stand, &mut own, trust.as_deref()), own));
        }
        Ok(answers)
    }

    async fn raw(&self, device: &Device, request: RawRequest) -> Result<Exchange, TargetError> {
        let exchange = self.wire.raw(device, &self.origin, request).await?;
        Ok(Arc::unwrap_or_clone(exchange))
    }

    fn credential(&self, device: &Device, kind: CredentialKind) -> Option<String> {
        match self.binding.credentials.get(&kind)? {
            Place::Cookie(name) => device.jar.get(name).map(str::to_owned),
            Place::Variable(name) => device.variables.get(name).cloned(),
        }
    }

    fn set_credential(&self, device: &mut Device, kind: CredentialKind, value: Option<String>) {
        match (self.binding.credentials.get(&kind), value) {
            (Some(Place::Cookie(name)), Some(value)) => device.jar.set(name, &value),
            (Some(Place::Cookie(name)), None) => device.jar.remove(name),
            (Some(Place::Variable(name)), Some(value)) => drop(device.variables.insert(name.clone(), value)),
            (Some(Place::Variable(name)), None) => drop(device.variables.remove(name)),
            (None, _) => {}
        }
    }

    fn wrong_code(&self, right: &str, nth: u32) -> String {
        wrong_code(right, nth)
    }
}

fn walk_error(operation: &Operation, reason: &str) -> TargetError {
    TargetError::Binding {
        operation: operation.kind().name().to_owned(),
        reason: reason.to_owned(),
    }
}

/// The arguments of the operation, by the names of templates. Devices ask to be remembered unless a mutation says not to.
fn arguments(operation: &Operation) -> BTreeMap<String, Value> {
    let trust = names::asks_for_trust(operation.kind()).then(|| (names::TRUST, true.into()));
    let all = operation.arguments().into_iter().chain(trust);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}
