//! More guesses judged than there are. Only those guesses are counted that a right service may count in every order: wrong
//! ones, at a code that was alive for certain, of a challenge that nothing can have ended. The rest is for the machine.

use std::collections::HashMap;

use targets::Refusal;

use super::super::replay::Terms;
use super::super::words::Finding;
use super::super::{Act, Happened, Presented, Seen};
use super::is_accepted;

const SECOND_US: u64 = 1_000_000;

/// What is known of a challenge.
#[derive(Default)]
struct Known {
    opened_us: u64,
    device: u32,
    /// Its codes were certainly issued within these intervals.
    issues: Vec<(u64, u64)>,
    /// From when on it may have ended.
    may_end_us: Option<u64>,
}

/// Budgets that were certainly exceeded.
pub(super) fn exceeded(history: &[Happened], terms: &Terms) -> Vec<Finding> {
    let judged = |happened: &Happened| happened.seen == Seen::Refused(Refusal::Code);
    if history.iter().filter(|happened| judged(happened)).count() <= smallest(terms) {
        return Vec::new();
    }
    let challenges = challenges(history);
    let mut guesses: Vec<usize> = Vec::new();
    let mut of_challenge: HashMap<u32, Vec<usize>> = HashMap::new();
    for (place, happened) in history.iter().enumerate().filter(|(_, happened)| judged(happened)) {
        let Act::Verify { challenge, code } = happened.act else {
            continue;
        };
        let is_wrong = match code {
            Presented::Guess => true,
            Presented::Delivered { challenge: of, .. } => of != challenge,
        };
        let counts = challenges
            .get(&challenge)
            .is_some_and(|known| is_alive(known, happened, terms));
        if is_wrong && counts {
            guesses.push(place);
            of_challenge.entry(challenge).or_default().push(place);
        }
    }
    let limits = &terms.limits;
    let mut found = Vec::new();
    let spent = of_challenge
        .into_iter()
        .filter(|(_, guesses)| guesses.len() > limits.attempts as usize)
        .min_by_key(|(challenge, _)| *challenge);
    if let Some((challenge, guesses)) = spent {
        let because = format!(
            "challenge {challenge} takes {} wrong guesses, and more were judged",
            limits.attempts
        );
        found.push(finding("ATT-01", guesses, because));
    }
    // Between the guess that locks and the end of the lock none is judged, whatever came before.
    let span_us = limits.window.unwrap_or(u64::MAX).min(limits.lock).saturating_mul(SECOND_US);
    let span_us = span_us.saturating_sub(SECOND_US);
    if let Some(guesses) = run(history, &guesses, limits.account_wrong, span_us) {
        let because = format!(
            "the account takes {} wrong guesses before it locks, and more were judged within the time of one lock",
            limits.account_wrong
        );
        found.push(finding("ATT-02", guesses, because));
    }
    if let Some(guesses) = run(history, &guesses, limits.consecutive, u64::MAX) {
        let because = format!(
            "codes are off after {} wrong guesses in a row, and more were judged",
            limits.consecutive
        );
        found.push(finding("ATT-03", guesses, because));
    }
    found
}

fn smallest(terms: &Terms) -> usize {
    let limits = &terms.limits;
    limits.attempts.min(limits.account_wrong).min(limits.consecutive) as usize
}

fn finding(requirement: &'static str, shown_by: Vec<usize>, because: String) -> Finding {
    Finding {
        promise: "over-budget",
        requirement,
        shown_by,
        because,
    }
}

fn challenges(history: &[Happened]) -> HashMap<u32, Known> {
    let mut challenges: HashMap<u32, Known> = HashMap::new();
    for happened in history {
        let interval = (happened.started_us, happened.done_us);
        match (happened.act, happened.seen) {
            (_, Seen::Challenged(opened)) => {
                let known = challenges.entry(opened).or_default();
                known.opened_us = happened.started_us;
                known.device = happened.device;
                known.issues.push(interval);
            }
            (Act::Resend { challenge } | Act::Switch { challenge }, Seen::Done) => {
                challenges.entry(challenge).or_default().issues.push(interval);
            }
            _ => {}
        }
    }
    for happened in history.iter().filter(|happened| may_have_succeeded(happened)) {
        let ends = |id: u32, known: &Known| match happened.act {
            Act::Verify { challenge, .. } => challenge == id,
            Act::Remove { device } => device == known.device,
            Act::ChangePassword => true,
            _ => false,
        };
        for (id, known) in &mut challenges {
            if ends(*id, known) {
                let from = known.may_end_us.unwrap_or(u64::MAX).min(happened.started_us);
                known.may_end_us = Some(from);
            }
        }
    }
    challenges
}

/// A guess without an answer is not taken for a lucky one.
fn may_have_succeeded(happened: &Happened) -> bool {
    let is_guess = matches!(
        happened.act,
        Act::Verify {
            code: Presented::Guess,
            ..
        }
    );
    is_accepted(happened.seen) || (happened.seen == Seen::Unknown && !is_guess)
}

fn is_alive(known: &Known, guess: &Happened, terms: &Terms) -> bool {
    let lives = |from: u64, seconds: u64| {
        let end = from.saturating_add(seconds.saturating_mul(SECOND_US));
        guess.done_us < end.saturating_sub(SECOND_US)
    };
    let fresh = |(started, done): &(u64, u64)| *done <= guess.started_us && lives(*started, terms.limits.code_ttl);
    known.issues.iter().any(fresh)
        && lives(known.opened_us, terms.limits.challenge_max)
        && known.may_end_us.is_none_or(|from| guess.done_us < from)
}

/// One guess more than `most`, next to each other by their start, within this time and with nothing among them that may
/// have cleared the count.
fn run(history: &[Happened], guesses: &[usize], most: u32, span_us: u64) -> Option<Vec<usize>> {
    let clears =
        |happened: &&Happened| matches!(happened.act, Act::Verify { .. } | Act::ChangePassword) && may_have_succeeded(happened);
    let cleared: Vec<(u64, u64)> = history
        .iter()
        .filter(clears)
        .map(|h| (h.started_us, if h.seen == Seen::Unknown { u64::MAX } else { h.done_us }))
        .collect();
    let size = (most as usize).checked_add(1)?;
    let within = |group: &&[usize]| {
        let from = group.iter().map(|place| history[*place].started_us).min().unwrap_or(0);
        let to = group.iter().map(|place| history[*place].done_us).max().unwrap_or(u64::MAX);
        to - from < span_us && !cleared.iter().any(|(started, done)| *started <= to && *done >= from)
    };
    guesses.windows(size).find(within).map(<[usize]>::to_vec)
}
