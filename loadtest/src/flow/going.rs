//! One operation after the other: sent, classed, measured, entered in the history.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use targets::{Channel, Operation, Outcome, Refusal};

use super::off::{Off, Way, in_doubt, unwanted};
use super::{Recorder, TrustedDevice, Visit, Walk, Walked};
use crate::client::{Line, Lines, Phone, Reply, Unanswered};
use crate::flow::{Identity, Numbers, Terms};
use crate::history::{Act, Happened, Presented, Seen};
use crate::measure::StormClock;
use crate::measure::{Ending, Sample, Step};
use crate::plan::scenario::{DeviceKind, Party, Think};
use crate::sink::Mailbox;

/// An attempt under way.
pub(super) struct Going<'a> {
    pub(super) lines: &'a Lines,
    pub(super) mailbox: &'a Mailbox,
    pub(super) plan: &'a Party,
    pub(super) terms: &'a Terms,
    pub(super) identity: &'a Identity,
    pub(super) visit: Visit,
    pub(super) rng: StdRng,
    /// The account's present password.
    pub(super) password: String,
    pub(super) entered: bool,
    party: u16,
    think: Think,
    numbers: &'a Numbers,
    clock: StormClock,
    recorder: &'a mut dyn Recorder,
    human: Duration,
    used_second_step: bool,
    trust: Option<String>,
    trust_doubtful: bool,
    password_doubtful: bool,
}

/// A device in somebody's hand.
pub(super) struct Hand<'l> {
    pub(super) line: &'l mut Line,
    pub(super) phone: Phone,
    /// Its number in the history.
    pub(super) number: u32,
    /// Its present challenge.
    pub(super) pending: Pending,
}

/// A challenge, as the app that holds it sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    /// Its number in the history.
    pub(super) number: u32,
    /// Its public id.
    pub(super) id: Option<String>,
    /// How the newest code travels.
    pub(super) method: Option<Channel>,
    /// Codes it had so far.
    pub(super) codes: u32,
}

/// An answer that was one of those that may come.
pub(super) struct Asked {
    pub(super) reply: Reply,
    /// When the request left.
    pub(super) at: Instant,
}

impl<'a> Going<'a> {
    pub(super) fn begin(walk: Walk<'a>) -> (Self, &'a mut Line) {
        let Visit { seed, nth, attempt } = walk.visit;
        let going = Self {
            lines: walk.lines,
            mailbox: walk.mailbox,
            plan: walk.plan,
            terms: walk.terms,
            identity: walk.identity,
            visit: walk.visit,
            rng: StdRng::seed_from_u64(mixed(mixed(seed, nth), u64::from(attempt))),
            password: walk.identity.password.clone(),
            entered: false,
            party: walk.party,
            think: walk.think,
            numbers: walk.numbers,
            clock: walk.clock,
            recorder: walk.recorder,
            human: Duration::ZERO,
            used_second_step: false,
            trust: None,
            trust_doubtful: false,
            password_doubtful: false,
        };
        (going, walk.line)
    }

    /// What came of it.
    pub(super) fn over(self, way: Way<()>) -> Walked {
        let (ending, retry_after, complaint) = match way {
            Ok(()) => (Ending::Completed, None, None),
            Err(off) => (off.ending, off.retry_after, Some(off.complaint)),
        };
        Walked {
            ending,
            human_us: micros(self.human),
            entered: self.entered,
            retry_after,
            complaint,
            used_second_step: self.used_second_step,
            trust: self.trust,
            trust_doubtful: self.trust_doubtful,
            password: (self.password != self.identity.password).then_some(self.password),
            password_doubtful: self.password_doubtful,
        }
    }

    /// A phone that never signed in. Each attempt of an arrival comes with the same one.
    pub(super) fn new_phone<'l>(&self, line: &'l mut Line) -> Hand<'l> {
        let Visit { seed, nth, .. } = self.visit;
        let mut phone = Phone::new(format!("load-{seed:x}-{nth:x}"), format!("Phone {nth}"));
        phone.app_version = Some(self.version());
        Hand {
            line,
            phone,
            number: self.numbers.device(),
            pending: Pending::default(),
        }
    }

    /// The account's trusted device.
    pub(super) fn trusted_phone<'l>(&self, line: &'l mut Line) -> Way<Hand<'l>> {
        let Some(TrustedDevice {
            installation,
            name,
            trust_token,
            push_token,
        }) = self.identity.trusted.clone()
        else {
            return Err(Off::new(Ending::Failed, "no trusted device is prepared"));
        };
        let mut phone = Phone::new(installation, name);
        phone.app_version = Some(self.version());
        (phone.trust, phone.push_token) = (trust_token, push_token);
        Ok(Hand {
            line,
            phone,
            number: 0,
            pending: Pending::default(),
        })
    }

    fn version(&self) -> String {
        match self.plan.device {
            DeviceKind::OldApp => self.terms.outdated.clone(),
            DeviceKind::New | DeviceKind::Trusted | DeviceKind::PushOff => self.terms.served.clone(),
        }
    }

    /// Asks for something; an answer that may not come here breaks the journey off.
    pub(super) async fn ask(
        &mut self,
        hand: &mut Hand<'_>,
        operation: Operation,
        act: Act,
        right: impl Fn(&Outcome) -> bool,
    ) -> Way<Asked> {
        let kind = operation.kind();
        let (signing_in, changing) = (matches!(act, Act::SignIn { .. }), act == Act::ChangePassword);
        let at = Instant::now();
        let reply = hand.line.perform(&mut hand.phone, operation).await;
        let done = Instant::now();
        let seen = self.seen(hand, act, &reply);
        let as_it_should = reply.outcome.as_ref().is_ok_and(right);
        let ending = if as_it_should {
            Ending::Completed
        } else {
            unwanted(&reply.outcome)
        };
        self.measure(Step::Exchange(kind), ending, at, done);
        // What certainly never left is no part of the history.
        if !matches!(reply.outcome, Err(Unanswered::NotSent(_))) {
            self.recorder.happened(Happened {
                account: self.identity.account,
                device: hand.number,
                act,
                seen,
                started_us: self.clock.us(at),
                done_us: self.clock.us(done),
            });
        }
        if signing_in && hand.number == 0 {
            self.trust_doubtful = in_doubt(&reply) && hand.phone.trust.is_some();
        }
        if hand.number == 0 && matches!(reply.outcome, Ok(Outcome::SignedIn)) {
            self.keep_trust(hand);
        }
        if changing {
            self.password_doubtful = in_doubt(&reply);
        }
        if as_it_should {
            Ok(Asked { reply, at })
        } else {
            Err(Off::by(kind, &reply.outcome))
        }
    }

    /// The answer in the words of the history, and what the app learns of its challenge.
    fn seen(&mut self, hand: &mut Hand<'_>, act: Act, reply: &Reply) -> Seen {
        let sends = matches!(act, Act::Resend { .. } | Act::Switch { .. });
        match &reply.outcome {
            Ok(Outcome::SignedIn) => Seen::SignedIn,
            Ok(Outcome::Challenged) => {
                hand.pending = Pending {
                    number: self.numbers.challenge(),
                    id: reply.facts.challenge_id.clone(),
                    method: reply.facts.method,
                    codes: 1,
                };
                Seen::Challenged(hand.pending.number)
            }
            Ok(Outcome::Done) => {
                if sends {
                    hand.pending.codes += 1;
                    hand.pending.method = reply.facts.method.or(hand.pending.method);
                }
                Seen::Done
            }
            Ok(Outcome::Limited { .. }) => Seen::Limited,
            // The provider did not take it: whether the old code is still good is not said.
            Ok(Outcome::Refused {
                reason: Refusal::Unspecified,
            }) if sends => Seen::Unknown,
            Ok(Outcome::Refused { reason }) => Seen::Refused(*reason),
            Ok(Outcome::ServerError | Outcome::Unrecognised) | Err(_) => Seen::Unknown,
        }
    }

    fn keep_trust(&mut self, hand: &Hand<'_>) {
        let before = self.identity.trusted.as_ref().and_then(|device| device.trust_token.as_ref());
        if hand.phone.trust.as_ref() != before {
            self.trust.clone_from(&hand.phone.trust);
        }
    }

    /// First step with the account's present password. An app that is too old is refused, updates, and comes again.
    pub(super) async fn sign_in(&mut self, hand: &mut Hand<'_>, right: impl Fn(&Outcome) -> bool) -> Way<Asked> {
        let app = hand.phone.app_version.as_deref() != Some(&*self.terms.outdated);
        if !app {
            let update = |outcome: &Outcome| {
                *outcome
                    == Outcome::Refused {
                        reason: Refusal::UpdateRequired,
                    }
            };
            let act = Act::SignIn { password: true, app };
            self.ask(hand, self.credentials(), act, update).await?;
            hand.phone.app_version = Some(self.terms.served.clone());
        }
        let act = Act::SignIn {
            password: true,
            app: true,
        };
        self.ask(hand, self.credentials(), act, right).await
    }

    fn credentials(&self) -> Operation {
        Operation::SignIn {
            email: self.identity.email.clone(),
            password: self.password.clone(),
        }
    }

    /// Second step.
    pub(super) async fn verify(
        &mut self,
        hand: &mut Hand<'_>,
        code: String,
        presented: Presented,
        right: impl Fn(&Outcome) -> bool,
    ) -> Way<Asked> {
        let act = Act::Verify {
            challenge: hand.pending.number,
            code: presented,
        };
        let asked = self.ask(hand, Operation::Verify { code }, act, right).await?;
        self.used_second_step |= asked.is(&Outcome::SignedIn);
        Ok(asked)
    }

    /// A look at who is signed in.
    pub(super) async fn who_am_i(&mut self, hand: &mut Hand<'_>) -> Way<Asked> {
        self.ask(hand, Operation::WhoAmI {}, Act::Use, done).await
    }

    /// A person takes their time.
    pub(super) async fn takes(&mut self, time: Duration) {
        if !time.is_zero() {
            let began = Instant::now();
            tokio::time::sleep(time).await;
            self.human += began.elapsed();
        }
    }

    /// The time from a message's arrival to its code's being typed: log-normal around the median.
    pub(super) async fn reads_the_code(&mut self) {
        // Two uniform numbers make a normal one (Box and Muller); 1 - x is never 0.
        let (one, two): (f64, f64) = (self.rng.random(), self.rng.random());
        let normal = (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos();
        let seconds = self.think.read_code_s * (self.think.spread * normal).exp();
        // Nobody reads for an hour, and what is no number is no time.
        let time = Duration::try_from_secs_f64(seconds.min(3600.0)).unwrap_or_default();
        self.takes(time).await;
    }

    pub(super) fn measure(&mut self, step: Step, ending: Ending, from: Instant, to: Instant) {
        let started_us = self.clock.us(from);
        self.recorder.sample(Sample {
            party: self.party,
            step,
            ending,
            intended_us: started_us,
            started_us,
            done_us: self.clock.us(to),
            human_us: 0,
        });
    }
}

impl Asked {
    pub(super) fn is(&self, outcome: &Outcome) -> bool {
        self.reply.outcome.as_ref() == Ok(outcome)
    }
}

pub(super) fn done(outcome: &Outcome) -> bool {
    *outcome == Outcome::Done
}

pub(super) fn signed_in(outcome: &Outcome) -> bool {
    *outcome == Outcome::SignedIn
}

pub(super) fn challenged(outcome: &Outcome) -> bool {
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
