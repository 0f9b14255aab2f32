//! Chance, from a seed: the same seed and purpose give the same numbers for ever.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// What numbers are drawn for. Each purpose has a stream of its own, so that a new one does not shift the others.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Systems,
    Servers,
    Services,
    Work,
    Ids,
}

/// A stream of numbers.
#[derive(Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64, purpose: Purpose) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(match purpose {
            Purpose::Systems => 1,
            Purpose::Servers => 2,
            Purpose::Services => 3,
            Purpose::Work => 4,
            Purpose::Ids => 5,
        });
        Self(rng)
    }

    /// Any 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to before `bound`; 0 if the bound is 0. The bias of the remainder is far below what a demo
    /// could show.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high - low + 1).unwrap_or(1);
        low + i64::try_from(self.below(width)).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of a list, each as likely.
    pub(crate) fn pick<T: Copy + Default>(&mut self, list: &[T]) -> T {
        let place = usize::try_from(self.below(u64::try_from(list.len()).unwrap_or(0))).unwrap_or(0);
        list.get(place).copied().unwrap_or_default()
    }

    /// One of a list by weight.
    pub(crate) fn weighted<T: Copy + Default>(&mut self, list: &[(T, u64)]) -> T {
        let mut point = self.below(list.iter().map(|(_, weight)| weight).sum());
        for (value, weight) in list {
            if point < *weight {
                return *value;
            }
            point -= weight;
        }
        T::default()
    }
}
