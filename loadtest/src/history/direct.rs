//! What can be told without a machine: a few rules whose breach two or three operations show by themselves, in whatever
//! order overlapping ones took effect. They are exact also where the search for an order gives up, and are told in plain
//! words. What they do not see, the machine does.

mod budget;
mod ends;

use std::collections::HashSet;

use super::replay::{DeclaredLimits, Prepared};
use super::words::Finding;
use super::{Call, CodeUsed, Operation, Response};

/// The breaches that show by themselves, one a rule and reason.
pub(super) fn find(history: &[Operation], declared: &DeclaredLimits, prepared: &Prepared) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(redeemed_twice(history));
    found.extend(plainly_wrong(history, prepared));
    found.extend(ends::outlived(history, declared, prepared));
    found.extend(budget::exceeded(history, declared));
    found
}

/// Whether the operation was done, by its answer.
pub(super) fn is_accepted(response: Response) -> bool {
    matches!(response, Response::SignedIn | Response::Challenged(_) | Response::Done)
}

/// A challenge, or a code, that opened two sessions: in no order is the second one right.
fn redeemed_twice(history: &[Operation]) -> Option<Finding> {
    let mut redeemed: Vec<(Option<u32>, u32, usize)> = Vec::new();
    for (place, operation) in history.iter().enumerate() {
        if let (Call::Verify { challenge, code }, true) = (operation.call, is_accepted(operation.response)) {
            redeemed.push((None, challenge, place));
            if let CodeUsed::Delivered { challenge, number } = code {
                redeemed.push((Some(number), challenge, place));
            }
        }
    }
    redeemed.sort_unstable();
    let same = |(a, b, _): &(Option<u32>, u32, usize), (c, d, _): &(Option<u32>, u32, usize)| (a, b) == (c, d);
    let (_, challenge, _) = *redeemed.chunk_by(same).find(|group| group.len() > 1)?.first()?;
    let opens = |operation: &Operation| matches!(operation.response, Response::Challenged(opened) if opened == challenge);
    let verifies = |operation: &Operation| match operation.call {
        Call::Verify { challenge: by, code } => {
            let of = matches!(code, CodeUsed::Delivered { challenge: of, .. } if of == challenge);
            is_accepted(operation.response) && (by == challenge || of)
        }
        _ => false,
    };
    let about = |(_, operation): &(usize, &Operation)| opens(operation) || verifies(operation);
    let shown_by = history.iter().enumerate().filter(about).map(|(place, _)| place).collect();
    Some(Finding {
        rule: "code-redeemed-twice",
        requirement: "LIFE-03",
        shown_by,
        because: format!("challenge {challenge} was accepted more than once: its first acceptance consumes it"),
    })
}

/// Acceptances that no state of the account allows.
fn plainly_wrong(history: &[Operation], prepared: &Prepared) -> Vec<Finding> {
    let opened: HashSet<u32> = history
        .iter()
        .filter_map(|operation| match operation.response {
            Response::Challenged(challenge) => Some(challenge),
            _ => None,
        })
        .collect();
    let mut found: Vec<Finding> = Vec::new();
    for (place, operation) in history
        .iter()
        .enumerate()
        .filter(|(_, operation)| is_accepted(operation.response))
    {
        let signed_in = operation.response == Response::SignedIn;
        let (rule, requirement, because) = match operation.call {
            Call::SignIn { password: false, .. } if !password_may_be_right(history, operation) => {
                ("other", "SIGN-02", "a wrong password was accepted")
            }
            Call::SignIn { app: false, .. } if prepared.two_step && !signed_in => (
                "other",
                "VER-01",
                "a code was sent to an app that is too old for two-step verification",
            ),
            Call::SignIn { app: false, .. } if prepared.two_step => (
                "session-without-second-step",
                "VER-05",
                "an app that is too old for two-step verification was signed in without it",
            ),
            Call::Verify {
                code: CodeUsed::Guess, ..
            } => (
                "session-without-second-step",
                "CODE-04",
                "a code that was never sent was accepted; by chance a guess is right once in as many tries as there are codes",
            ),
            Call::Verify { challenge, .. } if !opened.contains(&challenge) => (
                "session-without-second-step",
                "SIGN-03",
                "a challenge was accepted that no first step opened",
            ),
            _ => continue,
        };
        if found.iter().any(|other| other.requirement == requirement) {
            continue;
        }
        let challenge = match operation.call {
            Call::Verify { challenge, .. } => Some(challenge),
            _ => None,
        };
        let opens =
            |(_, h): &(usize, &Operation)| matches!(h.response, Response::Challenged(opened) if Some(opened) == challenge);
        let mut shown_by: Vec<usize> = history.iter().enumerate().filter(opens).map(|(place, _)| place).collect();
        shown_by.push(place);
        shown_by.sort_unstable();
        found.push(Finding {
            rule,
            requirement,
            shown_by,
            because: because.to_owned(),
        });
    }
    found
}

/// Which password is the present one is uncertain while a change is under way, and after one without an answer.
pub(super) fn password_may_be_right(history: &[Operation], sign_in: &Operation) -> bool {
    history.iter().any(|change| {
        let may_be_done =
            change.response == Response::Unknown || (is_accepted(change.response) && change.returned_us >= sign_in.invoked_us);
        change.call == Call::ChangePassword && may_be_done && change.invoked_us <= sign_in.returned_us
    })
}
