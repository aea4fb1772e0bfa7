//! Walking the steps of one operation: fill the templates, send, read the answer, keep what it gave, go on or end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::engine::BoundTarget;
use super::format_step::MailWhat;
use super::plan::{Act, BodyPlan, JsonPlan, Request, Step};
use super::template::{Lookup, Unfilled};
use super::{extract, matcher};
use crate::answer::{Answer, Facts, Outcome};
use crate::delivery_log::{Cursor, Message};
use crate::device::Device;
use crate::operation::OperationKind;
use crate::request::RequestMutation;
use crate::request::{Body, RequestBuilder};
use crate::target::{Target, TargetError};
use crate::transcript::Exchange;

/// One operation under way. Cloned where parallel answers each go on by themselves.
#[derive(Clone)]
pub(super) struct Walk<'t> {
    pub(super) target: &'t BoundTarget,
    pub(super) operation: OperationKind,
    pub(super) arguments: BTreeMap<String, Value>,
    /// Arguments that a departure took away: fields that name one are left out.
    pub(super) dropped: BTreeSet<String>,
    pub(super) mutations: Vec<RequestMutation>,
    pub(super) cursor: Cursor,
    pub(super) facts: Facts,
    pub(super) exchanges: Vec<Arc<Exchange>>,
}

/// Where a walk stands after a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    pub(super) outcome: Outcome,
    pub(super) ended: bool,
}

impl Stand {
    pub(super) const START: Stand = Stand {
        outcome: Outcome::Done,
        ended: false,
    };
}

impl<'t> Walk<'t> {
    /// Takes these steps in order until one ends the operation.
    pub(super) async fn steps(&mut self, steps: &[Step], device: &mut Device, from: Stand) -> Result<Stand, TargetError> {
        let deciding = deciding(steps);
        let mut stand = from;
        for (index, step) in steps.iter().enumerate() {
            if stand.ended {
                break;
            }
            if self.left_aside(step, device) {
                continue;
            }
            stand = match &step.actor {
                None => self.step(step, device, deciding == Some(index), stand).await?,
                Some(actor) => {
                    let shared = self.target.actor(actor).await?;
                    let mut owner = shared.lock().await;
                    let stand = self.step(step, &mut owner, false, stand).await?;
                    for name in &step.share {
                        if let Some(value) = owner.variables.get(name) {
                            device.variables.insert(name.clone(), value.clone());
                        }
                    }
                    stand
                }
            };
        }
        Ok(stand)
    }

    fn left_aside(&self, step: &Step, device: &Device) -> bool {
        let known = step.unless.as_ref().is_some_and(|name| device.variables.contains_key(name));
        known || step.when.iter().any(|(name, value)| self.arguments.get(name) != Some(value))
    }

    async fn step(&mut self, step: &Step, device: &mut Device, deciding: bool, before: Stand) -> Result<Stand, TargetError> {
        match &step.act {
            Act::Request(request) => {
                let builder = self.builder(request, device)?;
                let mutations = if deciding {
                    std::mem::take(&mut self.mutations)
                } else {
                    Vec::new()
                };
                let exchange = self.target.wire().exchange(device, builder, &mutations).await?;
                self.after(step, exchange, device)
            }
            Act::Call(callee) => {
                let steps = self.target.binding().steps(callee);
                let stand = Box::pin(self.steps(steps, device, Stand::START)).await?;
                // The called operation has ended; this one goes on as long as it went well.
                Ok(Stand {
                    outcome: stand.outcome,
                    ended: !accepted(stand.outcome),
                })
            }
            Act::Mail { to, into, what } => {
                let to = to.text(&self.lookup(device)).map_err(|why| self.wrong(&why.to_string()))?;
                let found = self.mail(&to, *what).await?;
                device.variables.insert(into.clone(), found);
                Ok(before)
            }
        }
    }

    /// What the answer means and gives.
    pub(super) fn after(&mut self, step: &Step, exchange: Arc<Exchange>, device: &mut Device) -> Result<Stand, TargetError> {
        let (outcome, ended) = matcher::read(&step.readings, &exchange);
        for capture in self.target.binding().take.iter().chain(&step.take) {
            let found = extract::take(capture, &exchange, device);
            if !found && capture.required && accepted(outcome) {
                return Err(self.wrong(&format!(
                    "the answer to {} {} was read as {outcome:?}, but `{}` is not in it",
                    exchange.method, exchange.url, capture.name
                )));
            }
        }
        if accepted(outcome) {
            extract::facts(step, &exchange, device, &mut self.facts);
            step.forget.iter().for_each(|name| drop(device.variables.remove(name)));
        }
        self.exchanges.push(exchange);
        Ok(Stand { outcome, ended })
    }

    /// The request of a step, filled for this device.
    pub(super) fn builder(&self, request: &Request, device: &Device) -> Result<RequestBuilder, TargetError> {
        let lookup = self.lookup(device);
        let wrong = |why: Unfilled| self.wrong(&format!("{} request: {why}", request.method));
        let path = request.path.text_with(&lookup, encode).map_err(wrong)?;
        let target = self.target;
        let url = format!("{}{}{path}", target.trimmed_origin(), target.binding().base);
        let mut builder = RequestBuilder::new(self.operation, &request.method, url);
        let own = |name: &str| request.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        let general = target.binding().headers.iter().filter(|(name, _)| !own(name));
        for (name, template) in general.chain(&request.headers) {
            if let Some(value) = self.left_out(template.text(&lookup)).map_err(wrong)? {
                builder = builder.header(name, value);
            }
        }
        builder.body = match &request.body {
            BodyPlan::Empty => Body::Empty,
            BodyPlan::Json(plan) => self.json(plan, &lookup).map_err(wrong)?.map_or(Body::Empty, Body::Json),
            BodyPlan::Form(fields) => {
                let mut filled = Vec::new();
                for (name, template) in fields {
                    if let Some(value) = self.left_out(template.text(&lookup)).map_err(wrong)? {
                        filled.push((name.clone(), value));
                    }
                }
                Body::Form(filled)
            }
        };
        Ok(builder)
    }

    fn json(&self, plan: &JsonPlan, lookup: &dyn Lookup) -> Result<Option<Value>, Unfilled> {
        Ok(match plan {
            JsonPlan::Fixed(value) => Some(value.clone()),
            JsonPlan::Text(template) => self.left_out(template.value(lookup))?,
            JsonPlan::List(items) => {
                let filled = items.iter().filter_map(|item| self.json(item, lookup).transpose());
                Some(Value::Array(filled.collect::<Result<_, _>>()?))
            }
            JsonPlan::Object(fields) => {
                let filled = fields
                    .iter()
                    .filter_map(|(name, plan)| Some(self.json(plan, lookup).transpose()?.map(|value| (name.clone(), value))));
                Some(Value::Object(filled.collect::<Result<_, _>>()?))
            }
        })
    }

    fn left_out<T>(&self, filled: Result<T, Unfilled>) -> Result<Option<T>, Unfilled> {
        match filled {
            Ok(value) => Ok(Some(value)),
            Err(Unfilled::LeftOut) => Ok(None),
            Err(Unfilled::Unset(name)) if self.dropped.contains(&name) => Ok(None),
            Err(unset) => Err(unset),
        }
    }

    async fn mail(&self, to: &str, what: MailWhat) -> Result<String, TargetError> {
        let found = |message: &Message| match what {
            MailWhat::Code => message.code.clone(),
            MailWhat::Reset => message.reset_token.clone(),
        };
        let within = self.target.binding().mail_patience();
        let wanted = |message: &Message| message.to.eq_ignore_ascii_case(to) && found(message).is_some();
        let message = self.target.deliveries().wait(self.cursor, within, wanted).await;
        message.as_ref().and_then(found).ok_or_else(|| {
            self.wrong(&format!(
                "no message to {to} in which `[mail]` finds it, within {} s",
                within.as_secs()
            ))
        })
    }

    fn lookup<'d>(&'d self, device: &'d Device) -> Env<'d> {
        Env {
            arguments: &self.arguments,
            dropped: &self.dropped,
            device,
            target: self.target,
        }
    }

    pub(super) fn wrong(&self, reason: &str) -> TargetError {
        TargetError::Binding {
            operation: self.operation.name().to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// What the operation brought back.
    pub(super) fn answer(self, stand: Stand) -> Answer {
        Answer {
            operation: self.operation,
            outcome: stand.outcome,
            facts: self.facts,
            exchanges: self.exchanges,
        }
    }
}

/// The step that departures and parallel sends are about.
pub(super) fn deciding(steps: &[Step]) -> Option<usize> {
    let requests = |step: &Step| step.actor.is_none() && matches!(step.act, Act::Request(_));
    steps
        .iter()
        .position(|step| step.deciding)
        .or_else(|| steps.iter().position(requests))
}

fn accepted(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::SignedIn | Outcome::Challenged | Outcome::Done)
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Arguments first, then what the device was told to keep, then what it is.
struct Env<'d> {
    arguments: &'d BTreeMap<String, Value>,
    dropped: &'d BTreeSet<String>,
    device: &'d Device,
    target: &'d BoundTarget,
}

impl Lookup for Env<'_> {
    fn variable(&self, name: &str) -> Option<Value> {
        if self.dropped.contains(name) {
            return None;
        }
        if let Some(value) = self.arguments.get(name) {
            return Some(value.clone());
        }
        if let Some(value) = self.device.variables.get(name) {
            return Some(Value::from(value.as_str()));
        }
        let text = |text: &str| Some(Value::from(text));
        match name {
            "origin" => text(self.target.trimmed_origin()),
            "host" => self.target.trimmed_origin().split("//").nth(1).and_then(text),
            "run" => text(self.target.run()),
            "device_name" => text(&self.device.name),
            "installation" => text(&self.device.installation),
            "user_agent" => text(&self.device.user_agent),
            "push_token" => self.device.push_token.as_deref().and_then(text),
            "app_version" => self.device.app_version.as_deref().and_then(text),
            "source" => self.device.source.map(|address| Value::from(address.to_string())),
            _ => None,
        }
    }

    fn cookie(&self, name: &str) -> Option<String> {
        self.device.jar.get(name).map(str::to_owned)
    }
}
