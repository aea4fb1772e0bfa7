//! What the operator declares: lifetimes, limits, methods, the minimum version, trusted proxies.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::account::Method;

/// The declared parameters, with the defaults of the specification (section 2). Seconds unless the name says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub code_length: u32,
    pub code_ttl_s: u64,
    /// Seconds a challenge lives, whatever is resent.
    pub challenge_max_s: u64,
    /// Guesses a challenge takes.
    pub attempts_per_challenge: u32,
    /// Wrong codes, and wrong passwords, an account takes within the window.
    pub account_wrong_limit: u32,
    /// That window.
    pub window_s: u64,
    /// Wrong codes in a row after which codes are off.
    pub account_consecutive_max: u32,
    pub lock_s: u64,
    /// Seconds between two sends.
    pub resend_cooldown_s: u64,
    /// Messages of a challenge.
    pub sends_per_challenge: u32,
    /// Messages of an account in a day.
    pub sends_per_account_day: u32,
    /// Live challenges of an account.
    pub live_challenges: u32,
    /// Failures of one address within its window.
    pub source_wrong_limit: u32,
    /// That window.
    pub source_window_s: u64,
    /// Days trust lasts from its grant.
    pub trust_absolute_d: u64,
    /// Days trust lasts unused.
    pub trust_idle_d: u64,
    pub access_ttl_s: u64,
    /// Seconds a session lives, whatever is renewed.
    pub session_absolute_s: u64,
    /// Seconds a session lives unused.
    pub session_idle_s: Option<u64>,
    /// Seconds a proof of the password opens the setting.
    pub reauth_max_s: u64,
    pub reset_ttl_s: u64,
    /// The lowest app version served while two-step verification is on.
    pub min_version: Version,
    /// Characters a password has at least.
    pub password_min: usize,
    /// Passwords of strangers that may wait to be judged at once, and as many of trusted devices and open sessions, which wait
    /// apart; further ones are turned away (AVAIL-02, ATT-06).
    pub password_queue: usize,
    pub devices: usize,
    /// Seconds after a reset by email in which email alone does not complete a second step, where a trusted device can
    /// receive the code (PWD-07). None by default: then a reset by email and the mailbox together open the account.
    pub reset_push_only_s: u64,
    /// Seconds after which the owner hears of a right password without a second step.
    pub incomplete_notice_s: u64,
    /// Seconds within which a request answers even when a provider hangs.
    pub delivery_answer_s: u64,
    pub methods: Vec<Method>,
    /// Proxies whose word about addresses is taken.
    pub trusted_proxies: Vec<Network>,
    pub service_name: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            code_length: 6,
            code_ttl_s: 300,
            challenge_max_s: 900,
            attempts_per_challenge: 5,
            account_wrong_limit: 10,
            window_s: 3600,
            account_consecutive_max: 100,
            lock_s: 900,
            resend_cooldown_s: 30,
            sends_per_challenge: 5,
            sends_per_account_day: 20,
            live_challenges: 5,
            source_wrong_limit: 30,
            source_window_s: 600,
            trust_absolute_d: 90,
            trust_idle_d: 30,
            access_ttl_s: 900,
            session_absolute_s: 30 * 24 * 3600,
            session_idle_s: None,
            reauth_max_s: 300,
            reset_ttl_s: 900,
            min_version: Version::new(2, 3, 0),
            password_min: 8,
            password_queue: 512,
            devices: 50,
            reset_push_only_s: 0,
            incomplete_notice_s: 180,
            delivery_answer_s: 5,
            methods: vec![Method::Push, Method::Email],
            trusted_proxies: Vec::new(),
            service_name: "Stepproof reference".to_owned(),
        }
    }
}

/// A network in CIDR form, such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether the address belongs to it; an IPv4 address that came over an IPv6 socket is that IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = String;

    /// `10.0.0.0/8`; without a length, the one address.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (base, bits) = text.split_once('/').unwrap_or((text, ""));
        let base: IpAddr = base
            .parse()
            .map_err(|_| format!("`{text}` is no address or network such as 10.0.0.0/8"))?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = if bits.is_empty() { Some(most) } else { bits.parse().ok() };
        bits.and_then(|bits| IpNet::new(base, bits).ok())
            .map(Self)
            .ok_or_else(|| format!("`{text}`: a prefix length is 0 to {most}"))
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
