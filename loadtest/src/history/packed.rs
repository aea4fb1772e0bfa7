//! One operation in 24 bytes: a storm of ten million operations is kept in 240 MB.
//!
//! | bytes | what |
//! |---|---|
//! | 0–4 | account |
//! | 5–10 | started, microseconds |
//! | 11–14 | microseconds it took |
//! | 15–16 | device |
//! | 17 | the act (low half) and the answer (high half) |
//! | 18 | reason of a refusal; of a sign-in: password and app, in the two highest bits |
//! | 19–20 | challenge: the act's, or the one that a sign-in was answered with |
//! | 21–22 | challenge whose code was presented, or the device removed |
//! | 23 | number of that code |

use targets::Refusal;

use super::{Act, Happened, Presented, Seen};

/// An operation of an account. Ordered bytewise, operations are ordered by account and then by their start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Packed([u8; 24]);

const PASSWORD: u8 = 0x80;
const APP: u8 = 0x40;

impl Packed {
    /// Packs; `None` where a number is larger than its place.
    pub(super) fn pack(happened: &Happened) -> Option<Self> {
        let Happened {
            account,
            device,
            act,
            seen,
            started_us,
            done_us,
        } = *happened;
        let mut bytes = [0; 24];
        put(&mut bytes[0..5], account)?;
        put(&mut bytes[5..11], started_us)?;
        put(&mut bytes[11..15], done_us.saturating_sub(started_us))?;
        put(&mut bytes[15..17], device.into())?;
        let (tag, flags, challenge, other, number) = match act {
            Act::SignIn { password, app } => {
                let flags = if password { PASSWORD } else { 0 } | if app { APP } else { 0 };
                (0, flags, 0, 0, 0)
            }
            Act::Verify { challenge, code } => match code {
                Presented::Guess => (1, 0, challenge, 0, 0),
                Presented::Delivered {
                    challenge: other,
                    number,
                } => (2, 0, challenge, other, number),
            },
            Act::Resend { challenge } => (3, 0, challenge, 0, 0),
            Act::Switch { challenge } => (4, 0, challenge, 0, 0),
            Act::Use => (5, 0, 0, 0, 0),
            Act::Refresh => (6, 0, 0, 0, 0),
            Act::SignOut => (7, 0, 0, 0, 0),
            Act::Remove { device } => (8, 0, 0, device, 0),
            Act::ChangePassword => (9, 0, 0, 0, 0),
        };
        let (answer, reason, challenge) = match seen {
            Seen::SignedIn => (0, 0, challenge),
            // Only a first step is answered so; any other act has a challenge of its own in that place.
            Seen::Challenged(opened) if tag == 0 => (1, 0, opened),
            Seen::Challenged(_) => return None,
            Seen::Done => (2, 0, challenge),
            Seen::Refused(reason) => (3, place(reason)?, challenge),
            Seen::Limited => (4, 0, challenge),
            Seen::Unknown => (5, 0, challenge),
        };
        bytes[17] = tag | answer << 4;
        bytes[18] = flags | reason;
        put(&mut bytes[19..21], challenge.into())?;
        put(&mut bytes[21..23], other.into())?;
        put(&mut bytes[23..24], number.into())?;
        Some(Self(bytes))
    }

    /// Whose it is.
    pub(super) fn account(&self) -> u64 {
        get(&self.0[0..5])
    }

    /// The operation again.
    pub(super) fn unpack(&self) -> Happened {
        let bytes = &self.0;
        let started_us = get(&bytes[5..11]);
        let small = |range: std::ops::Range<usize>| get(&bytes[range]) as u32;
        let (challenge, other, number) = (small(19..21), small(21..23), small(23..24));
        let act = match bytes[17] & 0xf {
            0 => Act::SignIn {
                password: bytes[18] & PASSWORD != 0,
                app: bytes[18] & APP != 0,
            },
            1 => Act::Verify {
                challenge,
                code: Presented::Guess,
            },
            2 => Act::Verify {
                challenge,
                code: Presented::Delivered {
                    challenge: other,
                    number,
                },
            },
            3 => Act::Resend { challenge },
            4 => Act::Switch { challenge },
            5 => Act::Use,
            6 => Act::Refresh,
            7 => Act::SignOut,
            8 => Act::Remove { device: other },
            _ => Act::ChangePassword,
        };
        let seen = match bytes[17] >> 4 {
            0 => Seen::SignedIn,
            1 => Seen::Challenged(challenge),
            2 => Seen::Done,
            3 => {
                let place = usize::from(bytes[18] & !(PASSWORD | APP));
                Seen::Refused(Refusal::ALL.get(place).copied().unwrap_or(Refusal::Unspecified))
            }
            4 => Seen::Limited,
            _ => Seen::Unknown,
        };
        Happened {
            account: self.account(),
            device: small(15..17),
            act,
            seen,
            started_us,
            done_us: started_us + get(&bytes[11..15]),
        }
    }
}

fn place(reason: Refusal) -> Option<u8> {
    let place = Refusal::ALL.iter().position(|other| *other == reason)?;
    u8::try_from(place).ok()
}

/// Highest byte first, so that bytes are ordered as numbers are.
fn put(to: &mut [u8], number: u64) -> Option<()> {
    let bytes = number.to_be_bytes();
    let (above, own) = bytes.split_at(bytes.len() - to.len());
    if above.iter().any(|byte| *byte != 0) {
        return None;
    }
    to.copy_from_slice(own);
    Some(())
}

fn get(from: &[u8]) -> u64 {
    from.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every act with every answer that it can have.
    fn all() -> Vec<Happened> {
        let delivered = Presented::Delivered {
            challenge: 65_535,
            number: 255,
        };
        let sign_ins = [(false, false), (false, true), (true, false), (true, true)];
        let mut acts: Vec<Act> = sign_ins.map(|(password, app)| Act::SignIn { password, app }).to_vec();
        acts.extend([Presented::Guess, delivered].map(|code| Act::Verify { challenge: 300, code }));
        acts.extend([Act::Resend { challenge: 65_535 }, Act::Switch { challenge: 1 }]);
        acts.extend([
            Act::Use,
            Act::Refresh,
            Act::SignOut,
            Act::Remove { device: 4_000 },
            Act::ChangePassword,
        ]);
        let mut answers = vec![Seen::SignedIn, Seen::Done, Seen::Limited, Seen::Unknown];
        answers.extend(Refusal::ALL.map(Seen::Refused));
        let mut all = Vec::new();
        for act in acts {
            let opened = matches!(act, Act::SignIn { .. }).then_some(Seen::Challenged(65_535));
            all.extend(answers.iter().copied().chain(opened).map(|seen| Happened {
                account: (1 << 40) - 1,
                device: 65_535,
                act,
                seen,
                started_us: (1 << 48) - 1,
                done_us: (1 << 48) - 1 + u64::from(u32::MAX),
            }));
        }
        all
    }

    #[test]
    fn every_operation_comes_out_as_it_went_in() {
        assert_eq!(size_of::<Packed>(), 24);
        for happened in all() {
            assert_eq!(Packed::pack(&happened).map(|packed| packed.unpack()), Some(happened));
        }
    }

    #[test]
    fn what_has_no_place_is_not_packed() {
        for happened in all() {
            let account = happened.account + 1;
            assert_eq!(
                Packed::pack(&Happened {
                    account,
                    ..happened.clone()
                }),
                None
            );
            let device = happened.device + 1;
            assert_eq!(
                Packed::pack(&Happened {
                    device,
                    ..happened.clone()
                }),
                None
            );
            let done_us = happened.done_us + 1;
            assert_eq!(Packed::pack(&Happened { done_us, ..happened }), None);
        }
    }

    #[test]
    fn operations_are_ordered_by_account_and_then_by_their_start() {
        let at = |account, started_us| {
            let happened = Happened {
                account,
                started_us,
                done_us: started_us,
                ..all().remove(0)
            };
            Packed::pack(&happened).expect("small numbers")
        };
        assert!(at(1, 70_000) < at(2, 300) && at(2, 300) < at(2, 70_000) && at(2, 70_000) < at(256, 0));
    }
}
