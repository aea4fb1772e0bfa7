//! Whether codes reach the storm's sink at all: looked at before the storm, so that a wrong delivery address is told within
//! seconds and not as thousands of journeys without a code.

use std::time::{Duration, Instant};

use targets::{Operation, Outcome};

use super::UnderLoad;
use crate::client::Phone;
use crate::drive::preflight::{Problem, probe_sink};
use crate::plan::Slice;
use crate::plan::scenario::{DeviceKind, Scenario};
use crate::sink::Wanted;

/// How long the first code may take.
const WITHIN: Duration = Duration::from_secs(10);

impl UnderLoad {
    /// Signs in to one account of the storm on a new device, waits for its code, and gives up again. A server of the storm's
    /// own delivers here by its making, and a storm that needs no codes needs no probe.
    pub async fn probe(&self, scenario: &Scenario, seed: u64, slice: Option<Slice>) -> anyhow::Result<()> {
        let needs_codes = scenario.parties.iter().any(|party| party.device != DeviceKind::Trusted);
        if self.is_own() || !needs_codes {
            return Ok(());
        }
        let population = self.population(scenario, seed, slice.map_or(1, |slice| slice.of))?;
        let Some(number) = population.numbers(slice).next() else {
            return Ok(());
        };
        let account = population.account(number)?;
        let mut line = self.lines.open(None);
        let mut phone = Phone::new(format!("probe-{seed}"), "probe");
        phone.app_version = Some(self.terms.served.clone());
        let mut to = vec![account.email.clone()];
        to.extend(account.device.push_token.clone());
        let wanted = Wanted::new(to, Instant::now());
        let sign_in = Operation::SignIn {
            email: account.email,
            password: account.password,
        };
        let asked = async {
            match line.perform(&mut phone, sign_in).await.outcome {
                Ok(Outcome::Challenged) => Ok(()),
                Ok(other) => Err(format!("the answer was {other:?}")),
                Err(unanswered) => Err(unanswered.to_string()),
            }
        };
        let code = async {
            if self.sink.mailbox.wait(&wanted, WITHIN).await.is_none() {
                std::future::pending::<()>().await;
            }
        };
        let sinks = [self.sink.smtp_url(), self.sink.http_url()];
        let arrived = probe_sink(asked, code, WITHIN, &sinks).await;
        // The challenge lapses by itself where it cannot be given up.
        let _ = line.perform(&mut phone, Operation::Cancel {}).await;
        match arrived {
            Ok(_) => Ok(()),
            Err(problem) => Err(told(&problem)),
        }
    }
}

fn told(problem: &Problem) -> anyhow::Error {
    anyhow::anyhow!("{problem}\nhint: {}", problem.hint)
}
