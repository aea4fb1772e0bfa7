//! Nothing that a client says of itself lowers the step. The lists are samples: a pass is evidence, no proof.

use targets::{Operation, RequestMutation};

use crate::checks::steps::{field, header, open, submit};
use crate::context::{Context, Member};
use crate::proof::{CheckResult, all, all_challenged, all_refused, not_tested};

checks!(
    /// no added field of the sign-in makes it skip the code
    #[check("SIGN-04.fields-lower-nothing", capabilities = [Trust])]
    async fn fields_lower_nothing(cx: &mut Context) -> CheckResult {
        still_asked(cx, fields()).await
    }

    /// no added header of the sign-in makes it skip the code
    #[check("SIGN-04.headers-lower-nothing", capabilities = [Trust])]
    async fn headers_lower_nothing(cx: &mut Context) -> CheckResult {
        still_asked(cx, headers()).await
    }

    /// no added cookie of the sign-in makes it skip the code
    #[check("SIGN-04.cookies-lower-nothing", capabilities = [Trust])]
    async fn cookies_lower_nothing(cx: &mut Context) -> CheckResult {
        still_asked(cx, cookies()).await
    }

    /// no query parameter of the sign-in makes it skip the code
    #[check("SIGN-04.query-lowers-nothing", capabilities = [Trust])]
    async fn query_lowers_nothing(cx: &mut Context) -> CheckResult {
        still_asked(cx, queries()).await
    }

    fn fields() -> Vec<RequestMutation> {
        vec![
            field("trusted", true),
            field("trust_device", true),
            field("mfa", false),
            field("two_step", "off"),
            field("two_step_enabled", false),
            field("skip_2fa", true),
            field("remember", 1),
            field("remember_me", true),
            field("debug", true),
            field("role", "admin"),
            field("is_admin", true),
            field("grant_type", "password"),
        ]
    }

    fn headers() -> Vec<RequestMutation> {
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
    async fn still_asked(cx: &mut Context, hints: Vec<RequestMutation>) -> CheckResult {
        let at_once = usize::try_from(cx.parameters().live_challenges).unwrap_or(1).clamp(1, 4);
        let mut results = Vec::new();
        for hints in hints.chunks(at_once) {
            let Member { account, mut phone } = cx.member().await?;
            let mut tries = Vec::new();
            for hint in hints {
                let mut device = cx.device("stranger's phone");
                let answer = cx
                    .perform_with(&mut device, account.sign_in(), std::slice::from_ref(hint))
                    .await?;
                tries.push((format!("a sign-in with {hint:?}"), answer));
            }
            let own = cx.sign_in(&mut phone, &account).await?;
            results.push(all_challenged(&tries, &own));
        }
        all(results)
    }

    /// no hint beside a wrong code makes it right
    #[check("SIGN-04.hints-replace-no-code")]
    async fn hints_replace_no_code(cx: &mut Context) -> CheckResult {
        let hints: Vec<RequestMutation> = [fields(), headers(), cookies(), queries()].concat();
        // The last guess of a challenge is for the right code.
        let at_once = usize::try_from(cx.parameters().attempts_per_challenge).unwrap_or(1);
        if at_once < 2 {
            return not_tested("a challenge takes one guess, so no twin can follow");
        }
        let mut results = Vec::new();
        for hints in hints.chunks(at_once - 1) {
            let account = cx.account().await?;
            let (mut new, pending) = open(cx, &account).await?;
            let mut tries = Vec::new();
            for (nth, hint) in (0u32..).zip(hints) {
                let code = cx.target.wrong_code(&pending.code, nth);
                let verify = Operation::Verify { code };
                let answer = cx.perform_with(&mut new.clone(), verify, std::slice::from_ref(hint)).await?;
                tries.push((format!("a wrong code with {hint:?}"), answer));
            }
            let right = submit(cx, &mut new, &pending.code).await?;
            results.push(all_refused(&tries, &right));
        }
        all(results)
    }
);
