//! The development mailbox on standard error: each message as it comes, so that the flow can be followed. Development only: a
//! service that prints codes has no second step.

use std::io::Write;

use reference_server::adapters::mailer::RenderedMessage;
use reference_server::parts::Recipient;
use targets::text::printable;

use crate::terminal;

/// The target of the log's events that are messages.
pub(super) const TARGET: &str = "stepproof::development_mailbox";

/// Channel and address.
fn to(message: &RenderedMessage) -> (&'static str, &str) {
    match &message.to {
        Recipient::Email(address) => ("email", address),
        Recipient::Push(token) => ("push", token),
    }
}

/// For people, beside a log for people.
pub(super) fn print(message: &RenderedMessage) {
    let (channel, to) = to(message);
    let subject = printable(&message.subject);
    let mut text = format!("--- {channel} to {to} (development mailbox) ---\n{subject}\n");
    for line in message.text.lines() {
        text.push_str("    ");
        text.push_str(&printable(line));
        text.push('\n');
    }
    text.push_str("---");
    // One write, so that messages of two requests do not mix.
    let _ = writeln!(terminal::err(), "{text}");
}

/// As an event of the log, for a stream whose every line is read by a program.
pub(super) fn log(message: &RenderedMessage) {
    let (channel, to) = to(message);
    tracing::info!(target: TARGET, channel, to, subject = message.subject, text = message.text, "development mailbox");
}
