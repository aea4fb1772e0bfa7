//! What step one depends on, and what may come of it.

/// What step one found out. Nothing here comes from the client but the password's proof and the version (SIGN-04).
#[derive(Clone, Copy, Debug)]
pub struct SignInFacts {
    /// The account exists and this is its password.
    pub password_right: bool,
    pub active: bool,
    pub two_step: bool,
    pub version_served: bool,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, Standard};

    fn admit(change: impl FnOnce(&mut SignInFacts)) -> Admission {
        let mut facts = SignInFacts {
            password_right: true,
            active: true,
            two_step: true,
            version_served: true,
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
