//! The two standard streams, and nothing else in our programs writes to them. What goes to people is made harmless on the way
//! ([`crate::text`]). A reader who has had enough, such as `head`, is no error; that standard output cannot be written is one;
//! and when standard error cannot be, there is nobody left to tell.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;

use crate::text::Neutral;

/// Standard output, for people.
pub fn out() -> impl Write {
    Neutral::new(Output(anstream::stdout().lock()))
}

/// Standard output as it is, for programs: what is written there is ours to the last byte.
pub fn data() -> impl Write {
    Output(io::stdout().lock())
}

/// Standard error, for people. Writing to it succeeds always.
pub fn err() -> impl Write {
    Neutral::new(errors())
}

/// Standard error for JSON, a document a line.
pub fn err_json() -> impl Write {
    Neutral::json(errors())
}

fn errors() -> Heard<AutoStream<io::StderrLock<'static>>> {
    Heard(anstream::stderr().lock())
}

/// The same without colours, for a file.
pub fn plain(file: &mut Vec<u8>) -> impl Write {
    anstream::StripStream::new(file)
}

/// Whether somebody sits before standard error.
pub fn watched() -> bool {
    io::stderr().is_terminal()
}

/// Keeps off standard output, until it is dropped, what a library prints there by itself: that would stand among our own words,
/// and ends the program in a panic where nobody reads. Nothing of ours is to be written there meanwhile.
#[cfg(unix)]
#[derive(Debug)]
pub struct Hushed(std::os::fd::OwnedFd);

#[cfg(unix)]
impl Hushed {
    /// From now on.
    pub fn begin() -> io::Result<Self> {
        // What cannot be written now could not be written later.
        let _ = io::stdout().flush();
        let nowhere = std::fs::File::options().write(true).open("/dev/null")?;
        let kept = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
        rustix::stdio::dup2_stdout(nowhere)?;
        Ok(Self(kept))
    }
}

#[cfg(unix)]
impl Drop for Hushed {
    fn drop(&mut self) {
        let _ = io::stdout().flush();
        // It was open, and its number is ours: this does not fail.
        let _ = rustix::stdio::dup2_stdout(&self.0);
    }
}

struct Output<W>(W);

impl<W: Write> Output<W> {
    /// What was written, where the reader is gone too.
    fn kept<T>(written: io::Result<T>, all: T) -> io::Result<T> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(all),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let told = format!("standard output cannot be written: {error}");
                Err(io::Error::new(error.kind(), told))
            }
            written => written,
        }
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::kept(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Self::kept(self.0.flush(), ())
    }
}

struct Heard<W>(W);

impl<W: Write> Write for Heard<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // With standard error gone there is nobody to tell.
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// The files below that reach for a standard stream themselves.
    fn reach(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                reach(&path, found);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                let streams = ["io::stdout", "io::stderr", "anstream::"];
                found.extend(
                    streams
                        .iter()
                        .filter(|stream| text.contains(**stream))
                        .map(|stream| format!("{stream} in {path:?}")),
                );
            }
        }
    }

    #[test]
    fn nothing_else_writes_to_the_standard_streams() {
        let mut found = Vec::new();
        for program in ["src", "loadtest/src"] {
            reach(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(program), &mut found);
        }
        assert!(found.is_empty(), "write through targets::terminal: {found:?}");
    }
}
