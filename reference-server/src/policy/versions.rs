//! Versions as apps write them. A claim for compatibility, never a proof (VER-05).

use semver::Version;

/// Characters a version has at most.
const MAX_CHARS: usize = 64;

pub(super) fn parse(text: &str) -> Option<Version> {
    if text.len() > MAX_CHARS {
        return None;
    }
    let core_end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(core_end);
    let missing = 2usize.checked_sub(core.matches('.').count())?;
    Version::parse(&format!("{core}{}{rest}", ".0".repeat(missing))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, Standard};

    fn served(claimed: &[&str]) -> bool {
        let claimed: Vec<String> = claimed.iter().map(|version| (*version).to_owned()).collect();
        Standard.version_served(&claimed, &Version::new(2, 3, 0))
    }

    #[test]
    fn the_minimum_and_above_is_served() {
        for version in [
            "2.3",
            "2.3.0",
            "2.3.1",
            "2.4",
            "2.10",
            "2.10.0",
            "3.0.0",
            "10.0",
            "3",
            "2.4.0-beta.1",
            "2.3.0+45",
        ] {
            assert!(served(&[version]), "{version}");
        }
    }

    #[test]
    fn below_it_nothing_is() {
        for version in ["1.0", "2", "2.2", "2.2.9", "2.2.99", "2.2.10", "2.3.0-beta.1", "2.3-rc.1"] {
            assert!(!served(&[version]), "{version}");
        }
    }

    #[test]
    fn what_is_no_version_is_not_served() {
        for version in [
            "",
            "abc",
            "2.",
            "2..3",
            "-2.3",
            "2.3.0.0",
            "99999999999999999999.0",
            "2.03",
            "２.３",
            "2.3 ",
            "+3",
            "9.x",
        ] {
            assert!(!served(&[version]), "{version}");
        }
        assert!(!served(&[]));
        assert!(!served(&["2.2", "2.3"]));
        assert!(!served(&["2.3", "2.3"]));
    }
}
