//! What stands for a secret in a redacted text, read back.

use super::SecretKind;

/// A name such as `‹code#3›` as it stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Placeholder {
    pub(crate) kind: SecretKind,
    pub(crate) number: u32,
}

impl Placeholder {
    /// The placeholder that this text begins with, and its length. Anything but one that the redactor writes is plain text.
    pub(crate) fn at_start(text: &str) -> Option<(Self, usize)> {
        let inner = text.strip_prefix('‹')?;
        let (inner, _) = inner.split_once('›')?;
        let (word, digits) = inner.split_once('#')?;
        let kind = SecretKind::ALL.into_iter().find(|kind| kind.word() == word)?;
        // Nine digits fit any number; a sign or a leading zero is not how a number is written.
        let plain = (1..=9).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| plain)?;
        Some((Self { kind, number }, inner.len() + '‹'.len_utf8() + '›'.len_utf8()))
    }

    /// Every placeholder in a text.
    pub(crate) fn all(text: &str) -> impl Iterator<Item = Self> {
        text.match_indices('‹')
            .filter_map(|(at, _)| Some(Self::at_start(&text[at..])?.0))
    }

    /// The name between the brackets.
    pub(crate) fn name(self) -> String {
        format!("{}#{}", self.kind.word(), self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_redactor_writes_is_a_placeholder() {
        let placeholder = |kind, number| Placeholder { kind, number };
        let read = Placeholder::at_start("‹code#12› and more");
        assert_eq!(read, Some((placeholder(SecretKind::Code, 12), "‹code#12›".len())));
        for text in [
            "",
            "code#1",
            "‹code#1",
            "‹code#0›",
            "‹code#01›",
            "‹code#+1›",
            "‹code#›",
            "‹code#1234567890›",
            "‹base64 code#1›",
            "‹x#1›",
            "‹code#$(id)›",
        ] {
            assert_eq!(Placeholder::at_start(text), None, "{text}");
        }
        let all: Vec<_> = Placeholder::all("a ‹token#1›‹x›‹email#2›").collect();
        assert_eq!(all, [placeholder(SecretKind::Token, 1), placeholder(SecretKind::Email, 2)]);
    }
}
