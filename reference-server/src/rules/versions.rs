//! Which app versions are served while two-step verification is on. A claim for compatibility, never a proof (VER-05).

use semver::Version;

use super::Standard;

/// Characters a version has at most.
const LONGEST: usize = 64;

/// Which app versions are served.
pub trait VersionRules: Send + Sync {
    /// Exactly one well-formed version (VER-04), not below the minimum, which is itself served (VER-01, VER-02).
    fn served(&self, claimed: &[String], minimum: &Version) -> bool {
        match claimed {
            [one] => self.parse(one).is_some_and(|version| version.cmp_precedence(minimum).is_ge()),
            _ => false,
        }
    }

    /// Numeric components, missing ones 0; pre-releases below their release, build metadata ignored (VER-03, SemVer 2.0.0
    /// item 11). Leading zeros are refused.
    fn parse(&self, text: &str) -> Option<Version> {
        if text.len() > LONGEST {
            return None;
        }
        let core_end = text.find(['-', '+']).unwrap_or(text.len());
        let (core, rest) = text.split_at(core_end);
        let missing = 2usize.checked_sub(core.matches('.').count())?;
        Version::parse(&format!("{core}{}{rest}", ".0".repeat(missing))).ok()
    }
}

impl VersionRules for Standard {}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(claimed: &[&str]) -> bool {
        let claimed: Vec<String> = claimed.iter().map(|version| (*version).to_owned()).collect();
        Standard.served(&claimed, &Version::new(2, 3, 0))
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
