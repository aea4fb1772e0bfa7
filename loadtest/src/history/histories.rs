//! What happened, collected while the storm runs: sharded by account, 24 bytes an operation, in bounded memory. Where the
//! bound is reached, whole accounts are let go by their number, every second one each time, and the part that is left is
//! told: half a history could not be judged, half of the accounts can.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::IntoIter;

use super::packed::Packed;
use super::{Happened, Tally};
use crate::record::Attack;

const SHARDS: usize = 64;
/// Operations a block: small enough that 64 shards weigh little, large enough that growing is rare and never copies.
const BLOCK: usize = 1024;

/// Collects histories. It is shared by reference between all who walk.
#[derive(Debug)]
pub struct Histories {
    shards: Vec<Mutex<Shard>>,
    limit: u64,
    kept: AtomicU64,
    /// One in two to the power of this many accounts is kept.
    halvings: AtomicU32,
    /// Held while accounts are let go: those who come meanwhile wait and look again.
    halving: Mutex<()>,
}

#[derive(Debug, Default)]
struct Shard {
    blocks: Vec<Vec<Packed>>,
    attackers: Tally,
    /// Accounts with an operation that has no place in the encoding: their histories have a hole.
    unfit: HashSet<u64>,
    halvings: u32,
}

impl Default for Histories {
    /// With room for 10 million operations (240 MB).
    fn default() -> Self {
        Self::with_room_for(10_000_000)
    }
}

impl Histories {
    /// With room for so many operations.
    pub fn with_room_for(operations: u64) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            limit: operations,
            kept: AtomicU64::new(0),
            halvings: AtomicU32::new(0),
            halving: Mutex::new(()),
        }
    }

    /// Writes down what happened, and whether an attacker did it. Attackers' figures are exact also for accounts that
    /// are let go.
    pub fn push(&self, happened: &Happened, attacker: bool) {
        let account = happened.account;
        let mut shard = self.shard(place(account));
        if attacker {
            shard.attackers.note(happened);
        }
        self.catch_up(&mut shard);
        if !is_kept(account, shard.halvings) {
            return;
        }
        match Packed::pack(happened) {
            Some(packed) => shard.push(packed),
            None => {
                shard.unfit.insert(account);
                return;
            }
        }
        drop(shard);
        if self.kept.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.halve();
        }
    }

    /// What the attackers achieved so far; `collateral` is left to the caller.
    pub fn attack(&self) -> Attack {
        let mut all = Tally::default();
        for shard in 0..SHARDS {
            all.merge(&self.shard(shard).attackers);
        }
        all.figures()
    }

    /// One in so many accounts was kept: 1 is all of them.
    pub fn one_in(&self) -> u64 {
        1 << self.halvings.load(Ordering::Relaxed).min(63)
    }

    /// Operations that are kept.
    pub fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
    }

    /// Accounts that are kept and whose history has a hole: they are not handed over, and count as unjudged.
    pub fn unfit(&self) -> u64 {
        (0..SHARDS).map(|shard| self.shard(shard).unfit.len() as u64).sum()
    }

    /// Hands over the histories account by account, each in the order of its starts, and keeps none of them.
    pub fn drain(&self) -> Drained<'_> {
        Drained {
            histories: self,
            shard: 0,
            present: Vec::new().into_iter(),
            unfit: HashSet::new(),
        }
    }

    fn shard(&self, place: usize) -> MutexGuard<'_, Shard> {
        // A shard is whole between any two of its statements: a panic elsewhere has not broken it.
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go every second account that is left. Shards that are busy follow when they are next touched.
    fn halve(&self) {
        let _one_at_a_time = self.halving.lock().unwrap_or_else(PoisonError::into_inner);
        if self.kept() <= self.limit {
            return;
        }
        let next = self.halvings.load(Ordering::Relaxed) + 1;
        if next > 63 {
            return;
        }
        self.halvings.store(next, Ordering::Relaxed);
        for place in 0..SHARDS {
            self.catch_up(&mut self.shard(place));
        }
    }

    fn catch_up(&self, shard: &mut Shard) {
        let halvings = self.halvings.load(Ordering::Relaxed);
        if shard.halvings != halvings {
            shard.halvings = halvings;
            let gone = shard.keep(|account| is_kept(account, halvings));
            self.kept.fetch_sub(gone, Ordering::Relaxed);
        }
    }
}

impl Shard {
    fn push(&mut self, packed: Packed) {
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(packed),
            _ => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(packed);
                self.blocks.push(block);
            }
        }
    }

    /// Keeps these accounts, and tells how many operations went.
    fn keep(&mut self, keeps: impl Fn(u64) -> bool) -> u64 {
        self.unfit.retain(|account| keeps(*account));
        let mut gone = 0;
        for block in std::mem::take(&mut self.blocks) {
            for packed in block {
                match keeps(packed.account()) {
                    true => self.push(packed),
                    false => gone += 1,
                }
            }
        }
        gone
    }
}

/// Histories being handed over, a shard at a time.
#[derive(Debug)]
pub struct Drained<'a> {
    histories: &'a Histories,
    shard: usize,
    present: IntoIter<Packed>,
    unfit: HashSet<u64>,
}

impl Drained<'_> {
    fn next_shard(&mut self) -> Option<()> {
        if self.shard == SHARDS {
            return None;
        }
        let mut shard = self.histories.shard(self.shard);
        self.shard += 1;
        let blocks = std::mem::take(&mut shard.blocks);
        self.unfit.clone_from(&shard.unfit);
        drop(shard);
        let mut all: Vec<Packed> = blocks.into_iter().flatten().collect();
        self.histories.kept.fetch_sub(all.len() as u64, Ordering::Relaxed);
        all.sort_unstable();
        self.present = all.into_iter();
        Some(())
    }
}

impl Iterator for Drained<'_> {
    type Item = (u64, Vec<Happened>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(account) = self.present.as_slice().first().map(Packed::account) else {
                self.next_shard()?;
                continue;
            };
            let of_account = self.present.as_slice().iter().take_while(|next| next.account() == account);
            let count = of_account.count();
            let history = self.present.by_ref().take(count).map(|packed| packed.unpack()).collect();
            if !self.unfit.contains(&account) {
                return Some((account, history));
            }
        }
    }
}

/// Neighbouring numbers often do alike: what is kept and where it lies is told by bits that look random.
fn mixed(account: u64) -> u64 {
    let mut bits = account.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits ^= bits >> 32;
    bits.wrapping_mul(0xd6e8_feb8_6659_fd93)
}

fn place(account: u64) -> usize {
    (mixed(account) >> 58) as usize
}

fn is_kept(account: u64, halvings: u32) -> bool {
    (mixed(account) >> 20).trailing_zeros() >= halvings
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::history::{Act, Seen};

    fn happened(account: u64, started_us: u64) -> Happened {
        Happened {
            account,
            device: 0,
            act: Act::SignIn {
                password: true,
                app: true,
            },
            seen: Seen::SignedIn,
            started_us,
            done_us: started_us + 1,
        }
    }

    #[test]
    fn histories_come_out_by_account_in_the_order_of_their_starts_and_once() {
        let histories = Histories::default();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let histories = &histories;
                scope.spawn(move || {
                    for n in (0..500).rev() {
                        histories.push(&happened(n % 100, n * 10 + thread), false);
                    }
                });
            }
        });
        assert_eq!(histories.kept(), 2000);
        let drained: BTreeMap<u64, Vec<Happened>> = histories.drain().collect();
        assert_eq!(drained.len(), 100);
        for (account, history) in drained {
            assert!(history.iter().all(|happened| happened.account == account));
            assert_eq!(history.len(), 20);
            assert!(history.is_sorted_by_key(|happened| happened.started_us));
        }
        assert_eq!((histories.drain().count(), histories.kept(), histories.one_in()), (0, 0, 1));
    }

    #[test]
    fn where_room_ends_whole_accounts_go_and_it_is_told() {
        const LIMIT: u64 = 3_000;
        let histories = Histories::with_room_for(LIMIT);
        for round in 0..4 {
            for account in 0..2_500 {
                histories.push(&happened(account, round), account == 7);
                assert!(histories.kept() <= LIMIT);
            }
        }
        assert_eq!(histories.one_in(), 4);
        let drained: Vec<(u64, Vec<Happened>)> = histories.drain().collect();
        assert!((500..750).contains(&drained.len()), "{}", drained.len());
        assert!(drained.iter().all(|(_, history)| history.len() == 4));
        // Attackers are counted whether or not their account is kept.
        assert_eq!(
            (histories.attack().accounts_entered, histories.attack().guesses_evaluated),
            (1, 4)
        );
    }

    #[test]
    fn a_history_with_a_hole_is_not_handed_over_and_counted() {
        let histories = Histories::default();
        for account in 0..3 {
            histories.push(&happened(account, 0), false);
        }
        let device = 70_000;
        histories.push(
            &Happened {
                device,
                ..happened(1, 5)
            },
            false,
        );
        let accounts: BTreeSet<u64> = histories.drain().map(|(account, _)| account).collect();
        assert_eq!((accounts, histories.unfit()), (BTreeSet::from([0, 2]), 1));
    }
}
