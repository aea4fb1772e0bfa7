//! Which passwords may be chosen.

use crate::config::Config;

/// Characters a password has at most: hashing is slow, so its input is bounded (INPUT-02).
pub const MAX_PASSWORD_CHARS: usize = 512;

/// Passwords of at least eight characters that head the lists of those found in breaches, one a line.
const COMMON: &str = include_str!("common_passwords.txt");

/// Long enough, counted in code points, and not one that is guessed first: common ones, the service's name, the address. Nothing
/// is asked about kinds of characters (PWD-01, PWD-02), and the same is asked wherever a password is chosen (PWD-03).
pub fn acceptable(password: &str, email: &str, config: &Config) -> Result<(), String> {
    let (length, least) = (password.chars().count(), config.password_min);
    if length < least {
        return Err(format!("a password has at least {least} characters"));
    }
    if length > MAX_PASSWORD_CHARS {
        return Err(format!("a password has at most {MAX_PASSWORD_CHARS} characters"));
    }
    let folded = password.to_lowercase();
    if COMMON.lines().any(|common| common == folded) {
        return Err("this password is one of those that are guessed first".to_owned());
    }
    let local = email.split('@').next().unwrap_or_default();
    let service = config.service_name.to_lowercase();
    let names = [email, local, &service, &service.replace(' ', "")];
    let bare = folded.trim_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    if names
        .iter()
        .any(|name| !name.is_empty() && (folded == **name || *bare == **name))
    {
        return Err("a password is not made of the address or the service's name".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acceptable(password: &str) -> bool {
        let config = Config {
            service_name: "Acme Home".to_owned(),
            ..Config::default()
        };
        super::acceptable(password, "mathilde@x.test", &config).is_ok()
    }

    #[test]
    fn only_length_and_guessability_count() {
        for password in [
            "qzvkwjxm",
            "twenty lower case ok",
            "83650274619",
            "\u{1f600}\u{1f601}\u{1f602}\u{1f603}\u{1f604}\u{1f605}\u{1f606}\u{1f607}",
            "  leading and trailing  ",
        ] {
            assert!(acceptable(password), "{password}");
        }
        assert!(acceptable(&"long enough ".repeat(20)));
    }

    #[test]
    fn short_long_common_and_own_names_are_refused() {
        for password in [
            "seven77",
            "password",
            "Password1",
            "12345678",
            "Mathilde",
            "mathilde@x.test",
            "mathilde99!",
            "acme home",
            "AcmeHome1",
        ] {
            assert!(!acceptable(password), "{password}");
        }
        assert!(!acceptable(&"x".repeat(MAX_PASSWORD_CHARS + 1)));
    }
}
