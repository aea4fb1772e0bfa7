//! What an identifier is: normalised once, before lookup, throttling and binding.

use unicode_normalization::UnicodeNormalization;

/// The one form under which an account is found and counted: NFKC, no surrounding space, lower case (ATT-12).
/// `None` when it cannot be an address.
pub fn normalise(typed: &str) -> Option<String> {
    let folded = typed.nfkc().collect::<String>().trim().to_lowercase();
    let (local, domain) = folded.split_once('@')?;
    let plain = !folded
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>' | '"'));
    let sized = folded.len() <= 254 && !local.is_empty() && local.len() <= 64;
    let hosted = !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.') && !domain.ends_with('.');
    (plain && sized && hosted).then_some(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_become_one() {
        for typed in ["a@x.test", "A@X.test", "  a@x.test ", "\u{ff41}@x.test"] {
            assert_eq!(normalise(typed).as_deref(), Some("a@x.test"), "{typed}");
        }
        assert_ne!(normalise("a+b@x.test"), normalise("a@x.test"));
    }

    #[test]
    fn what_cannot_be_an_address_is_none() {
        for typed in [
            "",
            "a",
            "@x",
            "a@",
            "a@b@c",
            "a b@x.test",
            "a@x.test\r\nBcc: b@x.test",
            "a@x.test,b@x.test",
        ] {
            assert_eq!(normalise(typed), None, "{typed}");
        }
    }
}
