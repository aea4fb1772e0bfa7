//! Which method comes first, and that there always is one.

use targets::fakes::{Fault, FaultOrder};
use targets::{Channel, Device, Message, Operation, Outcome};

use crate::checks::steps::{open, submit, switch_to_email};
use crate::context::{Account, Context, Member, Pending};
use crate::proof::{
    CheckError, CheckResult, all, assert_accepted, assert_challenged, assert_that, describe, failed, not_tested, require,
};

checks!(
    /// while a trusted device can receive push, a sign-in sends its code by push and nothing by email
    #[check("METH-01.push-comes-first", capabilities = [Push])]
    async fn push_comes_first(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let cursor = cx.cursor();
        let (_, pending) = open(cx, &account).await?;
        let came = cx.settled_for(cursor, &account).await?;
        let by_email = came.iter().filter(|message| message.channel == Channel::Email).count();
        let told = pending.answer.facts.challenge.and_then(|challenge| challenge.method);
        all([
            assert_that(
                "the code comes by push",
                came.iter().any(|message| message.channel == Channel::Push),
                format!("{} codes came, {by_email} by email", came.len()),
            ),
            assert_that("no code comes by email unasked", by_email == 0, format!("{by_email} came")),
            assert_that(
                "the answer says push",
                told.is_none_or(|method| method == Channel::Push),
                format!("it said {told:?}"),
            ),
        ])
    }

    /// Signs in and gives what came for the account, without asking that anything did.
    async fn sign_in_and_wait(cx: &mut Context, device: &mut Device, account: &Account) -> Result<Option<Pending>, CheckError> {
        let cursor = cx.cursor();
        let answer = cx.sign_in(device, account).await?;
        if answer.outcome != Outcome::Challenged {
            return not_tested(format!("no challenge was opened: {}", describe(&answer)));
        }
        let wanted = |message: &Message| message.code.is_some() && message.to.eq_ignore_ascii_case(&account.email);
        let message = cx
            .target
            .deliveries()
            .wait(cursor, cx.target.delivery_patience(), wanted)
            .await;
        Ok(message.map(|message| Pending {
            answer,
            cursor,
            method: message.channel,
            code: message.code.unwrap_or_default(),
        }))
    }

    /// without a trusted device the code comes by email at once and is accepted
    #[check("METH-02.email-where-no-device-is-trusted", capabilities = [Email], profiles = [Faq, Asvs])]
    async fn email_where_no_device_is_trusted(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let mut device = cx.device("new phone");
        let Some(pending) = sign_in_and_wait(cx, &mut device, &account).await? else {
            let comes = "a code comes by email where no device is trusted";
            return failed(comes, "none came within the time a delivery may take");
        };
        let told = pending.answer.facts.challenge.clone().unwrap_or_default();
        let proof = assert_that(
            "the answer names email",
            told.method.is_none_or(|method| method == Channel::Email) || told.methods.contains(&Channel::Email),
            format!("it told {:?} of {:?}", told.method, told.methods),
        )?;
        let answer = submit(cx, &mut device, &pending.code).await?;
        Ok(proof.and(assert_accepted("the code from the mailbox", &answer)?))
    }

    /// a challenge by push names email, and switching brings a code that is accepted
    #[check(
        "METH-02.email-is-offered-beside-push",
        operations = [SwitchMethod],
        capabilities = [Push, Email],
        profiles = [Faq, Asvs],
        moves_clock
    )]
    async fn email_is_offered_beside_push(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let (device, pending) = open(cx, &account).await?;
        let methods = pending.answer.facts.challenge.unwrap_or_default().methods;
        email_rescues(cx, device, methods, &account).await
    }

    /// Email is named at once, and switching to it brings a code that is accepted.
    async fn email_rescues(cx: &mut Context, mut device: Device, methods: Vec<Channel>, account: &Account) -> CheckResult {
        let named = assert_that(
            "the challenge names email as a way from the start",
            methods.is_empty() || methods.contains(&Channel::Email),
            format!("it named {methods:?}"),
        )?;
        let switched = match switch_to_email(cx, &mut device, account).await {
            Err(CheckError::NotTested(reason)) => return failed("switching to email brings a code", reason),
            switched => switched?,
        };
        let answer = submit(cx, &mut device, &switched.code).await?;
        Ok(named.and(assert_accepted("the code that came by email", &answer)?))
    }

    /// when the push provider fails, email still brings a code that is accepted
    #[check(
        "METH-02.email-when-push-fails",
        operations = [SwitchMethod],
        capabilities = [Push, Email, ProviderFaults],
        profiles = [Faq, Asvs],
        moves_clock
    )]
    async fn email_when_push_fails(cx: &mut Context) -> CheckResult {
        let faults = [
            Fault::Refuse { for_good: true },
            Fault::Refuse { for_good: false },
            Fault::Reset,
            Fault::Lose,
            Fault::Unregistered,
        ];
        let mut results = Vec::new();
        for fault in faults {
            let Member { account, phone } = cx.member().await?;
            let to = phone.push_token.clone();
            let orders = require(cx.target.faults().cloned(), "no faults can be ordered")?;
            orders.order(FaultOrder {
                channel: Channel::Push,
                to: to.clone(),
                times: None,
                fault,
            });
            let mut device = cx.device("new phone");
            let answer = cx.sign_in(&mut device, &account).await?;
            if answer.outcome != Outcome::Challenged {
                return failed(format!("a challenge although push fails ({fault:?})"), describe(&answer));
            }
            let methods = answer.facts.challenge.unwrap_or_default().methods;
            // Told at once: after a breach the next account may not even get the code it begins with.
            results.push(Ok(email_rescues(cx, device, methods, &account).await?));
            orders.clear_for(&to.unwrap_or_default());
        }
        all(results)
    }

    /// the first device of an account is asked for a code from the mailbox, and is trusted after it
    #[check("METH-05.first-sign-in-needs-a-code", capabilities = [Trust])]
    async fn first_sign_in_needs_a_code(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let mut first = cx.device("first phone");
        let cursor = cx.cursor();
        let alone = cx.sign_in(&mut first, &account).await?;
        if alone.outcome == Outcome::SignedIn {
            return failed("the first device of an account is asked for a code", describe(&alone));
        }
        let message = cx.code_since(cursor, &account).await?;
        let proof = assert_that(
            "the code of a first device goes to the mailbox",
            message.channel == Channel::Email,
            format!("it went by {:?}", message.channel),
        )?;
        let code = message.code.unwrap_or_default();
        cx.prepare(&mut first, Operation::Verify { code }).await?;
        let trusted = cx.sign_in(&mut first, &account).await?;
        Ok(proof.and(assert_challenged("the first device of an account", &alone, &trusted)?))
    }

    /// after the last device was removed the password alone opens nothing
    #[check("METH-05.no-device-left-needs-a-code", operations = [RemoveDevice, ListDevices], capabilities = [Trust])]
    async fn no_device_left_needs_a_code(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let mut kept = cx.member().await?;
        let list = cx.prepare(&mut phone, Operation::ListDevices {}).await?;
        for row in list.facts.devices.unwrap_or_default() {
            cx.prepare(&mut phone, Operation::RemoveDevice { id: row.id }).await?;
        }
        let mut stranger = cx.device("stranger's phone");
        let alone = cx.sign_in(&mut stranger, &account).await?;
        let own = cx.sign_in(&mut kept.phone, &kept.account).await?;
        assert_challenged(
            "a device that has only the password, after the last device was removed",
            &alone,
            &own,
        )
    }
);
