//! Codes that have the right one's shape and are not it: the closest ones, so that a server that judges loosely shows it.

/// Letter sets that codes are commonly drawn from; a code whose letters all lie in one gets its wrong twin from it, too.
const LETTER_SETS: [&[u8]; 2] = [b"abcdef", b"bcdfghjklmnpqrstvwxyz"];

/// A code of the shape of `right` (digits stay digits, letters stay letters of the same case, separators stay), never equal
/// to it, and different for different `nth` up to the size of the code space.
pub fn wrong_code(right: &str, nth: u32) -> String {
    let letters = letters_of(right);
    let wheels: Vec<Option<Wheel>> = right.chars().map(|c| Wheel::of(c, &letters)).collect();
    let space = wheels
        .iter()
        .flatten()
        .fold(1u64, |space, wheel| space.saturating_mul(wheel.alphabet.len() as u64));
    if space < 2 {
        // Nothing in it can change without leaving its shape.
        return format!("{right}{nth}");
    }
    // The right code is a number on these wheels; the wrong ones are the numbers after it, all the way round but for itself.
    let mut carry = u64::from(nth) % (space - 1) + 1;
    let mut wrong: Vec<char> = right.chars().collect();
    for (place, wheel) in wheels.into_iter().enumerate().rev() {
        let Some(wheel) = wheel else { continue };
        let size = wheel.alphabet.len() as u64;
        let turned = wheel.at + carry;
        carry = turned / size;
        wrong[place] = wheel.alphabet[usize::try_from(turned % size).unwrap_or(0)];
    }
    wrong.into_iter().collect()
}

/// One character's place in its alphabet.
struct Wheel {
    at: u64,
    alphabet: Vec<char>,
}

impl Wheel {
    fn of(c: char, letters: &[char]) -> Option<Self> {
        let alphabet: Vec<char> = match c {
            '0'..='9' => ('0'..='9').collect(),
            'a'..='z' => letters.to_vec(),
            'A'..='Z' => letters.iter().map(char::to_ascii_uppercase).collect(),
            _ => return None,
        };
        let at = alphabet.iter().position(|known| *known == c)? as u64;
        Some(Self { at, alphabet })
    }
}

fn letters_of(code: &str) -> Vec<char> {
    let used: Vec<u8> = code
        .bytes()
        .map(|b| b.to_ascii_lowercase())
        .filter(u8::is_ascii_lowercase)
        .collect();
    let fitting = LETTER_SETS
        .iter()
        .filter(|set| used.iter().all(|letter| set.contains(letter)));
    let fitting: Vec<_> = fitting.collect();
    ('a'..='z')
        .filter(|c| fitting.iter().all(|set| set.contains(&(*c as u8))))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn check(right: &str, expected: &[&str]) {
        let seen: Vec<String> = (0u32..).take(expected.len()).map(|nth| wrong_code(right, nth)).collect();
        assert_eq!(seen, expected, "{right}");
    }

    #[test]
    fn the_shape_stays() {
        check("012345", &["012346", "012347"]);
        check("999999", &["000000", "000001"]);
        check("12-99", &["13-00", "13-01"]);
        check("XBQZ-WZ", &["XBQZ-XB", "XBQZ-XC"]);
        check("0af9", &["0ba0", "0ba1"]);
        check("Hello z", &["Hellp a", "Hellp b"]);
    }

    #[test]
    fn the_whole_space_but_the_right_one() {
        let wrong: BTreeSet<String> = (0..99).map(|nth| wrong_code("42", nth)).collect();
        assert_eq!(wrong.len(), 99);
        assert!(!wrong.contains("42"));
        assert_ne!(wrong_code("42", u32::MAX), "42");
    }

    #[test]
    fn what_has_no_alphabet_still_gets_a_wrong_twin() {
        check("", &["0", "1"]);
        check("--é", &["--é0", "--é1"]);
    }
}
