//! What attackers do to other people's accounts. A refusal is what they should get: their exchanges end as they should when they are
//! answered at all, and go on through limits until all tries are made.

use goose::goose::{GooseUser, TransactionResult};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use targets::{Channel, Operation, OperationKind, Outcome, Refusal};

use super::error::FlowError;
use super::virtual_user::{Device, VirtualUser, mixed};
use crate::client::Reply;
use crate::history::{Call, CodeUsed};

/// Accounts in a hundred whose right password is in the attacker's list.
const LEAKED_PERCENT: u64 = 2;

/// The limits that an attack met with.
#[derive(Default)]
struct Limits {
    met: Option<FlowError>,
}

impl Limits {
    fn note(&mut self, operation: OperationKind, outcome: Outcome) {
        if matches!(outcome, Outcome::Limited { .. }) {
            self.met = Some(FlowError::by(operation, &Ok(outcome)));
        }
    }

    /// An attack that was limited ends so, however many tries it made.
    fn over(self) -> Result<(), FlowError> {
        self.met.map_or(Ok(()), Err)
    }
}

/// Tries leaked passwords.
pub async fn stuff_passwords(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let mut device = user.new_device();
    let tries = user.class().tries;
    let right = leaked_at(user.now.visit.seed, user.now.identity.account, tries);
    let mut limits = Limits::default();
    for nth in 0..tries {
        let password = if right == Some(nth) {
            user.password.clone()
        } else {
            format!("leaked-{:x}-{nth}", user.rng.random::<u64>())
        };
        match sign_in(user, &mut device, password, right == Some(nth)).await? {
            // The right one: it is known now, and there is no code.
            Outcome::Challenged | Outcome::SignedIn => break,
            outcome => limits.note(OperationKind::SignIn, outcome),
        }
    }
    Ok(limits.over()?)
}

/// Knows the password and guesses codes, of challenge after challenge.
pub async fn guess_codes(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let mut device = user.new_device();
    let mut limits = Limits::default();
    if !open_challenge(user, &mut device, &mut limits).await? {
        return Ok(limits.over()?);
    }
    for nth in 0..user.class().tries {
        let code = guess(user, nth);
        let asked = user.verify(&mut device, code, CodeUsed::Guess, answered).await?;
        let outcome = asked.reply.outcome;
        match outcome {
            Ok(Outcome::SignedIn) => {
                user.entered = true;
                break;
            }
            Ok(Outcome::Refused {
                reason: Refusal::Challenge,
            }) => {
                if !open_challenge(user, &mut device, &mut limits).await? {
                    break;
                }
            }
            Ok(outcome) => limits.note(OperationKind::Verify, outcome),
            Err(_) => {}
        }
    }
    Ok(limits.over()?)
}

/// What people leave in by mistake comes first, everything else is as good as anything.
fn guess(user: &mut VirtualUser, nth: u32) -> String {
    let digits = usize::try_from(user.now.profile.code_digits).unwrap_or(6);
    match nth {
        0 => "1234567890".chars().cycle().take(digits).collect(),
        1 => "0".repeat(digits),
        _ => {
            let space = 10u64.checked_pow(user.now.profile.code_digits).unwrap_or(u64::MAX);
            format!("{:0digits$}", user.rng.random_range(0..space))
        }
    }
}

/// Knows the password and asks for codes over and over.
pub async fn hammer_resend(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let mut device = user.new_device();
    let mut limits = Limits::default();
    if !open_challenge(user, &mut device, &mut limits).await? {
        return Ok(limits.over()?);
    }
    for nth in 0..user.class().tries {
        let challenge = device.pending.number;
        let (operation, call) = if nth % 2 == 0 {
            (Operation::Resend {}, Call::Resend { challenge })
        } else {
            let method = Channel::Email;
            (Operation::SwitchMethod { method }, Call::Switch { challenge })
        };
        let kind = operation.kind();
        let asked = user.ask(&mut device, operation, call, answered).await?;
        if let Ok(outcome) = asked.reply.outcome {
            limits.note(kind, outcome);
        }
    }
    Ok(limits.over()?)
}

/// The right password; whether there is a challenge to attack now.
async fn open_challenge(user: &mut VirtualUser, device: &mut Device, limits: &mut Limits) -> Result<bool, FlowError> {
    match sign_in(user, device, user.password.clone(), true).await? {
        Outcome::Challenged => Ok(true),
        outcome => {
            limits.note(OperationKind::SignIn, outcome);
            Ok(false)
        }
    }
}

async fn sign_in(user: &mut VirtualUser, device: &mut Device, password: String, right: bool) -> Result<Outcome, FlowError> {
    let operation = Operation::SignIn {
        email: user.now.identity.email.clone(),
        password,
    };
    let call = Call::SignIn {
        password: right,
        app: true,
    };
    let Reply { outcome, .. } = user.ask(device, operation, call, answered).await?.reply;
    user.entered |= outcome == Ok(Outcome::SignedIn);
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
