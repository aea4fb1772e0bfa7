//! One request tests one secret, in every place that takes one, under every spelling of the account.

use serde_json::{Value, json};
use targets::{Answer, Operation};

use super::wrong_password;
use crate::checks::steps::{field, open, submit};
use crate::context::{Account, Context, Member};
use crate::proof::{CheckError, CheckResult, all, all_refused, assert_refused, assert_that, not_tested};

checks!(
    /// a list, an object or a joined text that holds the right code among others is refused
    #[check("ATT-10.one-request-tests-one-code")]
    async fn one_request_tests_one_code(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let (mut device, pending) = open(cx, &account).await?;
        let right = pending.code.clone();
        let wrong = cx.target.wrong_code(&right, 0);
        let shapes = [
            ("a list", json!([wrong, right])),
            ("an object", json!({ "value": right, "in": [right, wrong] })),
            ("a joined text", Value::String(format!("{wrong},{right}"))),
        ];
        let mut answers = Vec::new();
        for (what, shape) in shapes {
            let operation = Operation::Verify { code: right.clone() };
            let answer = cx
                .perform_with(&mut device.clone(), operation, &[field("code", shape)])
                .await?;
            answers.push((format!("{what} that holds the right code"), answer));
        }
        let single = submit(cx, &mut device, &pending.code).await?;
        all_refused(&answers, &single)
    }

    /// a list or an object that holds the right password among others is refused
    #[check("ATT-10.one-request-tests-one-password")]
    async fn one_request_tests_one_password(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let right = account.password.clone();
        let shapes = [
            ("a list", json!(["not the password 1", right])),
            ("an object", json!({ "value": right })),
            ("a joined text", Value::String(format!("not the password 1,{right}"))),
        ];
        let mut answers = Vec::new();
        for (what, shape) in shapes {
            let mut device = cx.device("new phone");
            let shaped = [field("password", shape)];
            let answer = cx.perform_with(&mut device, account.sign_in(), &shaped).await?;
            answers.push((format!("{what} that holds the right password"), answer));
        }
        let mut device = cx.device("new phone");
        let single = cx.sign_in(&mut device, &account).await?;
        all_refused(&answers, &single)
    }

    /// guessing the password where a session changes it comes to an end
    #[check("ATT-11.password-change-is-limited", operations = [ChangePassword], capabilities = [Limits])]
    async fn password_change_is_limited(cx: &mut Context) -> CheckResult {
        in_session(cx, |password| Operation::ChangePassword {
            current: password,
            new: "another password 1".to_owned(),
        })
        .await
    }

    /// guessing the password where a session switches two-step verification off comes to an end
    #[check("ATT-11.two-step-setting-is-limited", operations = [SetTwoStep], capabilities = [Limits])]
    async fn two_step_setting_is_limited(cx: &mut Context) -> CheckResult {
        in_session(cx, |password| Operation::SetTwoStep {
            enabled: false,
            password: Some(password),
        })
        .await
    }

    /// guessing the password where a session proves it again comes to an end
    #[check("ATT-11.reauthentication-is-limited", operations = [Reauthenticate], capabilities = [Limits])]
    async fn reauthentication_is_limited(cx: &mut Context) -> CheckResult {
        in_session(cx, |password| Operation::Reauthenticate { password }).await
    }

    /// A hundred wrong passwords in a session, then the right one: refused, beside a session that guessed once.
    async fn in_session(cx: &mut Context, operation: impl Fn(String) -> Operation + Send) -> CheckResult {
        let most = cx.parameters().account_consecutive_max;
        let guessed = after_guesses(cx, most, &operation).await?;
        let spared = after_guesses(cx, 1, &operation).await?;
        assert_refused(
            &format!("the right password after {most} wrong ones in a session"),
            &guessed,
            &spared,
        )
    }

    async fn after_guesses(
        cx: &mut Context,
        guesses: u32,
        operation: &(impl Fn(String) -> Operation + Send),
    ) -> Result<Answer, CheckError> {
        let Member { account, mut phone } = cx.member().await?;
        for n in 0..guesses {
            let answer = cx.perform(&mut phone, operation(format!("not the password {n}"))).await?;
            if answer.accepted() {
                return not_tested("a wrong password was accepted");
            }
        }
        cx.perform(&mut phone, operation(account.password)).await
    }

    /// wrong passwords under other spellings of the identifier count for the same account
    #[check("ATT-12.spelling-gives-no-second-budget", capabilities = [SourceAddresses, Limits])]
    async fn spelling_gives_no_second_budget(cx: &mut Context) -> CheckResult {
        let spelled = cx.account().await?;
        let mut reaching = vec![spelled.email.clone()];
        for spelling in spellings(&spelled.email) {
            let mut device = cx.device("new phone");
            if cx.sign_in(&mut device, &spelled.with_email(&spelling)).await?.accepted() {
                reaching.push(spelling);
            }
        }
        if reaching.len() == 1 {
            return assert_that("other spellings are unknown", true, "");
        }
        let each = cx.parameters().account_wrong_limit - 1;
        let under_many = after_wrong_passwords(cx, &spelled, &reaching, each).await?;
        let plain = cx.account().await?;
        let one = vec![plain.email.clone(); reaching.len()];
        let under_one = after_wrong_passwords(cx, &plain, &one, each).await?;
        if under_one.accepted() {
            return not_tested("as many wrong passwords under one spelling reach no limit either");
        }
        let fresh = cx.account().await?;
        let mut device = cx.device("new phone");
        let control = cx.sign_in(&mut device, &fresh).await?;
        assert_refused(
            "the right password after wrong ones under several spellings",
            &under_many,
            &control,
        )
    }

    /// So many wrong passwords under each of the spellings, each from an address of its own; then the right one.
    async fn after_wrong_passwords(
        cx: &mut Context,
        account: &Account,
        spellings: &[String],
        each: u32,
    ) -> Result<Answer, CheckError> {
        for spelling in spellings {
            for _ in 0..each {
                let mut device = cx.device("guesser");
                wrong_password(cx, &mut device, spelling).await?;
            }
        }
        let mut device = cx.device("new phone");
        cx.sign_in(&mut device, account).await
    }

    /// another spelling of an identifier never opens another account than its own
    #[check("ATT-12.spelling-reaches-no-other-account", operations = [CreateAccount, WhoAmI])]
    async fn spelling_reaches_no_other_account(cx: &mut Context) -> CheckResult {
        let Member { account, phone } = cx.member().await?;
        let mut results = Vec::new();
        for spelling in lookalikes(&account.email) {
            // Whoever registers the lookalike with a password of their own must not come in to the first account with it.
            let password = "a lookalike's own password 1".to_owned();
            let victim = account.with_password(&password);
            let mut device = cx.device("lookalike's phone");
            let email = spelling.clone();
            cx.perform(&mut device, Operation::CreateAccount { email, password }).await?;
            let crossed = cx.sign_in(&mut device, &victim).await?;
            let mut control = cx.device("new phone");
            let honest = cx.sign_in(&mut control, &account).await?;
            results.push(assert_refused(
                &format!("the password registered under `{spelling}` on the first account"),
                &crossed,
                &honest,
            ));
            if results.len() as u32 + 1 >= cx.parameters().live_challenges {
                break;
            }
        }
        let me = cx.perform(&mut phone.clone(), Operation::WhoAmI {}).await?;
        results.push(assert_that(
            "the first account is still its owner's",
            me.accepted(),
            "its session is gone",
        ));
        all(results)
    }
);

/// Spellings that many services take for the same identifier.
fn spellings(email: &str) -> Vec<String> {
    let wide: String = email.chars().map(|c| if c == 'a' { '\u{ff41}' } else { c }).collect();
    vec![email.to_uppercase(), format!(" {email}"), format!("{email} "), wide]
}

/// Spellings that look alike; whether they are one account or two is the service's choice.
fn lookalikes(email: &str) -> Vec<String> {
    let (local, domain) = email.split_once('@').unwrap_or((email, "example.test"));
    vec![email.to_uppercase(), format!("{local}+tag@{domain}"), format!(" {email}")]
}
