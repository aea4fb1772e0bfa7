//! The token source part.

use data_encoding::BASE64URL_NOPAD;

/// What a token is for. Its prefix says so, and it is refused in every other place (DEV-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A pending challenge's handle.
    Handle,
    /// A session's access credential.
    Access,
    /// A session's refresh credential.
    Refresh,
    /// A device's trust credential.
    Trust,
    /// A password reset by mail.
    Reset,
}

impl TokenKind {
    /// The prefix of its text.
    pub fn prefix(self) -> &'static str {
        match self {
            TokenKind::Handle => "ch_",
            TokenKind::Access => "at_",
            TokenKind::Refresh => "rt_",
            TokenKind::Trust => "tt_",
            TokenKind::Reset => "pr_",
        }
    }
}

/// Draws tokens.
pub trait TokenSource: Send + Sync {
    /// A new token of this kind.
    fn draw(&self, kind: TokenKind) -> String;
}

/// 256 bits from the thread's cryptographic generator, with nothing of time or account in them (SESS-03).
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomTokens;

impl TokenSource for RandomTokens {
    fn draw(&self, kind: TokenKind) -> String {
        let bytes: [u8; 32] = rand::random();
        format!("{}{}", kind.prefix(), BASE64URL_NOPAD.encode(&bytes))
    }
}
