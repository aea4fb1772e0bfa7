//! Servers that each break one requirement of the area `version-gate`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Response};
use reference_server::Service;
use reference_server::edge::{Edge, EdgeRequest, HttpEdge, Outcome};
use reference_server::rules::{Admission, SignInFacts, SignInRules, Standard, VersionRules};
use semver::{Version, VersionReq};

use super::{KnownBad, tools};

pub(super) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "gate-after-code-sent",
        requirement: "VER-01",
        part: "edge",
        summary: "An old version is refused only after the challenge was opened and the code sent.",
        build: |mut parts| {
            parts.edge = Arc::new(GateAfterCodeSent);
            parts
        },
    },
    KnownBad {
        slug: "strictly-greater-than-2.3",
        requirement: "VER-02",
        part: "rules.versions",
        summary: "The minimum version itself is not served.",
        build: |mut parts| {
            parts.rules.versions = Arc::new(StrictlyGreater);
            parts
        },
    },
    KnownBad {
        slug: "lexicographic-compare",
        requirement: "VER-03",
        part: "rules.versions",
        summary: "Versions are compared as texts, so that 2.10 is below 2.3.",
        build: |mut parts| {
            parts.rules.versions = Arc::new(LexicographicCompare);
            parts
        },
    },
    KnownBad {
        slug: "float-compare",
        requirement: "VER-03",
        part: "rules.versions",
        summary: "Versions are compared as decimal numbers, so that 2.10 is below 2.3.",
        build: |mut parts| {
            parts.rules.versions = Arc::new(FloatCompare);
            parts
        },
    },
    KnownBad {
        slug: "caret-pins-major",
        requirement: "VER-03",
        part: "rules.versions",
        summary: "The minimum is a caret requirement, so that 3.0.0 is refused.",
        build: |mut parts| {
            parts.rules.versions = Arc::new(CaretPinsMajor);
            parts
        },
    },
    KnownBad {
        slug: "prerelease-counts-as-release",
        requirement: "VER-03",
        part: "rules.versions",
        summary: "What follows the three numbers is cut off, so that a pre-release passes for its release.",
        build: |mut parts| {
            parts.rules.versions = Arc::new(PrereleaseCountsAsRelease);
            parts
        },
    },
    KnownBad {
        slug: "overflow-panics",
        requirement: "VER-04",
        part: "edge",
        summary: "A version component that is no 64-bit number is a server error.",
        build: |mut parts| {
            parts.edge = Arc::new(OverflowPanics);
            parts
        },
    },
    KnownBad {
        slug: "first-header-gated-last-header-used",
        requirement: "VER-04",
        part: "rules.versions",
        summary: "Of two versions in one request only the first is looked at.",
        build: |mut parts| {
            parts.rules.versions = Arc::new(FirstHeaderGated);
            parts
        },
    },
    KnownBad {
        slug: "legacy-client-exempt",
        requirement: "VER-05",
        part: "rules.sign_in",
        summary: "An app too old to know two-step verification gets a session for the password.",
        build: |mut parts| {
            parts.rules.sign_in = Arc::new(LegacyClientExempt);
            parts
        },
    },
    KnownBad {
        slug: "gate-leaks-2sv-state",
        requirement: "VER-06",
        part: "rules.sign_in",
        summary: "The gate stands before the password, so that its answer tells whether two-step verification is on.",
        build: |mut parts| {
            parts.rules.sign_in = Arc::new(GateLeaksState);
            parts
        },
    },
    KnownBad {
        slug: "gate-stands-while-off",
        requirement: "VER-06",
        part: "rules.sign_in",
        summary: "Old versions are refused although two-step verification is off.",
        build: |mut parts| {
            parts.rules.sign_in = Arc::new(GateStandsWhileOff);
            parts
        },
    },
];

struct GateAfterCodeSent;

#[async_trait]
impl Edge for GateAfterCodeSent {
    async fn answer(&self, service: &Service, mut request: EdgeRequest) -> Response<Bytes> {
        let refusal = HttpEdge.answer(service, request.clone()).await;
        let gated = refusal
            .extensions()
            .get::<Outcome>()
            .is_some_and(|outcome| outcome.0 == "update-required");
        if gated {
            request.headers.insert("app-version", HeaderValue::from_static("99.0.0"));
            HttpEdge.answer(service, request).await;
        }
        refusal
    }
}

struct StrictlyGreater;

impl VersionRules for StrictlyGreater {
    fn served(&self, claimed: &[String], minimum: &Version) -> bool {
        match claimed {
            [one] => self.parse(one).is_some_and(|version| version.cmp_precedence(minimum).is_gt()),
            _ => false,
        }
    }
}

struct LexicographicCompare;

impl VersionRules for LexicographicCompare {
    fn served(&self, claimed: &[String], minimum: &Version) -> bool {
        Standard.served(claimed, &Version::new(0, 0, 0))
            && claimed
                .iter()
                .all(|claimed| *claimed >= format!("{}.{}", minimum.major, minimum.minor))
    }
}

struct FloatCompare;

impl VersionRules for FloatCompare {
    fn served(&self, claimed: &[String], minimum: &Version) -> bool {
        let decimal = |version: &Version| format!("{}.{}", version.major, version.minor).parse::<f64>().unwrap_or(0.0);
        match claimed {
            [one] => self.parse(one).is_some_and(|version| decimal(&version) >= decimal(minimum)),
            _ => false,
        }
    }
}

struct CaretPinsMajor;

impl VersionRules for CaretPinsMajor {
    fn served(&self, claimed: &[String], minimum: &Version) -> bool {
        let caret = VersionReq::parse(&format!("^{minimum}")).unwrap_or(VersionReq::STAR);
        match claimed {
            [one] => self.parse(one).is_some_and(|version| caret.matches(&version)),
            _ => false,
        }
    }
}

struct PrereleaseCountsAsRelease;

impl VersionRules for PrereleaseCountsAsRelease {
    fn parse(&self, text: &str) -> Option<Version> {
        let version = Standard.parse(text)?;
        Some(Version::new(version.major, version.minor, version.patch))
    }
}

struct OverflowPanics;

#[async_trait]
impl Edge for OverflowPanics {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let claimed = request.headers.get("app-version").and_then(|value| value.to_str().ok());
        let major = claimed.and_then(|version| version.split('.').next());
        let digits = major.is_some_and(|major| !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit()));
        if tools::is(&request, &Method::POST, "/v1/sign-ins")
            && digits
            && major.is_some_and(|major| major.parse::<u64>().is_err())
        {
            return tools::panicked();
        }
        HttpEdge.answer(service, request).await
    }
}

struct FirstHeaderGated;

impl VersionRules for FirstHeaderGated {
    fn served(&self, claimed: &[String], minimum: &Version) -> bool {
        Standard.served(&claimed[..claimed.len().min(1)], minimum)
    }
}

struct LegacyClientExempt;

impl SignInRules for LegacyClientExempt {
    fn admit(&self, facts: &SignInFacts<'_>) -> Admission {
        match Standard.admit(facts) {
            Admission::UpdateRequired => Admission::Session,
            admission => admission,
        }
    }
}

struct GateLeaksState;

impl SignInRules for GateLeaksState {
    fn admit(&self, facts: &SignInFacts<'_>) -> Admission {
        if facts.two_step && !facts.version_served {
            return Admission::UpdateRequired;
        }
        Standard.admit(facts)
    }
}

struct GateStandsWhileOff;

impl SignInRules for GateStandsWhileOff {
    fn admit(&self, facts: &SignInFacts<'_>) -> Admission {
        match Standard.admit(facts) {
            Admission::Session if !facts.version_served => Admission::UpdateRequired,
            admission => admission,
        }
    }
}
