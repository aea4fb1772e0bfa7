//! The SMTP sink: the conversation of the conformance suite's fake, with the mailbox behind it.

use std::time::Instant;

use targets::Channel;
use targets::fakes::provider::Sent;
use targets::fakes::{Fields, Mail, Mailroom, Receipt, mime};

use super::contents::Contents;
use super::faults::Outcome;
use super::post::Post;

impl Mailroom for Post {
    async fn take(&self, mail: Mail) -> Receipt {
        let fate = self.faults.fate(Channel::Email);
        let receipt = match fate.outcome {
            Outcome::Hang => std::future::pending().await,
            Outcome::Refuse => Receipt::Refused { for_good: false },
            Outcome::Unregistered => Receipt::NoMailbox,
            Outcome::Lose => Receipt::Taken,
            Outcome::Deliver { after } => {
                let contents = read(&mail, self);
                let letters = mail.to.iter().map(|to| contents.letter(Channel::Email, to, Instant::now()));
                self.deliver(letters.collect(), after);
                Receipt::Taken
            }
        };
        if !fate.answer_after.is_zero() {
            tokio::time::sleep(fate.answer_after).await;
        }
        receipt
    }
}

fn read(mail: &Mail, post: &Post) -> Contents {
    let message = mime::message(&mail.data, &mail.from, "");
    let sent = Sent {
        channel: Channel::Email,
        from: message.from.as_deref(),
        to: "",
        subject: &message.subject,
        text: &message.text,
        html: message.html.as_deref(),
        data: &Fields::default(),
        code: None,
    };
    Contents::of(&sent, post.mailbox.patterns())
}
