//! Binding: a code belongs to one account, one challenge, one device, one purpose.

use serde_json::json;
use targets::{Answer, Capability, CredentialKind, Device, Operation, OperationKind, RequestMutation};

use crate::checks::steps::{field, handle_of, header, is_not_signed_in, open, submit};
use crate::context::{Context, Member};
use crate::proof::{
    CheckError, CheckResult, all, assert_accepted, assert_challenged, assert_refused, assert_that, failed, not_tested,
};

checks!(
    /// each of two accounts' codes is refused on the other's challenge and accepted on its own
    #[check("BIND-01.code-of-another-account-is-refused")]
    async fn code_of_another_account_is_refused(cx: &mut Context) -> CheckResult {
        let (one, other) = (cx.account().await?, cx.account().await?);
        let (mut a, of_a) = open(cx, &one).await?;
        let (mut b, of_b) = open(cx, &other).await?;
        different(&of_a.code, &of_b.code)?;
        let b_on_a = submit(cx, &mut a.clone(), &of_b.code).await?;
        let a_on_b = submit(cx, &mut b.clone(), &of_a.code).await?;
        let a_on_a = submit(cx, &mut a, &of_a.code).await?;
        let b_on_b = submit(cx, &mut b, &of_b.code).await?;
        all([
            assert_refused("another account's code", &b_on_a, &a_on_a),
            assert_refused("the code of the first account on the second", &a_on_b, &b_on_b),
        ])
    }

    fn different(one: &str, other: &str) -> Result<(), CheckError> {
        if one == other {
            return not_tested("by chance both challenges have the same code");
        }
        Ok(())
    }

    /// another account's code counts as a wrong guess
    #[check("BIND-01.foreign-codes-count", capabilities = [Limits])]
    async fn foreign_codes_count(cx: &mut Context) -> CheckResult {
        let cap = cx.parameters().attempts_per_challenge;
        let spent = after_foreign_codes(cx, cap).await?;
        let left = after_foreign_codes(cx, cap - 1).await?;
        assert_refused(&format!("the right code after {cap} codes of another account"), &spent, &left)
    }

    /// The right code after another account's was submitted this often.
    async fn after_foreign_codes(cx: &mut Context, times: u32) -> Result<Answer, CheckError> {
        let (one, other) = (cx.account().await?, cx.account().await?);
        let (mut device, own) = open(cx, &one).await?;
        let (_, foreign) = open(cx, &other).await?;
        different(&own.code, &foreign.code)?;
        for _ in 0..times {
            submit(cx, &mut device, &foreign.code).await?;
        }
        submit(cx, &mut device, &own.code).await
    }

    /// each of two challenges' codes is refused on the other and accepted on its own
    #[check("BIND-02.code-of-another-challenge-is-refused")]
    async fn code_of_another_challenge_is_refused(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let (mut first, of_first) = open(cx, &account).await?;
        let (mut second, of_second) = open(cx, &account).await?;
        different(&of_first.code, &of_second.code)?;
        let first_on_second = submit(cx, &mut second.clone(), &of_first.code).await?;
        let second_on_first = submit(cx, &mut first.clone(), &of_second.code).await?;
        let second_on_second = submit(cx, &mut second, &of_second.code).await?;
        let what = "an earlier challenge's code on a later one";
        let later = assert_refused(what, &first_on_second, &second_on_second);
        let earlier = "a later challenge's code on an earlier one";
        if !cx.target.has(Capability::CodePerChallenge) {
            // A new challenge ends the one before by declaration, so that only the refusals are left to see.
            return all([later, assert_refused(earlier, &second_on_first, &second_on_second)]);
        }
        let first_on_first = submit(cx, &mut first, &of_first.code).await?;
        all([later, assert_refused(earlier, &second_on_first, &first_on_first)])
    }

    /// The ways in which a request names a device.
    fn naming(device: &Device) -> Vec<RequestMutation> {
        vec![
            field("device", json!({"installation": device.installation, "name": device.name})),
            field("device_id", json!(device.installation)),
            field("installation", json!(device.installation)),
            field("device_name", json!(device.name)),
            header("X-Device-Id", device.installation.clone()),
            RequestMutation::AddCookie("device_id".to_owned(), device.installation.clone()),
        ]
    }

    /// a device named beside the code neither becomes trusted nor takes the place of the one that signed in
    #[check("BIND-03.device-is-fixed-at-step-one", capabilities = [Trust])]
    async fn device_is_fixed_at_step_one(cx: &mut Context) -> CheckResult {
        let mut results = Vec::new();
        let other = cx.device("attacker's phone");
        for name in naming(&other) {
            let account = cx.account().await?;
            let (mut device, pending) = open(cx, &account).await?;
            let verify = Operation::Verify { code: pending.code };
            let naming = std::slice::from_ref(&name);
            let named = cx.perform_with(&mut device, verify.clone(), naming).await?;
            if !named.accepted() {
                // Refusing the whole request is as good; the honest one still has to work.
                let honest = cx.perform(&mut device, verify).await?;
                results.push(assert_refused(&format!("a code with {name:?}"), &named, &honest));
                if !honest.accepted() {
                    continue;
                }
            }
            if cx.target.offers(OperationKind::ListDevices) {
                let list = cx.prepare(&mut device, Operation::ListDevices {}).await?;
                let rows = list.facts.devices.unwrap_or_default();
                results.push(assert_that(
                    &format!("the device named by {name:?} is not in the list"),
                    !rows.iter().any(|row| row.name.as_deref() == Some(&other.name)),
                    format!("{} devices are listed, one of them by that name", rows.len()),
                ));
            }
            let unknown = cx.sign_in(&mut other.clone(), &account).await?;
            let own = cx.sign_in(&mut device, &account).await?;
            results.push(assert_challenged(&format!("the device named by {name:?}"), &unknown, &own));
        }
        all(results)
    }

    /// a sign-in code is refused where a password or a reset token is asked for
    #[check("BIND-04.sign-in-code-authorises-nothing-else")]
    async fn sign_in_code_authorises_nothing_else(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let (_, pending) = open(cx, &account).await?;
        let (code, right) = (pending.code.clone(), account.password.clone());
        let mut results = Vec::new();
        let reauthenticate = |password| Operation::Reauthenticate { password };
        let set = |password| Operation::SetTwoStep {
            enabled: false,
            password,
        };
        let change = |current| Operation::ChangePassword {
            current,
            new: format!("{right}-new"),
        };
        // The right ones come after the wrong ones, the change of the password last: it would void the code.
        let (off, beside) = (set(Some(right.clone())), field("code", code.clone()));
        let pairs = [
            (
                "for the proof of a password",
                reauthenticate(code.clone()),
                vec![],
                reauthenticate(right.clone()),
            ),
            (
                "to switch two-step verification off",
                set(Some(code.clone())),
                vec![],
                off.clone(),
            ),
            ("beside switching two-step verification off", set(None), vec![beside], off),
            ("to change the password", change(code.clone()), vec![], change(right.clone())),
        ];
        let mut bad = Vec::new();
        for (place, operation, mutations, good) in pairs {
            if cx.target.offers(operation.kind()) {
                let what = format!("a sign-in code {place}");
                bad.push((what, cx.perform_with(&mut phone, operation, &mutations).await?, good));
            }
        }
        for (what, bad, good) in bad {
            let good = cx.perform(&mut phone, good).await?;
            results.push(assert_refused(&what, &bad, &good));
        }
        if cx.target.offers(OperationKind::CompleteReset) && cx.target.offers(OperationKind::RequestReset) {
            results.push(code_completes_no_reset(cx).await);
        }
        if results.is_empty() {
            return Err(CheckError::NotApplicable(
                "signing in is all that this target has a code for".to_owned(),
            ));
        }
        all(results)
    }

    async fn code_completes_no_reset(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let mut device = cx.device("new phone");
        let token = cx.reset_token(&mut device, &account).await?;
        let (_, pending) = open(cx, &account).await?;
        let new = format!("{}-new", account.password);
        let by_code = Operation::CompleteReset {
            token: pending.code,
            new: new.clone(),
        };
        let bad = cx.perform(&mut device, by_code).await?;
        let good = cx.perform(&mut device, Operation::CompleteReset { token, new }).await?;
        assert_refused("a sign-in code for a reset token", &bad, &good)
    }

    /// a reset token is refused where a sign-in code is asked for
    #[check("BIND-04.reset-token-is-no-code", operations = [RequestReset])]
    async fn reset_token_is_no_code(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let (mut device, pending) = open(cx, &account).await?;
        let token = cx.reset_token(&mut device, &account).await?;
        let bad = submit(cx, &mut device.clone(), &token).await?;
        let good = submit(cx, &mut device, &pending.code).await?;
        assert_refused("a reset token for a sign-in code", &bad, &good)
    }

    /// a code submitted with another account's name opens no session of that account
    #[check("BIND-05.account-cannot-be-named", operations = [WhoAmI])]
    async fn account_cannot_be_named(cx: &mut Context) -> CheckResult {
        let Member { account: victim, .. } = cx.member().await?;
        let mut results = Vec::new();
        for name in ["email", "account", "username", "user_id", "account_id"] {
            let own = cx.account().await?;
            let (mut attacker, pending) = open(cx, &own).await?;
            let verify = Operation::Verify { code: pending.code };
            let named = [field(name, victim.email.clone())];
            let answer = cx.perform_with(&mut attacker, verify.clone(), &named).await?;
            if !answer.accepted() {
                let honest = cx.perform(&mut attacker, verify).await?;
                let what = format!("a code with the victim's name as `{name}`");
                results.push(assert_refused(&what, &answer, &honest));
                continue;
            }
            let who = cx.prepare(&mut attacker, Operation::WhoAmI {}).await?;
            let email = who.facts.email.unwrap_or_default();
            results.push(assert_that(
                &format!("a code with the victim's name as `{name}` signs in to the account of its handle"),
                email.eq_ignore_ascii_case(&own.email),
                format!("it signed in to `{email}`"),
            ));
        }
        all(results)
    }

    /// in a client with two pending sign-ins, completing one opens nothing of the other
    #[check("BIND-05.completing-one-upgrades-no-other", operations = [WhoAmI])]
    async fn completing_one_upgrades_no_other(cx: &mut Context) -> CheckResult {
        let Member { account: victim, phone } = cx.member().await?;
        let own = cx.account().await?;
        let mut client = cx.device("attacker's phone");
        let of_victim = cx.challenged(&mut client, &victim).await?;
        let victims_handle = handle_of(cx, &client);
        let holding_victim = client.clone();
        let of_own = cx.challenged(&mut client, &own).await?;
        different(&of_victim.code, &of_own.code)?;
        let done = submit(cx, &mut client, &of_own.code).await?;
        let proof = assert_accepted("the code of the client's second pending sign-in", &done)?;
        let who = cx.prepare(&mut client, Operation::WhoAmI {}).await?;
        if who
            .facts
            .email
            .as_deref()
            .is_some_and(|email| email.eq_ignore_ascii_case(&victim.email))
        {
            return failed(
                "the client is signed in to the account it completed",
                "it is signed in to the other",
            );
        }
        // What the client held for the other account, with the cookies it has now, and with that handle in place of a session.
        let mut as_it_was = holding_victim.clone();
        as_it_was.jar = client.jar.clone();
        let mut by_handle = as_it_was.clone();
        cx.target
            .set_credential(&mut by_handle, CredentialKind::Access, Some(victims_handle));
        let mut results = Vec::new();
        if cx.target.credential(&as_it_was, CredentialKind::Access) != cx.target.credential(&client, CredentialKind::Access) {
            results.extend(is_not_signed_in(cx, "what was held for the other account", &as_it_was, &phone).await?);
        }
        results.extend(is_not_signed_in(cx, "the handle of the other account", &by_handle, &phone).await?);
        Ok(proof.and(all(results)?))
    }
);
