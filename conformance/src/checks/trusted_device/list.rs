//! The device list: what the owner sees, and what a rename may change.

use serde_json::{Value, json};
use targets::{CredentialKind, Operation, OperationKind, Outcome, RequestMutation};

use super::{id_of, rows, second};
use crate::check::Check;
use crate::context::{Context, Member};
use crate::proof::{Ending, Stop, accepted, every, failed, holds, refused};

use OperationKind::{ListDevices, RenameDevice, SetTwoStep};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "DEV-08.list-tells-the-owner",
        title: "the list names each device with its first and last use and says which one is current",
        operations: &[ListDevices],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(list_tells_the_owner(cx)),
    },
    Check {
        id: "DEV-08.list-holds-no-secret",
        title: "the list holds no credential, no push registration and no other account's device",
        operations: &[ListDevices],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(list_holds_no_secret(cx)),
    },
    Check {
        id: "DEV-08.pending-cannot-list",
        title: "a pending handle does not read the list",
        operations: &[ListDevices],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(pending_cannot_list(cx)),
    },
    Check {
        id: "DEV-13.rename-changes-the-label-only",
        title: "a rename that also sets trust, account, id or dates changes the label at most",
        operations: &[ListDevices, RenameDevice, SetTwoStep],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(rename_changes_the_label_only(cx)),
    },
];

async fn list_tells_the_owner(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    second(cx, "tablet", &account).await?;
    let listed = rows(cx, &mut phone).await?;
    let proof = holds("both devices are listed", listed.len() == 2, format!("{} rows", listed.len()))?;
    let current = listed.iter().filter(|row| row.current == Some(true)).count();
    let proof = proof.and(holds(
        "one device is the current one",
        current == 1,
        format!("{current} are marked"),
    )?);
    Ok(proof.and(every(listed.iter().map(|row| {
        let complete = row.name.is_some() && row.first_used_at.is_some() && row.last_used_at.is_some() && row.place.is_some();
        holds(
            "each row has a name, first and last use, and a place",
            complete,
            format!("{row:?}"),
        )
    }))?))
}

async fn list_holds_no_secret(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let stranger = cx.member().await?;
    let tablet = second(cx, "tablet", &account).await?;
    let answer = cx.prepare(&mut phone, Operation::ListDevices {}).await?;
    let text = answer.last().map(|exchange| exchange.text()).unwrap_or_default();
    let mut secrets = Vec::new();
    for device in [&phone, &tablet] {
        secrets.extend(
            CredentialKind::ALL
                .into_iter()
                .filter_map(|kind| cx.target.credential(device, kind)),
        );
        secrets.extend(device.push_token.clone());
    }
    // A list that identifies sessions by their own credential leaks it, so ids are no exception.
    for secret in &secrets {
        if text.contains(secret.as_str()) {
            return failed(
                "no credential or push registration in the list",
                "one of the account's own stands in it",
            );
        }
    }
    let listed = answer.facts.devices.unwrap_or_default();
    let proof = holds(
        "the account's devices are listed",
        listed.len() >= 2,
        format!("{} rows", listed.len()),
    )?;
    let foreign = listed
        .iter()
        .any(|row| row.name.as_deref() == Some(&stranger.phone.name) && stranger.phone.name != phone.name);
    Ok(proof.and(holds(
        "no other account's device is listed",
        !foreign && listed.len() == 2,
        format!("{} rows", listed.len()),
    )?))
}

async fn pending_cannot_list(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let mut pending = cx.device("pending phone");
    cx.challenged(&mut pending, &account).await?;
    let handle = cx.target.credential(&pending, CredentialKind::Handle);
    cx.target.set_credential(&mut pending, CredentialKind::Access, handle);
    let half = cx.perform(&mut pending, Operation::ListDevices {}).await?;
    let full = cx.perform(&mut phone, Operation::ListDevices {}).await?;
    refused("the list with a pending handle", &half, &full)
}

async fn rename_changes_the_label_only(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let off = Operation::SetTwoStep {
        enabled: false,
        password: Some(account.password.clone()),
    };
    cx.prepare(&mut phone, off).await?;
    // A device with a session and no trust, which it would like to have.
    let mut guest = cx.device("guest");
    if cx.sign_in(&mut guest, &account).await?.outcome != Outcome::SignedIn {
        return Err(Stop::NotTested("no untrusted session could be opened".to_owned()));
    }
    let id = id_of(cx, &mut guest).await?;
    let before = find(&rows(cx, &mut phone).await?, &id)?;
    let fields: [(&str, Value); 6] = [
        ("trusted", json!(true)),
        ("account_id", json!("acc_another")),
        ("id", json!("dev_another")),
        ("first_used_at", json!("2001-01-01T00:00:00.000Z")),
        ("last_used_at", json!("2001-01-01T00:00:00.000Z")),
        ("current", json!(true)),
    ];
    for (field, value) in fields {
        let rename = Operation::RenameDevice {
            id: id.clone(),
            name: "renamed guest".to_owned(),
        };
        cx.perform_with(&mut guest, rename, &[RequestMutation::SetField(field.to_owned(), value)])
            .await?;
    }
    let after = find(&rows(cx, &mut phone).await?, &id)?;
    let proof = holds(
        "trust, dates and identity stay as they were",
        after.trusted == before.trusted && after.first_used_at == before.first_used_at,
        format!("{before:?} became {after:?}"),
    )?;
    let plain = Operation::RenameDevice {
        id: id.clone(),
        name: "plainly renamed".to_owned(),
    };
    let renamed = cx.perform(&mut guest, plain).await?;
    let proof = proof.and(accepted("a plain rename", &renamed)?);
    let label = find(&rows(cx, &mut phone).await?, &id)?.name;
    Ok(proof.and(holds(
        "a plain rename changes the label",
        label.as_deref() == Some("plainly renamed"),
        format!("{label:?}"),
    )?))
}

fn find(rows: &[targets::DeviceRow], id: &str) -> Result<targets::DeviceRow, Stop> {
    rows.iter()
        .find(|row| row.id == id)
        .cloned()
        .ok_or_else(|| Stop::NotTested(format!("device {id} is not listed")))
}
