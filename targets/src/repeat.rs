//! Repeats a recorded flow: runs its chain of curl commands against a server whose messages come to a delivery log, and hands the
//! codes over as they come.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::delivery_log::{Cursor, DeliveryLog, Message};
use crate::group::Group;

/// A server may still be sending when it has answered: this long after the last message no more is waited for.
const QUIET: Duration = Duration::from_secs(2);

/// What came of it.
#[derive(Debug)]
pub struct Repeated {
    /// Whether the script found every answer like the recorded one.
    pub alike: bool,
    /// The messages that came, in their order.
    pub messages: Vec<Message>,
}

/// Runs a script of [`chain`](crate::curl::chain) in a POSIX shell, aimed at `base`. What it tells goes to this process's own
/// output. The delivery log has to be that of the server, and nobody else may be using it. Whatever ends this, no process of it and
/// no answer or code on the disk outlives it by more than two seconds.
pub async fn repeat(script: &str, base: &str, deliveries: &DeliveryLog) -> io::Result<Repeated> {
    let folder = tempfile::Builder::new().prefix("stepproof-repeat-").tempdir()?;
    let file = folder.path().join("chain.sh");
    std::fs::write(&file, script)?;
    let start = deliveries.cursor();
    let mut command = Command::new("sh");
    command
        .arg(&file)
        .env("BASE", base)
        .env("MAIL", folder.path())
        .stdin(Stdio::null());
    // The answers lie there as well, and go with it.
    command.env("TMPDIR", folder.path());
    let group = Group::new(Some(folder.path()))?;
    let mut child = group.spawn(&mut command)?;
    let mut mail = Mail::new(folder.path(), start);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            arrived = deliveries.wait(mail.seen, Duration::from_secs(3600), |_| true) => {
                if arrived.is_some() {
                    mail.hand_over(deliveries)?;
                }
            }
        }
    };
    group.end().await;
    let mut seen = deliveries.cursor();
    while deliveries.wait(seen, QUIET, |_| true).await.is_some() {
        seen = deliveries.cursor();
    }
    Ok(Repeated {
        alike: status.success(),
        messages: deliveries.since(start),
    })
}

/// Codes and reset tokens as files, each under the name that the script knows it by.
struct Mail<'f> {
    folder: &'f Path,
    seen: Cursor,
    codes: Vec<String>,
    resets: Vec<String>,
}

impl<'f> Mail<'f> {
    fn new(folder: &'f Path, seen: Cursor) -> Self {
        let (codes, resets) = (Vec::new(), Vec::new());
        Self {
            folder,
            seen,
            codes,
            resets,
        }
    }

    fn hand_over(&mut self, deliveries: &DeliveryLog) -> io::Result<()> {
        for message in deliveries.since(self.seen) {
            self.seen = Cursor(self.seen.0 + 1);
            if let Some(code) = message.code {
                put(self.folder, "CODE", &mut self.codes, code)?;
            }
            if let Some(token) = message.reset_token {
                put(self.folder, "RESET", &mut self.resets, token)?;
            }
        }
        Ok(())
    }
}

/// Numbers are those of the redactor: what comes a second time has no second one.
fn put(folder: &Path, kind: &str, known: &mut Vec<String>, value: String) -> io::Result<()> {
    if known.contains(&value) {
        return Ok(());
    }
    // Renamed into place: a reader finds the whole value or nothing.
    let (being_written, name) = (folder.join("next"), format!("{kind}_{}", known.len() + 1));
    std::fs::write(&being_written, &value)?;
    std::fs::rename(&being_written, folder.join(name))?;
    known.push(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery_log::Patterns;
    use specs::Channel;

    fn deliveries() -> DeliveryLog {
        let pattern = |text| vec![regex::Regex::new(text).unwrap()];
        DeliveryLog::new(Patterns {
            code_field: None,
            code: pattern(r"code (\d+)"),
            reset_token: pattern(r"reset (\w+)"),
        })
    }

    fn mail(text: &str) -> Message {
        Message {
            text: text.to_owned(),
            ..Message::new(Channel::Email, "ada@example.test")
        }
    }

    #[tokio::test]
    async fn codes_and_tokens_are_numbered_as_they_come_and_a_repeated_one_counts_once() {
        let deliveries = deliveries();
        deliveries.record(mail("code 999"));
        let start = deliveries.cursor();
        for text in ["code 111", "reset abc", "code 111", "nothing", "code 222"] {
            deliveries.record(mail(text));
        }
        let folder = tempfile::tempdir().unwrap();
        let mut handed = Mail::new(folder.path(), start);
        handed.hand_over(&deliveries).unwrap();
        handed.hand_over(&deliveries).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).ok();
        let found = ["CODE_1", "CODE_2", "CODE_3", "RESET_1", "RESET_2"].map(read);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(found, [some("111"), some("222"), None, some("abc"), None]);
    }

    #[tokio::test]
    async fn a_script_gets_what_comes_while_it_runs_and_its_word_counts() {
        let script = r#"[ "$BASE" = http://x ] || exit 3
            until [ -e "$MAIL/CODE_1" ]; do sleep 0.01 2>/dev/null || sleep 1; done
            [ "$(cat "$MAIL/CODE_1")" = 4711 ]"#;
        let run = |text: &'static str| async move {
            let deliveries = deliveries();
            let arrives = async {
                tokio::task::yield_now().await;
                deliveries.record(mail(text));
            };
            let (repeated, ()) = tokio::join!(repeat(script, "http://x", &deliveries), arrives);
            let repeated = repeated.unwrap();
            (repeated.alike, repeated.messages.len())
        };
        assert_eq!(tokio::join!(run("code 4711"), run("code 4712")), ((true, 1), (false, 1)));
    }
}
