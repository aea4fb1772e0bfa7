//! Sends mail over conversations that stay open, the envelope's commands together as PIPELINING allows.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Sender, on_a_thread, unexpected};

pub(super) fn start(address: String, seconds: Duration) -> io::Result<Sender> {
    on_a_thread(seconds, move |nth, until| send(address.clone(), nth, until))
}

async fn send(address: String, connection: usize, until: Instant) -> io::Result<u64> {
    let mut talk = Talk {
        socket: TcpStream::connect(address).await?,
        heard: Vec::new(),
    };
    talk.socket.set_nodelay(true)?;
    talk.expect(&["220"]).await?;
    talk.socket.write_all(b"EHLO sender\r\n").await?;
    talk.expect(&["250"]).await?;
    let mut messages = 0_u64;
    // One message at the least, as over HTTP.
    loop {
        let to = format!("person-{connection}-{messages}@stepproof.test");
        let envelope = format!("MAIL FROM:<no-reply@stepproof.test>\r\nRCPT TO:<{to}>\r\nDATA\r\n");
        talk.socket.write_all(envelope.as_bytes()).await?;
        talk.expect(&["250", "250", "354"]).await?;
        let mail = format!(
            "From: Acme <no-reply@stepproof.test>\r\nTo: {to}\r\nSubject: Acme: sign-in request\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative; boundary=part\r\n\r\n--part\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
             Your verification code is: 012345\r\n\r\nSomebody who knows your password is signing in.\r\nDevice: Pixel 9\r\n\r\n\
             --part\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Your verification code is: 012345</p>\r\n--part--\r\n.\r\n"
        );
        talk.socket.write_all(mail.as_bytes()).await?;
        talk.expect(&["250"]).await?;
        messages += 1;
        if Instant::now() >= until {
            return Ok(messages);
        }
    }
}

struct Talk {
    socket: TcpStream,
    heard: Vec<u8>,
}

impl Talk {
    /// Reads this many replies; each has to begin so.
    async fn expect(&mut self, replies: &[&str]) -> io::Result<()> {
        for reply in replies {
            loop {
                let line = self.line().await?;
                if !line.starts_with(reply.as_bytes()) {
                    return Err(unexpected(&line));
                }
                // `250-` goes on, `250 ` is the last line.
                if line.get(3) != Some(&b'-') {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                return Ok(self.heard.drain(..=end).collect());
            }
            if self.socket.read_buf(&mut self.heard).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
