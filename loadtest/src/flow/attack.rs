//! What attackers do to other people's accounts. A refusal is what they should get: their exchanges end as they should when they are
//! answered at all, and go on through limits until all tries are made.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use targets::{Channel, Operation, OperationKind, Outcome, Refusal};

use super::going::{Going, Hand, mixed};
use super::off::{Off, Way};
use crate::client::{Line, Reply};
use crate::history::{Act, Presented};

/// Accounts in a hundred whose right password is in the attacker's list.
const LEAKED_PERCENT: u64 = 2;

/// The limits that an attack met with.
#[derive(Default)]
struct Limits {
    met: Option<Off>,
}

impl Limits {
    fn note(&mut self, operation: OperationKind, outcome: Outcome) {
        if matches!(outcome, Outcome::Limited { .. }) {
            self.met = Some(Off::by(operation, &Ok(outcome)));
        }
    }

    /// An attack that was limited ends so, however many tries it made.
    fn over(self) -> Way<()> {
        self.met.map_or(Ok(()), Err)
    }
}

/// Tries leaked passwords.
pub(super) async fn stuff_passwords(going: &mut Going<'_>, line: &mut Line) -> Way<()> {
    let mut hand = going.new_phone(line);
    let tries = going.plan.tries;
    let right = leaked_at(going.visit.seed, going.identity.account, tries);
    let mut limits = Limits::default();
    for nth in 0..tries {
        let password = if right == Some(nth) {
            going.password.clone()
        } else {
            format!("leaked-{:x}-{nth}", going.rng.random::<u64>())
        };
        match sign_in(going, &mut hand, password, right == Some(nth)).await? {
            // The right one: it is known now, and there is no code.
            Outcome::Challenged | Outcome::SignedIn => break,
            outcome => limits.note(OperationKind::SignIn, outcome),
        }
    }
    limits.over()
}

/// Knows the password and guesses codes, of challenge after challenge.
pub(super) async fn guess_codes(going: &mut Going<'_>, line: &mut Line) -> Way<()> {
    let mut hand = going.new_phone(line);
    let mut limits = Limits::default();
    if !open_challenge(going, &mut hand, &mut limits).await? {
        return limits.over();
    }
    for nth in 0..going.plan.tries {
        let code = guess(going, nth);
        let asked = going.verify(&mut hand, code, Presented::Guess, answered).await?;
        let outcome = asked.reply.outcome;
        match outcome {
            Ok(Outcome::SignedIn) => {
                going.entered = true;
                break;
            }
            Ok(Outcome::Refused {
                reason: Refusal::Challenge,
            }) => {
                if !open_challenge(going, &mut hand, &mut limits).await? {
                    break;
                }
            }
            Ok(outcome) => limits.note(OperationKind::Verify, outcome),
            Err(_) => {}
        }
    }
    limits.over()
}

/// What people leave in by mistake comes first, everything else is as good as anything.
fn guess(going: &mut Going<'_>, nth: u32) -> String {
    let digits = usize::try_from(going.terms.code_digits).unwrap_or(6);
    match nth {
        0 => "1234567890".chars().cycle().take(digits).collect(),
        1 => "0".repeat(digits),
        _ => {
            let space = 10u64.checked_pow(going.terms.code_digits).unwrap_or(u64::MAX);
            format!("{:0digits$}", going.rng.random_range(0..space))
        }
    }
}

/// Knows the password and asks for codes over and over.
pub(super) async fn hammer_resend(going: &mut Going<'_>, line: &mut Line) -> Way<()> {
    let mut hand = going.new_phone(line);
    let mut limits = Limits::default();
    if !open_challenge(going, &mut hand, &mut limits).await? {
        return limits.over();
    }
    for nth in 0..going.plan.tries {
        let challenge = hand.pending.number;
        let (operation, act) = if nth % 2 == 0 {
            (Operation::Resend {}, Act::Resend { challenge })
        } else {
            let method = Channel::Email;
            (Operation::SwitchMethod { method }, Act::Switch { challenge })
        };
        let kind = operation.kind();
        let asked = going.ask(&mut hand, operation, act, answered).await?;
        if let Ok(outcome) = asked.reply.outcome {
            limits.note(kind, outcome);
        }
    }
    limits.over()
}

/// The right password; whether there is a challenge to attack now.
async fn open_challenge(going: &mut Going<'_>, hand: &mut Hand<'_>, limits: &mut Limits) -> Way<bool> {
    match sign_in(going, hand, going.password.clone(), true).await? {
        Outcome::Challenged => Ok(true),
        outcome => {
            limits.note(OperationKind::SignIn, outcome);
            Ok(false)
        }
    }
}

async fn sign_in(going: &mut Going<'_>, hand: &mut Hand<'_>, password: String, right: bool) -> Way<Outcome> {
    let operation = Operation::SignIn {
        email: going.identity.email.clone(),
        password,
    };
    let act = Act::SignIn {
        password: right,
        app: true,
    };
    let Reply { outcome, .. } = going.ask(hand, operation, act, answered).await?.reply;
    going.entered |= outcome == Ok(Outcome::SignedIn);
    Ok(outcome.unwrap_or(Outcome::Unrecognised))
}

/// Any answer that a service gives on purpose.
fn answered(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::ServerError | Outcome::Unrecognised)
}

/// At which try an account's right password comes: it is in the list for a few accounts, always the same ones.
fn leaked_at(seed: u64, account: u64, tries: u32) -> Option<u32> {
    let mut rng = StdRng::seed_from_u64(mixed(seed, account));
    (tries > 0 && rng.random_range(0..100) < LEAKED_PERCENT).then(|| rng.random_range(0..tries))
}
