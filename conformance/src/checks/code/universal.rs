//! Codes that nobody drew: defaults, left-overs of testing, nothing at all. The list is a sample.

use serde_json::Value;
use targets::{Answer, Operation, RequestMutation};

use crate::checks::steps::{field, open, submit};
use crate::context::{Account, Context};
use crate::proof::{CheckResult, all, assert_refused, not_tested};

checks!(
    /// common test and default codes open no challenge
    #[check("CODE-04.no-code-opens-everything")]
    async fn no_code_opens_everything(cx: &mut Context) -> CheckResult {
        none_is_accepted(cx, common).await
    }

    /// an empty, blank, absent or null code opens no challenge
    #[check("CODE-04.nothing-is-no-code")]
    async fn nothing_is_no_code(cx: &mut Context) -> CheckResult {
        none_is_accepted(cx, empty).await
    }
);

/// A code nobody drew, and how the request departs from the honest one.
type Try = (String, Vec<RequestMutation>);

fn common(cx: &Context, account: &Account) -> Vec<Try> {
    let length = cx.parameters().code_length as usize;
    let repeated = |digits: &str| digits.chars().cycle().take(length).collect::<String>();
    let mut codes: Vec<String> = ["0", "1", "1234567890", "987654321", "9", "121212", "8", "5"]
        .into_iter()
        .map(repeated)
        .collect();
    let halves: String = (0..length)
        .map(|at| char::from(b'1' + u8::try_from(at / 2 % 9).unwrap_or(0)))
        .collect();
    let downwards: String = (0..length)
        .rev()
        .map(|at| char::from(b'1' + u8::try_from(at % 9).unwrap_or(0)))
        .collect();
    codes.extend([halves, downwards]);
    let own: String = account.email.chars().filter(char::is_ascii_digit).collect();
    if !own.is_empty() {
        codes.push(own.chars().cycle().take(length).collect());
    }
    codes.extend(["000", "true", "*", "%", "null"].map(str::to_owned));
    codes.into_iter().map(|code| (code, Vec::new())).collect()
}

fn empty(cx: &Context, _account: &Account) -> Vec<Try> {
    let length = cx.parameters().code_length as usize;
    let field = |value| vec![field("code", value)];
    vec![
        (String::new(), Vec::new()),
        (" ".to_owned(), Vec::new()),
        (" ".repeat(length), Vec::new()),
        ("\0".repeat(length), Vec::new()),
        (String::new(), field(Value::Null)),
        (String::new(), field(Value::Bool(true))),
        (String::new(), field(Value::Array(Vec::new()))),
        (String::new(), vec![RequestMutation::DropField("code".to_owned())]),
    ]
}

/// Each on a challenge that has guesses left, so that it is the code that is refused and no limit; the right code follows.
async fn none_is_accepted(cx: &mut Context, list: fn(&Context, &Account) -> Vec<Try>) -> CheckResult {
    let guesses = usize::try_from(cx.parameters().attempts_per_challenge).unwrap_or(1);
    if guesses < 2 {
        return not_tested("a challenge takes one guess, so no twin can follow");
    }
    let mut results = Vec::new();
    let mut done = 0;
    loop {
        let account = cx.account().await?;
        let tries: Vec<Try> = list(cx, &account).into_iter().skip(done).take(guesses - 1).collect();
        if tries.is_empty() {
            return all(results);
        }
        done += tries.len();
        let (mut device, pending) = open(cx, &account).await?;
        let mut answers: Vec<(String, Answer)> = Vec::new();
        for (code, mutations) in tries.into_iter().filter(|(code, _)| *code != pending.code) {
            let what = if mutations.is_empty() {
                format!("the code {code:?}")
            } else {
                format!("a code with {mutations:?}")
            };
            let verify = Operation::Verify { code };
            answers.push((what, cx.perform_with(&mut device.clone(), verify, &mutations).await?));
        }
        let right = submit(cx, &mut device, &pending.code).await?;
        results.extend(answers.iter().map(|(what, answer)| assert_refused(what, answer, &right)));
    }
}
