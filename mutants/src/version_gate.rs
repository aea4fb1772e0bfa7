//! Servers that each break one requirement of the area `version-gate`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Response};
use reference_server::http::{ApiRequest, Middleware, Outcome, Router};
use reference_server::policy::{Admission, Policy, SignInFacts, Standard};
use semver::{Version, VersionReq};

use super::{KnownBad, tools};

pub(super) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "gate-after-code-sent",
        requirement: "VER-01",
        part: "http",
        summary: "An old version is refused only after the challenge was opened and the code sent.",
        build: |server| server.wrap(GateAfterCodeSent),
    },
    KnownBad {
        slug: "strictly-greater-than-2.3",
        requirement: "VER-02",
        part: "policy",
        summary: "The minimum version itself is not served.",
        build: |server| server.deps.policy = Arc::new(StrictlyGreater),
    },
    KnownBad {
        slug: "lexicographic-compare",
        requirement: "VER-03",
        part: "policy",
        summary: "Versions are compared as texts, so that 2.10 is below 2.3.",
        build: |server| server.deps.policy = Arc::new(LexicographicCompare),
    },
    KnownBad {
        slug: "float-compare",
        requirement: "VER-03",
        part: "policy",
        summary: "Versions are compared as decimal numbers, so that 2.10 is below 2.3.",
        build: |server| server.deps.policy = Arc::new(FloatCompare),
    },
    KnownBad {
        slug: "caret-pins-major",
        requirement: "VER-03",
        part: "policy",
        summary: "The minimum is a caret requirement, so that 3.0.0 is refused.",
        build: |server| server.deps.policy = Arc::new(CaretPinsMajor),
    },
    KnownBad {
        slug: "prerelease-counts-as-release",
        requirement: "VER-03",
        part: "policy",
        summary: "What follows the three numbers is cut off, so that a pre-release passes for its release.",
        build: |server| server.deps.policy = Arc::new(PrereleaseCountsAsRelease),
    },
    KnownBad {
        slug: "overflow-panics",
        requirement: "VER-04",
        part: "http",
        summary: "A version component that is no 64-bit number is a server error.",
        build: |server| server.wrap(OverflowPanics),
    },
    KnownBad {
        slug: "first-header-gated-last-header-used",
        requirement: "VER-04",
        part: "policy",
        summary: "Of two versions in one request only the first is looked at.",
        build: |server| server.deps.policy = Arc::new(FirstHeaderGated),
    },
    KnownBad {
        slug: "legacy-client-exempt",
        requirement: "VER-05",
        part: "policy",
        summary: "An app too old to know two-step verification gets a session for the password.",
        build: |server| server.deps.policy = Arc::new(LegacyClientExempt),
    },
    KnownBad {
        slug: "gate-leaks-2sv-state",
        requirement: "VER-06",
        part: "policy",
        summary: "The gate stands before the password, so that its answer tells whether two-step verification is on.",
        build: |server| server.deps.policy = Arc::new(GateLeaksState),
    },
    KnownBad {
        slug: "gate-stands-while-off",
        requirement: "VER-06",
        part: "policy",
        summary: "Old versions are refused although two-step verification is off.",
        build: |server| server.deps.policy = Arc::new(GateStandsWhileOff),
    },
];

struct GateAfterCodeSent;

#[async_trait]
impl Middleware for GateAfterCodeSent {
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

struct StrictlyGreater;

impl Policy for StrictlyGreater {
    fn version_served(&self, claimed: &[String], minimum: &Version) -> bool {
        match claimed {
            [one] => self
                .parse_version(one)
                .is_some_and(|version| version.cmp_precedence(minimum).is_gt()),
            _ => false,
        }
    }
}

struct LexicographicCompare;

impl Policy for LexicographicCompare {
    fn version_served(&self, claimed: &[String], minimum: &Version) -> bool {
        Standard.version_served(claimed, &Version::new(0, 0, 0))
            && claimed
                .iter()
                .all(|claimed| *claimed >= format!("{}.{}", minimum.major, minimum.minor))
    }
}

struct FloatCompare;

impl Policy for FloatCompare {
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

struct CaretPinsMajor;

impl Policy for CaretPinsMajor {
    fn version_served(&self, claimed: &[String], minimum: &Version) -> bool {
        let caret = VersionReq::parse(&format!("^{minimum}")).unwrap_or(VersionReq::STAR);
        match claimed {
            [one] => self.parse_version(one).is_some_and(|version| caret.matches(&version)),
            _ => false,
        }
    }
}

struct PrereleaseCountsAsRelease;

impl Policy for PrereleaseCountsAsRelease {
    fn parse_version(&self, text: &str) -> Option<Version> {
        let version = Standard.parse_version(text)?;
        Some(Version::new(version.major, version.minor, version.patch))
    }
}

struct OverflowPanics;

#[async_trait]
impl Middleware for OverflowPanics {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let claimed = request.headers.get("app-version").and_then(|value| value.to_str().ok());
        let major = claimed.and_then(|version| version.split('.').next());
        let digits = major.is_some_and(|major| !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit()));
        if tools::is(&request, &Method::POST, "/v1/sign-ins")
            && digits
            && major.is_some_and(|major| major.parse::<u64>().is_err())
        {
            return tools::panicked();
        }
        next.answer(request).await
    }
}

struct FirstHeaderGated;

impl Policy for FirstHeaderGated {
    fn version_served(&self, claimed: &[String], minimum: &Version) -> bool {
        Standard.version_served(&claimed[..claimed.len().min(1)], minimum)
    }
}

struct LegacyClientExempt;

impl Policy for LegacyClientExempt {
    fn admit(&self, facts: &SignInFacts) -> Admission {
        match Standard.admit(facts) {
            Admission::UpdateRequired => Admission::Session,
            admission => admission,
        }
    }
}

struct GateLeaksState;

impl Policy for GateLeaksState {
    fn admit(&self, facts: &SignInFacts) -> Admission {
        if facts.two_step && !facts.version_served {
            return Admission::UpdateRequired;
        }
        Standard.admit(facts)
    }
}

struct GateStandsWhileOff;

impl Policy for GateStandsWhileOff {
    fn admit(&self, facts: &SignInFacts) -> Admission {
        match Standard.admit(facts) {
            Admission::Session if !facts.version_served => Admission::UpdateRequired,
            admission => admission,
        }
    }
}
