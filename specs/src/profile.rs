//! The three readings of the requirements. FAQ, NIST and ASVS disagree in places, so a verdict names its profile.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The reading a verdict is given under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// The product as its FAQ describes it: email allowed as a second method, bearer trust credential allowed.
    #[default]
    Faq,
    /// `Faq` with the OWASP ASVS 5.0 level 2 rows as MUST.
    Asvs,
    /// NIST SP 800-63B-4 read strictly: no email, ten minutes for the whole challenge, trust bound to a device key.
    Nist,
}

impl Profile {
    /// All three, the default first.
    pub const ALL: [Profile; 3] = [Profile::Faq, Profile::Asvs, Profile::Nist];

    /// Whether a code may travel by email (`nist`: no, SP 800-63B-4 section 3.1.3.1; METH-06).
    pub fn allows_email(self) -> bool {
        self != Profile::Nist
    }

    /// Whether trust has to be bound to a key that the device holds (`nist`, SP 800-63B-4 section 5.1; DEV-14).
    pub fn needs_bound_trust(self) -> bool {
        self == Profile::Nist
    }

    /// Bits of randomness a handle or token has at least (SESS-03).
    pub fn token_bits(self) -> u32 {
        if self == Profile::Nist { 64 } else { 128 }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Profile::Faq => "faq",
            Profile::Asvs => "asvs",
            Profile::Nist => "nist",
        })
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "faq" => Ok(Profile::Faq),
            "asvs" => Ok(Profile::Asvs),
            "nist" => Ok(Profile::Nist),
            other => Err(format!("unknown profile `{other}`; known are faq, asvs and nist")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_to_its_profile() {
        for profile in Profile::ALL {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
        assert!("NIST".parse::<Profile>().is_err());
    }

    #[test]
    fn only_nist_is_without_email_and_with_bound_trust() {
        let stands_out =
            |holds: fn(Profile) -> bool| Profile::ALL.into_iter().filter(|profile| holds(*profile)).collect::<Vec<_>>();
        assert_eq!(stands_out(|profile| !profile.allows_email()), [Profile::Nist]);
        assert_eq!(stands_out(Profile::needs_bound_trust), [Profile::Nist]);
        assert_eq!(Profile::ALL.map(Profile::token_bits), [128, 128, 64]);
    }
}
