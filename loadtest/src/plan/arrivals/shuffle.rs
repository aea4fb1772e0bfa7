//! A shuffled order of many numbers that takes no memory: a Feistel network over the next power of four, walked until it
//! lands within the range.

use super::dice::mix;

const ROUNDS: u64 = 4;

/// A permutation of `0..count`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shuffle {
    count: u64,
    half_bits: u32,
    seed: u64,
}

impl Shuffle {
    pub(crate) fn new(count: u64, seed: u64) -> Self {
        let bits = u64::BITS - count.saturating_sub(1).leading_zeros();
        Self {
            count,
            half_bits: bits.div_ceil(2).max(1),
            seed,
        }
    }

    /// Where `nth` stands in the shuffled order; `nth` is below the count.
    pub(crate) fn at(&self, nth: u64) -> u64 {
        let mut place = self.step(nth);
        // The network permutes less than four times the range, and a walk that begins inside comes back inside.
        while place >= self.count {
            place = self.step(place);
        }
        place
    }

    fn step(&self, value: u64) -> u64 {
        let mask = (1u64 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ (mix(self.seed ^ round, right) & mask));
        }
        left << self.half_bits | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_has_a_place_of_their_own() {
        for count in [1, 2, 3, 4, 5, 17, 256, 1000, 4097] {
            let shuffle = Shuffle::new(count, 9);
            let mut places: Vec<u64> = (0..count).map(|nth| shuffle.at(nth)).collect();
            places.sort_unstable();
            assert!(places.into_iter().eq(0..count), "{count}");
        }
    }

    #[test]
    fn the_order_is_shuffled_and_the_seeds_differ() {
        let (one, other) = (Shuffle::new(10_000, 1), Shuffle::new(10_000, 2));
        let stays = (0..10_000).filter(|nth| one.at(*nth) == *nth).count();
        let same = (0..10_000).filter(|nth| one.at(*nth) == other.at(*nth)).count();
        assert!(stays < 20 && same < 20, "{stays} stay, {same} are the same");
        let follows = (1..10_000).filter(|nth| one.at(*nth) == one.at(nth - 1) + 1).count();
        assert!(follows < 20, "{follows} follow their neighbour");
    }
}
