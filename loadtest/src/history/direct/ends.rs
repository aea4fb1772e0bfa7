//! What was used after it had ended: sessions and trust have sources (a sign-in, an accepted code) and ends (a removal, a
//! sign-out, a new password). An operation in a session needs a source that may still live: one that did not certainly end,
//! after it and before the operation began.

use std::collections::HashMap;

use super::super::replay::{DeclaredLimits, Prepared};
use super::super::words::Finding;
use super::super::{Call, CodeUsed, Operation, Response};
use super::is_accepted;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Removed,
    NewPassword,
    SignedOut,
}

/// Something that ended the session or the trust of some devices; its answer is here at `returned_us`.
#[derive(Clone, Copy)]
struct End {
    why: Why,
    by: u32,
    of: u32,
    invoked_us: u64,
    returned_us: u64,
    place: usize,
}

/// Where a session or trust came from. The end is the first that is certain.
struct Source {
    /// `None` is the preparation, before everything.
    place: Option<usize>,
    invoked_us: u64,
    ended: Option<End>,
}

/// What was accepted although its session, or the trust that it rests on, was over or never was.
pub(super) fn outlived(history: &[Operation], declared: &DeclaredLimits, prepared: &Prepared) -> Vec<Finding> {
    let ends = ends(history, declared);
    let mut sessions: HashMap<u32, Vec<Source>> = HashMap::new();
    let mut trusts: HashMap<u32, Vec<Source>> = HashMap::new();
    if prepared.trusted_device {
        sessions.entry(0).or_default().push(source(&ends, 0, None, 0, None, true));
        trusts.entry(0).or_default().push(source(&ends, 0, None, 0, None, false));
    }
    for (place, operation) in history.iter().enumerate() {
        let Operation { device, invoked_us, .. } = *operation;
        let (is_step_one, by_code) = match operation.call {
            Call::SignIn { .. } => (true, false),
            Call::Verify { code, .. } => (false, matches!(code, CodeUsed::Delivered { .. })),
            _ => continue,
        };
        // Whoever had no answer holds no credential; the trust may be there all the same.
        let done = (operation.response != Response::Unknown).then_some(operation.returned_us);
        if operation.response == Response::SignedIn || (!is_step_one && is_accepted(operation.response)) {
            let from = source(&ends, device, Some(place), invoked_us, done, true);
            sessions.entry(device).or_default().push(from);
        }
        let trusts_now =
            !is_step_one && (is_accepted(operation.response) || (by_code && operation.response == Response::Unknown));
        if trusts_now {
            let from = source(&ends, device, Some(place), invoked_us, done, false);
            trusts.entry(device).or_default().push(from);
        }
    }
    let mut found: Vec<Finding> = Vec::new();
    for (place, operation) in history.iter().enumerate() {
        let finding = match operation.call {
            Call::Use | Call::Refresh | Call::Remove { .. } | Call::ChangePassword if is_accepted(operation.response) => {
                let of_device = sessions.get(&operation.device).map_or(&[][..], Vec::as_slice);
                uncovered(of_device, operation).map(|last| session_over(last, place))
            }
            Call::SignIn { app: true, .. } if operation.response == Response::SignedIn && prepared.two_step => {
                let of_device = trusts.get(&operation.device).map_or(&[][..], Vec::as_slice);
                uncovered(of_device, operation).map(|last| trust_over(last, place))
            }
            _ => None,
        };
        let Some(finding) = finding else { continue };
        let same = |other: &Finding| (other.rule, other.requirement) == (finding.rule, finding.requirement);
        if !found.iter().any(same) {
            found.push(finding);
        }
    }
    found
}

fn ends(history: &[Operation], declared: &DeclaredLimits) -> Vec<End> {
    let done = history
        .iter()
        .enumerate()
        .filter(|(_, operation)| operation.response == Response::Done);
    done.filter_map(|(place, operation)| {
        let (why, of) = match operation.call {
            Call::Remove { device } => (Why::Removed, device),
            Call::ChangePassword => (Why::NewPassword, operation.device),
            Call::SignOut => (Why::SignedOut, operation.device),
            _ => return None,
        };
        // A removal holds everywhere within the declared bound.
        let bound_us = if why == Why::Removed { declared.revoke_bound_us } else { 0 };
        Some(End {
            why,
            by: operation.device,
            of,
            invoked_us: operation.invoked_us,
            returned_us: operation.returned_us.saturating_add(bound_us),
            place,
        })
    })
    .collect()
}

fn source(ends: &[End], device: u32, place: Option<usize>, invoked_us: u64, returned_us: Option<u64>, session: bool) -> Source {
    let concerns = |end: &&End| match end.why {
        Why::Removed => end.of == device,
        Why::NewPassword => end.by != device,
        Why::SignedOut => session && end.by == device,
    };
    // What is without an answer may come about at any later time: nothing ends it for certain.
    let after = |end: &&End| place.is_none() || returned_us.is_some_and(|done| done < end.invoked_us);
    let ended = ends
        .iter()
        .filter(concerns)
        .filter(after)
        .min_by_key(|end| end.returned_us)
        .copied();
    Source {
        place,
        invoked_us,
        ended,
    }
}

/// `None` where some source may still live; otherwise the last one, if there is any.
fn uncovered<'a>(sources: &'a [Source], operation: &Operation) -> Option<Option<&'a Source>> {
    let mut before = sources
        .iter()
        .rev()
        .filter(|source| source.invoked_us <= operation.returned_us);
    let last = before.clone().next();
    let lives = |source: &Source| source.ended.is_none_or(|end| end.returned_us >= operation.invoked_us);
    (!before.any(lives)).then_some(last)
}

fn session_over(last: Option<&Source>, place: usize) -> Finding {
    let (rule, requirement, because) = match last.and_then(|source| source.ended).map(|end| end.why) {
        Some(Why::Removed) => (
            "session-after-removal",
            "DEV-10",
            "the device had been removed before it asked, and its session was still served",
        ),
        Some(Why::NewPassword) => (
            "session-after-password-change",
            "PWD-05",
            "another device had changed the password before, and this session was still served",
        ),
        Some(Why::SignedOut) => (
            "other",
            "SESS-04",
            "the device had signed out before, and its session was still served",
        ),
        None => (
            "session-without-second-step",
            "SIGN-01",
            "the device never completed a sign-in, and was served as if it had a session",
        ),
    };
    finding(rule, requirement, because, last, place)
}

fn trust_over(last: Option<&Source>, place: usize) -> Finding {
    let (requirement, because) = match last.and_then(|source| source.ended).map(|end| end.why) {
        Some(Why::Removed) => (
            "DEV-11",
            "the device had been removed before, and was signed in without a code",
        ),
        Some(_) => (
            "PWD-05",
            "another device had changed the password before, which ends trust, and this one was signed in without a code",
        ),
        None => ("SIGN-01", "the device was never trusted, and was signed in without a code"),
    };
    finding("session-without-second-step", requirement, because, last, place)
}

fn finding(rule: &'static str, requirement: &'static str, because: &str, last: Option<&Source>, place: usize) -> Finding {
    let mut shown_by: Vec<usize> = last
        .into_iter()
        .flat_map(|source| [source.place, source.ended.map(|end| end.place)])
        .flatten()
        .collect();
    shown_by.push(place);
    shown_by.sort_unstable();
    Finding {
        rule,
        requirement,
        shown_by,
        because: because.to_owned(),
    }
}
