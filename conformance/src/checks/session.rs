//! Sessions: what opens one, what ends one, and what its credentials are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use targets::{Capability, CredentialKind, Operation, OperationKind, RequestMutation};

use crate::check::Check;
use crate::context::{Context, Member};
use crate::proof::{Ending, Stop, every, holds, refused};

use OperationKind::{Refresh, SignOut, WhoAmI};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "SESS-01.pending-opens-nothing",
        title: "a pending handle in the session's place is refused by every operation of a session",
        operations: &[WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(pending_opens_nothing(cx)),
    },
    Check {
        id: "SESS-02.handle-never-becomes-the-session",
        title: "after the second step nothing that was known before it opens the session",
        operations: &[WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(handle_never_becomes_the_session(cx)),
    },
    Check {
        id: "SESS-02.chosen-session-is-not-adopted",
        title: "a session credential of the client's choosing is not adopted by signing in",
        operations: &[WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(chosen_session_is_not_adopted(cx)),
    },
    Check {
        id: "SESS-03.credentials-are-long-and-random",
        title: "credentials hold at least 128 bits that vary, never repeat and do not grow with time",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(credentials_are_long_and_random(cx)),
    },
    Check {
        id: "SESS-04.sign-out-ends-the-session",
        title: "after signing out a copy of the session's credential is refused",
        operations: &[SignOut, WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(sign_out_ends_the_session(cx)),
    },
    Check {
        id: "SESS-04.sign-out-ends-renewal",
        title: "after signing out a copy of the refresh credential is refused",
        operations: &[SignOut, Refresh],
        capabilities: &[Capability::RefreshCredential],
        moves_clock: false,
        run: |cx| Box::pin(sign_out_ends_renewal(cx)),
    },
    Check {
        id: "SESS-05.refresh-is-single-use",
        title: "a refresh credential that has been used is refused",
        operations: &[Refresh],
        capabilities: &[Capability::RefreshCredential],
        moves_clock: false,
        run: |cx| Box::pin(refresh_is_single_use(cx)),
    },
    Check {
        id: "SESS-05.reuse-ends-the-family",
        title: "using an old refresh credential ends the session it belonged to",
        operations: &[Refresh, WhoAmI],
        capabilities: &[Capability::RefreshCredential],
        moves_clock: false,
        run: |cx| Box::pin(reuse_ends_the_family(cx)),
    },
    Check {
        id: "SESS-06.session-has-an-end",
        title: "a session renewed all along is over after the declared time",
        operations: &[Refresh, WhoAmI],
        capabilities: &[Capability::RefreshCredential],
        moves_clock: true,
        run: |cx| Box::pin(session_has_an_end(cx)),
    },
];

async fn pending_opens_nothing(cx: &mut Context) -> Ending {
    let Member { account, phone } = cx.member().await?;
    let mut pending = cx.device("pending phone");
    cx.challenged(&mut pending, &account).await?;
    let handle = cx.target.credential(&pending, CredentialKind::Handle);
    cx.target.set_credential(&mut pending, CredentialKind::Access, handle);
    let id = "no-such-device".to_owned();
    let operations = [
        Operation::WhoAmI {},
        Operation::ListDevices {},
        Operation::ListChallenges {},
        Operation::ReadActivity {},
        Operation::ReadTwoStep {},
        Operation::RegisterPush {
            token: "a-pending-phones-registration".to_owned(),
        },
        Operation::RemoveDevice { id },
        Operation::SetTwoStep {
            enabled: true,
            password: Some(account.password.clone()),
        },
        Operation::Reauthenticate {
            password: account.password.clone(),
        },
        Operation::SignOut {},
    ];
    let mut endings = Vec::new();
    for operation in operations {
        if !cx.target.offers(operation.kind()) {
            continue;
        }
        let half = cx.perform(&mut pending.clone(), operation.clone()).await?;
        let full = cx.perform(&mut phone.clone(), operation.clone()).await?;
        if operation == (Operation::SignOut {}) && half.accepted() {
            // Signing nobody out may be answered as done: it opens nothing when one who holds nothing is told the same.
            let mut stranger = cx.device("stranger");
            if cx.perform(&mut stranger, Operation::SignOut {}).await?.accepted() {
                continue;
            }
        }
        endings.push(refused(&format!("{} with a pending handle", operation.kind()), &half, &full));
    }
    every(endings)
}

async fn handle_never_becomes_the_session(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let mut new = cx.device("new phone");
    let pending = cx.challenged(&mut new, &account).await?;
    let before: Vec<String> = CredentialKind::ALL
        .into_iter()
        .filter_map(|kind| cx.target.credential(&new, kind))
        .collect();
    if before.is_empty() {
        return Err(Stop::NotTested("the pending device holds nothing to try".to_owned()));
    }
    cx.prepare(&mut new, Operation::Verify { code: pending.code }).await?;
    let full = cx.perform(&mut new, Operation::WhoAmI {}).await?;
    let mut endings = Vec::new();
    for value in before {
        let mut old = new.clone();
        cx.target.set_credential(&mut old, CredentialKind::Access, Some(value));
        let answer = cx.perform(&mut old, Operation::WhoAmI {}).await?;
        endings.push(refused("a credential from before the second step", &answer, &full));
    }
    every(endings)
}

async fn chosen_session_is_not_adopted(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    // A value of the very shape the target gives out, known to the attacker because it was the attacker's own.
    let stranger = cx.member().await?.phone;
    let Some(real) = cx.target.credential(&stranger, CredentialKind::Access) else {
        return Err(Stop::NotTested("the target gives out no session credential".to_owned()));
    };
    let chosen: String = real.chars().map(|c| if c.is_ascii_lowercase() { 'q' } else { c }).collect();
    let plant = [
        RequestMutation::AddHeader("X-Session-Id".to_owned(), chosen.clone()),
        RequestMutation::AddCookie("session".to_owned(), chosen.clone()),
        RequestMutation::AddCookie("session_id".to_owned(), chosen.clone()),
    ];
    let mut victim = cx.device("victim's phone");
    let cursor = cx.cursor();
    let operation = Operation::SignIn {
        email: account.email.clone(),
        password: account.password.clone(),
    };
    cx.perform_with(&mut victim, operation, &plant).await?;
    let message = cx.code_since(cursor, &account).await?;
    let code = message
        .code
        .clone()
        .ok_or_else(|| Stop::NotTested("the message carries no code".to_owned()))?;
    cx.perform_with(&mut victim, Operation::Verify { code }, &plant).await?;
    let full = cx.perform(&mut victim, Operation::WhoAmI {}).await?;
    let mut attacker = cx.device("attacker's phone");
    cx.target.set_credential(&mut attacker, CredentialKind::Access, Some(chosen));
    let adopted = cx.perform(&mut attacker, Operation::WhoAmI {}).await?;
    refused("a session credential chosen before the sign-in", &adopted, &full)
}

/// How many sign-ins the judgement of randomness rests on.
const SAMPLES: usize = 48;

async fn credentials_are_long_and_random(cx: &mut Context) -> Ending {
    let mut collected: BTreeMap<CredentialKind, Vec<String>> = BTreeMap::new();
    for _ in 0..SAMPLES {
        let account = cx.account().await?;
        let mut device = cx.device("new phone");
        let pending = cx.challenged(&mut device, &account).await?;
        collected
            .entry(CredentialKind::Handle)
            .or_default()
            .extend(cx.target.credential(&device, CredentialKind::Handle));
        cx.prepare(&mut device, Operation::Verify { code: pending.code }).await?;
        for kind in [CredentialKind::Access, CredentialKind::Refresh, CredentialKind::Trust] {
            collected.entry(kind).or_default().extend(cx.target.credential(&device, kind));
        }
    }
    let mut endings = Vec::new();
    for (kind, values) in collected.iter().filter(|(_, values)| !values.is_empty()) {
        let name = kind.name();
        let distinct: BTreeSet<&String> = values.iter().collect();
        endings.push(holds(
            &format!("no {name} credential comes twice"),
            distinct.len() == values.len(),
            "one came twice",
        ));
        let rising = values.windows(2).filter(|pair| pair[0] < pair[1]).count();
        let ordered = rising + 1 == values.len();
        endings.push(holds(
            &format!("{name} credentials do not grow with time"),
            !ordered,
            "each was larger than the one before",
        ));
        let bits = varying_bits(values);
        endings.push(holds(
            &format!("a {name} credential holds at least 128 bits that vary"),
            bits >= 128.0,
            format!("{bits:.0} bits"),
        ));
    }
    every(endings)
}

/// An upper bound on what varies between values: for each place that takes many values, the bits of the alphabet seen.
fn varying_bits(values: &[String]) -> f64 {
    let shortest = values.iter().map(|value| value.chars().count()).min().unwrap_or(0);
    let columns: Vec<Vec<char>> = values.iter().map(|value| value.chars().collect()).collect();
    let alphabet: BTreeSet<char> = columns.iter().flatten().copied().collect();
    let per_place = match alphabet.len() {
        0..=10 => 10f64.log2(),
        11..=20 => 16f64.log2(),
        21..=40 => 32f64.log2(),
        _ => 64f64.log2(),
    };
    (0..shortest)
        .filter(|&place| columns.iter().map(|column| column[place]).collect::<BTreeSet<_>>().len() >= values.len().min(32) / 4)
        .count() as f64
        * per_place
}

async fn sign_out_ends_the_session(cx: &mut Context) -> Ending {
    let mut phone = cx.member().await?.phone;
    let mut copy = phone.clone();
    let before = cx.perform(&mut copy.clone(), Operation::WhoAmI {}).await?;
    cx.prepare(&mut phone, Operation::SignOut {}).await?;
    let after = cx.perform(&mut copy, Operation::WhoAmI {}).await?;
    refused("a copy of the session after signing out", &after, &before)
}

async fn sign_out_ends_renewal(cx: &mut Context) -> Ending {
    let mut phone = cx.member().await?.phone;
    let mut copy = phone.clone();
    cx.prepare(&mut phone, Operation::SignOut {}).await?;
    let after = cx.perform(&mut copy, Operation::Refresh {}).await?;
    let mut other = cx.member().await?.phone;
    let control = cx.perform(&mut other, Operation::Refresh {}).await?;
    refused("a copy of the refresh credential after signing out", &after, &control)
}

async fn refresh_is_single_use(cx: &mut Context) -> Ending {
    let mut phone = cx.member().await?.phone;
    let mut copy = phone.clone();
    let first = cx.perform(&mut phone, Operation::Refresh {}).await?;
    let second = cx.perform(&mut copy, Operation::Refresh {}).await?;
    refused("a refresh credential used a second time", &second, &first)
}

async fn reuse_ends_the_family(cx: &mut Context) -> Ending {
    let mut phone = cx.member().await?.phone;
    let mut copy = phone.clone();
    cx.prepare(&mut phone, Operation::Refresh {}).await?;
    let before = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
    cx.perform(&mut copy, Operation::Refresh {}).await?;
    let after = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
    refused("the session whose old refresh credential was used again", &after, &before)
}

async fn session_has_an_end(cx: &mut Context) -> Ending {
    let absolute = Duration::from_secs(cx.parameters().session_absolute_s);
    let mut old = cx.member().await?.phone;
    let strides = 10;
    for _ in 1..strides {
        cx.advance(absolute / strides).await?;
        cx.prepare(&mut old, Operation::Refresh {}).await?;
    }
    let mut young = cx.member().await?.phone;
    cx.advance(absolute / strides + Duration::from_secs(1)).await?;
    let ended = cx.perform(&mut old, Operation::Refresh {}).await?;
    let lasting = cx.perform(&mut young, Operation::Refresh {}).await?;
    refused("renewing a session older than declared", &ended, &lasting)
}
