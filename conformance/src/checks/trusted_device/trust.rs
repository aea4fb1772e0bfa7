//! Trust: granted by the device's own second step, carried by a secret of the server's, worth one step and no more.

use std::time::Duration;

use targets::{Answer, Capability, CredentialKind, Device, Operation, OperationKind, Outcome};

use super::{rows, sign_in_again};
use crate::check::Check;
use crate::checks::moves::cool_down;
use crate::context::{Account, Context, Member};
use crate::proof::{Ending, Stop, asked, describe, every, failed, holds, refused};

use OperationKind::{ListDevices, SetTwoStep, SignOut, WhoAmI};

const TRUST: &[Capability] = &[Capability::Trust];

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "DEV-01.pending-is-not-trusted",
        title: "an open challenge and a failed code leave the device untrusted",
        operations: &[ListDevices],
        capabilities: TRUST,
        moves_clock: true,
        run: |cx| Box::pin(pending_is_not_trusted(cx)),
    },
    Check {
        id: "DEV-01.off-period-seeds-no-trust",
        title: "a sign-in while two-step verification is off leaves the device untrusted",
        operations: &[SetTwoStep, SignOut],
        capabilities: TRUST,
        moves_clock: false,
        run: |cx| Box::pin(off_period_seeds_no_trust(cx)),
    },
    Check {
        id: "DEV-02.trusted-device-skips-the-step",
        title: "after signing out a trusted device signs in with the password, and no message is sent",
        operations: &[SignOut],
        capabilities: TRUST,
        moves_clock: false,
        run: |cx| Box::pin(trusted_device_skips_the_step(cx)),
    },
    Check {
        id: "DEV-02.trust-does-not-replace-the-password",
        title: "a trusted device with a wrong or no password is refused",
        operations: &[SignOut],
        capabilities: TRUST,
        moves_clock: false,
        run: |cx| Box::pin(trust_does_not_replace_the_password(cx)),
    },
    Check {
        id: "DEV-03.trust-is-per-account",
        title: "the trust credential of one account is worth nothing on another",
        operations: &[SignOut],
        capabilities: TRUST,
        moves_clock: false,
        run: |cx| Box::pin(trust_is_per_account(cx)),
    },
    Check {
        id: "DEV-03.accounts-share-a-phone",
        title: "two accounts on one phone keep their trust apart when one of them removes it",
        operations: &[SignOut, WhoAmI, OperationKind::RemoveDevice],
        capabilities: TRUST,
        moves_clock: false,
        run: |cx| Box::pin(accounts_share_a_phone(cx)),
    },
    Check {
        id: "DEV-04.claims-are-not-trust",
        title: "everything a client says of itself, copied without the secret, is asked for a code",
        operations: &[SignOut],
        capabilities: TRUST,
        moves_clock: false,
        run: |cx| Box::pin(claims_are_not_trust(cx)),
    },
    Check {
        id: "DEV-05.credentials-are-not-interchangeable",
        title: "each credential is refused in every other's place",
        operations: &[WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(credentials_are_not_interchangeable(cx)),
    },
    Check {
        id: "DEV-05.altered-credentials-are-refused",
        title: "changed, shortened and lengthened credentials are refused without a server error",
        operations: &[WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(altered_credentials_are_refused(cx)),
    },
    Check {
        id: "DEV-06.replaced-trust-is-dead",
        title: "a copy of a trust credential that has been used since is asked for a code",
        operations: &[SignOut],
        capabilities: TRUST,
        moves_clock: false,
        run: |cx| Box::pin(replaced_trust_is_dead(cx)),
    },
    Check {
        id: "DEV-07.idle-trust-lapses",
        title: "trust unused for the declared time is gone, a day less and it stands",
        operations: &[SignOut],
        capabilities: TRUST,
        moves_clock: true,
        run: |cx| Box::pin(idle_trust_lapses(cx)),
    },
    Check {
        id: "DEV-07.trust-has-an-end",
        title: "trust in constant use is gone after the declared time",
        operations: &[SignOut],
        capabilities: TRUST,
        moves_clock: true,
        run: |cx| Box::pin(trust_has_an_end(cx)),
    },
];

async fn pending_is_not_trusted(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let before = trusted(&rows(cx, &mut phone).await?);
    let mut new = cx.device("pending phone");
    let pending = cx.challenged(&mut new, &account).await?;
    let code = cx.target.wrong_code(&pending.code, 0);
    cx.perform(&mut new, Operation::Verify { code }).await?;
    let after = trusted(&rows(cx, &mut phone).await?);
    if after > before {
        return failed(
            "no trusted device for a challenge that is only open",
            format!("the list grew from {before} to {after}"),
        );
    }
    cool_down(cx).await?;
    let again = cx.sign_in(&mut new, &account).await?;
    let control = sign_in_again(cx, &mut phone, &account).await?;
    asked("a device whose challenge is only open", &again, &control)
}

/// Rows that are trusted, or may be where the list does not tell.
fn trusted(rows: &[targets::DeviceRow]) -> usize {
    rows.iter().filter(|row| row.trusted != Some(false)).count()
}

async fn off_period_seeds_no_trust(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let set = |enabled| Operation::SetTwoStep {
        enabled,
        password: Some(account.password.clone()),
    };
    cx.prepare(&mut phone, set(false)).await?;
    let mut new = cx.device("phone of the off period");
    let meanwhile = cx.sign_in(&mut new, &account).await?;
    cx.prepare(&mut phone, set(true)).await?;
    if meanwhile.outcome != Outcome::SignedIn {
        return Err(Stop::NotTested(format!(
            "no session could be opened while it was off: {}",
            describe(&meanwhile)
        )));
    }
    let again = sign_in_again(cx, &mut new, &account).await?;
    let control = sign_in_again(cx, &mut phone, &account).await?;
    asked("a device that signed in while it was off", &again, &control)
}

async fn trusted_device_skips_the_step(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let cursor = cx.cursor();
    let again = sign_in_again(cx, &mut phone, &account).await?;
    let proof = holds(
        "a trusted device signs in with the password alone",
        again.outcome == Outcome::SignedIn,
        describe(&again),
    )?;
    let codes = cx.settled_for(cursor, &account).await?;
    Ok(proof.and(holds(
        "no code is sent for it",
        codes.is_empty(),
        format!("{} messages came", codes.len()),
    )?))
}

async fn trust_does_not_replace_the_password(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    cx.perform(&mut phone, Operation::SignOut {}).await?;
    let with = |password: &str| Operation::SignIn {
        email: account.email.clone(),
        password: password.to_owned(),
    };
    let wrong = cx.perform(&mut phone.clone(), with("not the password 1")).await?;
    let empty = cx.perform(&mut phone.clone(), with("")).await?;
    let missing = [targets::RequestMutation::DropField("password".to_owned())];
    let none = cx.perform_with(&mut phone.clone(), with(&account.password), &missing).await?;
    let right = cx.perform(&mut phone, with(&account.password)).await?;
    every([
        refused("trust with a wrong password", &wrong, &right),
        refused("trust with an empty password", &empty, &right),
        refused("trust with no password", &none, &right),
    ])
}

async fn trust_is_per_account(cx: &mut Context) -> Ending {
    let first = cx.member().await?;
    let mut second = cx.member().await?;
    let foreign = cx.target.credential(&second.phone, CredentialKind::Trust);
    let mut stranger = second.phone.clone();
    stranger.variables.clear();
    stranger.jar = targets::jar::CookieJar::default();
    cx.target.set_credential(&mut stranger, CredentialKind::Trust, foreign);
    let crossed = cx.sign_in(&mut stranger, &first.account).await?;
    let own = sign_in_again(cx, &mut second.phone, &second.account).await?;
    asked("another account's trust credential", &crossed, &own)
}

async fn accounts_share_a_phone(cx: &mut Context) -> Ending {
    let Member { account: first, phone } = cx.member().await?;
    let mut of_first = phone;
    let second = cx.account().await?;
    let mut of_second = forgetful(&of_first);
    cx.trust(&mut of_second, &second).await?;
    let still = sign_in_again(cx, &mut of_first, &first).await?;
    if still.outcome != Outcome::SignedIn {
        return failed(
            "trust for one account survives trust for another on the same phone",
            describe(&still),
        );
    }
    let id = super::id_of(cx, &mut of_first).await?;
    cx.prepare(&mut of_first, Operation::RemoveDevice { id }).await?;
    let removed = cx.sign_in(&mut of_first, &first).await?;
    let kept = sign_in_again(cx, &mut of_second, &second).await?;
    if kept.outcome != Outcome::SignedIn {
        return failed(
            "removing the phone in one account leaves it trusted in the other",
            describe(&kept),
        );
    }
    // A service whose removals take no trust from anybody breaks DEV-11; whether accounts are apart cannot be seen there.
    if removed.outcome == Outcome::SignedIn && !removal_takes_trust(cx).await? {
        let why = "a phone with a single account stays trusted too when it is removed";
        return Err(Stop::NotTested(why.to_owned()));
    }
    asked("the phone in the account that removed it", &removed, &kept)
}

/// Whether a removed phone that only ever served one account is asked for a code.
async fn removal_takes_trust(cx: &mut Context) -> Result<bool, Stop> {
    let Member { account, mut phone } = cx.member().await?;
    let id = super::id_of(cx, &mut phone).await?;
    cx.prepare(&mut phone, Operation::RemoveDevice { id }).await?;
    Ok(cx.sign_in(&mut phone, &account).await?.outcome != Outcome::SignedIn)
}

/// The same phone as seen from outside, holding nothing.
fn forgetful(phone: &Device) -> Device {
    let mut copy = phone.clone();
    copy.variables.clear();
    copy.jar = targets::jar::CookieJar::default();
    copy
}

async fn claims_are_not_trust(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let mut copy = forgetful(&phone);
    let copied = cx.sign_in(&mut copy, &account).await?;
    let own = sign_in_again(cx, &mut phone, &account).await?;
    asked("a device that says the same of itself and holds no secret", &copied, &own)
}

async fn credentials_are_not_interchangeable(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let mut pending = cx.device("pending phone");
    cx.challenged(&mut pending, &account).await?;
    let held: Vec<(CredentialKind, String)> = CredentialKind::ALL
        .into_iter()
        .filter_map(|kind| {
            let holder = if kind == CredentialKind::Handle { &pending } else { &phone };
            cx.target.credential(holder, kind).map(|value| (kind, value))
        })
        .collect();
    let mut endings = Vec::new();
    for place in CredentialKind::ALL {
        for (kind, value) in held.iter().filter(|(kind, _)| *kind != place) {
            let what = format!(
                "the {} credential in the place of the {} credential",
                kind.name(),
                place.name()
            );
            let holder = if place == CredentialKind::Handle { &pending } else { &phone };
            let mut liar = holder.clone();
            cx.target.set_credential(&mut liar, place, Some(value.clone()));
            let bad = use_in(cx, &mut liar, &account, place).await?;
            endings.push((what, place, bad));
        }
    }
    let mut proofs = Vec::new();
    for place in CredentialKind::ALL {
        let holder = if place == CredentialKind::Handle {
            &mut pending
        } else {
            &mut phone
        };
        let Some(good) = use_in(cx, holder, &account, place).await? else {
            continue;
        };
        for (what, _, bad) in endings.iter().filter(|(_, tried, _)| *tried == place) {
            if let Some(bad) = bad {
                proofs.push(if place == CredentialKind::Trust {
                    asked(what, bad, &good)
                } else {
                    refused(what, bad, &good)
                });
            }
        }
    }
    every(proofs)
}

/// The operation that shows what a credential is worth in its place; nothing where the target has no such operation.
async fn use_in(cx: &mut Context, device: &mut Device, account: &Account, place: CredentialKind) -> Result<Option<Answer>, Stop> {
    let operation = match place {
        CredentialKind::Access => Operation::WhoAmI {},
        CredentialKind::Refresh => Operation::Refresh {},
        CredentialKind::Handle => Operation::ReadChallenge {},
        CredentialKind::Trust => Operation::SignIn {
            email: account.email.clone(),
            password: account.password.clone(),
        },
    };
    let held = cx.target.credential(device, place).is_some();
    if !held || !cx.target.offers(operation.kind()) {
        return Ok(None);
    }
    cx.perform(device, operation).await.map(Some)
}

async fn altered_credentials_are_refused(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let mut tried = Vec::new();
    for place in [CredentialKind::Access, CredentialKind::Refresh, CredentialKind::Trust] {
        let Some(value) = cx.target.credential(&phone, place) else {
            continue;
        };
        for (how, altered) in alterations(&value) {
            let mut liar = phone.clone();
            cx.target.set_credential(&mut liar, place, Some(altered));
            if let Some(answer) = use_in(cx, &mut liar, &account, place).await? {
                tried.push((format!("a {how} {} credential", place.name()), place, answer));
            }
        }
    }
    let mut endings = Vec::new();
    for place in [CredentialKind::Access, CredentialKind::Refresh, CredentialKind::Trust] {
        let Some(good) = use_in(cx, &mut phone, &account, place).await? else {
            continue;
        };
        for (what, _, bad) in tried.iter().filter(|(_, at, _)| *at == place) {
            endings.push(holds(
                &format!("{what}: no server error"),
                bad.outcome != Outcome::ServerError,
                describe(bad),
            ));
            endings.push(if place == CredentialKind::Trust {
                asked(what, bad, &good)
            } else {
                refused(what, bad, &good)
            });
        }
    }
    every(endings)
}

/// Changed in the first, middle and last place, shortened, lengthened.
fn alterations(value: &str) -> Vec<(&'static str, String)> {
    let flip = |at: usize| {
        let mut chars: Vec<char> = value.chars().collect();
        if let Some(c) = chars.get_mut(at) {
            *c = if *c == 'A' { 'B' } else { 'A' };
        }
        chars.into_iter().collect::<String>()
    };
    let length = value.chars().count();
    vec![
        ("changed at the start", flip(0)),
        ("changed in the middle", flip(length / 2)),
        ("changed at three quarters", flip(length * 3 / 4)),
        ("shortened", value.chars().take(length.saturating_sub(4)).collect()),
        ("lengthened", format!("{value}AAAA")),
    ]
}

async fn replaced_trust_is_dead(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    cx.perform(&mut phone, Operation::SignOut {}).await?;
    let mut thief = phone.clone();
    let own = cx.sign_in(&mut phone, &account).await?;
    let stolen = cx.sign_in(&mut thief, &account).await?;
    asked("a trust credential that has been used since it was copied", &stolen, &own)
}

const DAY: u64 = 24 * 3600;

async fn idle_trust_lapses(cx: &mut Context) -> Ending {
    let idle = cx.parameters().trust_idle_d;
    let lapsed = after_idle_days(cx, idle, 1).await?;
    let standing = after_idle_days(cx, idle - 1, 0).await?;
    asked(&format!("trust unused for {idle} days"), &lapsed, &standing)
}

async fn after_idle_days(cx: &mut Context, days: u64, seconds: u64) -> Result<Answer, Stop> {
    let Member { account, mut phone } = cx.member().await?;
    cx.advance(Duration::from_secs(days * DAY + seconds)).await?;
    sign_in_again(cx, &mut phone, &account).await
}

async fn trust_has_an_end(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let absolute = cx.parameters().trust_absolute_d;
    let stride = cx.parameters().trust_idle_d.saturating_sub(1).max(1);
    let mut used = None;
    let mut day = 0;
    while day + stride < absolute {
        cx.advance(Duration::from_secs(stride * DAY)).await?;
        day += stride;
        used = Some(sign_in_again(cx, &mut phone, &account).await?);
    }
    cx.advance(Duration::from_secs((absolute - day) * DAY + 1)).await?;
    let ended = sign_in_again(cx, &mut phone, &account).await?;
    let used = used.ok_or_else(|| Stop::NotTested("trust ends before it could be used".to_owned()))?;
    asked(&format!("trust {absolute} days old"), &ended, &used)
}
