//! Sends FCM and SendGrid calls, as the reference server words them, many on their way at once on each connection.

use std::io;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Sender, on_a_thread, unexpected};

/// Requests that are on their way at once on one connection.
const BATCH: usize = 16;
/// Every answer's beginning.
const ANSWER: &[u8] = b"HTTP/1.1 ";

pub(super) fn start(address: String, seconds: Duration) -> io::Result<Sender> {
    on_a_thread(seconds, move |nth, until| send(address.clone(), nth, until))
}

async fn send(address: String, connection: usize, until: Instant) -> io::Result<u64> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let (calls, mut messages) = (Calls::new(connection), 0_u64);
    let (mut requests, mut answers) = (Vec::new(), Vec::new());
    // One batch at the least: on a machine that is busy enough the time is up before the first, and there is no rate of nothing.
    loop {
        requests.clear();
        for nth in 0..BATCH as u64 {
            calls.write(messages + nth, &mut requests);
        }
        socket.write_all(&requests).await?;
        answers.clear();
        while count(&answers)? < BATCH {
            if socket.read_buf(&mut answers).await? == 0 {
                return Err(unexpected(&answers));
            }
        }
        // The last answer's body may still be on its way; what the next batch reads first is then its rest.
        messages += BATCH as u64;
        if Instant::now() >= until {
            return Ok(messages);
        }
    }
}

/// How many answers have begun, all of them saying yes.
fn count(answers: &[u8]) -> io::Result<usize> {
    let mut found = 0;
    let mut rest = answers;
    while let Some(at) = rest.windows(ANSWER.len()).position(|window| window == ANSWER) {
        let status = &rest[at + ANSWER.len()..];
        match status.first() {
            Some(b'2') => found += 1,
            Some(_) => return Err(unexpected(rest)),
            None => break,
        }
        rest = status;
    }
    Ok(found)
}

/// The calls of one connection: only the recipient's number changes, and its length never does.
struct Calls {
    fcm: (Vec<u8>, Vec<u8>),
    sendgrid: (Vec<u8>, Vec<u8>),
    connection: u64,
}

/// Stands where the recipient's number goes.
const NUMBER: &str = "0123456789ab";

impl Calls {
    fn new(connection: usize) -> Self {
        let text = "Your verification code is: 012345\n\nSomebody who knows your password is signing in to your Acme account.\n\
            Device: Pixel 9\nPlace: Graz, Austria (approximate, by network address)\nTime: 2023-11-14 22:13:20 UTC\n\n\
            The code is valid until 2023-11-14 22:18:20 UTC and works once. If this was not you, do not share the code with \
            anyone, and change your password.";
        let html = text
            .split("\n\n")
            .map(|part| format!("<p>{}</p>\n", part.replace('\n', "<br>\n")));
        let html = format!("<!DOCTYPE html>\n<html><body>\n{}</body></html>\n", html.collect::<String>());
        let fcm = json!({"message": {
            "token": format!("registration-{NUMBER}"),
            "notification": {"title": "Acme: sign-in request", "body": text},
            "data": {"kind": "code", "code": "012345", "challenge_id": "chl_fedcba9876543210", "expires_at": "2023-11-14T22:18:20Z"},
            "android": {"priority": "HIGH", "ttl": "300s", "notification": {"visibility": "PRIVATE"}},
        }});
        let sendgrid = json!({
            "personalizations": [{"to": [{"email": format!("person-{NUMBER}@stepproof.test")}]}],
            "from": {"email": "no-reply@stepproof.test", "name": "Acme"},
            "subject": "Acme: sign-in request",
            "content": [{"type": "text/plain", "value": text}, {"type": "text/html", "value": html}],
            "headers": {"X-Message-Kind": "code"},
            "tracking_settings": {"click_tracking": {"enable": false}, "open_tracking": {"enable": false}},
        });
        Self {
            fcm: around_number(&request("/v1/projects/stepproof/messages:send", &fcm.to_string())),
            sendgrid: around_number(&request("/v3/mail/send", &sendgrid.to_string())),
            connection: connection as u64,
        }
    }

    /// Push and email by turns.
    fn write(&self, nth: u64, out: &mut Vec<u8>) {
        let (before, after) = if nth.is_multiple_of(2) { &self.fcm } else { &self.sendgrid };
        out.extend_from_slice(before);
        let number = (self.connection << 40) | nth;
        out.extend_from_slice(format!("{number:012x}").as_bytes());
        out.extend_from_slice(after);
    }
}

fn request(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer stepproof-development-key\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn around_number(request: &str) -> (Vec<u8>, Vec<u8>) {
    let (before, after) = request.split_once(NUMBER).unwrap_or((request, ""));
    (before.into(), after.into())
}
