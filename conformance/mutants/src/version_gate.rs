//! Mutants of the area `version-gate`.

use bytes::Bytes;
use http::{HeaderValue, Method, Response};
use reference_server::http::{ApiRequest, Outcome, Router};
use reference_server::policy::{Admission, SignInFacts, Standard};
use semver::{Version, VersionReq};

use super::http_util;

mutants! {
    /// An old version is refused only after the challenge was opened and the code sent.
    "gate-after-code-sent" breaks "VER-01": http GateAfterCodeSent {
        async fn answer(&self, next: &Router, mut request: ApiRequest) -> Response<Bytes> {
            let refusal = next.answer(request.clone()).await;
            let gated = refusal
                .extensions()
                .get::<Outcome>()
                .is_some_and(|outcome| outcome.0 == "update-required");
            if gated {
                request.headers.insert("app-version", HeaderValue::from_static("99.0.0"));
                next.answer(request).await;
            }
            refusal
        }
    }

    /// The minimum version itself is not served.
    "strictly-greater-than-2.3" breaks "VER-02": policy StrictlyGreater {
        fn version_served(&self, claimed: &[String], minimum: &Version) -> bool {
            match claimed {
                [one] => self
                    .parse_version(one)
                    .is_some_and(|version| version.cmp_precedence(minimum).is_gt()),
                _ => false,
            }
        }
    }

    /// Versions are compared as texts, so that 2.10 is below 2.3.
    "lexicographic-compare" breaks "VER-03": policy LexicographicCompare {
        fn version_served(&self, claimed: &[String], minimum: &Version) -> bool {
            Standard.version_served(claimed, &Version::new(0, 0, 0))
                && claimed
                    .iter()
                    .all(|claimed| *claimed >= format!("{}.{}", minimum.major, minimum.minor))
        }
    }

    /// Versions are compared as decimal numbers, so that 2.10 is below 2.3.
    "float-compare" breaks "VER-03": policy FloatCompare {
        fn version_served(&self, claimed: &[String], minimum: &Version) -> bool {
            let decimal = |version: &Version| format!("{}.{}", version.major, version.minor).parse::<f64>().unwrap_or(0.0);
            match claimed {
                [one] => self
                    .parse_version(one)
                    .is_some_and(|version| decimal(&version) >= decimal(minimum)),
                _ => false,
            }
        }
    }

    /// The minimum is a caret requirement, so that 3.0.0 is refused.
    "caret-pins-major" breaks "VER-03": policy CaretPinsMajor {
        fn version_served(&self, claimed: &[String], minimum: &Version) -> bool {
            let caret = VersionReq::parse(&format!("^{minimum}")).unwrap_or(VersionReq::STAR);
            match claimed {
                [one] => self.parse_version(one).is_some_and(|version| caret.matches(&version)),
                _ => false,
            }
        }
    }

    /// What follows the three numbers is cut off, so that a pre-release passes for its release.
    "prerelease-counts-as-release" breaks "VER-03": policy PrereleaseCountsAsRelease {
        fn parse_version(&self, text: &str) -> Option<Version> {
            let version = Standard.parse_version(text)?;
            Some(Version::new(version.major, version.minor, version.patch))
        }
    }

    /// A version component that is no 64-bit number is a server error.
    "overflow-panics" breaks "VER-04": http OverflowPanics {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let claimed = request.headers.get("app-version").and_then(|value| value.to_str().ok());
            let major = claimed.and_then(|version| version.split('.').next());
            let digits = major.is_some_and(|major| !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit()));
            if http_util::is(&request, &Method::POST, "/v1/sign-ins")
                && digits
                && major.is_some_and(|major| major.parse::<u64>().is_err())
            {
                return http_util::panicked();
            }
            next.answer(request).await
        }
    }

    /// Of two versions in one request only the first is looked at.
    "first-header-gated-last-header-used" breaks "VER-04": policy FirstHeaderGated {
        fn version_served(&self, claimed: &[String], minimum: &Version) -> bool {
            Standard.version_served(&claimed[..claimed.len().min(1)], minimum)
        }
    }

    /// An app too old to know two-step verification gets a session for the password.
    "legacy-client-exempt" breaks "VER-05": policy LegacyClientExempt {
        fn admit(&self, facts: &SignInFacts) -> Admission {
            match Standard.admit(facts) {
                Admission::UpdateRequired => Admission::Session,
                admission => admission,
            }
        }
    }

    /// The gate stands before the password, so that its answer tells whether two-step verification is on.
    "gate-leaks-2sv-state" breaks "VER-06": policy GateLeaksState {
        fn admit(&self, facts: &SignInFacts) -> Admission {
            if facts.two_step && !facts.version_served {
                return Admission::UpdateRequired;
            }
            Standard.admit(facts)
        }
    }

    /// Old versions are refused although two-step verification is off.
    "gate-stands-while-off" breaks "VER-06": policy GateStandsWhileOff {
        fn admit(&self, facts: &SignInFacts) -> Admission {
            match Standard.admit(facts) {
                Admission::Session if !facts.version_served => Admission::UpdateRequired,
                admission => admission,
            }
        }
    }
}
