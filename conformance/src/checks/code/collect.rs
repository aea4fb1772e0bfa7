//! Many codes, cheaply: fresh accounts, each with as many sign-ins at a time as it may have live challenges.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use targets::{Device, Message, Operation, Outcome};

use crate::context::{Account, Context};
use crate::proof::{Stop, describe};

/// Codes of fresh accounts, in the order in which they came: `most` of them, or at least `least` when time runs out.
pub(super) async fn codes(cx: &mut Context, least: usize, most: usize, within: Duration) -> Result<Vec<String>, Stop> {
    let start = Instant::now();
    let bound = cx.parameters().live_challenges.min(cx.parameters().sends_per_account_day);
    let at_once = usize::try_from(bound).unwrap_or(1).max(1);
    let mut codes = Vec::new();
    while codes.len() < most && (codes.len() < least || start.elapsed() < within) {
        let account = cx.account().await?;
        codes.extend(of_one_account(cx, &account, at_once.min(most - codes.len())).await?);
    }
    Ok(codes)
}

/// This many codes of one account, asked for at once from as many devices. The exchanges are not kept as evidence: there are
/// thousands, and none of them is to blame.
async fn of_one_account(cx: &mut Context, account: &Account, times: usize) -> Result<Vec<String>, Stop> {
    let mark = cx.mark();
    let mut devices: Vec<Device> = (0..times).map(|nth| cx.device(&format!("phone {nth}"))).collect();
    let target = &cx.target;
    let answers = devices.iter_mut().map(|device| {
        let operation = Operation::SignIn {
            email: account.email.clone(),
            password: account.password.clone(),
        };
        target.perform(device, operation)
    });
    for answer in try_join_all(answers).await? {
        if answer.outcome != Outcome::Challenged {
            return Err(Stop::NotTested(format!("no challenge was opened: {}", describe(&answer))));
        }
    }
    let patience = cx.target.delivery_patience();
    let mine = |message: &Message| message.code.is_some() && message.to.eq_ignore_ascii_case(&account.email);
    let came = AtomicUsize::new(0);
    let all_came = |message: &Message| mine(message) && came.fetch_add(1, Ordering::Relaxed) + 1 >= times;
    if cx.target.ledger().wait(mark, patience, all_came).await.is_none() {
        let came = came.load(Ordering::Relaxed);
        return Err(Stop::NotTested(format!("{came} codes came for {times} challenges")));
    }
    let messages = cx.target.ledger().since(mark).into_iter().filter(mine);
    Ok(messages.filter_map(|message| message.code).collect())
}
