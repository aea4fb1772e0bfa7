//! Moves that checks of several areas make: open a challenge, guess, wait, send again, look for credentials in an answer.
//! Each stops the check as *not tested* when the ground cannot be prepared; judging is for the checks.

use std::time::Duration;

use targets::{Answer, Channel, CredentialKind, Cursor, Device, Exchange, Message, Operation, Outcome};

use crate::context::{Account, Context, Pending};
use crate::proof::{Ending, Stop, accepted, describe, refused};

/// Opens a challenge from a new device.
pub(super) async fn open(cx: &mut Context, account: &Account) -> Result<(Device, Pending), Stop> {
    let mut device = cx.device("new phone");
    let pending = cx.challenged(&mut device, account).await?;
    Ok((device, pending))
}

/// Submits a code.
pub(super) async fn submit(cx: &mut Context, device: &mut Device, code: &str) -> Result<Answer, Stop> {
    let code = code.to_owned();
    cx.perform(device, Operation::Verify { code }).await
}

/// Submits this many different wrong codes; one that is accepted ends the check, for the harness knows it to be wrong.
pub(super) async fn guess_wrong(cx: &mut Context, device: &mut Device, right: &str, times: u32) -> Result<(), Stop> {
    for nth in 0..times {
        let code = cx.target.wrong_code(right, nth);
        let answer = submit(cx, device, &code).await?;
        if answer.accepted() {
            return Err(Stop::NotTested(format!("a wrong code was accepted: {}", describe(&answer))));
        }
    }
    Ok(())
}

/// Lets this many seconds of the target's time pass.
pub(super) async fn wait_s(cx: &mut Context, seconds: u64) -> Result<(), Stop> {
    cx.advance(Duration::from_secs(seconds)).await
}

/// Lets the declared cool-down pass.
pub(super) async fn cool_down(cx: &mut Context) -> Result<(), Stop> {
    let seconds = cx.parameters().resend_cooldown_s;
    wait_s(cx, seconds).await
}

/// Waits out the cool-down, has the code sent again, and reads the new one.
pub(super) async fn resend(cx: &mut Context, device: &mut Device, account: &Account) -> Result<Pending, Stop> {
    send_again(cx, device, account, Operation::Resend {}).await
}

/// Waits out the cool-down, has the code sent by email, and reads it.
pub(super) async fn switch_to_email(cx: &mut Context, device: &mut Device, account: &Account) -> Result<Pending, Stop> {
    let switch = Operation::SwitchMethod { method: Channel::Email };
    let pending = send_again(cx, device, account, switch).await?;
    if pending.method != Channel::Email {
        return Err(Stop::NotTested(format!(
            "after the switch to email the code came by {:?}",
            pending.method
        )));
    }
    Ok(pending)
}

async fn send_again(cx: &mut Context, device: &mut Device, account: &Account, how: Operation) -> Result<Pending, Stop> {
    cool_down(cx).await?;
    let cursor = cx.cursor();
    let answer = cx.prepare(device, how).await?;
    let message = cx.code_since(cursor, account).await?;
    Ok(Pending {
        answer,
        cursor,
        method: message.channel,
        code: message.code.unwrap_or_default(),
    })
}

/// The reset token mailed to the account since the cursor, or the check stops.
pub(super) async fn reset_token_since(cx: &mut Context, cursor: Cursor, account: &Account) -> Result<String, Stop> {
    let patience = cx.target.delivery_patience();
    let wanted = |message: &Message| message.reset_token.is_some() && message.to.eq_ignore_ascii_case(&account.email);
    let message = cx.target.deliveries().wait(cursor, patience, wanted).await;
    message
        .and_then(|message| message.reset_token)
        .ok_or_else(|| Stop::NotTested(format!("no reset mail came within {} ms", patience.as_millis())))
}

/// The one refused and the other accepted: the declared value is a promise in both directions.
pub(super) fn two_sided(bad_is: &str, bad: &Answer, good_is: &str, good: &Answer) -> Ending {
    match refused(bad_is, bad, good) {
        Err(Stop::NotTested(_)) => accepted(good_is, good),
        ending => ending,
    }
}

/// Seconds from a limit at which its two sides are probed: more than a check takes, little of what is declared.
pub(super) fn margin_s(declared_s: u64) -> u64 {
    (declared_s / 5).clamp(2, 20)
}

/// The target's time that passes unasked from here on, as clocks do that cannot be stopped.
pub(super) struct Drift {
    before: Duration,
    waited: Duration,
}

impl Drift {
    /// Starts to measure.
    pub(super) fn start(cx: &Context) -> Self {
        Self {
            before: cx.drift(),
            waited: cx.waited(),
        }
    }

    /// Stops the check where a code from the start may have lapsed by now, however little was waited for.
    pub(super) fn within_lifetime(&self, cx: &Context) -> Result<(), Stop> {
        let waited = (cx.waited() - self.waited).as_secs();
        let lifetime = cx.parameters().code_ttl_s;
        self.within(cx, lifetime.saturating_sub(waited + 1))
    }

    /// Stops the check where the declared cool-down may be over by now. One that is declared to be none is over from the start.
    pub(super) fn within_cool_down(&self, cx: &Context) -> Result<(), Stop> {
        match cx.parameters().resend_cooldown_s {
            0 => Ok(()),
            seconds => self.within(cx, seconds),
        }
    }

    /// Stops the check where more time passed unasked than the margin allows: a probe before a limit then says nothing.
    pub(super) fn within(&self, cx: &Context, margin_s: u64) -> Result<(), Stop> {
        let unasked = cx.drift().saturating_sub(self.before);
        if unasked < Duration::from_secs(margin_s) || unasked.is_zero() {
            return Ok(());
        }
        Err(Stop::Inconclusive(format!(
            "{:.1} s passed beside what was waited for, and {margin_s} s are the most that a probe before a limit bears",
            unasked.as_secs_f64()
        )))
    }
}

/// Shorter texts are no credentials.
const SHORTEST_CREDENTIAL: usize = 16;

/// Everything in an answer that could be a credential: the long texts of its bodies, headers and cookies, each once.
pub(super) fn credentials_in(answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    for exchange in &answer.exchanges {
        collect_credentials(exchange, &mut found);
    }
    found
}

/// As [`credentials_in`], of one exchange.
pub(super) fn collect_credentials(exchange: &Exchange, found: &mut Vec<String>) {
    let headers = exchange.response_headers.iter().map(|(_, value)| value.clone());
    let texts = headers.chain([exchange.text()]);
    for text in texts {
        let separators =
            |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '=' | '{' | '}' | '[' | ']' | '<' | '>');
        for word in text.split(separators).filter(|word| word.len() >= SHORTEST_CREDENTIAL) {
            if !found.iter().any(|known| known == word) {
                found.push(word.to_owned());
            }
        }
    }
}

/// Presents the text in each place of a credential, on everything a session opens; the owner's own session is the twin.
pub(super) async fn opens_nothing(cx: &mut Context, what: &str, text: &str, owner: &Device) -> Result<Vec<Ending>, Stop> {
    let mut thief = cx.device("stranger's phone");
    for kind in [CredentialKind::Access, CredentialKind::Refresh] {
        cx.target.set_credential(&mut thief, kind, Some(text.to_owned()));
    }
    let mut endings = is_not_signed_in(cx, what, &thief, owner).await?;
    let renew = Operation::Refresh {};
    if cx.target.offers(renew.kind()) {
        // A refresh credential is good for one use, so that the owner's is not used up here.
        let bad = cx.perform(&mut thief, renew).await?;
        endings.push(crate::proof::holds(
            &format!("{what} renews no session"),
            bad.outcome != Outcome::SignedIn,
            describe(&bad),
        ));
    }
    Ok(endings)
}

/// The device is refused everything that a session opens, where the owner's signed-in device is not.
pub(super) async fn is_not_signed_in(cx: &mut Context, what: &str, device: &Device, owner: &Device) -> Result<Vec<Ending>, Stop> {
    let mut endings = Vec::new();
    for operation in [
        Operation::WhoAmI {},
        Operation::ListDevices {},
        Operation::ReadActivity {},
        Operation::ReadTwoStep {},
        Operation::ListChallenges {},
    ] {
        if cx.target.offers(operation.kind()) {
            let bad = cx.perform(&mut device.clone(), operation.clone()).await?;
            let good = cx.perform(&mut owner.clone(), operation.clone()).await?;
            endings.push(refused(&format!("{} with {what}", operation.kind()), &bad, &good));
        }
    }
    Ok(endings)
}

/// A device like this one that presents another handle, or none.
pub(super) fn with_handle(cx: &mut Context, handle: Option<String>) -> Device {
    let mut device = cx.device("stranger's phone");
    cx.target.set_credential(&mut device, CredentialKind::Handle, handle);
    device
}

/// The handle a device holds.
pub(super) fn handle_of(cx: &Context, device: &Device) -> String {
    cx.target.credential(device, CredentialKind::Handle).unwrap_or_default()
}
