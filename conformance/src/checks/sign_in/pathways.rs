//! Every declared way to a session asks for the same step, and so do likely others. Ways that nobody declared cannot be found.

use targets::{Capability, CredentialKind, Device, Exchange, Operation, OperationKind, Outcome, RawRequest};

use crate::check::Check;
use crate::checks::moves::{collect_credentials, credentials_in, is_not_signed_in, open, opens_nothing, reset_token_since};
use crate::context::{Context, Member};
use crate::proof::{Ending, Stop, describe, every, holds, refused};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "SIGN-05.registration-signs-nobody-in",
        title: "registering again with an existing account's address and password opens no session",
        operations: &[OperationKind::CreateAccount, OperationKind::WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(registration_signs_nobody_in(cx)),
    },
    Check {
        id: "SIGN-05.reset-signs-nobody-in",
        title: "completing a password reset opens no session, and the new password alone is asked for a code",
        operations: &[
            OperationKind::RequestReset,
            OperationKind::CompleteReset,
            OperationKind::WhoAmI,
        ],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(reset_signs_nobody_in(cx)),
    },
    Check {
        id: "SIGN-05.renewal-needs-a-session",
        title: "a pending sign-in cannot be renewed into a session",
        operations: &[OperationKind::Refresh],
        capabilities: &[Capability::RefreshCredential],
        moves_clock: false,
        run: |cx| Box::pin(renewal_needs_a_session(cx)),
    },
    Check {
        id: "SIGN-05.other-paths-open-nothing",
        title: "older and other versions of the sign-in path, where they answer at all, open no session",
        operations: &[OperationKind::WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(other_paths_open_nothing(cx)),
    },
];

async fn registration_signs_nobody_in(cx: &mut Context) -> Ending {
    let Member { account, phone } = cx.member().await?;
    let mut stranger = cx.device("stranger's phone");
    let again = Operation::CreateAccount {
        email: account.email.clone(),
        password: account.password.clone(),
    };
    let answer = cx.perform(&mut stranger, again).await?;
    let mut endings = vec![holds(
        "registering again opens no session",
        answer.outcome != Outcome::SignedIn,
        describe(&answer),
    )];
    endings.extend(is_not_signed_in(cx, "a device that registered again", &stranger, &phone).await?);
    for text in credentials_in(&answer) {
        endings.extend(opens_nothing(cx, &format!("`{text}` of the registration"), &text, &phone).await?);
    }
    every(endings)
}

async fn reset_signs_nobody_in(cx: &mut Context) -> Ending {
    let Member { mut account, .. } = cx.member().await?;
    let other = cx.member().await?;
    let cursor = cx.cursor();
    let mut stranger = cx.device("stranger's phone");
    let request = Operation::RequestReset {
        email: account.email.clone(),
    };
    cx.prepare(&mut stranger, request).await?;
    let token = reset_token_since(cx, cursor, &account).await?;
    account.password = format!("{}-new", account.password);
    let complete = Operation::CompleteReset {
        token,
        new: account.password.clone(),
    };
    let answer = cx.perform(&mut stranger, complete).await?;
    if !answer.accepted() && answer.outcome != Outcome::Unrecognised {
        return Err(Stop::NotTested(format!("the reset was not completed: {}", describe(&answer))));
    }
    let mut endings = vec![holds(
        "completing a reset opens no session",
        answer.outcome != Outcome::SignedIn,
        describe(&answer),
    )];
    endings.extend(is_not_signed_in(cx, "a device that completed a reset", &stranger, &other.phone).await?);
    for text in credentials_in(&answer) {
        endings.extend(opens_nothing(cx, &format!("`{text}` of the reset"), &text, &other.phone).await?);
    }
    let mut new = cx.device("new phone");
    let after = cx.sign_in(&mut new, &account).await?;
    endings.push(holds(
        "after a reset the new password alone is asked for a code",
        after.outcome == Outcome::Challenged,
        describe(&after),
    ));
    every(endings)
}

async fn renewal_needs_a_session(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let (pending, _) = open(cx, &account).await?;
    let mut tries = vec![("as it stands", cx.perform(&mut pending.clone(), Operation::Refresh {}).await?)];
    for (what, kind) in [
        ("with its handle", CredentialKind::Handle),
        ("with what it may hold as an access credential", CredentialKind::Access),
    ] {
        let mut device = pending.clone();
        let held = cx.target.credential(&device, kind);
        cx.target.set_credential(&mut device, CredentialKind::Refresh, held);
        tries.push((what, cx.perform(&mut device, Operation::Refresh {}).await?));
    }
    let own = cx.perform(&mut phone, Operation::Refresh {}).await?;
    every(
        tries
            .iter()
            .map(|(what, tried)| refused(&format!("renewing a pending sign-in, {what}"), tried, &own)),
    )
}

/// Other places where a sign-in of the declared path may also answer.
fn variants(path: &str) -> Vec<String> {
    let bare = path
        .strip_prefix("/v1")
        .or_else(|| path.strip_prefix("/api"))
        .unwrap_or(path)
        .to_owned();
    let prefixes = [
        "",
        "/v0",
        "/v1",
        "/v2",
        "/v3",
        "/api",
        "/api/v1",
        "/api/v2",
        "/mobile",
        "/mobile/v1",
        "/internal",
        "/legacy",
    ];
    let names = ["/login", "/sign-in", "/signin", "/auth/login", "/oauth/token", "/token"];
    let mut all: Vec<String> = prefixes.iter().map(|prefix| format!("{prefix}{bare}")).collect();
    all.extend(
        prefixes
            .iter()
            .take(5)
            .flat_map(|prefix| names.iter().map(move |name| format!("{prefix}{name}"))),
    );
    all.push(format!("{path}/"));
    all.push(format!("{path}.json"));
    all.retain(|variant| variant != path);
    all
}

async fn other_paths_open_nothing(cx: &mut Context) -> Ending {
    let Member { account, phone } = cx.member().await?;
    let (device, pending) = open(cx, &account).await?;
    let declared = pending.answer.last().cloned();
    let declared = declared.ok_or_else(|| Stop::Harness("a sign-in without an exchange".to_owned()))?;
    let path = declared
        .url
        .strip_prefix(cx.target.origin())
        .unwrap_or(&declared.url)
        .to_owned();
    let mut answering = Vec::new();
    for (nth, path) in variants(&path).into_iter().enumerate() {
        let exchange = cx.raw(&device, repeated(&declared, &device, path, nth)).await?;
        if (200..400).contains(&exchange.status) {
            answering.push(exchange);
        }
    }
    let mut endings = is_not_signed_in(cx, "a pending sign-in", &device, &phone).await?;
    for exchange in answering {
        let mut found = Vec::new();
        collect_credentials(&exchange, &mut found);
        for text in found {
            let what = format!("`{text}`, which {} {} answered,", exchange.method, exchange.url);
            endings.extend(opens_nothing(cx, &what, &text, &phone).await?);
        }
    }
    every(endings)
}

/// The same sign-in at another path, as an installation of its own where the request names one.
fn repeated(declared: &Exchange, device: &Device, path: String, nth: usize) -> RawRequest {
    let body =
        String::from_utf8_lossy(&declared.request_body).replace(&device.installation, &format!("{}-{nth}", device.installation));
    let kept = |name: &str| !["content-length", "host", "cookie"].contains(&name.to_ascii_lowercase().as_str());
    RawRequest {
        method: declared.method.clone(),
        path,
        headers: declared
            .request_headers
            .iter()
            .filter(|(name, _)| kept(name))
            .cloned()
            .collect(),
        body: body.into_bytes(),
    }
}
