//! The words of a scenario file. Everything that is not said has a default, and what is said wrongly is refused.

use serde::{Deserialize, Serialize};

/// A whole storm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name, such as `isp-outage`.
    pub name: String,
    /// One line: what happens.
    pub title: String,
    /// The model in a paragraph: where it is seen, and what it assumes.
    #[serde(default)]
    pub about: String,
    /// What to look for in the report.
    #[serde(default)]
    pub look_for: Vec<String>,
    /// Seconds people come for.
    pub seconds: f64,
    /// Seconds after the last arrival in which what is under way or waiting is still worked on.
    #[serde(default = "thirty")]
    pub drain_s: f64,
    /// Goose users: flows that can be under way at once. Without it, worked out from the arrivals.
    #[serde(default, alias = "users")]
    pub max_vus: Option<usize>,
    /// The time people take.
    #[serde(default)]
    pub think: Think,
    /// Who comes.
    #[serde(alias = "parties")]
    pub classes: Vec<UserClass>,
    /// What fails meanwhile.
    #[serde(default)]
    pub events: Vec<Event>,
    /// The storm's phases, in order; they are marked in reports, and objectives may speak of one.
    #[serde(default)]
    pub phases: Vec<Phase>,
    /// What is promised.
    #[serde(default)]
    pub slo: Slo,
}

/// The time people take. It is no part of any latency, and part of how many are under way at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Think {
    /// Median seconds from a message's arrival to the code's being typed.
    pub read_code_s: f64,
    /// Spread of the logarithm of it (log-normal); 0 is the same for everybody.
    pub spread: f64,
}

/// People (or attackers) of one sort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserClass {
    pub name: String,
    /// Whether its aim is to get into other people's accounts: it is then judged by what it did not achieve.
    #[serde(default)]
    pub attacker: bool,
    pub arrivals: Arrivals,
    /// What each does.
    #[serde(alias = "journey")]
    pub flow: Flow,
    /// With what device.
    #[serde(default)]
    pub device: DeviceKind,
    /// How many accounts there are, taken in turn in a shuffled order; without it, one for each arrival.
    #[serde(default)]
    pub accounts: Option<u64>,
    /// The class whose accounts these are: attackers have none of their own.
    #[serde(default)]
    pub accounts_of: Option<String>,
    /// How they are connected.
    #[serde(default)]
    pub connection: Connection,
    /// How many source addresses they share; 0 is one for each identity.
    #[serde(default)]
    pub sources: u32,
    /// Seconds after which one who has not been served yet gives up.
    #[serde(default = "thirty")]
    pub patience_s: f64,
    /// Seconds one waits for a code before asking for it another way.
    #[serde(default = "ten")]
    pub code_patience_s: f64,
    /// Whether and how one who was turned away tries again.
    #[serde(default)]
    pub retry: Option<Retry>,
    /// Guesses, sends or passwords an attacker tries in one flow.
    #[serde(default = "five")]
    pub tries: u32,
}

/// When a class comes: a rate over time, as a random (Poisson) or an even process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// Arrivals a second; what the shape makes of it is told there.
    pub rate: f64,
    /// Evenly spaced instead of random.
    #[serde(default)]
    pub even: bool,
    /// Seconds into the storm at which the class begins to come.
    #[serde(default)]
    pub from_s: f64,
    /// Seconds it comes for; without it, until the storm's end.
    #[serde(default)]
    pub for_s: Option<f64>,
    /// How the rate moves.
    #[serde(default)]
    pub shape: Shape,
}

/// How a rate moves over the class's time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum Shape {
    /// Always the rate.
    #[default]
    Flat,
    /// From a part of the rate to another, in a straight line.
    Ramp {
        /// Times the rate at the beginning.
        from: f64,
        /// Times the rate at the end.
        to: f64,
    },
    /// At once to a multiple of the rate, then an exponential decay back to it.
    Spike {
        /// Seconds after the class's beginning.
        at_s: f64,
        /// Times the rate at the height.
        height: f64,
        /// Seconds in which what is above the rate falls to a half.
        half_life_s: f64,
    },
    /// Around the rate: it begins at its lowest.
    Sine {
        /// How far, as a part of the rate: 0 to 1.
        swing: f64,
        /// Seconds of one wave; without it, the class's whole time.
        #[serde(default)]
        period_s: Option<f64>,
    },
    /// As recorded: a CSV file with one count of arrivals a line, each for one second, or `second,count`. The rate multiplies it.
    Replay {
        /// The file, from the scenario file's place.
        file: String,
        /// Seconds that each count is spread over.
        #[serde(default = "one")]
        each_s: f64,
    },
}

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Signs in on a trusted device: no code.
    TrustedSignIn,
    /// Signs in on a new device with the code, by whichever way the service sends it; asks for email when none came in time.
    NewDevice,
    /// As above, but asks for the code again first, after the cool-down.
    Resend,
    /// As above, but mistypes the code once.
    WrongThenRight,
    /// Signs in on a new device and, impatient, submits the code once more when it was accepted already: it must be spent.
    SubmitTwice,
    /// Signs in on a trusted device and renews the session.
    Refresh,
    /// Signs in on a trusted device and signs out.
    SignOut,
    /// Signs in on a trusted device and a new one, removes the new one, and tries it again.
    RemoveDevice,
    /// Signs in on a trusted device, changes the password, and signs in with the new one.
    ChangePassword,
    /// Tries leaked passwords: most are wrong; one that is right meets the second step.
    StuffPasswords,
    /// Knows the password and guesses codes.
    GuessCodes,
    /// Knows the password and asks for codes over and over.
    HammerResend,
    /// A flow of one's own: the program that runs the storm has it, by the class's name (`loadtest/examples/own_flow.rs`).
    Own,
}

/// What a person holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// A device that never signed in; the account has a trusted one that receives push.
    #[default]
    New,
    Trusted,
    /// A new device on an app version that is no longer served: it is refused, updates, and comes again.
    OldApp,
    /// A new device; the account has none that receives push, so that codes go by email.
    PushOff,
}

/// How a person is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// A connection of its own for each flow, opened for it.
    #[default]
    Cold,
    /// A connection that is open already.
    Kept,
}

/// Trying again after being turned away (a limit, a failure, no answer).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    pub attempts: u32,
    /// Seconds before the second attempt; doubled for each further one.
    pub delay_s: f64,
    /// Randomness in it.
    #[serde(default)]
    pub jitter: Jitter,
    /// Whether a `Retry-After` that is longer is waited for.
    #[serde(default)]
    pub honours_retry_after: bool,
}

/// Randomness in a delay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Jitter {
    /// None: everybody comes back at once.
    None,
    /// Anywhere from nothing to the delay.
    #[default]
    Full,
}

/// Something that fails for a while.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub from_s: f64,
    pub until_s: f64,
    pub fault: Fault,
}

/// What fails. The providers are the storm's own sinks; the service is not touched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The push provider answers 503.
    PushDown,
    /// The push provider accepts and loses.
    PushLost,
    /// The push provider takes this many milliseconds to answer.
    PushSlowMs(u64),
    /// The mail provider refuses for now.
    EmailDown,
    /// Mail arrives this many milliseconds late.
    EmailLateMs(u64),
}

/// A part of the storm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    pub name: String,
    /// From when; it lasts until the next one.
    pub from_s: f64,
}

/// What is promised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Every one of them.
    #[serde(default)]
    pub objectives: Vec<Objective>,
    /// Seconds after the last arrival (or the last event's end) within which nobody waits any more.
    #[serde(default)]
    pub drain_s: Option<f64>,
    /// The most that legitimate arrivals refused or locked may be, as a part of them, where attackers are about.
    #[serde(default)]
    pub collateral: Option<f64>,
}

/// One threshold about legitimate people. Where no class or phase is named, all are meant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Objective {
    /// Of one class alone.
    #[serde(alias = "party")]
    pub class: Option<String>,
    /// Of one flow alone.
    #[serde(alias = "journey")]
    pub flow: Option<Flow>,
    /// Of arrivals within one phase alone.
    pub phase: Option<String>,
    /// Milliseconds of response time: the median at most.
    pub p50_ms: Option<f64>,
    /// The 90th percentile at most.
    pub p90_ms: Option<f64>,
    /// The 99th percentile at most.
    pub p99_ms: Option<f64>,
    /// The 99.9th percentile at most.
    pub p999_ms: Option<f64>,
    /// The part of offered flows that is completed, at least.
    pub success: Option<f64>,
}

impl Flow {
    /// Its name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Flow::TrustedSignIn => "trusted-sign-in",
            Flow::NewDevice => "new-device",
            Flow::Resend => "resend",
            Flow::WrongThenRight => "wrong-then-right",
            Flow::SubmitTwice => "submit-twice",
            Flow::Refresh => "refresh",
            Flow::SignOut => "sign-out",
            Flow::RemoveDevice => "remove-device",
            Flow::ChangePassword => "change-password",
            Flow::StuffPasswords => "stuff-passwords",
            Flow::GuessCodes => "guess-codes",
            Flow::HammerResend => "hammer-resend",
            Flow::Own => "own",
        }
    }
}

impl Default for Think {
    fn default() -> Self {
        Self {
            read_code_s: 1.5,
            spread: 0.4,
        }
    }
}

fn thirty() -> f64 {
    30.0
}

fn ten() -> f64 {
    10.0
}

fn one() -> f64 {
    1.0
}

fn five() -> u32 {
    5
}
