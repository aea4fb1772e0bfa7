//! Text that a requester chose, made harmless before it stands in a genuine message (DLVR-04): no control or direction-changing
//! characters, no markup, nothing that a mail program turns into a link, and no more of it than a label needs.

/// The text as a label of at most this many characters.
pub fn neutralise(text: &str, most: usize) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            c if c.is_whitespace() || c.is_control() => {
                if !plain.is_empty() && !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            c if is_invisible(c) => {}
            '<' => plain.push('\u{2039}'),
            '>' => plain.push('\u{203a}'),
            c => plain.push(c),
        }
        // Enough to fill the label; reading on would let a long text cost time.
        if plain.len() > most * 4 {
            break;
        }
    }
    shorten(&defang(plain.trim_end()), most)
}

/// Characters that show nothing, or that change what others show: zero width, direction overrides and isolates, tags,
/// variation selectors, private use.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        | '\u{f0000}'..='\u{10ffff}')
}

/// Takes the dots of host names, the colons of schemes and the signs of addresses out of the reach of link finders.
fn defang(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let joins = before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
        let names = before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphabetic());
        match c {
            // The ideographic and full-width dots separate labels of host names, too (RFC 3490 §3.1).
            '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' if names => safe.push_str("[.]"),
            ':' if rest.peek() == Some(&'/') || names => safe.push_str("[:]"),
            '@' if joins => safe.push_str("[at]"),
            c => safe.push(c),
        }
        before = c;
    }
    safe
}

fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        // A cut in the middle of a mark leaves half of it, which links to nothing either.
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['\u{2026}']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for (chosen, shown) in [
            ("Anna's iPhone 15", "Anna's iPhone 15"),
            ("Pixel 7.1", "Pixel 7.1"),
            ("  a\t\tb\r\n", "a b"),
            ("https://evil.test/x", "https[:]//evil[.]test/x"),
            ("mailto:a@evil.test", "mailto[:]a[at]evil[.]test"),
            ("evil\u{3002}test", "evil[.]test"),
            ("<b>x</b>", "\u{2039}b\u{203a}x\u{2039}/b\u{203a}"),
            ("a\u{202e}b\u{2066}c\u{200b}d\u{0}e", "abcd e"),
            ("\u{1f4f1} \u{7535}\u{8bdd}", "\u{1f4f1} \u{7535}\u{8bdd}"),
        ] {
            assert_eq!(neutralise(chosen, 60), shown, "{chosen:?}");
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(neutralise("\u{e4}\u{f6}\u{fc}\u{df}", 4), "\u{e4}\u{f6}\u{fc}\u{df}");
        assert_eq!(neutralise("\u{e4}\u{f6}\u{fc}\u{df}\u{e4}", 4), "\u{e4}\u{f6}\u{fc}\u{2026}");
        assert_eq!(neutralise(&"a".repeat(1 << 20), 60).chars().count(), 60);
    }
}
