//! Sessions: what opens one, what ends one, and what its credentials are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use targets::{CredentialKind, Operation, RequestMutation};

use crate::checks::steps::{handle_as_session, header};
use crate::context::{Context, Member};
use crate::proof::{CheckResult, all, assert_refused, assert_that, not_tested, require};

checks!(
    /// a pending handle in the session's place is refused by every operation of a session
    #[check("SESS-01.pending-opens-nothing", operations = [WhoAmI])]
    async fn pending_opens_nothing(cx: &mut Context) -> CheckResult {
        let Member { account, phone } = cx.member().await?;
        let pending = handle_as_session(cx, &account).await?;
        let id = "no-such-device".to_owned();
        let operations = [
            Operation::WhoAmI {},
            Operation::ListDevices {},
            Operation::ListChallenges {},
            Operation::ReadActivity {},
            Operation::ReadTwoStep {},
            Operation::RegisterPush {
                token: "a-pending-phones-registration".to_owned(),
            },
            Operation::RemoveDevice { id },
            account.set_two_step(true),
            Operation::Reauthenticate {
                password: account.password.clone(),
            },
            Operation::SignOut {},
        ];
        let mut results = Vec::new();
        for operation in operations {
            if !cx.target.offers(operation.kind()) {
                continue;
            }
            let half = cx.perform(&mut pending.clone(), operation.clone()).await?;
            let full = cx.perform(&mut phone.clone(), operation.clone()).await?;
            if operation == (Operation::SignOut {}) && half.accepted() {
                // Signing nobody out may be answered as done: it opens nothing when one who holds nothing is told the same.
                let mut stranger = cx.device("stranger");
                if cx.perform(&mut stranger, Operation::SignOut {}).await?.accepted() {
                    continue;
                }
            }
            let what = format!("{} with a pending handle", operation.kind());
            results.push(assert_refused(&what, &half, &full));
        }
        all(results)
    }

    /// after the second step nothing that was known before it opens the session
    #[check("SESS-02.handle-never-becomes-the-session", operations = [WhoAmI])]
    async fn handle_never_becomes_the_session(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let mut new = cx.device("new phone");
        let pending = cx.challenged(&mut new, &account).await?;
        let before: Vec<String> = CredentialKind::ALL
            .into_iter()
            .filter_map(|kind| cx.target.credential(&new, kind))
            .collect();
        if before.is_empty() {
            return not_tested("the pending device holds nothing to try");
        }
        cx.prepare(&mut new, Operation::Verify { code: pending.code }).await?;
        let full = cx.perform(&mut new, Operation::WhoAmI {}).await?;
        let mut results = Vec::new();
        for value in before {
            let mut old = new.clone();
            cx.target.set_credential(&mut old, CredentialKind::Access, Some(value));
            let answer = cx.perform(&mut old, Operation::WhoAmI {}).await?;
            results.push(assert_refused("a credential from before the second step", &answer, &full));
        }
        all(results)
    }

    /// a session credential of the client's choosing is not adopted by signing in
    #[check("SESS-02.chosen-session-is-not-adopted", operations = [WhoAmI])]
    async fn chosen_session_is_not_adopted(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        // A value of the very shape the target gives out, known to the attacker because it was the attacker's own.
        let stranger = cx.member().await?.phone;
        let Some(real) = cx.target.credential(&stranger, CredentialKind::Access) else {
            return not_tested("the target gives out no session credential");
        };
        let chosen: String = real.chars().map(|c| if c.is_ascii_lowercase() { 'q' } else { c }).collect();
        let plant = [
            header("X-Session-Id", chosen.clone()),
            RequestMutation::AddCookie("session".to_owned(), chosen.clone()),
            RequestMutation::AddCookie("session_id".to_owned(), chosen.clone()),
        ];
        let mut victim = cx.device("victim's phone");
        let cursor = cx.cursor();
        cx.perform_with(&mut victim, account.sign_in(), &plant).await?;
        let code = require(cx.code_since(cursor, &account).await?.code, "the message carries no code")?;
        cx.perform_with(&mut victim, Operation::Verify { code }, &plant).await?;
        let full = cx.perform(&mut victim, Operation::WhoAmI {}).await?;
        let mut attacker = cx.device("attacker's phone");
        cx.target.set_credential(&mut attacker, CredentialKind::Access, Some(chosen));
        let adopted = cx.perform(&mut attacker, Operation::WhoAmI {}).await?;
        assert_refused("a session credential chosen before the sign-in", &adopted, &full)
    }

    /// How many sign-ins the judgement of randomness rests on.
    const SAMPLES: usize = 48;

    /// credentials hold at least 128 bits that vary, never repeat and do not grow with time
    #[check("SESS-03.credentials-are-long-and-random")]
    async fn credentials_are_long_and_random(cx: &mut Context) -> CheckResult {
        let mut collected: BTreeMap<CredentialKind, Vec<String>> = BTreeMap::new();
        for _ in 0..SAMPLES {
            let account = cx.account().await?;
            let mut device = cx.device("new phone");
            let pending = cx.challenged(&mut device, &account).await?;
            let handle = cx.target.credential(&device, CredentialKind::Handle);
            collected.entry(CredentialKind::Handle).or_default().extend(handle);
            cx.prepare(&mut device, Operation::Verify { code: pending.code }).await?;
            for kind in [CredentialKind::Access, CredentialKind::Refresh, CredentialKind::Trust] {
                collected.entry(kind).or_default().extend(cx.target.credential(&device, kind));
            }
        }
        let mut results = Vec::new();
        for (kind, values) in collected.iter().filter(|(_, values)| !values.is_empty()) {
            let name = kind.name();
            let distinct: BTreeSet<&String> = values.iter().collect();
            let once = format!("no {name} credential comes twice");
            results.push(assert_that(&once, distinct.len() == values.len(), "one came twice"));
            let rising = values.windows(2).filter(|pair| pair[0] < pair[1]).count();
            let unordered = format!("{name} credentials do not grow with time");
            let seen = "each was larger than the one before";
            results.push(assert_that(&unordered, rising + 1 != values.len(), seen));
            let (bits, wanted) = (varying_bits(values), cx.profile.token_bits());
            let long = format!("a {name} credential holds at least {wanted} bits that vary");
            results.push(assert_that(&long, bits >= f64::from(wanted), format!("{bits:.0} bits")));
        }
        all(results)
    }

    /// An upper bound on what varies between values: for each place that takes many values, the bits of the alphabet seen.
    fn varying_bits(values: &[String]) -> f64 {
        let shortest = values.iter().map(|value| value.chars().count()).min().unwrap_or(0);
        let columns: Vec<Vec<char>> = values.iter().map(|value| value.chars().collect()).collect();
        let alphabet: BTreeSet<char> = columns.iter().flatten().copied().collect();
        let per_place = match alphabet.len() {
            0..=10 => 10f64.log2(),
            11..=20 => 16f64.log2(),
            21..=40 => 32f64.log2(),
            _ => 64f64.log2(),
        };
        (0..shortest)
            .filter(|&place| {
                columns.iter().map(|column| column[place]).collect::<BTreeSet<_>>().len() >= values.len().min(32) / 4
            })
            .count() as f64
            * per_place
    }

    /// after signing out a copy of the session's credential is refused
    #[check("SESS-04.sign-out-ends-the-session", operations = [SignOut, WhoAmI])]
    async fn sign_out_ends_the_session(cx: &mut Context) -> CheckResult {
        let mut phone = cx.member().await?.phone;
        let mut copy = phone.clone();
        let before = cx.perform(&mut copy.clone(), Operation::WhoAmI {}).await?;
        cx.prepare(&mut phone, Operation::SignOut {}).await?;
        let after = cx.perform(&mut copy, Operation::WhoAmI {}).await?;
        assert_refused("a copy of the session after signing out", &after, &before)
    }

    /// after signing out a copy of the refresh credential is refused
    #[check("SESS-04.sign-out-ends-renewal", operations = [SignOut, Refresh], capabilities = [RefreshCredential])]
    async fn sign_out_ends_renewal(cx: &mut Context) -> CheckResult {
        let mut phone = cx.member().await?.phone;
        let mut copy = phone.clone();
        cx.prepare(&mut phone, Operation::SignOut {}).await?;
        let after = cx.perform(&mut copy, Operation::Refresh {}).await?;
        let mut other = cx.member().await?.phone;
        let control = cx.perform(&mut other, Operation::Refresh {}).await?;
        assert_refused("a copy of the refresh credential after signing out", &after, &control)
    }

    /// a refresh credential that has been used is refused
    #[check("SESS-05.refresh-is-single-use", operations = [Refresh], capabilities = [RefreshCredential])]
    async fn refresh_is_single_use(cx: &mut Context) -> CheckResult {
        let mut phone = cx.member().await?.phone;
        let mut copy = phone.clone();
        let first = cx.perform(&mut phone, Operation::Refresh {}).await?;
        let second = cx.perform(&mut copy, Operation::Refresh {}).await?;
        assert_refused("a refresh credential used a second time", &second, &first)
    }

    /// using an old refresh credential ends the session it belonged to
    #[check("SESS-05.reuse-ends-the-family", operations = [Refresh, WhoAmI], capabilities = [RefreshCredential])]
    async fn reuse_ends_the_family(cx: &mut Context) -> CheckResult {
        let mut phone = cx.member().await?.phone;
        let mut copy = phone.clone();
        cx.prepare(&mut phone, Operation::Refresh {}).await?;
        let before = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
        cx.perform(&mut copy, Operation::Refresh {}).await?;
        let after = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
        assert_refused("the session whose old refresh credential was used again", &after, &before)
    }

    /// a session renewed all along is over after the declared time
    #[check("SESS-06.session-has-an-end", operations = [Refresh, WhoAmI], capabilities = [RefreshCredential], moves_clock)]
    async fn session_has_an_end(cx: &mut Context) -> CheckResult {
        let absolute = Duration::from_secs(cx.parameters().session_absolute_s);
        let mut old = cx.member().await?.phone;
        let strides = 10;
        for _ in 1..strides {
            cx.advance(absolute / strides).await?;
            cx.prepare(&mut old, Operation::Refresh {}).await?;
        }
        let mut young = cx.member().await?.phone;
        cx.advance(absolute / strides + Duration::from_secs(1)).await?;
        let ended = cx.perform(&mut old, Operation::Refresh {}).await?;
        let lasting = cx.perform(&mut young, Operation::Refresh {}).await?;
        assert_refused("renewing a session older than declared", &ended, &lasting)
    }
);
