//! Guesses per source address, which only the network may name.

use std::net::IpAddr;

use targets::{Answer, Device, Operation, RequestMutation};

use super::wrong_password;
use crate::checks::steps::{header, open, submit};
use crate::context::Context;
use crate::proof::{CheckError, CheckResult, assert_accepted, assert_refused, not_tested, require};

/// Headers by which proxies name a client.
const FORWARDED: [&str; 5] = [
    "X-Forwarded-For",
    "X-Real-IP",
    "Forwarded",
    "CF-Connecting-IP",
    "True-Client-IP",
];

checks!(
    /// one address that fails passwords on many accounts is throttled, another address is not
    #[check("ATT-04.passwords-are-throttled-per-source", capabilities = [SourceAddresses, Limits])]
    async fn passwords_are_throttled_per_source(cx: &mut Context) -> CheckResult {
        let guesser = cx.device("guesser");
        fail_passwords(cx, &guesser, &[]).await?;
        beside_another_address(cx, &guesser, "the right password from an address that failed many").await
    }

    /// one address that fails codes on many accounts is throttled, another address is not
    #[check("ATT-04.codes-are-throttled-per-source", capabilities = [SourceAddresses, Limits])]
    async fn codes_are_throttled_per_source(cx: &mut Context) -> CheckResult {
        let guesser = cx.device("guesser");
        let account = cx.account().await?;
        let (mut victim, pending) = open(cx, &account).await?;
        for _ in 0..cx.parameters().source_wrong_limit {
            let other = cx.account().await?;
            let mut device = from(cx, &guesser);
            let wrong = cx.challenged(&mut device, &other).await?;
            let code = cx.target.wrong_code(&wrong.code, 0);
            cx.perform(&mut device, Operation::Verify { code }).await?;
        }
        let own = victim.source;
        victim.source = guesser.source;
        let throttled = submit(cx, &mut victim, &pending.code).await?;
        victim.source = own;
        let elsewhere = submit(cx, &mut victim, &pending.code).await?;
        assert_refused("the right code from an address that failed many", &throttled, &elsewhere)
    }

    /// an account takes at most a hundred wrong passwords in a row, whatever addresses they come from
    #[check("ATT-04.passwords-are-limited-per-account", capabilities = [SourceAddresses, Limits])]
    async fn passwords_are_limited_per_account(cx: &mut Context) -> CheckResult {
        let guessed = cx.account().await?;
        for _ in 0..100 {
            let mut device = cx.device("guesser");
            wrong_password(cx, &mut device, &guessed.email).await?;
        }
        let mut device = cx.device("new phone");
        let beyond = cx.sign_in(&mut device, &guessed).await?;
        let spared = cx.account().await?;
        let within = cx.sign_in(&mut device, &spared).await?;
        assert_refused("the right password after a hundred wrong ones", &beyond, &within)
    }

    /// naming another address in a forwarding header with each guess does not escape the throttle
    #[check("ATT-05.forwarded-headers-do-not-help", capabilities = [SourceAddresses, Limits])]
    async fn forwarded_headers_do_not_help(cx: &mut Context) -> CheckResult {
        let guesser = cx.device("guesser");
        fail_passwords(cx, &guesser, &FORWARDED).await?;
        let account = cx.account().await?;
        let mut fresh = from(cx, &guesser);
        let operation = account.sign_in();
        let claims = claims(&FORWARDED, "198.51.100.77");
        let throttled = cx.perform_with(&mut fresh, operation.clone(), &claims).await?;
        let mut elsewhere = cx.device("new phone");
        let served = cx.perform_with(&mut elsewhere, operation, &claims).await?;
        assert_refused(
            "the right password from an address that failed many while naming others",
            &throttled,
            &served,
        )
    }

    /// guesses that name somebody else's address do not get it throttled
    #[check("ATT-05.forwarded-headers-do-not-harm", capabilities = [SourceAddresses, Limits])]
    async fn forwarded_headers_do_not_harm(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let mut victim = cx.device("victim");
        let address = require(victim.source, "devices have no addresses of their own")?;
        let guesser = cx.device("guesser");
        for n in 0..=cx.parameters().source_wrong_limit {
            let mut device = from(cx, &guesser);
            device.installation = format!("{}-{n}", device.installation);
            let nobody = account.with_email(format!("nobody-{n}-{}", account.email));
            let operation = nobody.with_password("not the password 1").sign_in();
            let named = claims(&FORWARDED, &address.to_string());
            cx.perform_with(&mut device, operation, &named).await?;
        }
        let served = cx.sign_in(&mut victim, &account).await?;
        assert_accepted("the right password from an address that others named", &served)
    }

    /// signing in to one's own account between guesses does not refill the budget of the address
    #[check("ATT-09.own-success-clears-no-source", capabilities = [SourceAddresses, Limits])]
    async fn own_success_clears_no_source(cx: &mut Context) -> CheckResult {
        let guesser = cx.device("guesser");
        let own = cx.account().await?;
        let half = cx.parameters().source_wrong_limit / 2;
        guess_passwords(cx, &guesser, half, &[]).await?;
        let mut device = from(cx, &guesser);
        cx.trust(&mut device, &own).await?;
        guess_passwords(cx, &guesser, cx.parameters().source_wrong_limit - half, &[]).await?;
        beside_another_address(cx, &guesser, "the right password after an own success between failures").await
    }
);

/// The right password is refused from the guesser's address and accepted from another.
async fn beside_another_address(cx: &mut Context, guesser: &Device, what: &str) -> CheckResult {
    let account = cx.account().await?;
    let mut here = from(cx, guesser);
    let throttled: Answer = cx.sign_in(&mut here, &account).await?;
    let mut there = cx.device("new phone");
    let served = cx.sign_in(&mut there, &account).await?;
    assert_refused(what, &throttled, &served)
}

/// Fails the declared number of passwords from this address, one on each account.
async fn fail_passwords(cx: &mut Context, guesser: &Device, naming: &[&str]) -> Result<(), CheckError> {
    guess_passwords(cx, guesser, cx.parameters().source_wrong_limit, naming).await
}

async fn guess_passwords(cx: &mut Context, guesser: &Device, times: u32, naming: &[&str]) -> Result<(), CheckError> {
    for n in 0..times {
        let email = format!("nobody-{}-{n}@example.test", guesser.installation);
        let mut device = from(cx, guesser);
        let operation = Operation::SignIn {
            email,
            password: "not the password 1".to_owned(),
        };
        let address = IpAddr::from([203, 0, 113, (n % 250) as u8 + 1]);
        let answer = cx
            .perform_with(&mut device, operation, &claims(naming, &address.to_string()))
            .await?;
        if answer.accepted() {
            return not_tested("a wrong password for an unknown account was accepted");
        }
    }
    Ok(())
}

/// A new device at the same address.
fn from(cx: &mut Context, device: &Device) -> Device {
    let mut other = cx.device("new phone");
    other.source = device.source;
    other
}

fn claims(headers: &[&str], address: &str) -> Vec<RequestMutation> {
    headers
        .iter()
        .map(|name| match *name {
            "Forwarded" => header(name, format!("for={address}")),
            name => header(name, address),
        })
        .collect()
}
