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

use super::{Call, CodeUsed, Operation, Response};

/// An operation of an account. Ordered bytewise, operations are ordered by account and then by their start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Packed([u8; 24]);

const PASSWORD: u8 = 0x80;
const APP: u8 = 0x40;

impl Packed {
    /// Packs; `None` where a number is larger than its place.
    pub(super) fn pack(operation: &Operation) -> Option<Self> {
        let Operation {
            account,
            device,
            call,
            response,
            invoked_us,
            returned_us,
        } = *operation;
        let mut bytes = [0; 24];
        put(&mut bytes[0..5], account)?;
        put(&mut bytes[5..11], invoked_us)?;
        put(&mut bytes[11..15], returned_us.saturating_sub(invoked_us))?;
        put(&mut bytes[15..17], device.into())?;
        let (tag, flags, challenge, other, number) = match call {
            Call::SignIn { password, app } => {
                let flags = if password { PASSWORD } else { 0 } | if app { APP } else { 0 };
                (0, flags, 0, 0, 0)
            }
            Call::Verify { challenge, code } => match code {
                CodeUsed::Guess => (1, 0, challenge, 0, 0),
                CodeUsed::Delivered {
                    challenge: other,
                    number,
                } => (2, 0, challenge, other, number),
            },
            Call::Resend { challenge } => (3, 0, challenge, 0, 0),
            Call::Switch { challenge } => (4, 0, challenge, 0, 0),
            Call::Use => (5, 0, 0, 0, 0),
            Call::Refresh => (6, 0, 0, 0, 0),
            Call::SignOut => (7, 0, 0, 0, 0),
            Call::Remove { device } => (8, 0, 0, device, 0),
            Call::ChangePassword => (9, 0, 0, 0, 0),
        };
        let (answer, reason, challenge) = match response {
            Response::SignedIn => (0, 0, challenge),
            // Only a first step is answered so; any other act has a challenge of its own in that place.
            Response::Challenged(opened) if tag == 0 => (1, 0, opened),
            Response::Challenged(_) => return None,
            Response::Done => (2, 0, challenge),
            Response::Refused(reason) => (3, place(reason)?, challenge),
            Response::Limited => (4, 0, challenge),
            Response::Unknown => (5, 0, challenge),
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
    pub(super) fn unpack(&self) -> Operation {
        let bytes = &self.0;
        let invoked_us = get(&bytes[5..11]);
        let small = |range: std::ops::Range<usize>| get(&bytes[range]) as u32;
        let (challenge, other, number) = (small(19..21), small(21..23), small(23..24));
        let call = match bytes[17] & 0xf {
            0 => Call::SignIn {
                password: bytes[18] & PASSWORD != 0,
                app: bytes[18] & APP != 0,
            },
            1 => Call::Verify {
                challenge,
                code: CodeUsed::Guess,
            },
            2 => Call::Verify {
                challenge,
                code: CodeUsed::Delivered {
                    challenge: other,
                    number,
                },
            },
            3 => Call::Resend { challenge },
            4 => Call::Switch { challenge },
            5 => Call::Use,
            6 => Call::Refresh,
            7 => Call::SignOut,
            8 => Call::Remove { device: other },
            _ => Call::ChangePassword,
        };
        let response = match bytes[17] >> 4 {
            0 => Response::SignedIn,
            1 => Response::Challenged(challenge),
            2 => Response::Done,
            3 => {
                let place = usize::from(bytes[18] & !(PASSWORD | APP));
                Response::Refused(Refusal::ALL.get(place).copied().unwrap_or(Refusal::Unspecified))
            }
            4 => Response::Limited,
            _ => Response::Unknown,
        };
        Operation {
            account: self.account(),
            device: small(15..17),
            call,
            response,
            invoked_us,
            returned_us: invoked_us + get(&bytes[11..15]),
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
    fn all() -> Vec<Operation> {
        let delivered = CodeUsed::Delivered {
            challenge: 65_535,
            number: 255,
        };
        let sign_ins = [(false, false), (false, true), (true, false), (true, true)];
        let mut acts: Vec<Call> = sign_ins.map(|(password, app)| Call::SignIn { password, app }).to_vec();
        acts.extend([CodeUsed::Guess, delivered].map(|code| Call::Verify { challenge: 300, code }));
        acts.extend([Call::Resend { challenge: 65_535 }, Call::Switch { challenge: 1 }]);
        acts.extend([
            Call::Use,
            Call::Refresh,
            Call::SignOut,
            Call::Remove { device: 4_000 },
            Call::ChangePassword,
        ]);
        let mut answers = vec![Response::SignedIn, Response::Done, Response::Limited, Response::Unknown];
        answers.extend(Refusal::ALL.map(Response::Refused));
        let mut all = Vec::new();
        for call in acts {
            let opened = matches!(call, Call::SignIn { .. }).then_some(Response::Challenged(65_535));
            all.extend(answers.iter().copied().chain(opened).map(|response| Operation {
                account: (1 << 40) - 1,
                device: 65_535,
                call,
                response,
                invoked_us: (1 << 48) - 1,
                returned_us: (1 << 48) - 1 + u64::from(u32::MAX),
            }));
        }
        all
    }

    #[test]
    fn every_operation_comes_out_as_it_went_in() {
        assert_eq!(size_of::<Packed>(), 24);
        for operation in all() {
            assert_eq!(Packed::pack(&operation).map(|packed| packed.unpack()), Some(operation));
        }
    }

    #[test]
    fn what_has_no_place_is_not_packed() {
        for operation in all() {
            let account = operation.account + 1;
            assert_eq!(
                Packed::pack(&Operation {
                    account,
                    ..operation.clone()
                }),
                None
            );
            let device = operation.device + 1;
            assert_eq!(
                Packed::pack(&Operation {
                    device,
                    ..operation.clone()
                }),
                None
            );
            let returned_us = operation.returned_us + 1;
            assert_eq!(
                Packed::pack(&Operation {
                    returned_us,
                    ..operation
                }),
                None
            );
        }
    }

    #[test]
    fn operations_are_ordered_by_account_and_then_by_their_start() {
        let at = |account, invoked_us| {
            let operation = Operation {
                account,
                invoked_us,
                returned_us: invoked_us,
                ..all().remove(0)
            };
            Packed::pack(&operation).expect("small numbers")
        };
        assert!(at(1, 70_000) < at(2, 300) && at(2, 300) < at(2, 70_000) && at(2, 70_000) < at(256, 0));
    }
}
