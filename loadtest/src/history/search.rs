//! The search for an order that explains every answer: depth first over the operations that may come next, after Wing and
//! Gong, never twice from the same machine with the same operations done (Lowe). Where one operation only may come next, as
//! almost always, nothing is remembered and nothing is copied for a way back.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use specs::machine::PermittedBehaviour;

use super::moves::{Counterexample, Node, ReducedHistory};

/// Moves that are tried for an account under one reading, beside twice as many as it has.
const MAX_TRIES: usize = 20_000;

/// What was found.
pub(super) enum Linearizability {
    /// An order explains every answer.
    Linearizable,
    /// None does; this is as far as any came.
    NotLinearizable(Box<Counterexample>),
    Unknown,
}

/// A move that may come next, and when at the earliest.
#[derive(Clone, Copy)]
struct Candidate {
    at: usize,
    not_before_us: u64,
}

/// A point with more than one way on.
struct Fork {
    node: Node,
    candidates: Vec<Candidate>,
    next: usize,
    /// Where the moves of this fork began.
    trail: usize,
    /// Machines that the candidate before led to as well.
    others: Vec<(usize, Node)>,
}

struct Search<'a> {
    reduced: &'a ReducedHistory<'a>,
    rules: &'a PermittedBehaviour,
    done: Vec<bool>,
    /// Done moves, in order.
    trail: Vec<usize>,
    /// Every certain move before this place is done.
    first: usize,
    optional: Vec<usize>,
    certain_left: usize,
    /// Changes with every move that is done or undone, and is the same for the same moves.
    fingerprint: u64,
    tries: usize,
    furthest: Option<(usize, Box<Counterexample>)>,
}

/// Searches under one reading.
pub(super) fn search(reduced: &ReducedHistory<'_>, rules: &PermittedBehaviour) -> Linearizability {
    let moves = &reduced.moves;
    let optional: Vec<usize> = (0..moves.len()).filter(|at| moves[*at].optional).collect();
    let certain_left = moves.len() - optional.len();
    let mut search = Search {
        reduced,
        rules,
        done: vec![false; moves.len()],
        trail: Vec::with_capacity(moves.len()),
        first: 0,
        optional,
        certain_left,
        fingerprint: 0,
        tries: 0,
        furthest: None,
    };
    search.run(MAX_TRIES + 2 * moves.len())
}

impl Search<'_> {
    fn run(&mut self, most_tries: usize) -> Linearizability {
        let mut node = self.reduced.start();
        let mut forks: Vec<Fork> = Vec::new();
        let mut visited: HashSet<u64> = HashSet::new();
        let mut candidates = Vec::new();
        let mut reached = Vec::new();
        while self.certain_left > 0 {
            if self.tries > most_tries {
                return Linearizability::Unknown;
            }
            self.candidates(node.clock_us, &mut candidates);
            if let [only] = candidates[..] {
                reached.clear();
                self.attempt(&mut node, only, &mut reached);
                if reached.len() == 1 {
                    self.push(only.at);
                    node = reached.remove(0);
                    continue;
                }
            }
            let fork = Fork {
                candidates: std::mem::take(&mut candidates),
                next: 0,
                trail: self.trail.len(),
                others: Vec::new(),
                node,
            };
            if visited.insert(self.key(&fork.node)) {
                forks.push(fork);
            }
            match self.way_on(&mut forks, most_tries) {
                Some(next) => node = next,
                None if self.tries > most_tries => return Linearizability::Unknown,
                None => {
                    return match self.furthest.take() {
                        Some((_, counterexample)) => Linearizability::NotLinearizable(counterexample),
                        None => Linearizability::Unknown,
                    };
                }
            }
        }
        Linearizability::Linearizable
    }

    /// The next untried way from the last fork that has one.
    fn way_on(&mut self, forks: &mut Vec<Fork>, most_tries: usize) -> Option<Node> {
        let mut reached = Vec::new();
        while let Some(fork) = forks.last_mut() {
            self.undo_to(fork.trail);
            if let Some((at, node)) = fork.others.pop() {
                self.push(at);
                return Some(node);
            }
            let Some(candidate) = fork.candidates.get(fork.next).copied() else {
                forks.pop();
                continue;
            };
            if self.tries > most_tries {
                return None;
            }
            fork.next += 1;
            self.attempt(&mut fork.node, candidate, &mut reached);
            fork.others.extend(reached.drain(..).rev().map(|node| (candidate.at, node)));
        }
        None
    }

    fn attempt(&mut self, node: &mut Node, candidate: Candidate, reached: &mut Vec<Node>) {
        self.tries += 1;
        let step = &self.reduced.moves[candidate.at];
        let Err(expected) = self.reduced.make(self.rules, node, step, candidate.not_before_us, reached) else {
            return;
        };
        // What is optional is never blamed.
        let is_furthest = self.furthest.as_ref().is_none_or(|(left, _)| self.certain_left < *left);
        if !step.optional && is_furthest {
            let counterexample = Counterexample {
                place: step.place,
                before: node.clone(),
                expected,
            };
            self.furthest = Some((self.certain_left, Box::new(counterexample)));
        }
    }

    /// Moves that no other one has to come before: certain ones by their end, then those that may have been done.
    fn candidates(&mut self, clock_us: u64, to: &mut Vec<Candidate>) {
        to.clear();
        let moves = &self.reduced.moves;
        while moves
            .get(self.first)
            .is_some_and(|step| step.optional || self.done[self.first])
        {
            self.first += 1;
        }
        let mut bound_us = u64::MAX;
        for (at, step) in moves.iter().enumerate().skip(self.first) {
            if step.invoked_us > bound_us {
                break;
            }
            if !step.optional && !self.done[at] {
                bound_us = bound_us.min(step.returned_us);
                to.push(Candidate { at, not_before_us: 0 });
            }
        }
        to.retain(|candidate| moves[candidate.at].invoked_us <= bound_us);
        to.sort_by_key(|candidate| moves[candidate.at].returned_us);
        for at in self.optional.iter().copied() {
            let step = &moves[at];
            if self.done[at] || step.invoked_us > bound_us || step.returned_us < clock_us {
                continue;
            }
            // As early as can be is best for a cool-down after it, as late as can be for what lives from then on.
            to.push(Candidate { at, not_before_us: 0 });
            let latest_us = step.returned_us.min(bound_us);
            if latest_us > clock_us.max(step.invoked_us) + 1_000_000 {
                to.push(Candidate {
                    at,
                    not_before_us: latest_us,
                });
            }
        }
    }

    fn push(&mut self, at: usize) {
        self.done[at] = true;
        self.trail.push(at);
        self.fingerprint ^= scattered(at);
        self.certain_left -= usize::from(!self.reduced.moves[at].optional);
    }

    fn undo_to(&mut self, length: usize) {
        for at in self.trail.drain(length..) {
            self.done[at] = false;
            self.fingerprint ^= scattered(at);
            self.certain_left += usize::from(!self.reduced.moves[at].optional);
            self.first = self.first.min(at);
        }
    }

    fn key(&self, node: &Node) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.fingerprint.hash(&mut hasher);
        node.hash(&mut hasher);
        hasher.finish()
    }
}

fn scattered(at: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    at.hash(&mut hasher);
    hasher.finish()
}
