//! A new device is signed in, removed on the trusted one, and tries again: its session, its renewal and its trust are over.

use targets::{Operation, Outcome, Refusal};

use super::going::{Going, Hand, challenged, done};
use super::off::{Off, Way};
use super::trusted;
use crate::client::Line;
use crate::history::Act;
use crate::measure::Ending;

pub(super) async fn go(going: &mut Going<'_>, line: &mut Line) -> Way<()> {
    let mut owner = going.trusted_phone(line)?;
    let asked_for_a_code = trusted::enter(going, &mut owner).await?;
    let mut other_line = going.lines.open(going.identity.source);
    let mut other = going.new_phone(&mut other_line);
    other.phone.app_version = Some(going.terms.served.clone());
    let asked = going.sign_in(&mut other, challenged).await?;
    going.second_step(&mut other, asked.at).await?;
    let id = match going.who_am_i(&mut other).await?.reply.facts.device_id {
        Some(id) => id,
        None => by_label(going, &mut owner, &other.phone.name).await?,
    };
    let act = Act::Remove { device: other.number };
    going.ask(&mut owner, Operation::RemoveDevice { id }, act, done).await?;
    let out = |outcome: &Outcome| {
        *outcome
            == Outcome::Refused {
                reason: Refusal::Session,
            }
    };
    going.ask(&mut other, Operation::WhoAmI {}, Act::Use, out).await?;
    if other.phone.refresh.is_some() {
        going.ask(&mut other, Operation::Refresh {}, Act::Refresh, out).await?;
    }
    // Its trust has ended, too: it is asked for a code like any other.
    going.sign_in(&mut other, challenged).await?;
    asked_for_a_code.map_or(Ok(()), Err)
}

/// Finds the device in the list, where the service does not tell a device its own id.
async fn by_label(going: &mut Going<'_>, owner: &mut Hand<'_>, label: &str) -> Way<String> {
    let asked = going.ask(owner, Operation::ListDevices {}, Act::Use, done).await?;
    let mut rows = asked.reply.facts.devices.into_iter();
    let row = rows.find(|(_, name)| name == label);
    row.map(|(id, _)| id)
        .ok_or_else(|| Off::new(Ending::Failed, "list_devices: the new device is not in it"))
}
