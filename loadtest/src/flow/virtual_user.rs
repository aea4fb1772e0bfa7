//! One operation after the other: sent, classed, measured, entered in the history.

use std::sync::Arc;
use std::time::{Duration, Instant};

use goose::goose::GooseUser;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution as _, LogNormal};
use targets::{Channel, Operation, Outcome, Refusal};

use super::error::{FlowError, in_doubt, unwanted};
use super::{FlowOutcome, Iteration, SharedLine, TrustedDevice, Visit};
use crate::client::{Phone, Reply, Unanswered};
use crate::history;
use crate::history::{Call, CodeUsed, Response};
use crate::measure::{Ending, Sample, Step};
use crate::plan::scenario::{DeviceKind, UserClass};

/// One of Goose's users in the middle of an attempt: its session data.
pub struct VirtualUser {
    pub(super) now: Iteration,
    pub(super) rng: StdRng,
    pub(super) password: String,
    pub(super) entered: bool,
    human: Duration,
    used_second_step: bool,
    trust: Option<String>,
    trust_doubtful: bool,
    password_doubtful: bool,
}

/// A device in somebody's hand.
pub struct Device {
    pub(super) line: SharedLine,
    pub(super) phone: Phone,
    /// Its number in the history.
    pub(super) number: u32,
    pub(super) pending: Pending,
}

/// A challenge, as the app that holds it sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    /// Its number in the history.
    pub(super) number: u32,
    pub(super) id: Option<String>,
    /// How the newest code travels.
    pub(super) method: Option<Channel>,
    /// Codes it had so far.
    pub(super) codes: u32,
}

/// An answer that was one of those that may come.
pub struct Asked {
    pub reply: Reply,
    pub at: Instant,
}

/// Goose copies a user only before it has session data; a copy would begin the attempt anew.
impl Clone for VirtualUser {
    fn clone(&self) -> Self {
        Self::begin(self.now.clone())
    }
}

impl VirtualUser {
    pub(super) fn begin(now: Iteration) -> Self {
        let Visit { seed, nth, attempt } = now.visit;
        Self {
            rng: StdRng::seed_from_u64(mixed(mixed(seed, nth), u64::from(attempt))),
            password: now.identity.password.clone(),
            now,
            entered: false,
            human: Duration::ZERO,
            used_second_step: false,
            trust: None,
            trust_doubtful: false,
            password_doubtful: false,
        }
    }

    /// The user whose session data this is. A flow is only called once it is set.
    pub fn of(goose: &mut GooseUser) -> &mut Self {
        goose.get_session_data_unchecked_mut()
    }

    /// The class it is of.
    pub fn class(&self) -> &UserClass {
        &self.now.scenario.classes[usize::from(self.now.class)]
    }

    /// What came of it.
    pub(super) fn outcome(&mut self, result: Result<(), FlowError>) -> FlowOutcome {
        let (ending, retry_after, complaint) = match result {
            Ok(()) => (Ending::Completed, None, None),
            Err(error) => (error.ending, error.retry_after, Some(error.complaint)),
        };
        FlowOutcome {
            ending,
            human_us: micros(self.human),
            entered: self.entered,
            retry_after,
            complaint,
            used_second_step: self.used_second_step,
            trust: self.trust.take(),
            trust_doubtful: self.trust_doubtful,
            password: (self.password != self.now.identity.password).then(|| self.password.clone()),
            password_doubtful: self.password_doubtful,
        }
    }

    /// A phone that never signed in, on the connection that the class is given.
    pub fn new_device(&self) -> Device {
        self.new_phone(&self.now.line)
    }

    /// A phone that never signed in. Each attempt of an arrival comes with the same one.
    pub(super) fn new_phone(&self, line: &SharedLine) -> Device {
        let Visit { seed, nth, .. } = self.now.visit;
        let mut phone = Phone::new(format!("load-{seed:x}-{nth:x}"), format!("Phone {nth}"));
        phone.app_version = Some(self.version());
        Device {
            line: Arc::clone(line),
            phone,
            number: self.now.numbers.device(),
            pending: Pending::default(),
        }
    }

    /// The account's trusted device.
    pub fn trusted_phone(&self) -> Result<Device, FlowError> {
        let Some(TrustedDevice {
            installation,
            name,
            trust_token,
            push_token,
        }) = self.now.identity.trusted.clone()
        else {
            return Err(FlowError::new(Ending::Failed, "no trusted device is prepared"));
        };
        let mut phone = Phone::new(installation, name);
        phone.app_version = Some(self.version());
        (phone.trust, phone.push_token) = (trust_token, push_token);
        Ok(Device {
            line: Arc::clone(&self.now.line),
            phone,
            number: 0,
            pending: Pending::default(),
        })
    }

    fn version(&self) -> String {
        match self.class().device {
            DeviceKind::OldApp => self.now.profile.outdated.clone(),
            DeviceKind::New | DeviceKind::Trusted | DeviceKind::PushOff => self.now.profile.served.clone(),
        }
    }

    /// Asks for something; an answer that may not come here breaks the flow off.
    pub async fn ask(
        &mut self,
        device: &mut Device,
        operation: Operation,
        call: Call,
        right: impl Fn(&Outcome) -> bool,
    ) -> Result<Asked, FlowError> {
        let kind = operation.kind();
        let (signing_in, changing) = (matches!(call, Call::SignIn { .. }), call == Call::ChangePassword);
        let at = Instant::now();
        let reply = device.line.lock().await.perform(&mut device.phone, operation).await;
        let done = Instant::now();
        let response = self.response(device, call, &reply);
        let as_it_should = reply.outcome.as_ref().is_ok_and(right);
        let ending = if as_it_should {
            Ending::Completed
        } else {
            unwanted(&reply.outcome)
        };
        self.measure(Step::Exchange(kind), ending, at, done);
        // What certainly never left is no part of the history.
        if !matches!(reply.outcome, Err(Unanswered::NotSent(_))) {
            self.now.recorder.operation(history::Operation {
                account: self.now.identity.account,
                device: device.number,
                call,
                response,
                invoked_us: self.now.clock.us(at),
                returned_us: self.now.clock.us(done),
            });
        }
        if signing_in && device.number == 0 {
            self.trust_doubtful = in_doubt(&reply) && device.phone.trust.is_some();
        }
        if device.number == 0 && matches!(reply.outcome, Ok(Outcome::SignedIn)) {
            self.keep_trust(device);
        }
        if changing {
            self.password_doubtful = in_doubt(&reply);
        }
        if as_it_should {
            Ok(Asked { reply, at })
        } else {
            Err(FlowError::by(kind, &reply.outcome))
        }
    }

    /// The answer in the words of the history, and what the app learns of its challenge.
    fn response(&mut self, device: &mut Device, call: Call, reply: &Reply) -> Response {
        let sends = matches!(call, Call::Resend { .. } | Call::Switch { .. });
        match &reply.outcome {
            Ok(Outcome::SignedIn) => Response::SignedIn,
            Ok(Outcome::Challenged) => {
                device.pending = Pending {
                    number: self.now.numbers.challenge(),
                    id: reply.facts.challenge_id.clone(),
                    method: reply.facts.method,
                    codes: 1,
                };
                Response::Challenged(device.pending.number)
            }
            Ok(Outcome::Done) => {
                if sends {
                    device.pending.codes += 1;
                    device.pending.method = reply.facts.method.or(device.pending.method);
                }
                Response::Done
            }
            Ok(Outcome::Limited { .. }) => Response::Limited,
            // The provider did not take it: whether the old code is still good is not said.
            Ok(Outcome::Refused {
                reason: Refusal::Unspecified,
            }) if sends => Response::Unknown,
            Ok(Outcome::Refused { reason }) => Response::Refused(*reason),
            Ok(Outcome::ServerError | Outcome::Unrecognised) | Err(_) => Response::Unknown,
        }
    }

    fn keep_trust(&mut self, device: &Device) {
        let before = self
            .now
            .identity
            .trusted
            .as_ref()
            .and_then(|device| device.trust_token.as_ref());
        if device.phone.trust.as_ref() != before {
            self.trust.clone_from(&device.phone.trust);
        }
    }

    /// First step with the account's present password. An app that is too old is refused, updates, and comes again.
    pub async fn sign_in(&mut self, device: &mut Device, right: impl Fn(&Outcome) -> bool) -> Result<Asked, FlowError> {
        let app = device.phone.app_version.as_deref() != Some(&*self.now.profile.outdated);
        if !app {
            let update = |outcome: &Outcome| {
                *outcome
                    == Outcome::Refused {
                        reason: Refusal::UpdateRequired,
                    }
            };
            let call = Call::SignIn { password: true, app };
            self.ask(device, self.credentials(), call, update).await?;
            device.phone.app_version = Some(self.now.profile.served.clone());
        }
        let call = Call::SignIn {
            password: true,
            app: true,
        };
        self.ask(device, self.credentials(), call, right).await
    }

    fn credentials(&self) -> Operation {
        Operation::SignIn {
            email: self.now.identity.email.clone(),
            password: self.password.clone(),
        }
    }

    /// Second step.
    pub async fn verify(
        &mut self,
        device: &mut Device,
        code: String,
        code_used: CodeUsed,
        right: impl Fn(&Outcome) -> bool,
    ) -> Result<Asked, FlowError> {
        let call = Call::Verify {
            challenge: device.pending.number,
            code: code_used,
        };
        let asked = self.ask(device, Operation::Verify { code }, call, right).await?;
        self.used_second_step |= asked.is(&Outcome::SignedIn);
        Ok(asked)
    }

    /// A look at who is signed in.
    pub async fn who_am_i(&mut self, device: &mut Device) -> Result<Asked, FlowError> {
        self.ask(device, Operation::WhoAmI {}, Call::Use, done).await
    }

    /// A person takes their time.
    pub async fn takes(&mut self, time: Duration) {
        if !time.is_zero() {
            let began = Instant::now();
            tokio::time::sleep(time).await;
            self.human += began.elapsed();
        }
    }

    /// The time from a message's arrival to its code's being typed: log-normal around the median.
    pub async fn reads_the_code(&mut self) {
        let think = self.now.scenario.think;
        // The median is the exponential of the mean of the logarithms. A median of 0 has none, and is no time.
        let seconds = match LogNormal::new(think.read_code_s.ln(), think.spread) {
            Ok(times) => times.sample(&mut self.rng),
            Err(_) => 0.0,
        };
        // Nobody reads for an hour, and what is no number is no time.
        let time = Duration::try_from_secs_f64(seconds.min(3600.0)).unwrap_or_default();
        self.takes(time).await;
    }

    pub(super) fn measure(&mut self, step: Step, ending: Ending, from: Instant, to: Instant) {
        let started_us = self.now.clock.us(from);
        self.now.recorder.sample(Sample {
            class: self.now.class,
            step,
            ending,
            intended_us: started_us,
            started_us,
            done_us: self.now.clock.us(to),
            human_us: 0,
        });
    }
}

impl Asked {
    pub fn is(&self, outcome: &Outcome) -> bool {
        self.reply.outcome.as_ref() == Ok(outcome)
    }
}

pub fn done(outcome: &Outcome) -> bool {
    *outcome == Outcome::Done
}

pub fn signed_in(outcome: &Outcome) -> bool {
    *outcome == Outcome::SignedIn
}

pub fn challenged(outcome: &Outcome) -> bool {
    *outcome == Outcome::Challenged
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Two numbers made one, so that neighbours are far apart (the finaliser of splitmix64).
pub(super) fn mixed(one: u64, other: u64) -> u64 {
    let mut x = one.wrapping_add(other.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
