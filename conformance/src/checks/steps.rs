//! Moves that checks of several areas make: open a challenge, guess, wait, send again, look for credentials in an answer.
//! Each stops the check as *not tested* when the ground cannot be prepared; judging is for the checks.

use std::time::Duration;

use serde_json::Value;
use targets::{
    Answer, Capability, Channel, CredentialKind, Cursor, Device, Exchange, Operation, OperationKind, Outcome, RequestMutation,
};

use crate::context::{Account, Context, Member, Pending};
use crate::proof::{CheckError, CheckResult, assert_refused, assert_that, describe, not_tested};

/// Opens a challenge from a new device.
pub(super) async fn open(cx: &mut Context, account: &Account) -> Result<(Device, Pending), CheckError> {
    let mut device = cx.device("new phone");
    let pending = cx.challenged(&mut device, account).await?;
    Ok((device, pending))
}

/// Submits a code.
pub(super) async fn submit(cx: &mut Context, device: &mut Device, code: &str) -> Result<Answer, CheckError> {
    let code = code.to_owned();
    cx.perform(device, Operation::Verify { code }).await
}

/// Submits this many different wrong codes; one that is accepted ends the check, for the harness knows it to be wrong.
pub(super) async fn guess_wrong(cx: &mut Context, device: &mut Device, right: &str, times: u32) -> Result<(), CheckError> {
    for nth in 0..times {
        let code = cx.target.wrong_code(right, nth);
        let answer = submit(cx, device, &code).await?;
        if answer.accepted() {
            return not_tested(format!("a wrong code was accepted: {}", describe(&answer)));
        }
    }
    Ok(())
}

/// Lets this many seconds of the target's time pass.
pub(super) async fn wait_s(cx: &mut Context, seconds: u64) -> Result<(), CheckError> {
    cx.advance(Duration::from_secs(seconds)).await
}

/// Lets the declared cool-down pass.
pub(super) async fn cool_down(cx: &mut Context) -> Result<(), CheckError> {
    let seconds = cx.parameters().resend_cooldown_s;
    wait_s(cx, seconds).await
}

/// Waits out the cool-down, has the code sent again, and reads the new one.
pub(super) async fn resend(cx: &mut Context, device: &mut Device, account: &Account) -> Result<Pending, CheckError> {
    send_again(cx, device, account, Operation::Resend {}).await
}

/// Waits out the cool-down, has the code sent by email, and reads it.
pub(super) async fn switch_to_email(cx: &mut Context, device: &mut Device, account: &Account) -> Result<Pending, CheckError> {
    let switch = Operation::SwitchMethod { method: Channel::Email };
    let pending = send_again(cx, device, account, switch).await?;
    if pending.method != Channel::Email {
        return not_tested(format!("after the switch to email the code came by {:?}", pending.method));
    }
    Ok(pending)
}

async fn send_again(cx: &mut Context, device: &mut Device, account: &Account, how: Operation) -> Result<Pending, CheckError> {
    cool_down(cx).await?;
    let cursor = cx.cursor();
    let answer = cx.prepare(device, how).await?;
    cx.pending(answer, cursor, account).await
}

/// A request with this field in its body.
pub(super) fn field(name: &str, value: impl Into<Value>) -> RequestMutation {
    RequestMutation::SetField(name.to_owned(), value.into())
}

pub(super) fn header(name: &str, value: impl Into<String>) -> RequestMutation {
    RequestMutation::AddHeader(name.to_owned(), value.into())
}

/// The ways in which the target sends a code again.
pub(super) fn ways_to_send(cx: &Context) -> Vec<Operation> {
    let mut ways = vec![Operation::Resend {}];
    if cx.target.offers(OperationKind::SwitchMethod) && cx.target.has(Capability::Email) {
        ways.push(Operation::SwitchMethod { method: Channel::Email });
    }
    ways
}

/// Nothing was sent to the account since the cursor; a message is a breach.
pub(super) async fn nothing_sent(cx: &mut Context, cursor: Cursor, account: &Account, what: &str) -> Result<(), CheckError> {
    let came = cx.settled_for(cursor, account).await?.len();
    let _proof = assert_that(what, came == 0, format!("{came} messages came"))?;
    Ok(())
}

/// A device with a pending sign-in that presents its handle where a session's credential stands.
pub(super) async fn handle_as_session(cx: &mut Context, account: &Account) -> Result<Device, CheckError> {
    let mut pending = cx.device("pending phone");
    cx.challenged(&mut pending, account).await?;
    let handle = cx.target.credential(&pending, CredentialKind::Handle);
    cx.target.set_credential(&mut pending, CredentialKind::Access, handle);
    Ok(pending)
}

/// A member whose two-step verification was off and is on again, and the device that signed in meanwhile.
pub(super) async fn off_period(cx: &mut Context) -> Result<(Member, Device), CheckError> {
    let mut member = cx.member().await?;
    cx.prepare(&mut member.phone, member.account.set_two_step(false)).await?;
    let mut new = cx.device("phone of the off period");
    let answer = cx.sign_in(&mut new, &member.account).await?;
    if answer.outcome != Outcome::SignedIn {
        return not_tested(format!("no session could be opened while it was off: {}", describe(&answer)));
    }
    cx.prepare(&mut member.phone, member.account.set_two_step(true)).await?;
    Ok((member, new))
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
    pub(super) fn within_lifetime(&self, cx: &Context) -> Result<(), CheckError> {
        let waited = (cx.waited() - self.waited).as_secs();
        let lifetime = cx.parameters().code_ttl_s;
        self.within(cx, lifetime.saturating_sub(waited + 1))
    }

    /// Stops the check where the declared cool-down may be over by now. One that is declared to be none is over from the start.
    pub(super) fn within_cool_down(&self, cx: &Context) -> Result<(), CheckError> {
        match cx.parameters().resend_cooldown_s {
            0 => Ok(()),
            seconds => self.within(cx, seconds),
        }
    }

    /// Stops the check where more time passed unasked than the margin allows: a probe before a limit then says nothing.
    pub(super) fn within(&self, cx: &Context, margin_s: u64) -> Result<(), CheckError> {
        let unasked = cx.drift().saturating_sub(self.before);
        if unasked < Duration::from_secs(margin_s) || unasked.is_zero() {
            return Ok(());
        }
        Err(CheckError::Inconclusive(format!(
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
pub(super) async fn opens_nothing(
    cx: &mut Context,
    what: &str,
    text: &str,
    owner: &Device,
) -> Result<Vec<CheckResult>, CheckError> {
    let mut thief = cx.device("stranger's phone");
    for kind in [CredentialKind::Access, CredentialKind::Refresh] {
        cx.target.set_credential(&mut thief, kind, Some(text.to_owned()));
    }
    let mut results = is_not_signed_in(cx, what, &thief, owner).await?;
    let renew = Operation::Refresh {};
    if cx.target.offers(renew.kind()) {
        // A refresh credential is good for one use, so that the owner's is not used up here.
        let bad = cx.perform(&mut thief, renew).await?;
        results.push(assert_that(
            &format!("{what} renews no session"),
            bad.outcome != Outcome::SignedIn,
            describe(&bad),
        ));
    }
    Ok(results)
}

/// The device is not signed in, and nothing in the answer it got opens anything.
pub(super) async fn answer_opens_nothing(
    cx: &mut Context,
    (who, of): (&str, &str),
    answer: &Answer,
    device: &Device,
    owner: &Device,
) -> Result<Vec<CheckResult>, CheckError> {
    let mut results = is_not_signed_in(cx, who, device, owner).await?;
    for text in credentials_in(answer) {
        results.extend(opens_nothing(cx, &format!("`{text}` of {of}"), &text, owner).await?);
    }
    Ok(results)
}

/// The device is refused everything that a session opens, where the owner's signed-in device is not.
pub(super) async fn is_not_signed_in(
    cx: &mut Context,
    what: &str,
    device: &Device,
    owner: &Device,
) -> Result<Vec<CheckResult>, CheckError> {
    let mut results = Vec::new();
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
            results.push(assert_refused(&format!("{} with {what}", operation.kind()), &bad, &good));
        }
    }
    Ok(results)
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
