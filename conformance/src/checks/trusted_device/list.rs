//! The device list: what the owner sees, and what a rename may change.

use serde_json::{Value, json};
use targets::{CredentialKind, Operation, Outcome};

use super::{id_of, rows, second};
use crate::checks::steps::{field, handle_as_session};
use crate::context::{Context, Member};
use crate::proof::{CheckError, CheckResult, all, assert_accepted, assert_refused, assert_that, failed, not_tested, require};

checks!(
    /// the list names each device with its first and last use and says which one is current
    #[check("DEV-08.list-tells-the-owner", operations = [ListDevices])]
    async fn list_tells_the_owner(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        second(cx, "tablet", &account).await?;
        let listed = rows(cx, &mut phone).await?;
        let current = listed.iter().filter(|row| row.current == Some(true)).count();
        let rows = listed.iter().map(|row| {
            let complete = row.name.is_some() && row.first_used_at.is_some() && row.last_used_at.is_some() && row.place.is_some();
            let what = "each row has a name, first and last use, and a place";
            assert_that(what, complete, format!("{row:?}"))
        });
        let both = [
            assert_that("both devices are listed", listed.len() == 2, format!("{} rows", listed.len())),
            assert_that("one device is the current one", current == 1, format!("{current} are marked")),
        ];
        all(both.into_iter().chain(rows))
    }

    /// the list holds no credential, no push registration and no other account's device
    #[check("DEV-08.list-holds-no-secret", operations = [ListDevices])]
    async fn list_holds_no_secret(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let stranger = cx.member().await?;
        let tablet = second(cx, "tablet", &account).await?;
        let answer = cx.prepare(&mut phone, Operation::ListDevices {}).await?;
        let text = answer.last().map(|exchange| exchange.text()).unwrap_or_default();
        let mut secrets = Vec::new();
        for device in [&phone, &tablet] {
            let held = CredentialKind::ALL.map(|kind| cx.target.credential(device, kind));
            secrets.extend(held.into_iter().flatten().chain(device.push_token.clone()));
        }
        // A list that identifies sessions by their own credential leaks it, so ids are no exception.
        if secrets.iter().any(|secret| text.contains(secret.as_str())) {
            let secret = "no credential or push registration in the list";
            return failed(secret, "one of the account's own stands in it");
        }
        let listed = answer.facts.devices.unwrap_or_default();
        let seen = format!("{} rows", listed.len());
        let of_stranger = |name: &str| name == stranger.phone.name && stranger.phone.name != phone.name;
        let foreign = listed.iter().any(|row| row.name.as_deref().is_some_and(of_stranger));
        all([
            assert_that("the account's devices are listed", listed.len() >= 2, seen.clone()),
            assert_that("no other account's device is listed", !foreign && listed.len() == 2, seen),
        ])
    }

    /// a pending handle does not read the list
    #[check("DEV-08.pending-cannot-list", operations = [ListDevices])]
    async fn pending_cannot_list(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let mut pending = handle_as_session(cx, &account).await?;
        let half = cx.perform(&mut pending, Operation::ListDevices {}).await?;
        let full = cx.perform(&mut phone, Operation::ListDevices {}).await?;
        assert_refused("the list with a pending handle", &half, &full)
    }

    /// a rename that also sets trust, account, id or dates changes the label at most
    #[check("DEV-13.rename-changes-the-label-only", operations = [ListDevices, RenameDevice, SetTwoStep])]
    async fn rename_changes_the_label_only(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        cx.prepare(&mut phone, account.set_two_step(false)).await?;
        // A device with a session and no trust, which it would like to have.
        let mut guest = cx.device("guest");
        if cx.sign_in(&mut guest, &account).await?.outcome != Outcome::SignedIn {
            return not_tested("no untrusted session could be opened");
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
        let rename = |name: &str| Operation::RenameDevice {
            id: id.clone(),
            name: name.to_owned(),
        };
        for (name, value) in fields {
            cx.perform_with(&mut guest, rename("renamed guest"), &[field(name, value)])
                .await?;
        }
        let after = find(&rows(cx, &mut phone).await?, &id)?;
        let proof = assert_that(
            "trust, dates and identity stay as they were",
            after.trusted == before.trusted && after.first_used_at == before.first_used_at,
            format!("{before:?} became {after:?}"),
        )?;
        let renamed = cx.perform(&mut guest, rename("plainly renamed")).await?;
        let proof = proof.and(assert_accepted("a plain rename", &renamed)?);
        let label = find(&rows(cx, &mut phone).await?, &id)?.name;
        let changed = label.as_deref() == Some("plainly renamed");
        Ok(proof.and(assert_that(
            "a plain rename changes the label",
            changed,
            format!("{label:?}"),
        )?))
    }
);

fn find(rows: &[targets::DeviceRow], id: &str) -> Result<targets::DeviceRow, CheckError> {
    let row = rows.iter().find(|row| row.id == id).cloned();
    require(row, &format!("device {id} is not listed"))
}
