//! Trust: granted by the device's own second step, carried by a secret of the server's, worth one step and no more.

use std::time::Duration;

use targets::{Answer, CredentialKind, Device, Operation, Outcome};

use super::{sign_in_again, trusted_rows};
use crate::checks::steps::{cool_down, nothing_sent, off_period};
use crate::context::{Account, Context, Member};
use crate::proof::{
    CheckError, CheckResult, all, assert_challenged, assert_outcome, assert_refused, assert_that, describe, failed, not_tested,
    require,
};

checks!(
    /// an open challenge and a failed code leave the device untrusted
    #[check("DEV-01.pending-is-not-trusted", operations = [ListDevices], capabilities = [Trust], moves_clock)]
    async fn pending_is_not_trusted(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let before = trusted_rows(cx, &mut phone).await?;
        let mut new = cx.device("pending phone");
        let pending = cx.challenged(&mut new, &account).await?;
        let code = cx.target.wrong_code(&pending.code, 0);
        cx.perform(&mut new, Operation::Verify { code }).await?;
        let after = trusted_rows(cx, &mut phone).await?;
        if after > before {
            return failed(
                "no trusted device for a challenge that is only open",
                format!("the list grew from {before} to {after}"),
            );
        }
        cool_down(cx).await?;
        let again = cx.sign_in(&mut new, &account).await?;
        let control = sign_in_again(cx, &mut phone, &account).await?;
        assert_challenged("a device whose challenge is only open", &again, &control)
    }

    /// a sign-in while two-step verification is off leaves the device untrusted
    #[check("DEV-01.off-period-seeds-no-trust", operations = [SetTwoStep, SignOut], capabilities = [Trust])]
    async fn off_period_seeds_no_trust(cx: &mut Context) -> CheckResult {
        let (Member { account, mut phone }, mut new) = off_period(cx).await?;
        let again = sign_in_again(cx, &mut new, &account).await?;
        let control = sign_in_again(cx, &mut phone, &account).await?;
        assert_challenged("a device that signed in while it was off", &again, &control)
    }

    /// after signing out a trusted device signs in with the password, and no message is sent
    #[check("DEV-02.trusted-device-skips-the-step", operations = [SignOut], capabilities = [Trust])]
    async fn trusted_device_skips_the_step(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let cursor = cx.cursor();
        let again = sign_in_again(cx, &mut phone, &account).await?;
        let proof = assert_outcome("a trusted device signs in with the password alone", &again, Outcome::SignedIn)?;
        nothing_sent(cx, cursor, &account, "no code is sent for it").await?;
        Ok(proof)
    }

    /// a trusted device with a wrong or no password is refused
    #[check("DEV-02.trust-does-not-replace-the-password", operations = [SignOut], capabilities = [Trust])]
    async fn trust_does_not_replace_the_password(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        cx.perform(&mut phone, Operation::SignOut {}).await?;
        let with = |password: &str| account.with_password(password).sign_in();
        let wrong = cx.perform(&mut phone.clone(), with("not the password 1")).await?;
        let empty = cx.perform(&mut phone.clone(), with("")).await?;
        let missing = [targets::RequestMutation::DropField("password".to_owned())];
        let none = cx.perform_with(&mut phone.clone(), with(&account.password), &missing).await?;
        let right = cx.perform(&mut phone, with(&account.password)).await?;
        all([
            assert_refused("trust with a wrong password", &wrong, &right),
            assert_refused("trust with an empty password", &empty, &right),
            assert_refused("trust with no password", &none, &right),
        ])
    }

    /// the trust credential of one account is worth nothing on another
    #[check("DEV-03.trust-is-per-account", operations = [SignOut], capabilities = [Trust])]
    async fn trust_is_per_account(cx: &mut Context) -> CheckResult {
        let first = cx.member().await?;
        let mut second = cx.member().await?;
        let foreign = cx.target.credential(&second.phone, CredentialKind::Trust);
        let mut stranger = forgetful(&second.phone);
        cx.target.set_credential(&mut stranger, CredentialKind::Trust, foreign);
        let crossed = cx.sign_in(&mut stranger, &first.account).await?;
        let own = sign_in_again(cx, &mut second.phone, &second.account).await?;
        assert_challenged("another account's trust credential", &crossed, &own)
    }

    /// two accounts on one phone keep their trust apart when one of them removes it
    #[check("DEV-03.accounts-share-a-phone", operations = [SignOut, WhoAmI, RemoveDevice], capabilities = [Trust])]
    async fn accounts_share_a_phone(cx: &mut Context) -> CheckResult {
        let Member {
            account: first,
            phone: mut of_first,
        } = cx.member().await?;
        let second = cx.account().await?;
        let mut of_second = forgetful(&of_first);
        cx.trust(&mut of_second, &second).await?;
        let still = sign_in_again(cx, &mut of_first, &first).await?;
        let survives = "trust for one account survives trust for another on the same phone";
        let proof = assert_outcome(survives, &still, Outcome::SignedIn)?;
        let id = super::id_of(cx, &mut of_first).await?;
        cx.prepare(&mut of_first, Operation::RemoveDevice { id }).await?;
        let removed = cx.sign_in(&mut of_first, &first).await?;
        let kept = sign_in_again(cx, &mut of_second, &second).await?;
        let stays = "removing the phone in one account leaves it trusted in the other";
        let proof = proof.and(assert_outcome(stays, &kept, Outcome::SignedIn)?);
        // A service whose removals take no trust from anybody breaks DEV-11; whether accounts are apart cannot be seen there.
        if removed.outcome == Outcome::SignedIn && !removal_takes_trust(cx).await? {
            return not_tested("a phone with a single account stays trusted too when it is removed");
        }
        Ok(proof.and(assert_challenged(
            "the phone in the account that removed it",
            &removed,
            &kept,
        )?))
    }

    /// Whether a removed phone that only ever served one account is asked for a code.
    async fn removal_takes_trust(cx: &mut Context) -> Result<bool, CheckError> {
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

    /// everything a client says of itself, copied without the secret, is asked for a code
    #[check("DEV-04.claims-are-not-trust", operations = [SignOut], capabilities = [Trust])]
    async fn claims_are_not_trust(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let mut copy = forgetful(&phone);
        let copied = cx.sign_in(&mut copy, &account).await?;
        let own = sign_in_again(cx, &mut phone, &account).await?;
        assert_challenged("a device that says the same of itself and holds no secret", &copied, &own)
    }

    /// each credential is refused in every other's place
    #[check("DEV-05.credentials-are-not-interchangeable", operations = [WhoAmI])]
    async fn credentials_are_not_interchangeable(cx: &mut Context) -> CheckResult {
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
        let mut results = Vec::new();
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
                results.push((what, place, bad));
            }
        }
        let mut proofs = Vec::new();
        for place in CredentialKind::ALL {
            let handle = place == CredentialKind::Handle;
            let holder = if handle { &mut pending } else { &mut phone };
            let Some(good) = use_in(cx, holder, &account, place).await? else {
                continue;
            };
            for (what, _, bad) in results.iter().filter(|(_, tried, _)| *tried == place) {
                proofs.extend(bad.as_ref().map(|bad| worth_nothing(what, place, bad, &good)));
            }
        }
        all(proofs)
    }

    /// The operation that shows what a credential is worth in its place; nothing where the target has no such operation.
    async fn use_in(
        cx: &mut Context,
        device: &mut Device,
        account: &Account,
        place: CredentialKind,
    ) -> Result<Option<Answer>, CheckError> {
        let operation = match place {
            CredentialKind::Access => Operation::WhoAmI {},
            CredentialKind::Refresh => Operation::Refresh {},
            CredentialKind::Handle => Operation::ReadChallenge {},
            CredentialKind::Trust => account.sign_in(),
        };
        let held = cx.target.credential(device, place).is_some();
        if !held || !cx.target.offers(operation.kind()) {
            return Ok(None);
        }
        cx.perform(device, operation).await.map(Some)
    }

    /// Without trust a device is asked for a code; without any other credential it is refused.
    fn worth_nothing(what: &str, place: CredentialKind, bad: &Answer, good: &Answer) -> CheckResult {
        match place {
            CredentialKind::Trust => assert_challenged(what, bad, good),
            _ => assert_refused(what, bad, good),
        }
    }

    /// changed, shortened and lengthened credentials are refused without a server error
    #[check("DEV-05.altered-credentials-are-refused", operations = [WhoAmI])]
    async fn altered_credentials_are_refused(cx: &mut Context) -> CheckResult {
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
        let mut results = Vec::new();
        for place in [CredentialKind::Access, CredentialKind::Refresh, CredentialKind::Trust] {
            let Some(good) = use_in(cx, &mut phone, &account, place).await? else {
                continue;
            };
            for (what, _, bad) in tried.iter().filter(|(_, at, _)| *at == place) {
                let calm = bad.outcome != Outcome::ServerError;
                results.push(assert_that(&format!("{what}: no server error"), calm, describe(bad)));
                results.push(worth_nothing(what, place, bad, &good));
            }
        }
        all(results)
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

    /// a copy of a trust credential that has been used since is asked for a code
    #[check("DEV-06.replaced-trust-is-dead", operations = [SignOut], capabilities = [Trust])]
    async fn replaced_trust_is_dead(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        cx.perform(&mut phone, Operation::SignOut {}).await?;
        let mut thief = phone.clone();
        let own = cx.sign_in(&mut phone, &account).await?;
        let stolen = cx.sign_in(&mut thief, &account).await?;
        assert_challenged("a trust credential that has been used since it was copied", &stolen, &own)
    }

    const DAY: u64 = 24 * 3600;

    /// trust unused for the declared time is gone, a day less and it stands
    #[check("DEV-07.idle-trust-lapses", operations = [SignOut], capabilities = [Trust], moves_clock)]
    async fn idle_trust_lapses(cx: &mut Context) -> CheckResult {
        let idle = cx.parameters().trust_idle_d;
        let lapsed = after_idle_days(cx, idle, 1).await?;
        let standing = after_idle_days(cx, idle - 1, 0).await?;
        assert_challenged(&format!("trust unused for {idle} days"), &lapsed, &standing)
    }

    async fn after_idle_days(cx: &mut Context, days: u64, seconds: u64) -> Result<Answer, CheckError> {
        let Member { account, mut phone } = cx.member().await?;
        cx.advance(Duration::from_secs(days * DAY + seconds)).await?;
        sign_in_again(cx, &mut phone, &account).await
    }

    /// trust in constant use is gone after the declared time
    #[check("DEV-07.trust-has-an-end", operations = [SignOut], capabilities = [Trust], moves_clock)]
    async fn trust_has_an_end(cx: &mut Context) -> CheckResult {
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
        let used = require(used, "trust ends before it could be used")?;
        assert_challenged(&format!("trust {absolute} days old"), &ended, &used)
    }
);
