//! Nothing that a client says of itself lowers the step. The lists are samples: a pass is evidence, no proof.

use serde_json::{Value, json};
use targets::{Answer, Capability, Operation, RequestMutation};

use crate::check::Check;
use crate::checks::moves::{open, submit};
use crate::context::{Context, Member};
use crate::proof::{Ending, Stop, asked, every, refused};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "SIGN-04.fields-lower-nothing",
        title: "no added field of the sign-in makes it skip the code",
        operations: &[],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(still_asked(cx, fields())),
    },
    Check {
        id: "SIGN-04.headers-lower-nothing",
        title: "no added header of the sign-in makes it skip the code",
        operations: &[],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(still_asked(cx, headers())),
    },
    Check {
        id: "SIGN-04.cookies-lower-nothing",
        title: "no added cookie of the sign-in makes it skip the code",
        operations: &[],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(still_asked(cx, cookies())),
    },
    Check {
        id: "SIGN-04.query-lowers-nothing",
        title: "no query parameter of the sign-in makes it skip the code",
        operations: &[],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(still_asked(cx, queries())),
    },
    Check {
        id: "SIGN-04.hints-replace-no-code",
        title: "no hint beside a wrong code makes it right",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(hints_replace_no_code(cx)),
    },
];

fn fields() -> Vec<RequestMutation> {
    let field = |name: &str, value: Value| RequestMutation::SetField(name.to_owned(), value);
    vec![
        field("trusted", json!(true)),
        field("trust_device", json!(true)),
        field("mfa", json!(false)),
        field("two_step", json!("off")),
        field("two_step_enabled", json!(false)),
        field("skip_2fa", json!(true)),
        field("remember", json!(1)),
        field("remember_me", json!(true)),
        field("debug", json!(true)),
        field("role", json!("admin")),
        field("is_admin", json!(true)),
        field("grant_type", json!("password")),
    ]
}

fn headers() -> Vec<RequestMutation> {
    let header = |name: &str, value: &str| RequestMutation::AddHeader(name.to_owned(), value.to_owned());
    vec![
        header("X-Debug", "1"),
        header("X-Trusted-Device", "true"),
        header("X-Internal", "1"),
        header("X-Internal-Request", "true"),
        header("X-Original-URL", "/v1/session"),
        header("X-Forwarded-For", "127.0.0.1"),
        header("X-MFA", "false"),
        header("X-Skip-2FA", "1"),
        header("X-Test", "true"),
        header("X-Role", "admin"),
    ]
}

fn cookies() -> Vec<RequestMutation> {
    let cookie = |name: &str, value: &str| RequestMutation::AddCookie(name.to_owned(), value.to_owned());
    vec![
        cookie("trusted", "true"),
        cookie("trusted_device", "1"),
        cookie("remember", "1"),
        cookie("mfa", "false"),
        cookie("two_step", "off"),
        cookie("debug", "1"),
        cookie("role", "admin"),
    ]
}

fn queries() -> Vec<RequestMutation> {
    let query = |name: &str, value: &str| RequestMutation::AddQuery(name.to_owned(), value.to_owned());
    vec![
        query("trusted", "true"),
        query("mfa", "false"),
        query("two_step", "off"),
        query("remember", "1"),
        query("skip_2fa", "1"),
        query("debug", "1"),
        query("admin", "true"),
    ]
}

/// Each hint alone, from a device of its own; the owner's trusted phone is what skipping the step looks like. An account has
/// as many live challenges at a time as are declared, so the hints go over several.
async fn still_asked(cx: &mut Context, hints: Vec<RequestMutation>) -> Ending {
    let at_once = usize::try_from(cx.parameters().live_challenges).unwrap_or(1).clamp(1, 4);
    let mut endings = Vec::new();
    for hints in hints.chunks(at_once) {
        let Member { account, mut phone } = cx.member().await?;
        let mut tries: Vec<(String, Answer)> = Vec::new();
        for hint in hints {
            let mut device = cx.device("stranger's phone");
            let operation = Operation::SignIn {
                email: account.email.clone(),
                password: account.password.clone(),
            };
            let answer = cx.perform_with(&mut device, operation, std::slice::from_ref(hint)).await?;
            tries.push((format!("a sign-in with {hint:?}"), answer));
        }
        let own = cx.sign_in(&mut phone, &account).await?;
        endings.extend(tries.iter().map(|(what, tried)| asked(what, tried, &own)));
    }
    every(endings)
}

async fn hints_replace_no_code(cx: &mut Context) -> Ending {
    let hints: Vec<RequestMutation> = [fields(), headers(), cookies(), queries()].concat();
    // The last guess of a challenge is for the right code.
    let at_once = usize::try_from(cx.parameters().attempts_per_challenge).unwrap_or(1);
    if at_once < 2 {
        return Err(Stop::NotTested(
            "a challenge takes one guess, so no twin can follow".to_owned(),
        ));
    }
    let mut endings = Vec::new();
    for hints in hints.chunks(at_once - 1) {
        let account = cx.account().await?;
        let (mut new, pending) = open(cx, &account).await?;
        let mut tries: Vec<(String, Answer)> = Vec::new();
        for (nth, hint) in (0u32..).zip(hints) {
            let code = cx.target.wrong_code(&pending.code, nth);
            let verify = Operation::Verify { code };
            let answer = cx.perform_with(&mut new.clone(), verify, std::slice::from_ref(hint)).await?;
            tries.push((format!("a wrong code with {hint:?}"), answer));
        }
        let right = submit(cx, &mut new, &pending.code).await?;
        endings.extend(tries.iter().map(|(what, tried)| refused(what, tried, &right)));
    }
    every(endings)
}
