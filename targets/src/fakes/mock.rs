//! The HTTP providers served by wiremock, with faults ordered one by one.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use specs::Channel;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::fault::{Fault, Faults};
use super::provider::{BadCall, Provider, Sent};
use crate::delivery_log::{DeliveryLog, Message};

/// Longer than any client waits.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// A provider's server of its own. It stops when this is dropped.
pub struct HttpProvider {
    server: MockServer,
}

impl HttpProvider {
    /// Starts one here that knows the calls of this channel, delivering into this log.
    pub(super) async fn start(
        address: SocketAddr,
        channel: Channel,
        deliveries: DeliveryLog,
        faults: Faults,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let server = MockServer::builder()
            .listener(listener)
            .disable_request_recording()
            .start()
            .await;
        let cuts = {
            let faults = faults.clone();
            move |request: &Request| {
                let mut messages = called(request)
                    .and_then(|provider| read(provider, request).ok())
                    .unwrap_or_default();
                let cut = |message: Message| faults.take_if(channel, &message.to, |fault| fault == Fault::Reset);
                messages.drain(..).any(|message| cut(message).is_some())
            }
        };
        let reset = |_: &Request| io::Error::from(io::ErrorKind::ConnectionReset);
        let ours = move |request: &Request| called(request).is_some_and(|provider| provider.channel() == channel);
        let send = || Mock::given(method("POST")).and(ours);
        send().and(cuts).respond_with_err(reset).with_priority(1).mount(&server).await;
        let state = Arc::new((deliveries, faults));
        let respond = move |request: &Request| match called(request) {
            Some(provider) => respond(provider, request, &state.0, &state.1),
            None => ResponseTemplate::new(404),
        };
        send().respond_with(respond).with_priority(2).mount(&server).await;
        Ok(Self { server })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        self.server.uri()
    }
}

fn called(request: &Request) -> Option<Provider<'_>> {
    Provider::at(request.url.path())
}

fn read(provider: Provider<'_>, request: &Request) -> Result<Vec<Message>, BadCall> {
    let mut messages = Vec::new();
    let message = |sent: &Sent<'_>| Message {
        from: sent.from.map(str::to_owned),
        subject: sent.subject.to_owned(),
        text: sent.text.to_owned(),
        html: sent.html.map(str::to_owned),
        data: sent
            .data
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        raw: request.body.clone(),
        code: sent.code.map(str::to_owned),
        ..Message::new(sent.channel, sent.to)
    };
    provider.read(&request.headers, &request.body, |sent| messages.push(message(sent)))?;
    Ok(messages)
}

fn respond(provider: Provider<'_>, request: &Request, deliveries: &DeliveryLog, faults: &Faults) -> ResponseTemplate {
    let messages = match read(provider, request) {
        Ok(messages) => messages,
        Err(bad) => return template(provider.bad(&bad)),
    };
    let fault = messages.iter().find_map(|message| faults.take(message.channel, &message.to));
    let accepted = || template(provider.accepted());
    let deliver = || messages.iter().for_each(|message| deliveries.record(message.clone()));
    match fault {
        Some(Fault::Refuse { for_good }) => template(provider.refused(for_good)),
        Some(Fault::Unregistered) => template(provider.unregistered()),
        // A reset that was ordered in the instant between the two mocks: never answering is the nearest thing.
        Some(Fault::Hang | Fault::Reset) => accepted().set_delay(FOR_EVER),
        Some(Fault::Lose) => accepted(),
        Some(Fault::Late(by)) => {
            deliver();
            accepted().set_delay(by)
        }
        None => {
            deliver();
            accepted()
        }
    }
}

fn template(answer: http::Response<Bytes>) -> ResponseTemplate {
    let (head, body) = answer.into_parts();
    let mut template = ResponseTemplate::new(head.status.as_u16());
    if !body.is_empty() {
        template = template.set_body_raw(body, "application/json");
    }
    for (name, value) in head.headers.iter().filter(|(name, _)| *name != http::header::CONTENT_TYPE) {
        template = template.insert_header(name, value);
    }
    template
}
