//! Guesses at codes: one too many, one too few, and counts that forget.

use reference_server::account::{Account, ChallengeId, ChallengeState};
use reference_server::config::Config;
use reference_server::policy::{At, Guess, Standard};

mutants! {
    /// A challenge takes one guess more than declared.
    "off-by-one-cap" breaks "ATT-01": policy OffByOneCap {
        fn reserve_guess(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) -> bool {
            let config = with_cap(at.config, at.config.attempts_per_challenge + 1);
            Standard.reserve_guess(account, id, At { config: &config, ..at })
        }

        fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
            let config = with_cap(at.config, at.config.attempts_per_challenge + 1);
            Standard.wrong_code(account, id, At { config: &config, ..at });
        }
    }

    /// The last of the declared guesses is refused unseen.
    "last-guess-not-evaluated" breaks "ATT-01": policy LastGuessNotEvaluated {
        fn reserve_guess(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) -> bool {
            let config = with_cap(at.config, at.config.attempts_per_challenge - 1);
            Standard.reserve_guess(account, id, At { config: &config, ..at })
        }
    }

    /// Wrong codes are counted in the challenge and nowhere else.
    "counter-per-challenge-only" breaks "ATT-02": policy CounterPerChallengeOnly {
        fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
            spent_at_cap(account, id, at.config);
        }
    }

    /// A new code brings new guesses.
    "resend-resets-counter" breaks "ATT-02": policy ResendResetsCounter {
        fn count_send(&self, account: &mut Account, challenge: &ChallengeId, at: At<'_>) {
            Standard.count_send(account, challenge, at);
            if let Some(challenge) = account.challenge_mut(challenge) {
                challenge.attempts = 0;
            }
        }
    }

    /// Only the source address is limited, so that guesses from many addresses never end.
    "ip-only-limit" breaks "ATT-02": policy IpOnlyLimit {
        fn guess(&self, account: &mut Account, _id: &ChallengeId, _at: At<'_>, right: &dyn Fn(&Account) -> bool) -> Guess {
            if right(account) { Guess::Right } else { Guess::Wrong }
        }
    }

    /// Wrong codes are forgotten with their window, so that slow guessing never ends.
    "hourly-window-forgets" breaks "ATT-03": policy HourlyWindowForgets {
        fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
            Standard.wrong_code(account, id, at);
            account.codes.off = false;
        }
    }

    /// Once codes are off, the owner cannot get them working again.
    "codes-stay-off" breaks "ATT-03": policy CodesStayOff {
        fn restore_owner(&self, account: &mut Account) {
            let off = account.codes.off;
            Standard.restore_owner(account);
            account.codes.off = off;
        }
    }
}

/// Config with so many guesses at a challenge.
fn with_cap(config: &Config, attempts_per_challenge: u32) -> Config {
    Config {
        attempts_per_challenge,
        ..config.clone()
    }
}

/// Marks the challenge spent at its cap, as the reference does, and counts nothing for the account.
fn spent_at_cap(account: &mut Account, id: &ChallengeId, config: &Config) {
    if let Some(challenge) = account.challenge_mut(id)
        && challenge.attempts >= config.attempts_per_challenge
    {
        challenge.state = ChallengeState::Exhausted;
    }
}
