//! Any implementation, through its target: the same operations, at the price of a general exchange.

use std::net::IpAddr;
use std::sync::Arc;

use targets::{Answer, CredentialKind, Device, Operation, Target, TargetError};

use super::{Facts, Phone, Reply, Unanswered};

/// A device's line to a target. The connections are the target's: devices of one source address share them.
pub struct Bound {
    target: Arc<dyn Target>,
    source: Option<IpAddr>,
}

impl Bound {
    pub(super) fn new(target: Arc<dyn Target>, source: Option<IpAddr>) -> Self {
        Self { target, source }
    }

    pub(super) fn wrong_code(&self, right: &str, nth: u32) -> String {
        self.target.wrong_code(right, nth)
    }

    pub(super) async fn perform(&mut self, phone: &mut Phone, operation: Operation) -> Reply {
        let target = &*self.target;
        let mut device = Device::new(phone.name.clone(), phone.installation.clone());
        device.app_version.clone_from(&phone.app_version);
        device.push_token.clone_from(&phone.push_token);
        device.source = self.source;
        device.jar = std::mem::take(&mut phone.jar);
        device.variables = std::mem::take(&mut phone.variables);
        for kind in CredentialKind::ALL {
            let held = held(phone, kind);
            // Only where it differs: the jar may know more about a cookie than its value.
            if target.credential(&device, kind) != *held {
                target.set_credential(&mut device, kind, held.clone());
            }
        }
        let answer = target.perform(&mut device, operation).await;
        for kind in CredentialKind::ALL {
            *held(phone, kind) = target.credential(&device, kind);
        }
        phone.jar = device.jar;
        phone.variables = device.variables;
        match answer {
            Ok(answer) => Reply {
                outcome: Ok(answer.outcome),
                facts: facts(answer),
            },
            Err(TargetError::Unreachable { reason, .. }) => Reply::unanswered(Unanswered::Lost(reason)),
            Err(error) => Reply::unanswered(Unanswered::NotSent(error.to_string())),
        }
    }
}

fn held(phone: &mut Phone, kind: CredentialKind) -> &mut Option<String> {
    match kind {
        CredentialKind::Handle => &mut phone.handle,
        CredentialKind::Access => &mut phone.access,
        CredentialKind::Refresh => &mut phone.refresh,
        CredentialKind::Trust => &mut phone.trust,
    }
}

fn facts(answer: Answer) -> Facts {
    let challenge = answer.facts.challenge.unwrap_or_default();
    let devices = answer.facts.devices.unwrap_or_default();
    Facts {
        challenge_id: challenge.id,
        method: challenge.method,
        methods: challenge.methods,
        device_id: answer.facts.device_id,
        devices: devices
            .into_iter()
            .map(|row| (row.id, row.name.unwrap_or_default()))
            .collect(),
    }
}
