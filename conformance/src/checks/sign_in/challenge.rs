//! How many challenges there may be at a time, and what the answer that opens one tells.

use chrono::DateTime;
use targets::{Answer, Device, Operation, OperationKind, Outcome};

use super::traces;
use crate::checks::steps::{Drift, handle_of, open, submit};
use crate::context::{Account, Context, Pending};
use crate::proof::{CheckError, CheckResult, all, assert_accepted, assert_that, downgrade, not_tested, require};

checks!(
    /// Three times as many challenges as are declared, as far as they are opened.
    async fn open_beyond_the_bound(cx: &mut Context, account: &Account) -> Result<Vec<(Device, Pending)>, CheckError> {
        let mut opened = Vec::new();
        for _ in 0..cx.parameters().live_challenges.saturating_mul(3) {
            let mut device = cx.device("another phone");
            let cursor = cx.cursor();
            let answer = cx.sign_in(&mut device, account).await?;
            if answer.outcome == Outcome::Challenged {
                opened.push((device, cx.pending(answer, cursor, account).await?));
            }
        }
        Ok(opened)
    }

    /// of three times as many challenges as declared, no more than declared can be completed
    #[check("SIGN-06.live-challenges-are-bounded")]
    async fn live_challenges_are_bounded(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let bound = cx.parameters().live_challenges;
        let mut completed = 0;
        for (mut device, pending) in open_beyond_the_bound(cx, &account).await? {
            completed += u32::from(submit(cx, &mut device, &pending.code).await?.accepted());
        }
        if completed == 0 {
            return not_tested("not one of the challenges could be completed");
        }
        assert_that(
            &format!("at most {bound} challenges of an account are live"),
            completed <= bound,
            format!("{completed} were completed"),
        )
    }

    /// at the bound a new challenge is refused and the first one stays usable
    #[check("SIGN-06.first-challenge-stays", capabilities = [CodePerChallenge])]
    async fn first_challenge_stays(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let drift = Drift::start(cx);
        let opened = open_beyond_the_bound(cx, &account).await?;
        let (mut device, pending) = require(opened.into_iter().next(), "no challenge was opened")?;
        let answer = submit(cx, &mut device, &pending.code).await?;
        drift.within_lifetime(cx)?;
        // Refusing the new one is recommended; evicting an old one is a warning.
        let what = "the first challenge, after others were opened up to the bound";
        downgrade(assert_accepted(what, &answer))
    }

    /// the answer that opens a challenge tells handle, method, expiry and next resend
    #[check("SIGN-07.answer-tells-what-is-needed")]
    async fn answer_tells_what_is_needed(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let (device, pending) = open(cx, &account).await?;
        let told = pending.answer.facts.challenge.clone().unwrap_or_default();
        let moment = |text: Option<&String>| text.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let (expires, resend) = (moment(told.expires_at.as_ref()), moment(told.resend_at.as_ref()));
        let between = expires.zip(resend).map(|(expires, resend)| (expires - resend).num_seconds());
        let parameters = cx.parameters();
        let declared =
            i64::try_from(parameters.code_ttl_s).unwrap_or(i64::MAX) - i64::try_from(parameters.resend_cooldown_s).unwrap_or(0);
        let (handle, by) = (handle_of(cx, &device), pending.method);
        let told_at = |at: &Option<String>| format!("it told {at:?}");
        all([
            assert_that("the answer carries a handle", !handle.is_empty(), "the device holds none"),
            assert_that(
                "the answer tells the method by which the code came",
                told.method == Some(by),
                format!("it told {:?}, the code came by {by:?}", told.method),
            ),
            assert_that(
                "the answer tells when the code expires",
                expires.is_some(),
                told_at(&told.expires_at),
            ),
            assert_that(
                "the answer tells when the code can be sent again",
                resend.is_some(),
                told_at(&told.resend_at),
            ),
            assert_that(
                "what is told agrees with the declared lifetime and cool-down",
                between.is_some_and(|between| (between - declared).abs() <= 2),
                format!("expiry and resend are {between:?} s apart, {declared} s are declared"),
            ),
        ])
    }

    /// no answer to a pending sign-in holds its code or a value made of it
    #[check("SIGN-07.answers-hold-no-code")]
    async fn answers_hold_no_code(cx: &mut Context) -> CheckResult {
        // A code may stand in an answer by chance; by chance it does not stand in the answers of three challenges.
        let mut found: Vec<Option<String>> = Vec::new();
        for round in 0..3 {
            let account = if round == 1 {
                cx.member().await?.account
            } else {
                cx.account().await?
            };
            let (mut device, pending) = open(cx, &account).await?;
            let mut answers = vec![pending.answer.clone()];
            if cx.target.offers(OperationKind::ReadChallenge) {
                answers.push(cx.perform(&mut device, Operation::ReadChallenge {}).await?);
            }
            let wrong = cx.target.wrong_code(&pending.code, 0);
            answers.push(submit(cx, &mut device, &wrong).await?);
            let handle = handle_of(cx, &device);
            let trace = |answer: &Answer| traces::of(answer, &pending.code, &[&handle, &account.email]);
            found.push(answers.iter().find_map(trace));
            let right = submit(cx, &mut device, &pending.code).await?;
            if !right.accepted() {
                return not_tested("the code that was looked for is not the right one");
            }
        }
        let trace = found.iter().flatten().next().cloned().unwrap_or_default();
        assert_that(
            "no answer to a pending sign-in holds its code or a value made of it",
            found.iter().any(Option::is_none),
            trace,
        )
    }
);
