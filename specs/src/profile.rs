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
