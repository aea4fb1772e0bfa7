//! Random numbers that are the same in every version and at every worker, which the generators of the `rand` crate do not
//! promise: SplitMix64, in eight lines.

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    state: u64,
}

/// One value made of two, with every bit of both in every bit of it.
pub(crate) fn mix(seed: u64, value: u64) -> u64 {
    finish(finish(seed ^ GOLDEN) ^ value.wrapping_mul(GOLDEN))
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn finish(state: u64) -> u64 {
    let mut z = state.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Dice {
    /// The stream of one purpose under a seed.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self {
            state: mix(seed, purpose),
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        let drawn = finish(self.state);
        self.state = self.state.wrapping_add(GOLDEN);
        drawn
    }

    /// Above 0 and at most 1, so that its logarithm is finite.
    pub(crate) fn part(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// The gap to the next of a Poisson process with this rate.
    pub(crate) fn gap(&mut self, rate: f64) -> f64 {
        -self.part().ln() / rate
    }
}
