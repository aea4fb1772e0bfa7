//! Every declared way to a session asks for the same step, and so do likely others. Ways that nobody declared cannot be found.

use targets::{CredentialKind, Device, Exchange, Operation, Outcome, RawRequest};

use crate::checks::steps::{answer_opens_nothing, collect_credentials, is_not_signed_in, open, opens_nothing};
use crate::context::{Context, Member};
use crate::proof::{CheckError, CheckResult, all, all_refused, assert_outcome, assert_that, describe, not_tested};

checks!(
    /// registering again with an existing account's address and password opens no session
    #[check("SIGN-05.registration-signs-nobody-in", operations = [CreateAccount, WhoAmI])]
    async fn registration_signs_nobody_in(cx: &mut Context) -> CheckResult {
        let Member { account, phone } = cx.member().await?;
        let mut stranger = cx.device("stranger's phone");
        let again = Operation::CreateAccount {
            email: account.email.clone(),
            password: account.password.clone(),
        };
        let answer = cx.perform(&mut stranger, again).await?;
        let opened = answer.outcome == Outcome::SignedIn;
        let mut results = vec![assert_that("registering again opens no session", !opened, describe(&answer))];
        let names = ("a device that registered again", "the registration");
        results.extend(answer_opens_nothing(cx, names, &answer, &stranger, &phone).await?);
        all(results)
    }

    /// completing a password reset opens no session, and the new password alone is asked for a code
    #[check("SIGN-05.reset-signs-nobody-in", operations = [RequestReset, CompleteReset, WhoAmI])]
    async fn reset_signs_nobody_in(cx: &mut Context) -> CheckResult {
        let Member { mut account, .. } = cx.member().await?;
        let other = cx.member().await?;
        let mut stranger = cx.device("stranger's phone");
        let token = cx.reset_token(&mut stranger, &account).await?;
        account.password = format!("{}-new", account.password);
        let complete = Operation::CompleteReset {
            token,
            new: account.password.clone(),
        };
        let answer = cx.perform(&mut stranger, complete).await?;
        if !answer.accepted() && answer.outcome != Outcome::Unrecognised {
            return not_tested(format!("the reset was not completed: {}", describe(&answer)));
        }
        let opened = answer.outcome == Outcome::SignedIn;
        let mut results = vec![assert_that("completing a reset opens no session", !opened, describe(&answer))];
        let names = ("a device that completed a reset", "the reset");
        results.extend(answer_opens_nothing(cx, names, &answer, &stranger, &other.phone).await?);
        let mut new = cx.device("new phone");
        let after = cx.sign_in(&mut new, &account).await?;
        let asked = "after a reset the new password alone is asked for a code";
        results.push(assert_outcome(asked, &after, Outcome::Challenged));
        all(results)
    }

    /// a pending sign-in cannot be renewed into a session
    #[check("SIGN-05.renewal-needs-a-session", operations = [Refresh], capabilities = [RefreshCredential])]
    async fn renewal_needs_a_session(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let (pending, _) = open(cx, &account).await?;
        let bare = cx.perform(&mut pending.clone(), Operation::Refresh {}).await?;
        let mut tries = vec![("renewing a pending sign-in, as it stands", bare)];
        for (what, kind) in [
            ("renewing a pending sign-in, with its handle", CredentialKind::Handle),
            (
                "renewing a pending sign-in, with what it may hold as an access credential",
                CredentialKind::Access,
            ),
        ] {
            let mut device = pending.clone();
            let held = cx.target.credential(&device, kind);
            cx.target.set_credential(&mut device, CredentialKind::Refresh, held);
            tries.push((what, cx.perform(&mut device, Operation::Refresh {}).await?));
        }
        let own = cx.perform(&mut phone, Operation::Refresh {}).await?;
        all_refused(&tries, &own)
    }

    /// Other places where a sign-in of the declared path may also answer.
    fn variants(path: &str) -> Vec<String> {
        let bare = path
            .strip_prefix("/v1")
            .or_else(|| path.strip_prefix("/api"))
            .unwrap_or(path)
            .to_owned();
        let prefixes = [
            "",
            "/v0",
            "/v1",
            "/v2",
            "/v3",
            "/api",
            "/api/v1",
            "/api/v2",
            "/mobile",
            "/mobile/v1",
            "/internal",
            "/legacy",
        ];
        let names = ["/login", "/sign-in", "/signin", "/auth/login", "/oauth/token", "/token"];
        let mut all: Vec<String> = prefixes.iter().map(|prefix| format!("{prefix}{bare}")).collect();
        all.extend(
            prefixes
                .iter()
                .take(5)
                .flat_map(|prefix| names.iter().map(move |name| format!("{prefix}{name}"))),
        );
        all.push(format!("{path}/"));
        all.push(format!("{path}.json"));
        all.retain(|variant| variant != path);
        all
    }

    /// older and other versions of the sign-in path, where they answer at all, open no session
    #[check("SIGN-05.other-paths-open-nothing", operations = [WhoAmI])]
    async fn other_paths_open_nothing(cx: &mut Context) -> CheckResult {
        let Member { account, phone } = cx.member().await?;
        let (device, pending) = open(cx, &account).await?;
        let declared = pending.answer.last().cloned();
        let declared = declared.ok_or_else(|| CheckError::Harness("a sign-in without an exchange".to_owned()))?;
        let path = declared
            .url
            .strip_prefix(cx.target.origin())
            .unwrap_or(&declared.url)
            .to_owned();
        let mut answering = Vec::new();
        for (nth, path) in variants(&path).into_iter().enumerate() {
            let exchange = cx.raw(&device, repeated(&declared, &device, path, nth)).await?;
            if (200..400).contains(&exchange.status) {
                answering.push(exchange);
            }
        }
        let mut results = is_not_signed_in(cx, "a pending sign-in", &device, &phone).await?;
        for exchange in answering {
            let mut found = Vec::new();
            collect_credentials(&exchange, &mut found);
            for text in found {
                let what = format!("`{text}`, which {} {} answered,", exchange.method, exchange.url);
                results.extend(opens_nothing(cx, &what, &text, &phone).await?);
            }
        }
        all(results)
    }
);

/// The same sign-in at another path, as an installation of its own where the request names one.
fn repeated(declared: &Exchange, device: &Device, path: String, nth: usize) -> RawRequest {
    let body =
        String::from_utf8_lossy(&declared.request_body).replace(&device.installation, &format!("{}-{nth}", device.installation));
    let kept = |name: &str| !["content-length", "host", "cookie"].contains(&name.to_ascii_lowercase().as_str());
    RawRequest {
        method: declared.method.clone(),
        path,
        headers: declared
            .request_headers
            .iter()
            .filter(|(name, _)| kept(name))
            .cloned()
            .collect(),
        body: body.into_bytes(),
    }
}
