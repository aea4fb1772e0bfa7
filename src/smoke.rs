//! The way in, walked once before anything is judged: an account, a password, a code that arrives. Without these nothing can be
//! tested, and it is said once instead of once a check.

use std::sync::Arc;

use conformance::context::{Addresses, Context};
use conformance::proof::Stop;
use targets::{Answer, Exchange, Operation, Outcome, Target};

use crate::exit::CliError;

/// Says what is in the way, if anything is. Whatever the target understands and refuses is for the checks to judge.
pub(crate) async fn passes(target: Arc<dyn Target>, deliveries: &str) -> Result<(), CliError> {
    let (place, seed) = (rand::random(), rand::random());
    let mut cx = Context::new(target, seed, Addresses::from(place));
    match way_in(&mut cx).await {
        Ok(None) => Ok(()),
        Ok(Some(answer)) => Err(CliError::too_little(not_understood(&cx, &answer)).hint(WRONG_PLACE)),
        Err(Stop::Unreachable(reason)) => Err(CliError::unreachable(reason)),
        Err(Stop::Harness(reason)) => Err(CliError::usage(reason).hint("`stepproof doctor` examines a binding")),
        Err(Stop::NotTested(reason)) => Err(CliError::too_little(format!("nothing can be tested: {reason}")).hint(deliveries)),
        // A breach or a lack is for the checks to tell.
        Err(Stop::Failed(_) | Stop::Advised(_) | Stop::NotApplicable(_) | Stop::Inconclusive(_)) => Ok(()),
    }
}

const WRONG_PLACE: &str =
    "is this the right address? A service that does not speak the reference API needs a binding (--binding)";

/// The answer that cannot be read, where there is one.
async fn way_in(cx: &mut Context) -> Result<Option<Answer>, Stop> {
    let mut device = cx.device("first visit");
    let credentials = match cx.untouched_account().await {
        Ok(account) => account,
        // Told by the answer itself, below.
        Err(Stop::NotTested(_)) => {
            let (email, password) = ("smoke@example.test".to_owned(), "Pw-smoke-7!".to_owned());
            let again = cx.perform(&mut device, Operation::CreateAccount { email, password }).await?;
            return Ok(unreadable(&again).then_some(again));
        }
        Err(stop) => return Err(stop),
    };
    let cursor = cx.cursor();
    let answer = cx.sign_in(&mut device, &credentials).await?;
    if answer.outcome == Outcome::Challenged {
        cx.code_since(cursor, &credentials).await?;
    }
    Ok(unreadable(&answer).then_some(answer))
}

fn unreadable(answer: &Answer) -> bool {
    matches!(answer.outcome, Outcome::Unrecognised | Outcome::ServerError)
}

fn not_understood(cx: &Context, answer: &Answer) -> String {
    const SHOWN: usize = 120;
    let kind = |exchange: &Exchange| exchange.header("content-type").unwrap_or("no content type").to_owned();
    let told = answer.last().map_or_else(String::new, |exchange| {
        let text: String = exchange.text().chars().take(SHOWN).collect();
        format!("HTTP {}, {}: {}", exchange.status, kind(exchange), text.escape_debug())
    });
    format!(
        "{} cannot be judged: its answer to {} is not understood ({told})",
        cx.target.origin(),
        answer.operation
    )
}
