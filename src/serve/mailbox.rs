//! The development mailbox on a terminal: each message as it comes, so that the flow can be followed. Development only: a
//! service that prints codes has no second step.

use std::io::Write;

use reference_server::courier::Letter;
use reference_server::parts::Recipient;
use targets::text::printable;

use crate::terminal;

pub(super) fn print(letter: &Letter) {
    let (channel, to) = match &letter.to {
        Recipient::Email(address) => ("email", address),
        Recipient::Push(token) => ("push", token),
    };
    let mut text = format!(
        "--- {channel} to {to} (development mailbox) ---\n{}\n",
        printable(&letter.subject)
    );
    for line in letter.text.lines() {
        text.push_str("    ");
        text.push_str(&printable(line));
        text.push('\n');
    }
    text.push_str("---");
    // One write, so that messages of two requests do not mix.
    let _ = writeln!(terminal::err(), "{text}");
}
