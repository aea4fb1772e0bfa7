//! What came back, classed in the words of the specification, with the facts that checks read.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use specs::{Channel, Refusal};

use crate::operation::OperationKind;
use crate::transcript::Exchange;

/// The class of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "class")]
pub enum Outcome {
    SignedIn,
    /// A pending challenge: a code is asked for.
    Challenged,
    Done,
    Refused {
        reason: Refusal,
    },
    Limited {
        /// Seconds to wait, when the target says (RFC 9110 §10.2.3).
        retry_after_s: Option<u64>,
    },
    /// The server failed (5xx).
    ServerError,
    /// The answer fits nothing this target is known to say.
    Unrecognised,
}

/// What the target tells about a pending challenge.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ChallengeFacts {
    /// Public id, as `list_challenges` names it.
    pub id: Option<String>,
    pub method: Option<Channel>,
    pub methods: Vec<Channel>,
    /// End of the present code, RFC 3339.
    pub expires_at: Option<String>,
    /// First moment of the next send, RFC 3339.
    pub resend_at: Option<String>,
    pub attempts_left: Option<u32>,
}

/// One row of a device list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DeviceRow {
    pub id: String,
    pub name: Option<String>,
    /// Whether it is trusted, when the list tells.
    pub trusted: Option<bool>,
    pub current: Option<bool>,
    /// First use, RFC 3339.
    pub first_used_at: Option<String>,
    /// Last use, RFC 3339.
    pub last_used_at: Option<String>,
    pub place: Option<String>,
}

/// The facts of an answer; what an operation does not tell stays empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Facts {
    /// The pending challenge (sign_in, read_challenge, resend, switch_method).
    pub challenge: Option<ChallengeFacts>,
    /// The account's pending challenges (list_challenges).
    pub challenges: Option<Vec<ChallengeFacts>>,
    /// The account's devices (list_devices).
    pub devices: Option<Vec<DeviceRow>>,
    /// The account that is signed in (who_am_i).
    pub email: Option<String>,
    /// The asking device's id (who_am_i, sign-in).
    pub device_id: Option<String>,
    /// The two-step setting (read_two_step, who_am_i).
    pub two_step: Option<bool>,
    /// Whether a trust credential came with the answer.
    pub trust_granted: bool,
}

/// What one operation brought back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub operation: OperationKind,
    pub outcome: Outcome,
    pub facts: Facts,
    /// Every exchange of the operation, in order; the last one decided the outcome.
    pub exchanges: Vec<Arc<Exchange>>,
}

impl Answer {
    /// Whether the target did what was asked: a session, a challenge, or done.
    pub fn accepted(&self) -> bool {
        matches!(self.outcome, Outcome::SignedIn | Outcome::Challenged | Outcome::Done)
    }

    /// The exchange that decided the outcome.
    pub fn last(&self) -> Option<&Exchange> {
        self.exchanges.last().map(AsRef::as_ref)
    }

    /// How long to wait, when a limit said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.outcome {
            Outcome::Limited { retry_after_s } => retry_after_s.map(Duration::from_secs),
            _ => None,
        }
    }
}
