//! Who gets a code, and who does not.

use std::collections::BTreeSet;

use targets::{Channel, Device, Operation, RequestMutation};

use crate::checks::steps::{cool_down, field, nothing_sent, open, switch_to_email};
use crate::context::{Account, Context, Member};
use crate::proof::{CheckError, CheckResult, all, assert_that, require};

checks!(
    /// The ways in which a request may name where a code goes.
    fn naming(mailbox: &str) -> Vec<RequestMutation> {
        ["to", "cc", "bcc", "destination", "delivery_email", "send_to"]
            .into_iter()
            .map(|name| field(name, mailbox))
            .collect()
    }

    /// a sign-in that names another mailbox sends its code to the registered one alone
    #[check("METH-03.sign-in-names-no-mailbox", capabilities = [Email])]
    async fn sign_in_names_no_mailbox(cx: &mut Context) -> CheckResult {
        let elsewhere = cx.account().await?;
        let cursor = cx.cursor();
        for name in naming(&elsewhere.email) {
            let account = cx.account().await?;
            let mut device = cx.device("stranger's phone");
            cx.perform_with(&mut device, account.sign_in(), &[name]).await?;
        }
        nothing_sent(cx, cursor, &elsewhere, "no code goes to a mailbox that the sign-in names").await?;
        let account = cx.account().await?;
        let (_, pending) = open(cx, &account).await?;
        let seen = format!("it went by {:?}", pending.method);
        let registered = "a plain sign-in's code goes to the registered mailbox";
        assert_that(registered, pending.method == Channel::Email, seen)
    }

    /// a switch to email that names another mailbox sends its code to the registered one alone
    #[check("METH-03.switch-names-no-mailbox", operations = [SwitchMethod], capabilities = [Email], moves_clock)]
    async fn switch_names_no_mailbox(cx: &mut Context) -> CheckResult {
        let elsewhere = cx.account().await?;
        let Member { account, .. } = cx.member().await?;
        let (mut device, _) = open(cx, &account).await?;
        let cursor = cx.cursor();
        let sends = usize::try_from(cx.parameters().sends_per_challenge).unwrap_or(1);
        for (nth, name) in naming(&elsewhere.email).into_iter().enumerate() {
            // One that is accepted is a send; beyond the cap of one challenge another takes its place.
            if nth > 0 && nth % sends.saturating_sub(2).max(1) == 0 {
                device = open(cx, &account).await?.0;
            }
            cool_down(cx).await?;
            let switch = Operation::SwitchMethod { method: Channel::Email };
            cx.perform_with(&mut device, switch, &[name]).await?;
        }
        nothing_sent(cx, cursor, &elsewhere, "no code goes to a mailbox that the switch names").await?;
        let (mut device, _) = open(cx, &account).await?;
        let plain = switch_to_email(cx, &mut device, &account).await?;
        let registered = "a plain switch's code goes to the registered mailbox";
        assert_that(registered, !plain.code.is_empty(), "no code came")
    }

    fn registrations<'d>(devices: impl IntoIterator<Item = &'d Device>) -> BTreeSet<String> {
        devices.into_iter().filter_map(|device| device.push_token.clone()).collect()
    }

    /// Where the codes of a new device's sign-in were pushed to.
    async fn pushed_to(cx: &mut Context, account: &Account) -> Result<(Device, BTreeSet<String>), CheckError> {
        let cursor = cx.cursor();
        let mut asking = cx.device("asking phone");
        cx.sign_in(&mut asking, account).await?;
        let came = cx.settled(cursor).await?;
        let pushed = came.into_iter().filter(|message| message.channel == Channel::Push);
        Ok((asking, pushed.map(|message| message.to).collect()))
    }

    /// a pushed code reaches every trusted device, and neither a removed nor the asking one
    #[check(
        "METH-07.push-reaches-all-and-only-the-trusted",
        operations = [RegisterPush, RemoveDevice, WhoAmI],
        capabilities = [Push, Trust]
    )]
    async fn push_reaches_all_and_only_the_trusted(cx: &mut Context) -> CheckResult {
        let Member { account, phone } = cx.member().await?;
        let mut tablet = cx.device("owner's tablet");
        cx.trust(&mut tablet, &account).await?;
        let mut lost = cx.device("lost phone");
        cx.trust(&mut lost, &account).await?;
        let me = cx.prepare(&mut lost.clone(), Operation::WhoAmI {}).await?;
        let id = me.facts.device_id;
        let id = require(id, "the target does not tell a device's id")?;
        cx.prepare(&mut tablet.clone(), Operation::RemoveDevice { id }).await?;
        let bystander = cx.member().await?;
        let (asking, pushed) = pushed_to(cx, &account).await?;
        let trusted = registrations([&phone, &tablet]);
        let missing: Vec<_> = trusted.difference(&pushed).collect();
        let reached = |device: &Device| device.push_token.as_ref().is_some_and(|token| pushed.contains(token));
        all([
            assert_that(
                "every trusted device gets the code",
                missing.is_empty(),
                format!("{} did not", missing.len()),
            ),
            assert_that("the asking device does not get the code", !reached(&asking), "it did"),
            assert_that("a removed device does not get the code", !reached(&lost), "it did"),
            assert_that(
                "another account's device does not get the code",
                !reached(&bystander.phone),
                "it did",
            ),
            assert_that(
                "nobody else gets the code",
                pushed.is_subset(&trusted),
                format!("{} others did", pushed.difference(&trusted).count()),
            ),
        ])
    }

    /// a phone trusted in two accounts gets the codes of both, and other accounts' phones get neither
    #[check("METH-07.shared-phone-serves-both-accounts", operations = [RegisterPush], capabilities = [Push, Trust])]
    async fn shared_phone_serves_both_accounts(cx: &mut Context) -> CheckResult {
        let Member { account: one, phone } = cx.member().await?;
        let other = cx.account().await?;
        // The same phone and registration, as another person's app on it would hold it.
        let mut beside = cx.device("shared phone");
        beside.push_token.clone_from(&phone.push_token);
        cx.trust(&mut beside, &other).await?;
        let shared = registrations([&phone]);
        let mut results = Vec::new();
        for account in [&one, &other] {
            let (_, pushed) = pushed_to(cx, account).await?;
            results.push(assert_that(
                "a phone shared by two accounts gets the codes of both, and nobody else does",
                pushed == shared,
                format!(
                    "the code was pushed to {} registrations, the shared one among them: {}",
                    pushed.len(),
                    !pushed.is_disjoint(&shared)
                ),
            ));
        }
        all(results)
    }
);
