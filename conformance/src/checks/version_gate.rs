//! The version gate: below the minimum nobody signs in while two-step verification is on, and no version weakens it.

use targets::{Answer, CredentialKind, Outcome, Refusal, RequestMutation};

use crate::checks::steps::nothing_sent;
use crate::context::{Account, Context, Member};
use crate::proof::{
    CheckError, CheckResult, all, assert_outcome, assert_refused, assert_that, describe, failed, not_tested, require,
};

checks!(
    /// The components of the declared minimum.
    struct Minimum {
        major: u64,
        minor: u64,
        patch: u64,
    }

    fn minimum(cx: &Context) -> Result<Minimum, CheckError> {
        let text = &cx.parameters().min_version;
        let mut parts = text.split('.').map(|part| part.parse::<u64>());
        let mut next = || parts.next().unwrap_or(Ok(0));
        match (next(), next(), next()) {
            (Ok(major), Ok(minor), Ok(patch)) if minor > 0 => Ok(Minimum { major, minor, patch }),
            _ => not_tested(format!(
                "the declared minimum `{text}` leaves no version right below it to try"
            )),
        }
    }

    /// versions below the minimum are told to update, and no session, challenge or message comes of it
    #[check("VER-01.old-versions-are-refused", capabilities = [VersionGate])]
    async fn old_versions_are_refused(cx: &mut Context) -> CheckResult {
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
                let seen = format!("{version} was given one");
                return failed("no handle for a version below the minimum", seen);
            }
            answers.push((version, answer));
        }
        nothing_sent(cx, cursor, &account, "no message for a version below the minimum").await?;
        let (served, _) = claim(cx, &account, Some(&cx.parameters().min_version.clone())).await?;
        let update = Outcome::Refused {
            reason: Refusal::UpdateRequired,
        };
        all(answers.iter().flat_map(|(version, answer)| {
            let what = format!("version {version}");
            let told = assert_outcome(&format!("{what} is told to update"), answer, update);
            [assert_refused(&what, answer, &served), told]
        }))
    }

    /// the minimum itself and everything above it reaches the challenge
    #[check("VER-02.minimum-is-served", capabilities = [VersionGate])]
    async fn minimum_is_served(cx: &mut Context) -> CheckResult {
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

    /// a second component of two digits and a later major version are above the minimum; a longer patch number is not
    #[check("VER-03.components-are-numbers", capabilities = [VersionGate])]
    async fn components_are_numbers(cx: &mut Context) -> CheckResult {
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

    /// a pre-release of the minimum is below it, one of a later version is not, and build metadata is ignored
    #[check("VER-03.prerelease-is-below-its-release", capabilities = [VersionGate])]
    async fn prerelease_is_below_its_release(cx: &mut Context) -> CheckResult {
        let Minimum { major, minor, patch } = minimum(cx)?;
        let release = format!("{major}.{minor}.{patch}");
        let above = [format!("{major}.{}.0-beta.1", minor + 1), format!("{release}+45")];
        let proof = all_served(cx, &above).await?;
        Ok(proof.and(refused_beside_minimum(cx, &format!("{release}-beta.1")).await?))
    }

    /// a missing or malformed version is refused without a server error
    #[check("VER-04.malformed-is-unsupported", capabilities = [VersionGate])]
    async fn malformed_is_unsupported(cx: &mut Context) -> CheckResult {
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
        all(answers.iter().flat_map(|(what, answer)| {
            let calm = answer.outcome != Outcome::ServerError;
            [
                assert_that(&format!("{what}: no server error"), calm, describe(answer)),
                assert_refused(what, answer, &control),
            ]
        }))
    }

    /// two versions in one request are refused, whichever comes first
    #[check("VER-04.contradiction-is-unsupported", capabilities = [VersionGate])]
    async fn contradiction_is_unsupported(cx: &mut Context) -> CheckResult {
        let Minimum { major, minor, .. } = minimum(cx)?;
        let account = cx.account().await?;
        let new = cx.parameters().min_version.clone();
        let old = format!("{major}.{}", minor - 1);
        let old_first = claim_twice(cx, &account, &old, &new).await?;
        let new_first = claim_twice(cx, &account, &new, &old).await?;
        let (control, _) = claim(cx, &account, Some(&new)).await?;
        all([
            assert_refused("an old version before a served one", &old_first, &control),
            assert_refused("a served version before an old one", &new_first, &control),
        ])
    }

    /// whatever version is claimed, an untrusted device never gets a session for the password
    #[check("VER-05.no-version-skips-the-step")]
    async fn no_version_skips_the_step(cx: &mut Context) -> CheckResult {
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
            let this = assert_that(&what, answer.outcome != Outcome::SignedIn, describe(&answer))?;
            // The step stands only if some version reaches it.
            if answer.outcome == Outcome::Challenged {
                proof = Some(this);
            }
        }
        require(proof, "no version reached the challenge")
    }

    /// with two-step verification off an old version signs in with the password
    #[check("VER-06.off-means-no-gate", operations = [SetTwoStep], capabilities = [VersionGate])]
    async fn off_means_no_gate(cx: &mut Context) -> CheckResult {
        let account = switched_off(cx).await?;
        let Minimum { major, minor, .. } = minimum(cx)?;
        let (answer, _) = claim(cx, &account, Some(&format!("{major}.{}", minor - 1))).await?;
        let what = "an old version signs in while two-step verification is off";
        assert_outcome(what, &answer, Outcome::SignedIn)
    }

    /// with a wrong password the gate answers alike for on, off and unknown accounts
    #[check("VER-06.gate-tells-nothing-without-the-password", operations = [SetTwoStep], capabilities = [VersionGate])]
    async fn gate_tells_nothing_without_the_password(cx: &mut Context) -> CheckResult {
        let Minimum { major, minor, .. } = minimum(cx)?;
        let old = format!("{major}.{}", minor - 1);
        let on = cx.account().await?;
        let off = switched_off(cx).await?;
        let unknown = on.with_email(format!("nobody-{}", on.email));
        let mut seen = Vec::new();
        for account in [&on, &off, &unknown] {
            let wrong = account.with_password("not the password 1");
            let (answer, _) = claim(cx, &wrong, Some(&old)).await?;
            let shown = answer.last().map(|exchange| (exchange.status, exchange.text()));
            seen.push((answer.outcome, shown));
        }
        let (gated, _) = claim(cx, &on, Some(&old)).await?;
        if gated.accepted() {
            return not_tested("the gate does not refuse the old version with the right password");
        }
        assert_that(
            "with a wrong password an old version is answered alike for on, off and unknown accounts",
            seen.windows(2).all(|pair| pair[0] == pair[1]),
            format!("on {:?}, off {:?}, unknown {:?}", seen[0].0, seen[1].0, seen[2].0),
        )
    }
);

/// Signs in with the right password from a new device that claims this version; what came, and the handle it got.
async fn claim(cx: &mut Context, account: &Account, version: Option<&str>) -> Result<(Answer, Option<String>), CheckError> {
    let mut device = cx.device("new phone");
    device.app_version = version.map(str::to_owned);
    let answer = cx.sign_in(&mut device, account).await?;
    let handle = cx.target.credential(&device, CredentialKind::Handle);
    Ok((answer, handle))
}

async fn claim_twice(cx: &mut Context, account: &Account, first: &str, second: &str) -> Result<Answer, CheckError> {
    let mut device = cx.device("new phone");
    device.app_version = Some(first.to_owned());
    let second = [RequestMutation::RepeatVersion(second.to_owned())];
    cx.perform_with(&mut device, account.sign_in(), &second).await
}

/// Every one of these versions reaches the challenge, each on an account of its own.
async fn all_served(cx: &mut Context, versions: &[String]) -> CheckResult {
    let mut results = Vec::new();
    for version in versions {
        let account = cx.account().await?;
        let (answer, _) = claim(cx, &account, Some(version)).await?;
        let what = format!("version {version} reaches the challenge");
        results.push(assert_outcome(&what, &answer, Outcome::Challenged));
    }
    all(results)
}

async fn refused_beside_minimum(cx: &mut Context, version: &str) -> CheckResult {
    let account = cx.account().await?;
    let (bad, _) = claim(cx, &account, Some(version)).await?;
    let minimum = cx.parameters().min_version.clone();
    let (good, _) = claim(cx, &account, Some(&minimum)).await?;
    assert_refused(&format!("version {version}"), &bad, &good)
}

/// An account whose two-step verification its owner switched off.
async fn switched_off(cx: &mut Context) -> Result<Account, CheckError> {
    let Member { account, mut phone } = cx.member().await?;
    cx.prepare(&mut phone, account.set_two_step(false)).await?;
    Ok(account)
}
