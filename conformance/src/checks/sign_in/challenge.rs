//! How many challenges there may be at a time, and what the answer that opens one tells.

use chrono::DateTime;
use targets::{Answer, Device, Operation, OperationKind, Outcome};

use super::traces;
use crate::check::Check;
use crate::checks::moves::{Drift, handle_of, open, submit};
use crate::context::{Account, Context, Pending};
use crate::proof::{Ending, Stop, accepted, advised, holds};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "SIGN-06.live-challenges-are-bounded",
        title: "of three times as many challenges as declared, no more than declared can be completed",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(live_challenges_are_bounded(cx)),
    },
    Check {
        id: "SIGN-06.first-challenge-stays",
        title: "at the bound a new challenge is refused and the first one stays usable",
        operations: &[],
        capabilities: &[targets::Capability::CodePerChallenge],
        moves_clock: false,
        run: |cx| Box::pin(first_challenge_stays(cx)),
    },
    Check {
        id: "SIGN-07.answer-tells-what-is-needed",
        title: "the answer that opens a challenge tells handle, method, expiry and next resend",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(answer_tells_what_is_needed(cx)),
    },
    Check {
        id: "SIGN-07.answers-hold-no-code",
        title: "no answer to a pending sign-in holds its code or a value made of it",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(answers_hold_no_code(cx)),
    },
];

/// Three times as many challenges as are declared, as far as they are opened.
async fn open_beyond_the_bound(cx: &mut Context, account: &Account) -> Result<Vec<(Device, Pending)>, Stop> {
    let mut opened = Vec::new();
    for _ in 0..cx.parameters().live_challenges.saturating_mul(3) {
        let mut device = cx.device("another phone");
        let cursor = cx.cursor();
        let answer = cx.sign_in(&mut device, account).await?;
        if answer.outcome == Outcome::Challenged {
            let message = cx.code_since(cursor, account).await?;
            let pending = Pending {
                answer,
                cursor,
                method: message.channel,
                code: message.code.unwrap_or_default(),
            };
            opened.push((device, pending));
        }
    }
    Ok(opened)
}

async fn live_challenges_are_bounded(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let bound = cx.parameters().live_challenges;
    let mut completed = 0;
    for (mut device, pending) in open_beyond_the_bound(cx, &account).await? {
        completed += u32::from(submit(cx, &mut device, &pending.code).await?.accepted());
    }
    if completed == 0 {
        return Err(Stop::NotTested("not one of the challenges could be completed".to_owned()));
    }
    holds(
        &format!("at most {bound} challenges of an account are live"),
        completed <= bound,
        format!("{completed} were completed"),
    )
}

async fn first_challenge_stays(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let drift = Drift::start(cx);
    let opened = open_beyond_the_bound(cx, &account).await?;
    let first = opened.into_iter().next();
    let (mut device, pending) = first.ok_or_else(|| Stop::NotTested("no challenge was opened".to_owned()))?;
    let answer = submit(cx, &mut device, &pending.code).await?;
    drift.within_lifetime(cx)?;
    // Refusing the new one is recommended; evicting an old one is a warning.
    advised(accepted(
        "the first challenge, after others were opened up to the bound",
        &answer,
    ))
}

async fn answer_tells_what_is_needed(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let (device, pending) = open(cx, &account).await?;
    let told = pending.answer.facts.challenge.clone().unwrap_or_default();
    let proof = holds(
        "the answer carries a handle",
        !handle_of(cx, &device).is_empty(),
        "the device holds none".to_owned(),
    )?;
    let proof = proof.and(holds(
        "the answer tells the method by which the code came",
        told.method == Some(pending.method),
        format!("it told {:?}, the code came by {:?}", told.method, pending.method),
    )?);
    let moment = |text: Option<&String>| text.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let (expires, resend) = (moment(told.expires_at.as_ref()), moment(told.resend_at.as_ref()));
    let proof = proof.and(holds(
        "the answer tells when the code expires",
        expires.is_some(),
        format!("it told {:?}", told.expires_at),
    )?);
    let proof = proof.and(holds(
        "the answer tells when the code can be sent again",
        resend.is_some(),
        format!("it told {:?}", told.resend_at),
    )?);
    let between = expires.zip(resend).map(|(expires, resend)| (expires - resend).num_seconds());
    let parameters = cx.parameters();
    let declared =
        i64::try_from(parameters.code_ttl_s).unwrap_or(i64::MAX) - i64::try_from(parameters.resend_cooldown_s).unwrap_or(0);
    Ok(proof.and(holds(
        "what is told agrees with the declared lifetime and cool-down",
        between.is_some_and(|between| (between - declared).abs() <= 2),
        format!("expiry and resend are {between:?} s apart, {declared} s are declared"),
    )?))
}

async fn answers_hold_no_code(cx: &mut Context) -> Ending {
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
            return Err(Stop::NotTested(
                "the code that was looked for is not the right one".to_owned(),
            ));
        }
    }
    let trace = found.iter().flatten().next().cloned().unwrap_or_default();
    holds(
        "no answer to a pending sign-in holds its code or a value made of it",
        found.iter().any(Option::is_none),
        trace,
    )
}
