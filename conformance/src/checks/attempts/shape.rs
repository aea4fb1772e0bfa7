//! One request tests one secret, in every place that takes one, under every spelling of the account.

use serde_json::{Value, json};
use targets::{Answer, Capability, Operation, OperationKind, RequestMutation};

use super::{guess_right, open, wrong_password};
use crate::check::Check;
use crate::context::{Account, Context, Member};
use crate::proof::{Ending, Stop, every, holds, refused};

use OperationKind::{ChangePassword, Reauthenticate, SetTwoStep};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "ATT-10.one-request-tests-one-code",
        title: "a list, an object or a joined text that holds the right code among others is refused",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(one_request_tests_one_code(cx)),
    },
    Check {
        id: "ATT-10.one-request-tests-one-password",
        title: "a list or an object that holds the right password among others is refused",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(one_request_tests_one_password(cx)),
    },
    Check {
        id: "ATT-11.password-change-is-limited",
        title: "guessing the password where a session changes it comes to an end",
        operations: &[ChangePassword],
        capabilities: &[Capability::Limits],
        moves_clock: false,
        run: |cx| Box::pin(password_change_is_limited(cx)),
    },
    Check {
        id: "ATT-11.two-step-setting-is-limited",
        title: "guessing the password where a session switches two-step verification off comes to an end",
        operations: &[SetTwoStep],
        capabilities: &[Capability::Limits],
        moves_clock: false,
        run: |cx| Box::pin(two_step_setting_is_limited(cx)),
    },
    Check {
        id: "ATT-11.reauthentication-is-limited",
        title: "guessing the password where a session proves it again comes to an end",
        operations: &[Reauthenticate],
        capabilities: &[Capability::Limits],
        moves_clock: false,
        run: |cx| Box::pin(reauthentication_is_limited(cx)),
    },
    Check {
        id: "ATT-12.spelling-gives-no-second-budget",
        title: "wrong passwords under other spellings of the identifier count for the same account",
        operations: &[],
        capabilities: &[Capability::SourceAddresses, Capability::Limits],
        moves_clock: false,
        run: |cx| Box::pin(spelling_gives_no_second_budget(cx)),
    },
    Check {
        id: "ATT-12.spelling-reaches-no-other-account",
        title: "another spelling of an identifier never opens another account than its own",
        operations: &[OperationKind::CreateAccount, OperationKind::WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(spelling_reaches_no_other_account(cx)),
    },
];

async fn one_request_tests_one_code(cx: &mut Context) -> Ending {
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
        let mutation = [RequestMutation::SetField("code".to_owned(), shape)];
        answers.push((what, cx.perform_with(&mut device.clone(), operation, &mutation).await?));
    }
    let single = guess_right(cx, &mut device, &pending).await?;
    every(
        answers
            .iter()
            .map(|(what, answer)| refused(&format!("{what} that holds the right code"), answer, &single)),
    )
}

async fn one_request_tests_one_password(cx: &mut Context) -> Ending {
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
        let operation = Operation::SignIn {
            email: account.email.clone(),
            password: right.clone(),
        };
        answers.push((
            what,
            cx.perform_with(
                &mut device,
                operation,
                &[RequestMutation::SetField("password".to_owned(), shape)],
            )
            .await?,
        ));
    }
    let mut device = cx.device("new phone");
    let single = cx.sign_in(&mut device, &account).await?;
    every(
        answers
            .iter()
            .map(|(what, answer)| refused(&format!("{what} that holds the right password"), answer, &single)),
    )
}

async fn password_change_is_limited(cx: &mut Context) -> Ending {
    in_session(cx, |password| Operation::ChangePassword {
        current: password,
        new: "another password 1".to_owned(),
    })
    .await
}

async fn two_step_setting_is_limited(cx: &mut Context) -> Ending {
    in_session(cx, |password| Operation::SetTwoStep {
        enabled: false,
        password: Some(password),
    })
    .await
}

async fn reauthentication_is_limited(cx: &mut Context) -> Ending {
    in_session(cx, |password| Operation::Reauthenticate { password }).await
}

/// A hundred wrong passwords in a session, then the right one: refused, beside a session that guessed once.
async fn in_session(cx: &mut Context, operation: impl Fn(String) -> Operation + Send) -> Ending {
    let most = cx.parameters().account_consecutive_max;
    let guessed = after_guesses(cx, most, &operation).await?;
    let spared = after_guesses(cx, 1, &operation).await?;
    refused(
        &format!("the right password after {most} wrong ones in a session"),
        &guessed,
        &spared,
    )
}

async fn after_guesses(
    cx: &mut Context,
    guesses: u32,
    operation: &(impl Fn(String) -> Operation + Send),
) -> Result<Answer, Stop> {
    let Member { account, mut phone } = cx.member().await?;
    for n in 0..guesses {
        let answer = cx.perform(&mut phone, operation(format!("not the password {n}"))).await?;
        if answer.accepted() {
            return Err(Stop::NotTested("a wrong password was accepted".to_owned()));
        }
    }
    cx.perform(&mut phone, operation(account.password)).await
}

async fn spelling_gives_no_second_budget(cx: &mut Context) -> Ending {
    let spelled = cx.account().await?;
    let mut reaching = vec![spelled.email.clone()];
    for spelling in spellings(&spelled.email) {
        let mut device = cx.device("new phone");
        let alias = Account {
            email: spelling.clone(),
            password: spelled.password.clone(),
        };
        if cx.sign_in(&mut device, &alias).await?.accepted() {
            reaching.push(spelling);
        }
    }
    if reaching.len() == 1 {
        return holds("other spellings are unknown", true, "");
    }
    let each = cx.parameters().account_wrong_limit - 1;
    let under_many = after_wrong_passwords(cx, &spelled, &reaching, each).await?;
    let plain = cx.account().await?;
    let one = vec![plain.email.clone(); reaching.len()];
    let under_one = after_wrong_passwords(cx, &plain, &one, each).await?;
    if under_one.accepted() {
        return Err(Stop::NotTested(
            "as many wrong passwords under one spelling reach no limit either".to_owned(),
        ));
    }
    let fresh = cx.account().await?;
    let mut device = cx.device("new phone");
    let control = cx.sign_in(&mut device, &fresh).await?;
    refused(
        "the right password after wrong ones under several spellings",
        &under_many,
        &control,
    )
}

/// So many wrong passwords under each of the spellings, each from an address of its own; then the right one.
async fn after_wrong_passwords(cx: &mut Context, account: &Account, spellings: &[String], each: u32) -> Result<Answer, Stop> {
    for spelling in spellings {
        for _ in 0..each {
            let mut device = cx.device("guesser");
            wrong_password(cx, &mut device, spelling).await?;
        }
    }
    let mut device = cx.device("new phone");
    cx.sign_in(&mut device, account).await
}

async fn spelling_reaches_no_other_account(cx: &mut Context) -> Ending {
    let Member { account, phone } = cx.member().await?;
    let mut endings = Vec::new();
    for spelling in lookalikes(&account.email) {
        // Whoever registers the lookalike with a password of their own must not come in to the first account with it.
        let own = Account {
            email: spelling.clone(),
            password: "a lookalike's own password 1".to_owned(),
        };
        let mut device = cx.device("lookalike's phone");
        let create = Operation::CreateAccount {
            email: own.email.clone(),
            password: own.password.clone(),
        };
        cx.perform(&mut device, create).await?;
        let victim = Account {
            email: account.email.clone(),
            password: own.password.clone(),
        };
        let crossed = cx.sign_in(&mut device, &victim).await?;
        let mut control = cx.device("new phone");
        let honest = cx.sign_in(&mut control, &account).await?;
        endings.push(refused(
            &format!("the password registered under `{spelling}` on the first account"),
            &crossed,
            &honest,
        ));
        if endings.len() as u32 + 1 >= cx.parameters().live_challenges {
            break;
        }
    }
    let me = cx.perform(&mut phone.clone(), Operation::WhoAmI {}).await?;
    endings.push(holds(
        "the first account is still its owner's",
        me.accepted(),
        "its session is gone",
    ));
    every(endings)
}

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
