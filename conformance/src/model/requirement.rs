//! Which requirement an answer breaks that no reading explains.

use specs::machine::{Answer, App, Challenge, ChallengeId, Disagreement, Guess, Key, Limits, Op, Password, State, Status};

use crate::model::oracle::{End, Ends};

/// The requirement that speaks about this disagreement.
pub(crate) fn broken(op: &Op, disagreement: &Disagreement, limits: &Limits, ends: &Ends) -> &'static str {
    let Disagreement { before, expected, seen } = disagreement;
    let too_much = seen.accepted();
    // Whatever was done in a session that is over: that it lives is what is wrong.
    if let Some(acting) = acting(op, before).filter(|key| too_much && !before.signed_in(*key, limits)) {
        return session(acting, too_much, ends);
    }
    match *op {
        Op::SignIn {
            account,
            device,
            password,
            app,
        } => {
            let key = Key::new(account, device);
            if password == Password::Right && app == App::Current {
                sign_in(before, key, *expected, *seen, limits, ends)
            } else {
                wrong_sign_in(before, key, password, *seen, limits)
            }
        }
        Op::Verify { challenge, guess } if too_much => accepted_code(before, challenge, guess, limits, ends),
        Op::Verify { challenge, .. } => before.challenge(challenge).map_or("METH-02", |c| refused_code(before, c)),
        Op::Resend { challenge } | Op::Switch { challenge } if too_much => {
            if *expected == Answer::Limited {
                "RSND-03"
            } else {
                over(before, challenge, limits, ends)
            }
        }
        Op::Resend { .. } => "RSND-01",
        Op::Switch { .. } => "METH-02",
        Op::Cancel { .. } => "SIGN-03",
        Op::Deny { .. } => "NOTE-04",
        Op::Misuse { .. } => "SESS-01",
        Op::Use { account, device } | Op::Refresh { account, device } => session(Key::new(account, device), too_much, ends),
        Op::SignOut { account, device } => session(Key::new(account, device), too_much, ends),
        Op::Remove { .. } => "DEV-09",
        Op::SwitchOff { proof: false, .. } => "TOGL-02",
        Op::SwitchOff { .. } | Op::SwitchOn { .. } => "TOGL-03",
        Op::ChangePassword { .. } => "PWD-04",
        Op::Reset { .. } => "PWD-08",
        Op::Tick(_) => "TIME-01",
    }
}

/// The pair in whose session the operation is done.
fn acting(op: &Op, before: &State) -> Option<Key> {
    match *op {
        Op::Use { account, device } | Op::Refresh { account, device } => Some(Key::new(account, device)),
        Op::Remove { account, by, .. }
        | Op::SwitchOff { account, by, .. }
        | Op::SwitchOn { account, by }
        | Op::ChangePassword { account, by, .. } => Some(Key::new(account, by)),
        Op::Deny { challenge, by } => Some(Key::new(before.challenge(challenge)?.key.account, by)),
        _ => None,
    }
}

/// The right password on an app that is served.
fn sign_in(before: &State, key: Key, expected: Answer, seen: Answer, limits: &Limits, ends: &Ends) -> &'static str {
    let account = before.account(key.account);
    match (expected, seen) {
        (_, Answer::SignedIn) => match ends.trusts.get(&key) {
            Some(End::Removed) => "DEV-11",
            Some(End::NewPassword) => "PWD-05",
            _ if before.trusted_devices(key.account, limits).is_empty() => "METH-05",
            _ => "SIGN-01",
        },
        (Answer::SignedIn, _) if account.is_some_and(|account| !account.two_step) => "TOGL-03",
        (Answer::SignedIn, _) if account.is_some_and(|a| a.consecutive > 0 || a.locked_until.is_some()) => "ATT-06",
        (Answer::SignedIn, _) => match ends.sessions.values().any(|end| *end == End::Removed) {
            true => "DEV-12",
            false => "DEV-02",
        },
        (Answer::Challenged, _) => {
            // A challenge that should be over stands in the way.
            let own = (0..).zip(&before.challenges).filter(|(_, c)| c.key == key).last();
            match own.map(|(id, c)| (c.status, ends.challenges.get(&id))) {
                Some((Status::Verified, _)) => "LIFE-03",
                Some((Status::Exhausted, _)) => "ATT-01",
                Some((_, Some(End::NewPassword | End::Toggled))) => "LIFE-05",
                Some((_, Some(End::Removed))) => "DEV-10",
                _ => "METH-02",
            }
        }
        // Refused by the machine, and a challenge was opened.
        _ => match sent_a_moment_ago(before, key, limits) {
            true => "RSND-03",
            false => "SIGN-06",
        },
    }
}

fn sent_a_moment_ago(before: &State, key: Key, limits: &Limits) -> bool {
    let mut own = before.challenges.iter().filter(|c| c.key == key && c.status == Status::Live);
    own.any(|c| before.now < c.issued_at + limits.cooldown)
}

fn wrong_sign_in(before: &State, key: Key, password: Password, seen: Answer, limits: &Limits) -> &'static str {
    let two_step = before.account(key.account).is_some_and(|account| account.two_step);
    match password {
        Password::Right if !two_step => "VER-06",
        Password::Right if seen == Answer::SignedIn && !before.trusted(key, limits) => "VER-05",
        Password::Right => "VER-01",
        Password::Former => "PWD-05",
        Password::Wrong if before.trusted(key, limits) => "DEV-02",
        Password::Wrong => "SIGN-02",
    }
}

/// A code that should not have been accepted.
fn accepted_code(before: &State, id: ChallengeId, guess: Guess, limits: &Limits, ends: &Ends) -> &'static str {
    let Some(challenge) = before.challenge(id) else {
        return "SIGN-03";
    };
    let account = before.account(challenge.key.account);
    if challenge.status == Status::Verified {
        return "LIFE-03";
    }
    match guess {
        Guess::Wrong => return "CODE-04",
        Guess::Old if challenge.former_method.is_some_and(|former| former != challenge.method) => return "METH-04",
        Guess::Old => return "RSND-02",
        Guess::Foreign(other) => {
            let same = before
                .challenge(other)
                .is_some_and(|other| other.key.account == challenge.key.account);
            return if same { "BIND-02" } else { "BIND-01" };
        }
        Guess::Right => {}
    }
    if challenge.status == Status::Exhausted || challenge.attempts >= limits.attempts {
        return "ATT-01";
    }
    if account.is_some_and(|account| account.codes_off) {
        return "ATT-03";
    }
    if account.is_some_and(|account| account.locked_until.is_some_and(|until| before.now < until)) {
        return "ATT-02";
    }
    over(before, id, limits, ends)
}

/// A challenge that is over was used.
fn over(before: &State, id: ChallengeId, limits: &Limits, ends: &Ends) -> &'static str {
    let Some(challenge) = before.challenge(id) else {
        return "SIGN-03";
    };
    match (challenge.status, ends.challenges.get(&id)) {
        (Status::Verified, _) => "LIFE-03",
        (Status::Exhausted, _) => "ATT-01",
        (Status::Voided, Some(End::Denied)) => "NOTE-04",
        (Status::Voided, Some(End::Removed)) => "DEV-10",
        (Status::Voided, Some(End::Cancelled)) => "SIGN-03",
        (Status::Voided, _) => "LIFE-05",
        (Status::Live, _) if before.now >= challenge.created_at + limits.challenge_max => "LIFE-02",
        (Status::Live, _) => "LIFE-01",
    }
}

/// A right code that should have been accepted.
fn refused_code(before: &State, challenge: &Challenge) -> &'static str {
    let later = before
        .challenges
        .iter()
        .any(|c| c.key.account == challenge.key.account && c.created_at > challenge.created_at);
    if challenge.attempts > 0 {
        "LIFE-04"
    } else if challenge.newest > 0 {
        "RSND-01"
    } else if later {
        "RSND-05"
    } else {
        "METH-02"
    }
}

/// A session that lives although it ended, or ended although nothing ended it.
fn session(key: Key, too_much: bool, ends: &Ends) -> &'static str {
    match (too_much, ends.sessions.get(&key)) {
        (true, Some(End::Removed)) => "DEV-10",
        (true, Some(End::SignedOut)) => "SESS-04",
        (true, Some(End::NewPassword)) => "PWD-05",
        (true, Some(End::Toggled)) => "TOGL-03",
        (true, _) => "SIGN-01",
        (false, _) if ends.sessions.values().any(|end| *end == End::Removed) => "DEV-12",
        (false, _) if ends.sessions.values().any(|end| *end == End::NewPassword) => "PWD-05",
        (false, _) => "SESS-06",
    }
}
