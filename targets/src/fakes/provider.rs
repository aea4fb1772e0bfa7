//! What the HTTP providers have in common: read the call, do what is ordered, enter the message, answer.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use specs::Channel;
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::fault::{Fault, Faults};
use crate::delivery_log::{DeliveryLog, Message};

/// Longer than any client waits.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// The answer to a call that makes no sense.
pub(super) type Refused = Box<ResponseTemplate>;

/// One provider's way of speaking.
pub(super) trait Provider: Send + Sync + 'static {
    /// What it carries.
    const CHANNEL: Channel;
    /// The path of its send call.
    const PATH: &'static str;

    /// The messages of a call, or the answer to a call that makes no sense.
    fn read(request: &Request) -> Result<Vec<Message>, Refused>;

    /// The answer to a call that was accepted.
    fn accepted(request: &Request) -> ResponseTemplate;

    /// The answer to a call that is refused.
    fn refused(for_good: bool) -> ResponseTemplate;

    /// The answer when the recipient is gone.
    fn unregistered() -> ResponseTemplate;
}

/// Starts a server of its own for this provider.
pub(super) async fn start<P: Provider>(address: SocketAddr, deliveries: DeliveryLog, faults: Faults) -> io::Result<MockServer> {
    let listener = TcpListener::bind(address)?;
    let server = MockServer::builder()
        .listener(listener)
        .disable_request_recording()
        .start()
        .await;
    let cuts = {
        let faults = faults.clone();
        move |request: &Request| {
            let messages = P::read(request).unwrap_or_default();
            let mut cut = messages
                .iter()
                .map(|m| faults.take_if(P::CHANNEL, &m.to, |f| f == Fault::Reset));
            cut.any(|fault| fault.is_some())
        }
    };
    let reset = |_: &Request| io::Error::from(io::ErrorKind::ConnectionReset);
    let send = || Mock::given(method("POST")).and(path_regex(P::PATH));
    send().and(cuts).respond_with_err(reset).with_priority(1).mount(&server).await;
    let state = Arc::new((deliveries, faults));
    let respond = move |request: &Request| respond::<P>(request, &state.0, &state.1);
    send().respond_with(respond).with_priority(2).mount(&server).await;
    Ok(server)
}

fn respond<P: Provider>(request: &Request, deliveries: &DeliveryLog, faults: &Faults) -> ResponseTemplate {
    let messages = match P::read(request) {
        Ok(messages) => messages,
        Err(answer) => return *answer,
    };
    let fault = messages.iter().find_map(|message| faults.take(P::CHANNEL, &message.to));
    let deliver = || messages.iter().for_each(|message| deliveries.record(message.clone()));
    match fault {
        Some(Fault::Refuse { for_good }) => P::refused(for_good),
        Some(Fault::Unregistered) => P::unregistered(),
        // A reset that was ordered in the instant between the two mocks: never answering is the nearest thing.
        Some(Fault::Hang | Fault::Reset) => P::accepted(request).set_delay(FOR_EVER),
        Some(Fault::Lose) => P::accepted(request),
        Some(Fault::Late(by)) => {
            deliver();
            P::accepted(request).set_delay(by)
        }
        None => {
            deliver();
            P::accepted(request)
        }
    }
}

/// Whether the call carries a bearer key.
pub(super) fn has_key(request: &Request) -> bool {
    let value = request.headers.get("authorization").and_then(|value| value.to_str().ok());
    value
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|key| !key.trim().is_empty())
}
