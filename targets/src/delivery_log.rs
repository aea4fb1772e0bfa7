//! Everything the target delivered, whoever got it. Codes are found by recipient and moment, never as "the latest message".

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use regex::Regex;
use specs::Channel;
use tokio::sync::Notify;

/// A moment of the delivery log: messages after it are those that arrived later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub usize);

/// One delivered message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub channel: Channel,
    /// The address, or the push registration token.
    pub to: String,
    pub from: Option<String>,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    pub data: Vec<(String, String)>,
    /// Milliseconds since the delivery log was opened.
    pub at_ms: f64,
    /// What the provider as raw bytes was given (MIME source, or JSON).
    pub raw: Vec<u8>,
    /// The sign-in code found in it, by the target's pattern.
    pub code: Option<String>,
    /// The reset token found in it, by the target's pattern.
    pub reset_token: Option<String>,
}

/// Where a target writes codes and reset tokens. The first group of a pattern is what is meant, or the whole match.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    /// A push data field that holds the code alone.
    pub code_field: Option<String>,
    /// The code, in text, HTML (link targets included) or subject.
    pub code: Vec<Regex>,
    pub reset_token: Vec<Regex>,
}

/// The record of all deliveries of one target. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct DeliveryLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    opened: Instant,
    patterns: Patterns,
    // A std mutex: it is held to push or to look, never over an await.
    messages: Mutex<Vec<Message>>,
    arrived: Notify,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            opened: Instant::now(),
            patterns: Patterns::default(),
            messages: Mutex::default(),
            arrived: Notify::new(),
        }
    }
}

impl DeliveryLog {
    /// An empty delivery log that finds codes and reset tokens by these patterns.
    pub fn new(patterns: Patterns) -> Self {
        Self {
            shared: Arc::new(Shared {
                patterns,
                ..Shared::default()
            }),
        }
    }

    /// Enters a message: the moment, the code and the reset token are filled in here.
    pub fn record(&self, mut message: Message) {
        let patterns = &self.shared.patterns;
        let field = patterns.code_field.as_deref();
        let by_field = field.and_then(|name| message.data.iter().find(|(n, _)| n == name));
        let by_field = by_field.map(|(_, code)| code.clone());
        let told = message.code.take().or(by_field);
        message.code = told.or_else(|| find(&patterns.code, &message));
        message.reset_token = find(&patterns.reset_token, &message);
        let mut messages = self.shared.messages.lock().unwrap_or_else(PoisonError::into_inner);
        message.at_ms = self.shared.opened.elapsed().as_secs_f64() * 1000.0;
        messages.push(message);
        drop(messages);
        self.shared.arrived.notify_waiters();
    }

    /// The present moment.
    pub fn cursor(&self) -> Cursor {
        Cursor(self.with(|messages| messages.len()))
    }

    /// Every message since the cursor, in order of arrival.
    pub fn since(&self, cursor: Cursor) -> Vec<Message> {
        self.with(|messages| messages.get(cursor.0..).unwrap_or_default().to_vec())
    }

    /// Waits until a message since the cursor satisfies `wanted`; `None` when none came in time.
    pub async fn wait(&self, cursor: Cursor, within: Duration, wanted: impl Fn(&Message) -> bool) -> Option<Message> {
        let deadline = tokio::time::Instant::now() + within;
        let mut seen = cursor.0;
        loop {
            // Enlisted before looking, so that what arrives in between still wakes this up.
            let mut arrival = std::pin::pin!(self.shared.arrived.notified());
            arrival.as_mut().enable();
            let fresh = self.since(Cursor(seen));
            seen += fresh.len();
            // Asked without the lock, so that what is wanted may depend on the delivery log itself.
            let found = fresh.into_iter().find(|message| wanted(message));
            if found.is_some() || tokio::time::timeout_at(deadline, arrival).await.is_err() {
                return found;
            }
        }
    }

    fn with<T>(&self, look: impl FnOnce(&[Message]) -> T) -> T {
        look(&self.shared.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn find(patterns: &[Regex], message: &Message) -> Option<String> {
    let places = [Some(&message.text), message.html.as_ref(), Some(&message.subject)];
    first(patterns, places.into_iter().flatten().map(String::as_str)).map(str::to_owned)
}

/// The first find, place by place.
fn first<'t>(patterns: &[Regex], places: impl IntoIterator<Item = &'t str>) -> Option<&'t str> {
    places
        .into_iter()
        .flat_map(|place| patterns.iter().filter_map(move |pattern| pattern.captures(place)))
        .find_map(|found| found.get(1).or_else(|| found.get(0)).map(|group| group.as_str()))
}

impl Patterns {
    /// The code in the first of these places that has one.
    pub fn code_in<'t>(&self, places: impl IntoIterator<Item = &'t str>) -> Option<&'t str> {
        first(&self.code, places)
    }

    /// The reset token in the first of these places that has one.
    pub fn reset_token_in<'t>(&self, places: impl IntoIterator<Item = &'t str>) -> Option<&'t str> {
        first(&self.reset_token, places)
    }
}

impl Message {
    /// An empty message by this channel to this recipient, to be filled in by a fake.
    pub fn new(channel: Channel, to: impl Into<String>) -> Self {
        Self {
            channel,
            to: to.into(),
            from: None,
            subject: String::new(),
            text: String::new(),
            html: None,
            data: Vec::new(),
            at_ms: 0.0,
            raw: Vec::new(),
            code: None,
            reset_token: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliveries() -> DeliveryLog {
        DeliveryLog::new(Patterns {
            code_field: Some("code".to_owned()),
            code: vec![Regex::new(r"code is: (\d+)").unwrap(), Regex::new(r"[?&]code=(\d+)").unwrap()],
            reset_token: vec![Regex::new(r"pr_[\w-]+").unwrap()],
        })
    }

    fn mail(to: &str, text: &str) -> Message {
        Message {
            text: text.to_owned(),
            ..Message::new(Channel::Email, to)
        }
    }

    #[test]
    fn codes_and_tokens_are_found_where_they_stand() {
        let deliveries = deliveries();
        deliveries.record(mail("a", "Your code is: 012345\n"));
        deliveries.record(mail("a", "Reset token: pr_a-b_c"));
        deliveries.record(Message {
            html: Some("<a href='http://x/?a=1&code=77'>in</a>".to_owned()),
            ..mail("a", "Order 998877")
        });
        deliveries.record(Message {
            data: vec![("code".to_owned(), "4242".to_owned())],
            ..Message::new(Channel::Push, "token")
        });
        let found: Vec<_> = deliveries
            .since(Cursor(0))
            .into_iter()
            .map(|m| (m.code, m.reset_token))
            .collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            found,
            [
                (some("012345"), None),
                (None, some("pr_a-b_c")),
                (some("77"), None),
                (some("4242"), None)
            ]
        );
    }

    #[tokio::test]
    async fn waiting_ends_with_the_wanted_message_and_not_with_an_earlier_one() {
        let deliveries = deliveries();
        deliveries.record(mail("a", "code is: 1"));
        let cursor = deliveries.cursor();
        let waiting = tokio::spawn({
            let deliveries = deliveries.clone();
            async move { deliveries.wait(cursor, Duration::from_secs(20), |m| m.to == "a").await }
        });
        tokio::task::yield_now().await;
        deliveries.record(mail("b", "code is: 2"));
        deliveries.record(mail("a", "code is: 3"));
        assert_eq!(waiting.await.unwrap().and_then(|m| m.code).as_deref(), Some("3"));
        assert_eq!(deliveries.since(cursor).len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_in_vain_ends_in_time() {
        let deliveries = deliveries();
        assert_eq!(
            deliveries.wait(deliveries.cursor(), Duration::from_secs(5), |_| true).await,
            None
        );
        assert_eq!(deliveries.since(Cursor(99)), []);
    }
}
