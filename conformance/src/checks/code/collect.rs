//! Many codes, cheaply: fresh accounts, each with as many sign-ins at a time as it may have live challenges.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use targets::{Device, Message, Operation, OperationKind, Outcome};

use crate::context::{Account, Context};
use crate::proof::{CheckError, describe, not_tested};

/// After this long, too few codes are what there is.
const PATIENCE: Duration = Duration::from_secs(45);

/// Codes of fresh accounts, in the order in which they came: `most` of them, or at least `least` when `within` is over.
pub(super) async fn codes(cx: &mut Context, least: usize, most: usize, within: Duration) -> Result<Vec<String>, CheckError> {
    let start = Instant::now();
    let mut codes = Vec::new();
    while codes.len() < most && (codes.len() < least || start.elapsed() < within) {
        if start.elapsed() > PATIENCE {
            let came = codes.len();
            return not_tested(format!(
                "{came} codes came in {} s, and {least} are needed",
                PATIENCE.as_secs()
            ));
        }
        let account = cx.account().await?;
        codes.extend(of_one_account(cx, &account, most - codes.len()).await?);
    }
    Ok(codes)
}

/// At most this many codes of one account, asked for at once from as many devices as may wait at a time; where nothing
/// holds a second send back, each of them asks again.
async fn of_one_account(cx: &mut Context, account: &Account, most: usize) -> Result<Vec<String>, CheckError> {
    let parameters = cx.parameters().clone();
    let count = |number: u32| usize::try_from(number).unwrap_or(1).max(1);
    let a_day = count(parameters.sends_per_account_day).min(most);
    let at_once = count(parameters.live_challenges).min(a_day);
    let again = parameters.resend_cooldown_s == 0 && cx.target.offers(OperationKind::Resend);
    let rounds = if again { count(parameters.sends_per_challenge) } else { 1 };
    let mut devices: Vec<Device> = (0..at_once).map(|nth| cx.device(&format!("phone {nth}"))).collect();
    let mut codes = Vec::new();
    for round in 0..rounds {
        let devices = &mut devices[..at_once.min(a_day - codes.len())];
        if devices.is_empty() {
            break;
        }
        let ask = if round > 0 { Operation::Resend {} } else { account.sign_in() };
        let came = one_round(cx, account, devices, &ask).await?;
        if came.iter().any(|code| codes.contains(code)) {
            // The target sends a code again rather than a new one, which it may: no draw of its own.
            break;
        }
        codes.extend(came);
    }
    Ok(codes)
}

/// One code for each device. The exchanges are not kept as evidence: there are thousands, and none of them is to blame.
async fn one_round(cx: &Context, account: &Account, devices: &mut [Device], ask: &Operation) -> Result<Vec<String>, CheckError> {
    let cursor = cx.cursor();
    let times = devices.len();
    let answers = devices.iter_mut().map(|device| cx.target.perform(device, ask.clone()));
    for answer in try_join_all(answers).await? {
        if !matches!(answer.outcome, Outcome::Challenged | Outcome::Done) {
            return not_tested(format!("no code was sent: {}", describe(&answer)));
        }
    }
    let patience = cx.target.delivery_patience();
    let mine = |message: &Message| message.code.is_some() && message.to.eq_ignore_ascii_case(&account.email);
    let came = AtomicUsize::new(0);
    let all_came = |message: &Message| mine(message) && came.fetch_add(1, Ordering::Relaxed) + 1 >= times;
    if cx.target.deliveries().wait(cursor, patience, all_came).await.is_none() {
        let came = came.load(Ordering::Relaxed);
        return not_tested(format!("{came} codes came for {times} requests"));
    }
    let messages = cx.target.deliveries().since(cursor).into_iter().filter(mine);
    Ok(messages.filter_map(|message| message.code).collect())
}
