//! What people do on a trusted device: no code is asked for.

use targets::{Operation, Outcome};

use super::going::{Going, Hand, done, signed_in};
use super::off::{Off, Way};
use crate::client::Line;
use crate::history::Act;
use crate::measure::Ending;
use crate::plan::scenario::Journey;

pub(super) async fn go(going: &mut Going<'_>, line: &mut Line, journey: Journey) -> Way<()> {
    let mut hand = going.trusted_phone(line)?;
    let asked_for_a_code = enter(going, &mut hand).await?;
    match journey {
        Journey::Refresh => {
            let act = Act::Refresh;
            going.ask(&mut hand, Operation::Refresh {}, act, signed_in).await?;
            going.who_am_i(&mut hand).await?;
        }
        Journey::SignOut => {
            going.ask(&mut hand, Operation::SignOut {}, Act::SignOut, done).await?;
        }
        _ => {
            going.who_am_i(&mut hand).await?;
        }
    }
    asked_for_a_code.map_or(Ok(()), Err)
}

/// Signs in on the trusted device. One that holds no trust token is asked for a code and gets a token with it; so is one whose token
/// the service did not take, but that is a refusal, which is given back to be the journey's ending.
pub(super) async fn enter(going: &mut Going<'_>, hand: &mut Hand<'_>) -> Way<Option<Off>> {
    let presents = hand.phone.trust.is_some();
    let either = |outcome: &Outcome| matches!(outcome, Outcome::SignedIn | Outcome::Challenged);
    let asked = going.sign_in(hand, either).await?;
    if !asked.is(&Outcome::Challenged) {
        return Ok(None);
    }
    going.second_step(hand, asked.at).await?;
    Ok(presents.then(|| Off::new(Ending::Refused, "sign_in: a code was asked for on a trusted device")))
}
