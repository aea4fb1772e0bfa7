//! The version gate: below the minimum nobody signs in while two-step verification is on, and no version weakens it.

use targets::{Answer, Capability, CredentialKind, Operation, OperationKind, Outcome, Refusal, RequestMutation};

use crate::check::Check;
use crate::context::{Account, Context, Member};
use crate::proof::{Ending, Stop, describe, every, failed, holds, refused};

const GATE: &[Capability] = &[Capability::VersionGate];

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "VER-01.old-versions-are-refused",
        title: "versions below the minimum are told to update, and no session, challenge or message comes of it",
        operations: &[],
        capabilities: GATE,
        moves_clock: false,
        run: |cx| Box::pin(old_versions_are_refused(cx)),
    },
    Check {
        id: "VER-02.minimum-is-served",
        title: "the minimum itself and everything above it reaches the challenge",
        operations: &[],
        capabilities: GATE,
        moves_clock: false,
        run: |cx| Box::pin(minimum_is_served(cx)),
    },
    Check {
        id: "VER-03.components-are-numbers",
        title: "a second component of two digits and a later major version are above the minimum; a longer patch number is not",
        operations: &[],
        capabilities: GATE,
        moves_clock: false,
        run: |cx| Box::pin(components_are_numbers(cx)),
    },
    Check {
        id: "VER-03.prerelease-is-below-its-release",
        title: "a pre-release of the minimum is below it, one of a later version is not, and build metadata is ignored",
        operations: &[],
        capabilities: GATE,
        moves_clock: false,
        run: |cx| Box::pin(prerelease_is_below_its_release(cx)),
    },
    Check {
        id: "VER-04.malformed-is-unsupported",
        title: "a missing or malformed version is refused without a server error",
        operations: &[],
        capabilities: GATE,
        moves_clock: false,
        run: |cx| Box::pin(malformed_is_unsupported(cx)),
    },
    Check {
        id: "VER-04.contradiction-is-unsupported",
        title: "two versions in one request are refused, whichever comes first",
        operations: &[],
        capabilities: GATE,
        moves_clock: false,
        run: |cx| Box::pin(contradiction_is_unsupported(cx)),
    },
    Check {
        id: "VER-05.no-version-skips-the-step",
        title: "whatever version is claimed, an untrusted device never gets a session for the password",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(no_version_skips_the_step(cx)),
    },
    Check {
        id: "VER-06.off-means-no-gate",
        title: "with two-step verification off an old version signs in with the password",
        operations: &[OperationKind::SetTwoStep],
        capabilities: GATE,
        moves_clock: false,
        run: |cx| Box::pin(off_means_no_gate(cx)),
    },
    Check {
        id: "VER-06.gate-tells-nothing-without-the-password",
        title: "with a wrong password the gate answers alike for on, off and unknown accounts",
        operations: &[OperationKind::SetTwoStep],
        capabilities: GATE,
        moves_clock: false,
        run: |cx| Box::pin(gate_tells_nothing_without_the_password(cx)),
    },
];

/// The components of the declared minimum.
struct Minimum {
    major: u64,
    minor: u64,
    patch: u64,
}

fn minimum(cx: &Context) -> Result<Minimum, Stop> {
    let text = &cx.parameters().min_version;
    let mut parts = text.split('.').map(|part| part.parse::<u64>());
    let mut next = || parts.next().unwrap_or(Ok(0));
    match (next(), next(), next()) {
        (Ok(major), Ok(minor), Ok(patch)) if minor > 0 => Ok(Minimum { major, minor, patch }),
        _ => Err(Stop::NotTested(format!(
            "the declared minimum `{text}` leaves no version right below it to try"
        ))),
    }
}

async fn old_versions_are_refused(cx: &mut Context) -> Ending {
    let Minimum { major, minor, .. } = minimum(cx)?;
    let Member { account, .. } = cx.member().await?;
    let below = minor - 1;
    let old = [
        format!("{}.0", major.saturating_sub(1)),
        format!("{major}.{below}"),
        format!("{major}.{below}.9"),
        format!("{major}.{below}.99"),
    ];
    let cursor = cx.cursor();
    let mut answers = Vec::new();
    for version in &old {
        let (answer, handle) = claim(cx, &account, Some(version)).await?;
        if handle.is_some() && answer.outcome != Outcome::Challenged {
            return failed(
                "no handle for a version below the minimum",
                format!("{version} was given one"),
            );
        }
        answers.push((version, answer));
    }
    let came = cx.settled_for(cursor, &account).await?;
    if !came.is_empty() {
        return failed(
            "no message for a version below the minimum",
            format!("{} messages came", came.len()),
        );
    }
    let (served, _) = claim(cx, &account, Some(&cx.parameters().min_version.clone())).await?;
    every(answers.iter().map(|(version, answer)| {
        let said = answer.outcome
            == Outcome::Refused {
                reason: Refusal::UpdateRequired,
            };
        Ok(refused(&format!("version {version}"), answer, &served)?.and(holds(
            &format!("version {version} is told to update"),
            said,
            describe(answer),
        )?))
    }))
}

async fn minimum_is_served(cx: &mut Context) -> Ending {
    let Minimum { major, minor, patch } = minimum(cx)?;
    let mut versions = vec![
        format!("{major}.{minor}.{patch}"),
        format!("{major}.{minor}.{}", patch + 1),
        format!("{major}.{minor}.{}", patch + 9),
    ];
    versions.push(format!("{major}.{}", minor + 1));
    versions.push(format!("{}.0.0", major + 1));
    if patch == 0 {
        versions.push(format!("{major}.{minor}"));
    }
    all_served(cx, &versions).await
}

async fn components_are_numbers(cx: &mut Context) -> Ending {
    let Minimum { major, minor, .. } = minimum(cx)?;
    let above = [
        format!("{major}.{}0", minor.max(1)),
        format!("{major}.1{minor}.0"),
        format!("{major}0.0"),
        format!("{}.0.0", major + 1),
    ];
    let proof = all_served(cx, &above).await?;
    Ok(proof.and(refused_beside_minimum(cx, &format!("{major}.{}.10", minor - 1)).await?))
}

async fn prerelease_is_below_its_release(cx: &mut Context) -> Ending {
    let Minimum { major, minor, patch } = minimum(cx)?;
    let release = format!("{major}.{minor}.{patch}");
    let above = [format!("{major}.{}.0-beta.1", minor + 1), format!("{release}+45")];
    let proof = all_served(cx, &above).await?;
    Ok(proof.and(refused_beside_minimum(cx, &format!("{release}-beta.1")).await?))
}

async fn malformed_is_unsupported(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let long = "9".repeat(4096);
    let malformed = [
        "",
        "abc",
        "2.",
        "2..3",
        "-2.3",
        "2.3.0.0.0.0",
        "99999999999999999999999999.0",
        "２.３.０",
        "2.3;3.0",
        "v9",
        "9.x",
        &long,
    ];
    let mut answers = vec![("no version".to_owned(), claim(cx, &account, None).await?.0)];
    for version in malformed {
        let shown: String = version.chars().take(20).collect();
        answers.push((format!("version `{shown}`"), claim(cx, &account, Some(version)).await?.0));
    }
    let served = cx.parameters().min_version.clone();
    let (control, _) = claim(cx, &account, Some(&served)).await?;
    every(answers.iter().map(|(what, answer)| {
        let calm = holds(
            &format!("{what}: no server error"),
            answer.outcome != Outcome::ServerError,
            describe(answer),
        )?;
        Ok(calm.and(refused(what, answer, &control)?))
    }))
}

async fn contradiction_is_unsupported(cx: &mut Context) -> Ending {
    let Minimum { major, minor, .. } = minimum(cx)?;
    let account = cx.account().await?;
    let new = cx.parameters().min_version.clone();
    let old = format!("{major}.{}", minor - 1);
    let old_first = claim_twice(cx, &account, &old, &new).await?;
    let new_first = claim_twice(cx, &account, &new, &old).await?;
    let (control, _) = claim(cx, &account, Some(&new)).await?;
    Ok(
        refused("an old version before a served one", &old_first, &control)?.and(refused(
            "a served version before an old one",
            &new_first,
            &control,
        )?),
    )
}

async fn no_version_skips_the_step(cx: &mut Context) -> Ending {
    let versions = [
        "0.1",
        "1.0",
        "2.2",
        "2.2.9",
        "2.3",
        "2.3.0",
        "2.10",
        "99.0",
        "",
        "abc",
        "2.3.0-beta.1",
    ];
    let mut proof = None;
    for version in versions.into_iter().map(Some).chain([None]) {
        let account = cx.account().await?;
        let (answer, _) = claim(cx, &account, version).await?;
        let what = format!("no session for the password alone from version {version:?}");
        let this = holds(&what, answer.outcome != Outcome::SignedIn, describe(&answer))?;
        // The step stands only if some version reaches it.
        if answer.outcome == Outcome::Challenged {
            proof = Some(this);
        }
    }
    proof.ok_or_else(|| Stop::NotTested("no version reached the challenge".to_owned()))
}

async fn off_means_no_gate(cx: &mut Context) -> Ending {
    let (account, _) = switched_off(cx).await?;
    let Minimum { major, minor, .. } = minimum(cx)?;
    let (answer, _) = claim(cx, &account, Some(&format!("{major}.{}", minor - 1))).await?;
    holds(
        "an old version signs in while two-step verification is off",
        answer.outcome == Outcome::SignedIn,
        describe(&answer),
    )
}

async fn gate_tells_nothing_without_the_password(cx: &mut Context) -> Ending {
    let Minimum { major, minor, .. } = minimum(cx)?;
    let old = format!("{major}.{}", minor - 1);
    let on = cx.account().await?;
    let (off, _) = switched_off(cx).await?;
    let unknown = Account {
        email: format!("nobody-{}", on.email),
        password: on.password.clone(),
    };
    let mut seen = Vec::new();
    for account in [&on, &off, &unknown] {
        let wrong = Account {
            email: account.email.clone(),
            password: "not the password 1".to_owned(),
        };
        let (answer, _) = claim(cx, &wrong, Some(&old)).await?;
        seen.push((
            answer.outcome,
            answer.last().map(|exchange| (exchange.status, exchange.text())),
        ));
    }
    let (gated, _) = claim(cx, &on, Some(&old)).await?;
    if gated.accepted() {
        return Err(Stop::NotTested(
            "the gate does not refuse the old version with the right password".to_owned(),
        ));
    }
    holds(
        "with a wrong password an old version is answered alike for on, off and unknown accounts",
        seen.windows(2).all(|pair| pair[0] == pair[1]),
        format!("on {:?}, off {:?}, unknown {:?}", seen[0].0, seen[1].0, seen[2].0),
    )
}

/// Signs in with the right password from a new device that claims this version; what came, and the handle it got.
async fn claim(cx: &mut Context, account: &Account, version: Option<&str>) -> Result<(Answer, Option<String>), Stop> {
    let mut device = cx.device("new phone");
    device.app_version = version.map(str::to_owned);
    let answer = cx.sign_in(&mut device, account).await?;
    let handle = cx.target.credential(&device, CredentialKind::Handle);
    Ok((answer, handle))
}

async fn claim_twice(cx: &mut Context, account: &Account, first: &str, second: &str) -> Result<Answer, Stop> {
    let mut device = cx.device("new phone");
    device.app_version = Some(first.to_owned());
    let operation = Operation::SignIn {
        email: account.email.clone(),
        password: account.password.clone(),
    };
    cx.perform_with(&mut device, operation, &[RequestMutation::RepeatVersion(second.to_owned())])
        .await
}

/// Every one of these versions reaches the challenge, each on an account of its own.
async fn all_served(cx: &mut Context, versions: &[String]) -> Ending {
    let mut endings = Vec::new();
    for version in versions {
        let account = cx.account().await?;
        let (answer, _) = claim(cx, &account, Some(version)).await?;
        let what = format!("version {version} reaches the challenge");
        endings.push(holds(&what, answer.outcome == Outcome::Challenged, describe(&answer)));
    }
    every(endings)
}

async fn refused_beside_minimum(cx: &mut Context, version: &str) -> Ending {
    let account = cx.account().await?;
    let (bad, _) = claim(cx, &account, Some(version)).await?;
    let minimum = cx.parameters().min_version.clone();
    let (good, _) = claim(cx, &account, Some(&minimum)).await?;
    refused(&format!("version {version}"), &bad, &good)
}

/// An account whose two-step verification its owner switched off, and the owner's phone.
async fn switched_off(cx: &mut Context) -> Result<(Account, targets::Device), Stop> {
    let Member { account, mut phone } = cx.member().await?;
    let off = Operation::SetTwoStep {
        enabled: false,
        password: Some(account.password.clone()),
    };
    cx.prepare(&mut phone, off).await?;
    Ok((account, phone))
}
