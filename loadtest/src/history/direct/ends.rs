//! What was used after it had ended: sessions and trust have sources (a sign-in, an accepted code) and ends (a removal, a
//! sign-out, a new password). An operation in a session needs a source that may still live: one that did not certainly end,
//! after it and before the operation began.

use std::collections::HashMap;

use super::super::replay::{Prepared, Terms};
use super::super::words::Finding;
use super::super::{Act, Happened, Presented, Seen};
use super::is_accepted;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Removed,
    NewPassword,
    SignedOut,
}

/// Something that ended the session or the trust of some devices; its answer is here at `done_us`.
#[derive(Clone, Copy)]
struct End {
    why: Why,
    by: u32,
    /// The removed device.
    of: u32,
    started_us: u64,
    done_us: u64,
    place: usize,
}

/// Where a session or trust came from. The end is the first that is certain.
struct Source {
    /// `None` is the preparation, before everything.
    place: Option<usize>,
    started_us: u64,
    ended: Option<End>,
}

/// What was accepted although its session, or the trust that it rests on, was over or never was.
pub(super) fn outlived(history: &[Happened], terms: &Terms, prepared: &Prepared) -> Vec<Finding> {
    let ends = ends(history, terms);
    let mut sessions: HashMap<u32, Vec<Source>> = HashMap::new();
    let mut trusts: HashMap<u32, Vec<Source>> = HashMap::new();
    if prepared.trusted_device {
        sessions.entry(0).or_default().push(source(&ends, 0, None, 0, None, true));
        trusts.entry(0).or_default().push(source(&ends, 0, None, 0, None, false));
    }
    for (place, happened) in history.iter().enumerate() {
        let Happened { device, started_us, .. } = *happened;
        let (is_step_one, by_code) = match happened.act {
            Act::SignIn { .. } => (true, false),
            Act::Verify { code, .. } => (false, matches!(code, Presented::Delivered { .. })),
            _ => continue,
        };
        // Whoever had no answer holds no credential; the trust may be there all the same.
        let done = (happened.seen != Seen::Unknown).then_some(happened.done_us);
        if happened.seen == Seen::SignedIn || (!is_step_one && is_accepted(happened.seen)) {
            let from = source(&ends, device, Some(place), started_us, done, true);
            sessions.entry(device).or_default().push(from);
        }
        let trusts_now = !is_step_one && (is_accepted(happened.seen) || (by_code && happened.seen == Seen::Unknown));
        if trusts_now {
            let from = source(&ends, device, Some(place), started_us, done, false);
            trusts.entry(device).or_default().push(from);
        }
    }
    let mut found: Vec<Finding> = Vec::new();
    for (place, happened) in history.iter().enumerate() {
        let finding = match happened.act {
            Act::Use | Act::Refresh | Act::Remove { .. } | Act::ChangePassword if is_accepted(happened.seen) => {
                let of_device = sessions.get(&happened.device).map_or(&[][..], Vec::as_slice);
                uncovered(of_device, happened).map(|last| session_over(last, place))
            }
            Act::SignIn { app: true, .. } if happened.seen == Seen::SignedIn && prepared.two_step => {
                let of_device = trusts.get(&happened.device).map_or(&[][..], Vec::as_slice);
                uncovered(of_device, happened).map(|last| trust_over(last, place))
            }
            _ => None,
        };
        let Some(finding) = finding else { continue };
        let same = |other: &Finding| (other.promise, other.requirement) == (finding.promise, finding.requirement);
        if !found.iter().any(same) {
            found.push(finding);
        }
    }
    found
}

fn ends(history: &[Happened], terms: &Terms) -> Vec<End> {
    let done = history.iter().enumerate().filter(|(_, happened)| happened.seen == Seen::Done);
    done.filter_map(|(place, happened)| {
        let (why, of) = match happened.act {
            Act::Remove { device } => (Why::Removed, device),
            Act::ChangePassword => (Why::NewPassword, happened.device),
            Act::SignOut => (Why::SignedOut, happened.device),
            _ => return None,
        };
        // A removal holds everywhere within the declared bound.
        let bound_us = if why == Why::Removed { terms.revoke_bound_us } else { 0 };
        Some(End {
            why,
            by: happened.device,
            of,
            started_us: happened.started_us,
            done_us: happened.done_us.saturating_add(bound_us),
            place,
        })
    })
    .collect()
}

fn source(ends: &[End], device: u32, place: Option<usize>, started_us: u64, done_us: Option<u64>, session: bool) -> Source {
    let concerns = |end: &&End| match end.why {
        Why::Removed => end.of == device,
        Why::NewPassword => end.by != device,
        Why::SignedOut => session && end.by == device,
    };
    // What is without an answer may come about at any later time: nothing ends it for certain.
    let after = |end: &&End| place.is_none() || done_us.is_some_and(|done| done < end.started_us);
    let ended = ends
        .iter()
        .filter(concerns)
        .filter(after)
        .min_by_key(|end| end.done_us)
        .copied();
    Source {
        place,
        started_us,
        ended,
    }
}

/// `None` where some source may still live; otherwise the last one, if there is any.
fn uncovered<'a>(sources: &'a [Source], happened: &Happened) -> Option<Option<&'a Source>> {
    let mut before = sources.iter().rev().filter(|source| source.started_us <= happened.done_us);
    let last = before.clone().next();
    let lives = |source: &Source| source.ended.is_none_or(|end| end.done_us >= happened.started_us);
    (!before.any(lives)).then_some(last)
}

fn session_over(last: Option<&Source>, place: usize) -> Finding {
    let (promise, requirement, because) = match last.and_then(|source| source.ended).map(|end| end.why) {
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
    finding(promise, requirement, because, last, place)
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

fn finding(promise: &'static str, requirement: &'static str, because: &str, last: Option<&Source>, place: usize) -> Finding {
    let mut shown_by: Vec<usize> = last
        .into_iter()
        .flat_map(|source| [source.place, source.ended.map(|end| end.place)])
        .flatten()
        .collect();
    shown_by.push(place);
    shown_by.sort_unstable();
    Finding {
        promise,
        requirement,
        shown_by,
        because: because.to_owned(),
    }
}
