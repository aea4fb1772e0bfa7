//! Whether a binding is right, before the server is judged: one walk through the flow, and what each operation was read as.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use super::engine::BoundTarget;
use crate::answer::{Answer, Outcome};
use crate::device::Device;
use crate::operation::{Operation, OperationKind};
use crate::target::{Target, TargetError};

/// What was found about one operation.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub operation: String,
    pub health: Health,
    /// What was expected, what came, and what to look at.
    pub told: String,
}

/// How an operation was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// The binding read it as it should have.
    Well,
    /// The binding is wrong, or the server is.
    Ill,
    Unreachable,
    /// Described, but nothing in this walk needs it; or not offered.
    Untried,
}

/// Walks once through the flow: account, sign-in, code, session, sign-out, and the same again from the remembered device.
pub async fn doctor(target: &BoundTarget) -> Vec<Finding> {
    let mut visit = Visit {
        target,
        findings: Vec::new(),
        seen: BTreeSet::new(),
    };
    visit.flow().await;
    visit.rest();
    visit.findings
}

struct Visit<'t> {
    target: &'t BoundTarget,
    findings: Vec<Finding>,
    seen: BTreeSet<OperationKind>,
}

impl Visit<'_> {
    /// `None` as soon as there is no point in going on.
    async fn flow(&mut self) -> Option<()> {
        let (email, password) = (
            format!("doctor-{}@stepproof.test", self.target.run()),
            "correct horse battery staple",
        );
        let stranger = &mut Device::new("stepproof doctor, setting up", "doctor-0");
        let create = Operation::CreateAccount {
            email: email.clone(),
            password: password.to_owned(),
        };
        if self.target.offers(OperationKind::CreateAccount) {
            self.expect(stranger, create, &[Outcome::Done, Outcome::SignedIn]).await?;
        }
        let sign_in = |password: &str| Operation::SignIn {
            email: email.clone(),
            password: password.to_owned(),
        };
        if !self.target.two_step_by_default() {
            self.expect(stranger, sign_in(password), &[Outcome::SignedIn]).await?;
            let switch_on = Operation::SetTwoStep {
                enabled: true,
                password: Some(password.to_owned()),
            };
            self.expect(stranger, switch_on, &[Outcome::Done]).await?;
            self.expect(stranger, Operation::SignOut {}, &[Outcome::Done]).await?;
        }
        let device = &mut Device::new("stepproof doctor", "doctor-1");
        self.refused(device, sign_in("not the password"), "a wrong password").await?;
        let cursor = self.target.deliveries().cursor();
        self.expect(device, sign_in(password), &[Outcome::Challenged]).await?;
        let code = self.code(cursor, &email).await?;
        let wrong = Operation::Verify {
            code: self.target.wrong_code(&code, 0),
        };
        self.refused(device, wrong, "a wrong code").await?;
        self.refused(device, Operation::WhoAmI {}, "a pending challenge").await;
        let answer = self.expect(device, Operation::Verify { code }, &[Outcome::SignedIn]).await?;
        self.session(device, &email).await?;
        self.expect(device, Operation::SignOut {}, &[Outcome::Done]).await?;
        self.refused(device, Operation::WhoAmI {}, "a device that has signed out")
            .await;
        if self.target.has(crate::Capability::Trust) {
            self.note(
                "verify",
                answer.facts.trust_granted,
                "a trust credential came with the right code",
            );
            self.expect(device, sign_in(password), &[Outcome::SignedIn]).await?;
        }
        Some(())
    }

    async fn session(&mut self, device: &mut Device, email: &str) -> Option<()> {
        if self.target.offers(OperationKind::WhoAmI) {
            let answer = self
                .expect(device, Operation::WhoAmI {}, &[Outcome::Done, Outcome::SignedIn])
                .await?;
            let told = answer.facts.email.as_deref();
            let text = format!("the account that it tells is {}", told.unwrap_or("not found in the answer"));
            self.note("who_am_i", told == Some(email), &text);
        }
        if self.target.offers(OperationKind::ListDevices) {
            let answer = self.expect(device, Operation::ListDevices {}, &[Outcome::Done]).await?;
            let rows = answer.facts.devices.unwrap_or_default();
            let current = rows.iter().filter(|row| row.current == Some(true)).count();
            let ids = rows.iter().all(|row| !row.id.is_empty());
            let text = format!(
                "{} rows, {current} of them this device, ids {}",
                rows.len(),
                if ids { "found" } else { "missing" }
            );
            self.note("list_devices", current == 1 && ids, &text);
        }
        Some(())
    }

    async fn code(&mut self, cursor: crate::Cursor, email: &str) -> Option<String> {
        let within = self.target.binding().mail_patience().max(Duration::from_secs(1));
        let deliveries = self.target.deliveries();
        let wanted = |message: &crate::Message| message.to.eq_ignore_ascii_case(email);
        let Some(message) = deliveries.wait(cursor, within, wanted).await else {
            let text = format!(
                "no message to {email} within {} s; is the server given this mail host?",
                within.as_secs()
            );
            self.note("sign_in", false, &text);
            return None;
        };
        let found = message.code.clone();
        let text = match &found {
            Some(code) => format!("a code of {} characters was found in its message", code.chars().count()),
            None => format!("`[mail]` finds no code in its message: {}", shortened(&message.text)),
        };
        self.note("sign_in", found.is_some(), &text);
        found
    }

    async fn expect(&mut self, device: &mut Device, operation: Operation, wanted: &[Outcome]) -> Option<Answer> {
        let kind = operation.kind();
        let wish = wanted
            .iter()
            .map(|outcome| format!("{outcome:?}"))
            .collect::<Vec<_>>()
            .join(" or ");
        let result = self.target.perform(device, operation).await;
        self.judge(kind, result, &wish, |outcome| wanted.contains(&outcome))
    }

    async fn refused(&mut self, device: &mut Device, operation: Operation, of: &str) -> Option<Answer> {
        let kind = operation.kind();
        if !self.target.offers(kind) {
            return None;
        }
        let result = self.target.perform(device, operation).await;
        self.judge(kind, result, &format!("a refusal of {of}"), |outcome| {
            matches!(outcome, Outcome::Refused { .. })
        })
    }

    fn judge(
        &mut self,
        kind: OperationKind,
        result: Result<Answer, TargetError>,
        wish: &str,
        well: impl Fn(Outcome) -> bool,
    ) -> Option<Answer> {
        self.seen.insert(kind);
        match result {
            Ok(answer) => {
                let fine = well(answer.outcome);
                let seen = answer.last().map_or_else(String::new, |last| match fine {
                    true => format!(" ({} {})", last.method, last.status),
                    false => format!(
                        " ({} {} answered {}: {})",
                        last.method,
                        last.url,
                        last.status,
                        shortened(&last.text())
                    ),
                });
                self.note(kind.name(), fine, &format!("wanted {wish}, read {:?}{seen}", answer.outcome));
                fine.then_some(answer)
            }
            Err(error) => {
                self.findings.push(Finding {
                    operation: kind.name().to_owned(),
                    health: match error {
                        TargetError::Unreachable { .. } => Health::Unreachable,
                        _ => Health::Ill,
                    },
                    told: error.to_string(),
                });
                None
            }
        }
    }

    /// What the flow did not come by is said too.
    fn rest(&mut self) {
        for kind in OperationKind::ALL.iter().filter(|kind| !self.seen.contains(kind)) {
            let told = match self.target.offers(*kind) {
                true => "described; not tried here",
                false => "not offered",
            };
            self.findings.push(Finding {
                operation: kind.name().to_owned(),
                health: Health::Untried,
                told: told.to_owned(),
            });
        }
    }

    fn note(&mut self, operation: &str, well: bool, told: &str) {
        self.findings.push(Finding {
            operation: operation.to_owned(),
            health: if well { Health::Well } else { Health::Ill },
            told: told.to_owned(),
        });
    }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
