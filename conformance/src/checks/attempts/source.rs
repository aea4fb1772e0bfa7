//! Guesses per source address, which only the network may name.

use std::net::IpAddr;

use targets::{Answer, Capability, Device, Operation, RequestMutation};

use super::{guess_right, open, wrong_password};
use crate::check::Check;
use crate::context::Context;
use crate::proof::{Ending, Stop, accepted, refused};

const SOURCES: &[Capability] = &[Capability::SourceAddresses, Capability::Limits];

/// Headers by which proxies name a client.
const FORWARDED: [&str; 5] = [
    "X-Forwarded-For",
    "X-Real-IP",
    "Forwarded",
    "CF-Connecting-IP",
    "True-Client-IP",
];

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "ATT-04.passwords-are-throttled-per-source",
        title: "one address that fails passwords on many accounts is throttled, another address is not",
        operations: &[],
        capabilities: SOURCES,
        moves_clock: false,
        run: |cx| Box::pin(passwords_are_throttled_per_source(cx)),
    },
    Check {
        id: "ATT-04.codes-are-throttled-per-source",
        title: "one address that fails codes on many accounts is throttled, another address is not",
        operations: &[],
        capabilities: SOURCES,
        moves_clock: false,
        run: |cx| Box::pin(codes_are_throttled_per_source(cx)),
    },
    Check {
        id: "ATT-04.passwords-are-limited-per-account",
        title: "an account takes at most a hundred wrong passwords in a row, whatever addresses they come from",
        operations: &[],
        capabilities: SOURCES,
        moves_clock: false,
        run: |cx| Box::pin(passwords_are_limited_per_account(cx)),
    },
    Check {
        id: "ATT-05.forwarded-headers-do-not-help",
        title: "naming another address in a forwarding header with each guess does not escape the throttle",
        operations: &[],
        capabilities: SOURCES,
        moves_clock: false,
        run: |cx| Box::pin(forwarded_headers_do_not_help(cx)),
    },
    Check {
        id: "ATT-05.forwarded-headers-do-not-harm",
        title: "guesses that name somebody else's address do not get it throttled",
        operations: &[],
        capabilities: SOURCES,
        moves_clock: false,
        run: |cx| Box::pin(forwarded_headers_do_not_harm(cx)),
    },
    Check {
        id: "ATT-09.own-success-clears-no-source",
        title: "signing in to one's own account between guesses does not refill the budget of the address",
        operations: &[],
        capabilities: SOURCES,
        moves_clock: false,
        run: |cx| Box::pin(own_success_clears_no_source(cx)),
    },
];

async fn passwords_are_throttled_per_source(cx: &mut Context) -> Ending {
    let guesser = cx.device("guesser");
    fail_passwords(cx, &guesser, &[]).await?;
    beside_another_address(cx, &guesser, "the right password from an address that failed many").await
}

async fn codes_are_throttled_per_source(cx: &mut Context) -> Ending {
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
    let throttled = guess_right(cx, &mut victim, &pending).await?;
    victim.source = own;
    let elsewhere = guess_right(cx, &mut victim, &pending).await?;
    refused("the right code from an address that failed many", &throttled, &elsewhere)
}

async fn passwords_are_limited_per_account(cx: &mut Context) -> Ending {
    let guessed = cx.account().await?;
    for _ in 0..100 {
        let mut device = cx.device("guesser");
        wrong_password(cx, &mut device, &guessed.email).await?;
    }
    let mut device = cx.device("new phone");
    let beyond = cx.sign_in(&mut device, &guessed).await?;
    let spared = cx.account().await?;
    let within = cx.sign_in(&mut device, &spared).await?;
    refused("the right password after a hundred wrong ones", &beyond, &within)
}

async fn forwarded_headers_do_not_help(cx: &mut Context) -> Ending {
    let guesser = cx.device("guesser");
    fail_passwords(cx, &guesser, &FORWARDED).await?;
    let account = cx.account().await?;
    let mut fresh = from(cx, &guesser);
    let operation = Operation::SignIn {
        email: account.email.clone(),
        password: account.password.clone(),
    };
    let claims = claims(&FORWARDED, "198.51.100.77");
    let throttled = cx.perform_with(&mut fresh, operation.clone(), &claims).await?;
    let mut elsewhere = cx.device("new phone");
    let served = cx.perform_with(&mut elsewhere, operation, &claims).await?;
    refused(
        "the right password from an address that failed many while naming others",
        &throttled,
        &served,
    )
}

async fn forwarded_headers_do_not_harm(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let mut victim = cx.device("victim");
    let address = victim
        .source
        .ok_or_else(|| Stop::NotTested("devices have no addresses of their own".to_owned()))?;
    let guesser = cx.device("guesser");
    for n in 0..=cx.parameters().source_wrong_limit {
        let mut device = from(cx, &guesser);
        device.installation = format!("{}-{n}", device.installation);
        let operation = Operation::SignIn {
            email: format!("nobody-{n}-{}", account.email),
            password: "not the password 1".to_owned(),
        };
        cx.perform_with(&mut device, operation, &claims(&FORWARDED, &address.to_string()))
            .await?;
    }
    let served = cx.sign_in(&mut victim, &account).await?;
    accepted("the right password from an address that others named", &served)
}

async fn own_success_clears_no_source(cx: &mut Context) -> Ending {
    let guesser = cx.device("guesser");
    let own = cx.account().await?;
    let half = cx.parameters().source_wrong_limit / 2;
    guess_passwords(cx, &guesser, half, &[]).await?;
    let mut device = from(cx, &guesser);
    cx.trust(&mut device, &own).await?;
    guess_passwords(cx, &guesser, cx.parameters().source_wrong_limit - half, &[]).await?;
    beside_another_address(cx, &guesser, "the right password after an own success between failures").await
}

/// The right password is refused from the guesser's address and accepted from another.
async fn beside_another_address(cx: &mut Context, guesser: &Device, what: &str) -> Ending {
    let account = cx.account().await?;
    let mut here = from(cx, guesser);
    let throttled: Answer = cx.sign_in(&mut here, &account).await?;
    let mut there = cx.device("new phone");
    let served = cx.sign_in(&mut there, &account).await?;
    refused(what, &throttled, &served)
}

/// Fails the declared number of passwords from this address, one on each account.
async fn fail_passwords(cx: &mut Context, guesser: &Device, naming: &[&str]) -> Result<(), Stop> {
    guess_passwords(cx, guesser, cx.parameters().source_wrong_limit, naming).await
}

async fn guess_passwords(cx: &mut Context, guesser: &Device, times: u32, naming: &[&str]) -> Result<(), Stop> {
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
            return Err(Stop::NotTested(
                "a wrong password for an unknown account was accepted".to_owned(),
            ));
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
        .map(|name| {
            let value = if *name == "Forwarded" {
                format!("for={address}")
            } else {
                address.to_owned()
            };
            RequestMutation::AddHeader((*name).to_owned(), value)
        })
        .collect()
}
