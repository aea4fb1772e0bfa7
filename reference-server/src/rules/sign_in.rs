//! The order of step one, once everything it depends on is known.

use super::Standard;

/// What step one found out. Nothing here comes from the client but the password's proof and the version (SIGN-04).
#[derive(Clone, Copy, Debug)]
pub struct SignInFacts<'a> {
    /// The account exists and this is its password.
    pub password_right: bool,
    /// The account may be used.
    pub active: bool,
    /// Two-step verification is on for it.
    pub two_step: bool,
    /// The app's version is served.
    pub version_served: bool,
    /// The versions as claimed.
    pub versions: &'a [String],
    /// The device presented a valid trust credential of this account.
    pub trusted: bool,
    /// Devices the account trusts.
    pub trusted_devices: usize,
}

/// What comes of step one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Refused without a reason.
    Refuse,
    /// Refused: the app is too old.
    UpdateRequired,
    /// A full session.
    Session,
    /// A pending challenge.
    Challenge,
}

/// The order of step one.
pub trait SignInRules: Send + Sync {
    /// The password comes first, so that a code always means that it was known (SIGN-02) and the gate tells nothing to
    /// anybody else (VER-06). The gate stands before the challenge, so that nothing is sent to an old app (VER-01), and no
    /// version weakens the step (VER-05). Without trust there is a challenge, for the first device too (SIGN-01, METH-05).
    fn admit(&self, facts: &SignInFacts<'_>) -> Admission {
        if !facts.password_right || !facts.active {
            Admission::Refuse
        } else if !facts.two_step {
            Admission::Session
        } else if !facts.version_served {
            Admission::UpdateRequired
        } else if facts.trusted {
            Admission::Session
        } else {
            Admission::Challenge
        }
    }
}

impl SignInRules for Standard {}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(change: impl FnOnce(&mut SignInFacts<'_>)) -> Admission {
        let mut facts = SignInFacts {
            password_right: true,
            active: true,
            two_step: true,
            version_served: true,
            versions: &[],
            trusted: false,
            trusted_devices: 0,
        };
        change(&mut facts);
        Standard.admit(&facts)
    }

    #[test]
    fn the_password_comes_before_everything() {
        assert_eq!(admit(|facts| facts.password_right = false), Admission::Refuse);
        assert_eq!(
            admit(|facts| (facts.password_right, facts.version_served) = (false, false)),
            Admission::Refuse
        );
        assert_eq!(
            admit(|facts| (facts.password_right, facts.trusted) = (false, true)),
            Admission::Refuse
        );
        assert_eq!(admit(|facts| facts.active = false), Admission::Refuse);
    }

    #[test]
    fn only_trust_or_the_setting_skips_the_step() {
        assert_eq!(admit(|_| ()), Admission::Challenge);
        assert_eq!(admit(|facts| facts.trusted = true), Admission::Session);
        assert_eq!(admit(|facts| facts.two_step = false), Admission::Session);
    }

    #[test]
    fn the_gate_stands_while_the_setting_is_on() {
        assert_eq!(admit(|facts| facts.version_served = false), Admission::UpdateRequired);
        assert_eq!(
            admit(|facts| (facts.version_served, facts.trusted) = (false, true)),
            Admission::UpdateRequired
        );
        assert_eq!(
            admit(|facts| (facts.version_served, facts.two_step) = (false, false)),
            Admission::Session
        );
    }
}
