//! The judge of a storm's histories: right services pass, whatever overlaps and whatever is lost; wrong ones are told on, for
//! the right promise.

mod service;

use loadtest::history::{Act, Happened, Prepared, Presented, Seen, judge};
use loadtest::record::{Breach, Safety};
use proptest::prelude::*;
use service::{Dice, Manner, SECOND, Service, walk};
use specs::Parameters;
use specs::machine::{Invariant, Limits, PermittedBehaviour, mutants};
use targets::Refusal;

const TRUSTED: Prepared = Prepared {
    trusted_device: true,
    two_step: true,
    messages_lost: false,
    providers_failed: false,
};

fn judged(history: &[Happened], parameters: &Parameters, prepared: Prepared) -> Safety {
    judge([(1, history.to_vec())].into_iter(), parameters, &|_| prepared)
}

/// Limits that a short walk reaches.
fn small() -> Parameters {
    Parameters {
        attempts_per_challenge: 3,
        account_wrong_limit: 5,
        account_consecutive_max: 7,
        window_s: 600,
        lock_s: 120,
        sends_per_challenge: 3,
        ..Parameters::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_right_service_passes_whatever_overlaps_and_is_lost(
        seed in any::<u64>(),
        reading in 0usize..32,
        lost in prop_oneof![Just(0u64), 4u64..12],
        turned_away in prop_oneof![Just(0u64), 4u64..12],
        widened_us in prop_oneof![Just(0u64), 0..4 * SECOND],
        pace in 1u64..40,
        trusted_device in any::<bool>(),
        two_step in prop::bool::weighted(0.9),
        small_limits in any::<bool>(),
        clumsy in prop::bool::weighted(0.2),
    ) {
        let parameters = if small_limits { small() } else { Parameters::default() };
        let prepared = Prepared { trusted_device, two_step, messages_lost: false, providers_failed: false };
        let reading = PermittedBehaviour::all().nth(reading).unwrap_or_default();
        let mut service = Service::new(&reading, Limits::from(&parameters), prepared);
        let manner = Manner { steps: 40, lost, turned_away, widened_us, pace, clumsy };
        let history = walk(&mut service, &mut Dice::new(seed), manner);
        let safety = judged(&history, &parameters, prepared);
        prop_assert_eq!(&safety.breaches, &vec![]);
        prop_assert_eq!((safety.accounts, safety.unjudged), (1, 0));
        prop_assert_eq!(safety.operations, history.len() as u64);
    }
}

/// The promise that a wrong machine is told for, or why no operation of a storm shows what it does.
fn told_for(slug: &str) -> Result<&'static str, &'static str> {
    const NO_TOGGLE: &str = "needs the two-step setting to be switched";
    Ok(match slug {
        "first-device-free-pass" | "old-app-exempt" | "trusted-on-challenge-created" => "session-without-second-step",
        "removal-keeps-trust" | "trust-survives-password-change" => "session-without-second-step",
        "code-not-consumed" | "verified-still-takes-guesses" | "resend-revives" => "code-redeemed-twice",
        "no-cap" | "per-challenge-only" | "resend-resets-counter" | "password-ok-clears-code-failures" => "over-budget",
        "hourly-window-forgets" => "over-budget",
        "removal-keeps-session" | "removal-keeps-challenges" | "refresh-resurrects" => "session-after-removal",
        "sign-out-only-forgets-locally" => "other",
        "password-change-keeps-sessions" | "password-change-keeps-challenges" => "session-after-password-change",
        "signed-in-while-off-becomes-trusted" | "old-sessions-survive-enable" | "toggle-keeps-challenges" => {
            return Err(NO_TOGGLE);
        }
        "reset-signs-in" => return Err("needs a reset of the password"),
        _ => return Err("no promise of a storm"),
    })
}

/// The first breaches of a wrong machine, that are wanted, that a random walk comes upon.
fn complaint(wrong: &mutants::Mutant, widened_us: u64, wanted: impl Fn(&Breach) -> bool) -> Vec<Breach> {
    let parameters = small();
    for seed in 0..3_000 {
        let mut dice = Dice::new(seed);
        let prepared = Prepared {
            trusted_device: dice.one_in(2),
            ..TRUSTED
        };
        let mut service = Service::new(wrong.rules, Limits::from(&parameters), prepared);
        let manner = Manner {
            steps: 60,
            lost: 0,
            turned_away: 0,
            widened_us,
            pace: 40,
            clumsy: dice.one_in(3),
        };
        let history = walk(&mut service, &mut dice, manner);
        let safety = judged(&history, &parameters, prepared);
        if safety.breaches.iter().any(&wanted) {
            return safety.breaches;
        }
    }
    Vec::new()
}

#[test]
fn wrong_machines_are_told_on_for_the_right_promise() {
    use Invariant::{I1, I2, I4, I6, I9};
    let mut told = 0;
    for wrong in mutants::ALL
        .iter()
        .filter(|wrong| [I1, I2, I4, I6, I9].contains(&wrong.breaks))
    {
        let Ok(promise) = told_for(wrong.slug) else { continue };
        for widened_us in [0, SECOND] {
            let breaches = complaint(wrong, widened_us, |breach| breach.promise == promise);
            assert!(!breaches.is_empty(), "{} (widened by {widened_us} us)", wrong.slug);
        }
        told += 1;
    }
    assert_eq!(told, 19);
}

#[test]
fn wrong_machines_without_a_promise_of_their_own_are_told_on_too() {
    for (slug, requirements) in [
        ("old-code-still-valid", &["RSND-02"][..]),
        ("latest-code-per-account", &["BIND-02", "LIFE-03"]),
        ("no-expiry-check", &["LIFE-01"]),
        ("no-send-cap", &["RSND-03"]),
        ("no-cooldown", &["RSND-03"]),
        ("challenges-never-end", &["LIFE-02"]),
    ] {
        let breaches = complaint(mutants::named(slug).expect("known"), 0, |_| true);
        let requirement = breaches.first().map(|breach| breach.requirement.as_str());
        assert!(
            requirement.is_some_and(|it| requirements.contains(&it)),
            "{slug}: {breaches:#?}"
        );
    }
}

#[derive(Clone, Copy)]
struct At(u64, u64);

fn happened(device: u32, act: Act, seen: Seen, At(started_ms, done_ms): At) -> Happened {
    Happened {
        account: 1,
        device,
        act,
        seen,
        started_us: started_ms * 1000,
        done_us: done_ms * 1000,
    }
}

const SIGN_IN: Act = Act::SignIn {
    password: true,
    app: true,
};

fn verify(challenge: u32, number: u32) -> Act {
    Act::Verify {
        challenge,
        code: Presented::Delivered { challenge, number },
    }
}

fn guess(challenge: u32) -> Act {
    Act::Verify {
        challenge,
        code: Presented::Guess,
    }
}

fn promises(history: &[Happened], prepared: Prepared) -> Vec<(String, String)> {
    let safety = judged(history, &Parameters::default(), prepared);
    assert_eq!(safety.unjudged, 0);
    safety
        .breaches
        .into_iter()
        .map(|breach| (breach.promise, breach.requirement))
        .collect()
}

fn assert_breach(history: &[Happened], prepared: Prepared, promise: &str, requirement: &str) {
    assert_eq!(promises(history, prepared), [(promise.to_owned(), requirement.to_owned())]);
}

fn assert_none(history: &[Happened], prepared: Prepared) {
    assert_eq!(promises(history, prepared), []);
}

#[test]
fn one_code_raced_in_parallel_opens_one_session() {
    let race = |second: Seen| {
        [
            happened(1, SIGN_IN, Seen::Challenged(0), At(0, 100)),
            happened(1, verify(0, 0), Seen::SignedIn, At(1000, 1200)),
            happened(1, verify(0, 0), second, At(1000, 1150)),
        ]
    };
    assert_breach(&race(Seen::SignedIn), TRUSTED, "code-redeemed-twice", "LIFE-03");
    assert_none(&race(Seen::Refused(Refusal::Challenge)), TRUSTED);
    assert_none(&race(Seen::Unknown), TRUSTED);
}

#[test]
fn a_breach_is_told_operation_by_operation() {
    let history = [
        happened(1, SIGN_IN, Seen::Challenged(0), At(0, 100)),
        happened(0, Act::Use, Seen::Done, At(200, 201)),
        happened(1, verify(0, 0), Seen::SignedIn, At(1000, 1200)),
        happened(2, verify(0, 0), Seen::SignedIn, At(1000, 1150)),
    ];
    let safety = judged(&history, &Parameters::default(), TRUSTED);
    assert_eq!(
        safety.breaches[0].told,
        [
            "at 0.000 s, device 1 signs in with the right password → challenge 0: a code is asked for (after 100.0 ms)",
            "at 1.000 s, device 1 submits the code of message 0 for its challenge 0 → signed in (after 200.0 ms)",
            "at 1.000 s, device 2 submits the code of message 0 for its challenge 0 → signed in (after 150.0 ms)",
            "challenge 0 was accepted more than once: its first acceptance consumes it",
        ]
    );
}

#[test]
fn what_began_after_a_removal_was_answered_is_refused() {
    let history = |used: At, act: Act, seen: Seen| {
        [
            happened(1, SIGN_IN, Seen::Challenged(0), At(0, 100)),
            happened(1, verify(0, 0), Seen::SignedIn, At(200, 300)),
            happened(0, Act::Remove { device: 1 }, Seen::Done, At(1000, 1100)),
            happened(1, act, seen, used),
        ]
    };
    for (act, seen) in [(Act::Use, Seen::Done), (Act::Refresh, Seen::SignedIn)] {
        assert_none(&history(At(1050, 1400), act, seen), TRUSTED);
        assert_breach(
            &history(At(1101, 1400), act, seen),
            TRUSTED,
            "session-after-removal",
            "DEV-10",
        );
    }
    let again = history(At(1101, 1400), SIGN_IN, Seen::SignedIn);
    assert_breach(&again, TRUSTED, "session-without-second-step", "DEV-11");
    // The bound that the service declares for a removal is granted.
    let slow = Parameters {
        revoke_bound_ms: 500,
        ..Parameters::default()
    };
    let safety = judged(&history(At(1101, 1400), Act::Use, Seen::Done), &slow, TRUSTED);
    assert_eq!(safety.breaches, []);
}

#[test]
fn a_removal_without_an_answer_is_not_held_against_what_follows_and_explains_a_refusal() {
    for seen in [Seen::Done, Seen::Refused(Refusal::Session)] {
        let history = [
            happened(1, SIGN_IN, Seen::Challenged(0), At(0, 100)),
            happened(1, verify(0, 0), Seen::SignedIn, At(200, 300)),
            happened(0, Act::Remove { device: 1 }, Seen::Unknown, At(1000, 1100)),
            happened(1, Act::Use, seen, At(5000, 5100)),
        ];
        assert_none(&history, TRUSTED);
    }
}

#[test]
fn an_operation_without_an_answer_explains_what_came_of_it_and_nothing_more() {
    let resent = |seen: Seen, number: u32| {
        [
            happened(1, SIGN_IN, Seen::Challenged(0), At(0, 100)),
            happened(1, Act::Resend { challenge: 0 }, seen, At(40_000, 50_000)),
            happened(1, verify(0, number), Seen::SignedIn, At(330_000, 330_100)),
        ]
    };
    // The first code has lapsed; the second one lives if the resend was done.
    assert_none(&resent(Seen::Unknown, 1), TRUSTED);
    assert_breach(&resent(Seen::Limited, 0), TRUSTED, "other", "LIFE-01");
    assert_breach(&resent(Seen::Unknown, 0), TRUSTED, "other", "LIFE-01");

    let trusted_by = |seen: Seen, code: Act| {
        [
            happened(1, SIGN_IN, Seen::Challenged(0), At(0, 100)),
            happened(1, code, seen, At(1000, 9000)),
            happened(1, SIGN_IN, Seen::SignedIn, At(10_000, 10_100)),
        ]
    };
    assert_none(&trusted_by(Seen::Unknown, verify(0, 0)), TRUSTED);
    for (seen, code) in [(Seen::Unknown, guess(0)), (Seen::Limited, verify(0, 0))] {
        assert_breach(&trusted_by(seen, code), TRUSTED, "session-without-second-step", "SIGN-01");
    }
    // A first step whose answer was lost gives nobody a session.
    let lost = [
        happened(0, Act::SignOut, Seen::Done, At(0, 100)),
        happened(0, SIGN_IN, Seen::Unknown, At(200, 300)),
        happened(0, Act::Use, Seen::Done, At(400, 500)),
    ];
    assert_breach(&lost, TRUSTED, "other", "SESS-04");
}

#[test]
fn guesses_that_were_judged_count_and_others_do_not() {
    let wrong = Seen::Refused(Refusal::Code);
    let history = |sixth: Seen| {
        let mut history = vec![happened(1, SIGN_IN, Seen::Challenged(0), At(0, 100))];
        // All at once.
        history.extend((0..5).map(|_| happened(1, guess(0), wrong, At(1000, 2000))));
        history.push(happened(1, guess(0), sixth, At(1000, 2000)));
        history
    };
    assert_breach(&history(wrong), TRUSTED, "over-budget", "ATT-01");
    for other in [Seen::Refused(Refusal::Challenge), Seen::Limited, Seen::Unknown] {
        assert_none(&history(other), TRUSTED);
    }
    // The right code after the last guess.
    let mut spent = history(Seen::Limited);
    spent.push(happened(1, verify(0, 0), Seen::SignedIn, At(3000, 3100)));
    assert_breach(&spent, TRUSTED, "over-budget", "ATT-01");
}

#[test]
fn at_the_edge_of_a_limit_the_service_has_the_benefit_of_the_doubt() {
    // The code is issued between 0 and 2 s and lives for 300 s; the second step takes half a second.
    let at = |started_ms: u64| {
        [
            happened(1, SIGN_IN, Seen::Challenged(0), At(0, 2000)),
            happened(1, verify(0, 0), Seen::SignedIn, At(started_ms, started_ms + 500)),
        ]
    };
    for started_ms in [299_000, 302_900, 304_000] {
        assert_none(&at(started_ms), TRUSTED);
    }
    assert_breach(&at(306_000), TRUSTED, "other", "LIFE-01");

    let resend = |started_ms: u64| {
        [
            happened(1, SIGN_IN, Seen::Challenged(0), At(0, 100)),
            happened(1, Act::Switch { challenge: 0 }, Seen::Done, At(started_ms, started_ms + 100)),
        ]
    };
    assert_none(&resend(28_000), TRUSTED);
    assert_breach(&resend(25_000), TRUSTED, "other", "RSND-03");
}

#[test]
fn where_messages_are_lost_an_older_code_is_told_only_by_a_newer_one() {
    let lossy = Prepared {
        messages_lost: true,
        ..TRUSTED
    };
    let history = |newer: bool| {
        let mut history = vec![
            happened(1, SIGN_IN, Seen::Challenged(0), At(0, 100)),
            happened(1, Act::Switch { challenge: 0 }, Seen::Done, At(40_000, 40_100)),
        ];
        if newer {
            history.push(happened(1, verify(0, 1), Seen::Limited, At(41_000, 41_100)));
        }
        history.push(happened(1, verify(0, 0), Seen::SignedIn, At(42_000, 42_100)));
        history
    };
    assert_none(&history(false), lossy);
    assert_breach(&history(false), TRUSTED, "other", "RSND-02");
    assert_breach(&history(true), lossy, "other", "RSND-02");
}

#[test]
fn too_much_at_once_is_unjudged_and_said_so() {
    // Forty new codes that may each have been sent or not, at any time, and an old one that is accepted.
    let mut history = vec![happened(1, SIGN_IN, Seen::Challenged(0), At(0, 100))];
    for n in 0..8 {
        history.push(happened(n + 2, SIGN_IN, Seen::Challenged(n + 1), At(200, 100_000)));
        for _ in 0..4 {
            history.push(happened(1, Act::Resend { challenge: n + 1 }, Seen::Unknown, At(300, 90_000)));
        }
    }
    let safety = judged(&history, &Parameters::default(), TRUSTED);
    assert_eq!((safety.accounts, safety.unjudged, safety.breaches.len()), (0, 1, 0));
    assert_eq!(safety.indeterminate, 32);
    // What shows by itself is told all the same.
    history.push(happened(9, Act::Use, Seen::Done, At(300_000, 300_100)));
    let safety = judged(&history, &Parameters::default(), TRUSTED);
    assert_eq!((safety.accounts, safety.unjudged, safety.breaches.len()), (1, 0, 1));
}
