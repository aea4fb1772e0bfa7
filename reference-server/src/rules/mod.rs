//! Every decision the server takes, one trait an area, one method a decision, each with the requirement it keeps. The right
//! decision is the provided body, so that a composition can replace a single one.

mod activity;
mod attempts;
mod codes;
mod delivery;
mod devices;
mod epochs;
mod identifiers;
mod notices;
mod passwords;
mod resets;
mod sends;
mod sessions;
mod setting;
mod sign_in;
mod sources;
mod time;
mod trust;
mod versions;

use std::sync::Arc;

pub use activity::ActivityRules;
pub use attempts::{AttemptRules, Guess, PasswordAttempt};
pub use codes::CodeRules;
pub use delivery::DeliveryRules;
pub use devices::{DeviceRules, Renaming};
pub use epochs::{Change, EpochRules};
pub use identifiers::IdentifierRules;
pub use notices::{Event, NoticeRules};
pub use passwords::{Occasion, PASSWORD_MOST, PasswordRules};
pub use resets::ResetRules;
pub use sends::{NotNow, SendRules};
pub use sessions::{Renewal, SessionRules};
pub use setting::SettingRules;
pub use sign_in::{Admission, SignInFacts, SignInRules};
pub use sources::{SourceEvent, SourceRules};
pub use time::TimeRules;
pub use trust::{Opened, PresentedDevice, TrustRules};
pub use versions::VersionRules;

/// The right decision everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standard;

/// The decisions of a server.
#[derive(Clone)]
pub struct Rules {
    /// The order of step one.
    pub sign_in: Arc<dyn SignInRules>,
    /// What an identifier is.
    pub identifiers: Arc<dyn IdentifierRules>,
    /// Whose address counts, and how often.
    pub sources: Arc<dyn SourceRules>,
    /// Which code is right, and for how long.
    pub codes: Arc<dyn CodeRules>,
    /// How often anybody may guess.
    pub attempts: Arc<dyn AttemptRules>,
    /// How often a message may be sent.
    pub sends: Arc<dyn SendRules>,
    /// Who gets it, and how.
    pub delivery: Arc<dyn DeliveryRules>,
    /// Which device is trusted.
    pub trust: Arc<dyn TrustRules>,
    /// What a device list may do.
    pub devices: Arc<dyn DeviceRules>,
    /// Which credential opens what.
    pub sessions: Arc<dyn SessionRules>,
    /// What ends when the account changes.
    pub epochs: Arc<dyn EpochRules>,
    /// The two-step setting.
    pub setting: Arc<dyn SettingRules>,
    /// Which app versions are served.
    pub versions: Arc<dyn VersionRules>,
    /// Which passwords may be chosen.
    pub passwords: Arc<dyn PasswordRules>,
    /// What a mailed reset is worth.
    pub resets: Arc<dyn ResetRules>,
    /// What the owner is told, and where.
    pub notices: Arc<dyn NoticeRules>,
    /// What the login activity keeps.
    pub activity: Arc<dyn ActivityRules>,
    /// What a clock that goes back means.
    pub time: Arc<dyn TimeRules>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            sign_in: Arc::new(Standard),
            identifiers: Arc::new(Standard),
            sources: Arc::new(Standard),
            codes: Arc::new(Standard),
            attempts: Arc::new(Standard),
            sends: Arc::new(Standard),
            delivery: Arc::new(Standard),
            trust: Arc::new(Standard),
            devices: Arc::new(Standard),
            sessions: Arc::new(Standard),
            epochs: Arc::new(Standard),
            setting: Arc::new(Standard),
            versions: Arc::new(Standard),
            passwords: Arc::new(Standard),
            resets: Arc::new(Standard),
            notices: Arc::new(Standard),
            activity: Arc::new(Standard),
            time: Arc::new(Standard),
        }
    }
}
