//! The token source part.

use data_encoding::BASE64URL_NOPAD;

/// Characters of a token's text after its prefix: 256 bits, six a character.
const CHARACTERS: usize = 43;

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

    /// Whether a text looks like a token of this kind. Whether there is such a token is another matter.
    pub fn is_shape_of(self, text: &str) -> bool {
        let drawn = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        text.strip_prefix(self.prefix())
            .is_some_and(|rest| rest.len() == CHARACTERS && rest.bytes().all(drawn))
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_has_the_shape_of_its_kind_and_no_other() {
        let token = RandomTokens.draw(TokenKind::Trust);
        assert!(TokenKind::Trust.is_shape_of(&token));
        assert!(!TokenKind::Access.is_shape_of(&token));
        for wrong in ["", "tt_", &token[..45], &format!("{token}A"), &format!("{}+", &token[..45])] {
            assert!(!TokenKind::Trust.is_shape_of(wrong), "{wrong}");
        }
    }
}
