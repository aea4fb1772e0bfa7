//! What can be told without a machine: a few promises whose breach two or three operations show by themselves, in whatever
//! order overlapping ones took effect. They are exact also where the search for an order gives up, and are told in plain
//! words. What they do not see, the machine does.

mod budget;
mod ends;

use std::collections::HashSet;

use super::replay::{Prepared, Terms};
use super::words::Finding;
use super::{Act, Happened, Presented, Seen};

/// The breaches that show by themselves, one a promise and reason.
pub(super) fn find(history: &[Happened], terms: &Terms, prepared: &Prepared) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(redeemed_twice(history));
    found.extend(plainly_wrong(history, prepared));
    found.extend(ends::outlived(history, terms, prepared));
    found.extend(budget::exceeded(history, terms));
    found
}

/// Whether the operation was done, by its answer.
pub(super) fn is_accepted(seen: Seen) -> bool {
    matches!(seen, Seen::SignedIn | Seen::Challenged(_) | Seen::Done)
}

/// A challenge, or a code, that opened two sessions: in no order is the second one right.
fn redeemed_twice(history: &[Happened]) -> Option<Finding> {
    let mut redeemed: Vec<(Option<u32>, u32, usize)> = Vec::new();
    for (place, happened) in history.iter().enumerate() {
        if let (Act::Verify { challenge, code }, true) = (happened.act, is_accepted(happened.seen)) {
            redeemed.push((None, challenge, place));
            if let Presented::Delivered { challenge, number } = code {
                redeemed.push((Some(number), challenge, place));
            }
        }
    }
    redeemed.sort_unstable();
    let same = |(a, b, _): &(Option<u32>, u32, usize), (c, d, _): &(Option<u32>, u32, usize)| (a, b) == (c, d);
    let (_, challenge, _) = *redeemed.chunk_by(same).find(|group| group.len() > 1)?.first()?;
    let opens = |happened: &Happened| matches!(happened.seen, Seen::Challenged(opened) if opened == challenge);
    let verifies = |happened: &Happened| match happened.act {
        Act::Verify { challenge: by, code } => {
            let of = matches!(code, Presented::Delivered { challenge: of, .. } if of == challenge);
            is_accepted(happened.seen) && (by == challenge || of)
        }
        _ => false,
    };
    let about = |(_, happened): &(usize, &Happened)| opens(happened) || verifies(happened);
    let shown_by = history.iter().enumerate().filter(about).map(|(place, _)| place).collect();
    Some(Finding {
        promise: "code-redeemed-twice",
        requirement: "LIFE-03",
        shown_by,
        because: format!("challenge {challenge} was accepted more than once: its first acceptance consumes it"),
    })
}

/// Acceptances that no state of the account allows.
fn plainly_wrong(history: &[Happened], prepared: &Prepared) -> Vec<Finding> {
    let opened: HashSet<u32> = history
        .iter()
        .filter_map(|happened| match happened.seen {
            Seen::Challenged(challenge) => Some(challenge),
            _ => None,
        })
        .collect();
    let mut found: Vec<Finding> = Vec::new();
    for (place, happened) in history.iter().enumerate().filter(|(_, happened)| is_accepted(happened.seen)) {
        let signed_in = happened.seen == Seen::SignedIn;
        let (promise, requirement, because) = match happened.act {
            Act::SignIn { password: false, .. } if !password_may_be_right(history, happened) => {
                ("other", "SIGN-02", "a wrong password was accepted")
            }
            Act::SignIn { app: false, .. } if prepared.two_step && !signed_in => (
                "other",
                "VER-01",
                "a code was sent to an app that is too old for two-step verification",
            ),
            Act::SignIn { app: false, .. } if prepared.two_step => (
                "session-without-second-step",
                "VER-05",
                "an app that is too old for two-step verification was signed in without it",
            ),
            Act::Verify {
                code: Presented::Guess, ..
            } => (
                "session-without-second-step",
                "CODE-04",
                "a code that was never sent was accepted; by chance a guess is right once in as many tries as there are codes",
            ),
            Act::Verify { challenge, .. } if !opened.contains(&challenge) => (
                "session-without-second-step",
                "SIGN-03",
                "a challenge was accepted that no first step opened",
            ),
            _ => continue,
        };
        if found.iter().any(|other| other.requirement == requirement) {
            continue;
        }
        let challenge = match happened.act {
            Act::Verify { challenge, .. } => Some(challenge),
            _ => None,
        };
        let opens = |(_, h): &(usize, &Happened)| matches!(h.seen, Seen::Challenged(opened) if Some(opened) == challenge);
        let mut shown_by: Vec<usize> = history.iter().enumerate().filter(opens).map(|(place, _)| place).collect();
        shown_by.push(place);
        shown_by.sort_unstable();
        found.push(Finding {
            promise,
            requirement,
            shown_by,
            because: because.to_owned(),
        });
    }
    found
}

/// Which password is the present one is uncertain while a change is under way, and after one without an answer.
pub(super) fn password_may_be_right(history: &[Happened], sign_in: &Happened) -> bool {
    history.iter().any(|change| {
        let may_be_done = change.seen == Seen::Unknown || (is_accepted(change.seen) && change.done_us >= sign_in.started_us);
        change.act == Act::ChangePassword && may_be_done && change.started_us <= sign_in.done_us
    })
}
