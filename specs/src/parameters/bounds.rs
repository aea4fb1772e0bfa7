//! The bounds of the declared parameters. A value outside its bound is a finding before any behaviour is looked at.

use std::fmt;

use super::Parameters;
use crate::catalogue::Level;
use crate::profile::Profile;

/// Days of trust from which on it is as good as unlimited.
const DAYS_WITHOUT_END: u64 = 3650;

/// A declared value that is outside its bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfBound {
    pub parameter: &'static str,
    pub value: String,
    pub bound: String,
    pub source: &'static str,
    /// MUST: a failure. SHOULD: a warning.
    pub level: Level,
}

impl fmt::Display for OutOfBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is {}, which {} be {} ({})",
            self.parameter, self.value, self.level, self.bound, self.source
        )
    }
}

/// One row for each bound: what is looked at, the lowest and highest value, where it comes from.
struct Bound {
    parameter: &'static str,
    value: u64,
    least: u64,
    most: u64,
    source: &'static str,
    level: Level,
}

impl Bound {
    fn broken(&self) -> Option<OutOfBound> {
        let bound = match (self.least, self.most) {
            (least, most) if (least..=most).contains(&self.value) => return None,
            (least, u64::MAX) => format!("at least {least}"),
            (0, most) => format!("at most {most}"),
            (least, most) => format!("{least} to {most}"),
        };
        Some(OutOfBound {
            parameter: self.parameter,
            value: self.value.to_string(),
            bound,
            source: self.source,
            level: self.level,
        })
    }
}

/// Every bound that is broken, in the order of the fields.
pub(super) fn check(parameters: &Parameters, profile: Profile) -> Vec<OutOfBound> {
    let mut broken: Vec<OutOfBound> = fixed(parameters, profile).iter().filter_map(Bound::broken).collect();
    broken.extend(idle(parameters, profile));
    if !is_version(&parameters.min_version) {
        broken.push(OutOfBound {
            parameter: "min_version",
            value: format!("{:?}", parameters.min_version),
            bound: "one to three numbers with dots between them".to_owned(),
            source: "VER-03",
            level: Level::Must,
        });
    }
    broken
}

#[rustfmt::skip]
fn fixed(p: &Parameters, profile: Profile) -> Vec<Bound> {
    let must = |parameter, value, least, most, source| Bound { parameter, value, least, most, source, level: Level::Must };
    let should = |parameter, value, least, most, source| Bound { parameter, value, least, most, source, level: Level::Should };
    // Whatever has no other bound has to be there: zero would mean that the rule is never, or always, in force.
    let some = |parameter, value| must(parameter, value, 1, u64::MAX, "declared");
    let nist = profile == Profile::Nist;
    let (challenge_max_s, challenge_source) =
        if nist { (600, "NIST SP 800-63B-4 §3.1.3.2") } else { (900, "A29: three code lifetimes") };
    // Two-step verification can be switched off, and then the password is the only factor.
    let (password_min, password_source) =
        if nist { (15, "NIST SP 800-63B-4 §3.1.1.2 (only factor)") } else { (8, "NIST SP 800-63B-4 §3.1.1.2, OWASP ASVS 5.0 6.2.1") };
    let mut bounds = vec![
        must("code_length", p.code_length.into(), 6, u64::MAX, "NIST SP 800-63B-4 §3.1.3.2, OWASP ASVS 5.0 6.5.4"),
        must("code_ttl_s", p.code_ttl_s, 1, 600, "NIST SP 800-63B-4 §3.1.3.2, OWASP ASVS 5.0 6.5.5"),
        must("challenge_max_s", p.challenge_max_s, 1, challenge_max_s, challenge_source),
        must("attempts_per_challenge", p.attempts_per_challenge.into(), 1, 10, "own bound"),
        some("account_wrong_limit", p.account_wrong_limit.into()),
        some("window_s", p.window_s),
        must("account_consecutive_max", p.account_consecutive_max.into(), 1, 100, "NIST SP 800-63B-4 §3.2.2"),
        must("lock_s", p.lock_s, 1, 3600, "NIST SP 800-63B-4 §3.2.2"),
        must("resend_cooldown_s", p.resend_cooldown_s, 15, u64::MAX, "own bound"),
        some("sends_per_challenge", p.sends_per_challenge.into()),
        some("sends_per_account_day", p.sends_per_account_day.into()),
        some("live_challenges", p.live_challenges.into()),
        some("source_wrong_limit", p.source_wrong_limit.into()),
        some("source_window_s", p.source_window_s),
        must("revoke_bound_ms", p.revoke_bound_ms, 0, 1000, "DEV-10"),
        should("trust_absolute_d", p.trust_absolute_d, 1, DAYS_WITHOUT_END, "DEV-07, NIST SP 800-63B-4 §4.4"),
        should("trust_idle_d", p.trust_idle_d, 1, DAYS_WITHOUT_END, "DEV-07, NIST SP 800-63B-4 §4.4"),
        some("session_absolute_s", p.session_absolute_s),
        some("reauth_max_s", p.reauth_max_s),
        must("password_min", u64::try_from(p.password_min).unwrap_or(u64::MAX), password_min, u64::MAX, password_source),
        some("delivery_answer_s", p.delivery_answer_s),
        some("delivery_p95_s", p.delivery_p95_s),
        some("incomplete_notice_s", p.incomplete_notice_s),
    ];
    if nist {
        bounds.push(should("session_absolute_s", p.session_absolute_s, 0, 24 * 3600, "NIST SP 800-63B-4 §2.2.3"));
    }
    bounds
}

/// The idle limit of a session may be left out in `faq` only.
fn idle(parameters: &Parameters, profile: Profile) -> Option<OutOfBound> {
    let (most, source, level) = match profile {
        Profile::Faq => (u64::MAX, "SESS-06", Level::Should),
        Profile::Asvs => (u64::MAX, "SESS-06, OWASP ASVS 5.0 7.3.1", Level::Must),
        Profile::Nist => (3600, "NIST SP 800-63B-4 §2.2.3", Level::Should),
    };
    match parameters.session_idle_s {
        None if profile == Profile::Faq => None,
        None => Some(OutOfBound {
            parameter: "session_idle_s",
            value: "none".to_owned(),
            bound: if most == u64::MAX {
                "declared".to_owned()
            } else {
                format!("1 to {most}")
            },
            source,
            level,
        }),
        Some(value) => Bound {
            parameter: "session_idle_s",
            value,
            least: 1,
            most,
            source,
            level,
        }
        .broken(),
    }
}

fn is_version(text: &str) -> bool {
    let components: Vec<&str> = text.split('.').collect();
    let is_number = |component: &str| component.bytes().all(|byte| byte.is_ascii_digit()) && component.parse::<u32>().is_ok();
    (1..=3).contains(&components.len()) && components.into_iter().all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parameters that are out of bounds after this change, in this profile.
    fn broken(profile: Profile, change: impl FnOnce(&mut Parameters)) -> Vec<&'static str> {
        let mut parameters = Parameters::defaults(profile);
        change(&mut parameters);
        let found = parameters.out_of_bounds(profile);
        found.into_iter().map(|bound| bound.parameter).collect()
    }

    #[test]
    fn the_defaults_of_a_profile_are_inside_its_bounds() {
        for profile in Profile::ALL {
            assert_eq!(Parameters::defaults(profile).out_of_bounds(profile), [], "{profile}");
        }
        assert_eq!(Parameters::defaults(Profile::Faq), Parameters::default());
    }

    #[test]
    fn both_ends_of_a_bound_count() {
        type Change = fn(&mut Parameters, u32);
        // Name, how it is set, the ends that are inside, and the values just outside.
        let ends: [(&str, Change, [u32; 2], &[u32]); 8] = [
            ("code_length", |p, n| p.code_length = n, [6, 12], &[5]),
            ("code_ttl_s", |p, n| p.code_ttl_s = n.into(), [1, 600], &[0, 601]),
            ("challenge_max_s", |p, n| p.challenge_max_s = n.into(), [1, 900], &[0, 901]),
            (
                "attempts_per_challenge",
                |p, n| p.attempts_per_challenge = n,
                [1, 10],
                &[0, 11],
            ),
            (
                "account_consecutive_max",
                |p, n| p.account_consecutive_max = n,
                [1, 100],
                &[0, 101],
            ),
            ("lock_s", |p, n| p.lock_s = n.into(), [1, 3600], &[0, 3601]),
            ("resend_cooldown_s", |p, n| p.resend_cooldown_s = n.into(), [15, 3600], &[14]),
            ("revoke_bound_ms", |p, n| p.revoke_bound_ms = n.into(), [0, 1000], &[1001]),
        ];
        for (name, change, inside, outside) in ends {
            for value in inside {
                assert_eq!(broken(Profile::Faq, |p| change(p, value)), [""; 0], "{name} {value}");
            }
            for &value in outside {
                assert_eq!(broken(Profile::Faq, |p| change(p, value)), [name], "{name} {value}");
            }
        }
    }

    #[test]
    fn nist_narrows_the_challenge_the_password_and_the_session() {
        let parameters = Parameters::default();
        let found = parameters.out_of_bounds(Profile::Nist);
        let told: Vec<(&str, Level)> = found.iter().map(|bound| (bound.parameter, bound.level)).collect();
        assert_eq!(
            told,
            [
                ("challenge_max_s", Level::Must),
                ("password_min", Level::Must),
                ("session_absolute_s", Level::Should),
                ("session_idle_s", Level::Should),
            ]
        );
        assert_eq!(
            found[0].to_string(),
            "challenge_max_s is 900, which MUST be 1 to 600 (NIST SP 800-63B-4 §3.1.3.2)"
        );
    }

    #[test]
    fn asvs_wants_an_idle_limit_of_whatever_length() {
        assert_eq!(broken(Profile::Asvs, |p| p.session_idle_s = None), ["session_idle_s"]);
        assert_eq!(broken(Profile::Asvs, |p| p.session_idle_s = Some(0)), ["session_idle_s"]);
        assert_eq!(broken(Profile::Asvs, |p| p.session_idle_s = Some(u64::MAX)), [""; 0]);
        assert_eq!(broken(Profile::Faq, |p| p.session_idle_s = Some(0)), ["session_idle_s"]);
    }

    #[test]
    fn unlimited_trust_is_a_warning() {
        let parameters = Parameters {
            trust_absolute_d: u64::MAX,
            ..Parameters::default()
        };
        let found = parameters.out_of_bounds(Profile::Faq);
        assert_eq!(
            (found[0].parameter, found[0].level, found.len()),
            ("trust_absolute_d", Level::Should, 1)
        );
    }

    #[test]
    fn a_minimum_version_is_numbers() {
        for good in ["2", "2.3", "2.3.0", "10.0.1"] {
            assert_eq!(broken(Profile::Faq, |p| p.min_version = good.to_owned()), [""; 0], "{good}");
        }
        for bad in ["", "2.", ".3", "2.3.0.1", "v2.3", "2.3-beta", "+2", "99999999999"] {
            assert_eq!(
                broken(Profile::Faq, |p| p.min_version = bad.to_owned()),
                ["min_version"],
                "{bad}"
            );
        }
    }
}
