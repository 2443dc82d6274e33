//! How many different things were seen: exactly for a few, estimated in 128 bytes for many.

use std::hash::{BuildHasher, Hash};

/// A count of different values.
#[derive(Clone, Debug)]
pub(crate) enum Distinct {
    /// Hashes of all of them.
    Few(Vec<u64>),
    /// A bit per value of a hash: the share of bits that are still clear tells how many there were
    /// (linear counting; a few per cent off up to about 5,000, a lower bound beyond).
    Many(Box<[u64; WORDS]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Distinct {
    pub(crate) fn insert(&mut self, value: &(impl Hash + ?Sized), hasher: &impl BuildHasher) {
        let hash = hasher.hash_one(value);
        match self {
            Self::Few(hashes) if hashes.contains(&hash) => {}
            Self::Few(hashes) if hashes.len() < FEW_MAX => hashes.push(hash),
            Self::Few(hashes) => {
                let mut bits = Box::new([0; WORDS]);
                hashes.iter().for_each(|hash| set(&mut bits, *hash));
                set(&mut bits, hash);
                *self = Self::Many(bits);
            }
            Self::Many(bits) => set(bits, hash),
        }
    }

    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Few(hashes) => hashes.len() as u64,
            Self::Many(bits) => {
                let clear: u32 = bits.iter().map(|word| word.count_zeros()).sum();
                let all = f64::from(BITS);
                let estimate = -all * (f64::from(clear.max(1)) / all).ln();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and about 7,100"
                )]
                let count = estimate.round() as u64;
                count.max(FEW_MAX as u64 + 1)
            }
        }
    }
}

fn set(bits: &mut [u64; WORDS], hash: u64) {
    let bit = hash % u64::from(BITS);
    let word = usize::try_from(bit / 64).unwrap_or(0);
    bits[word] |= 1 << (bit % 64);
}

const WORDS: usize = 16;
const BITS: u32 = 1_024;
/// So many are kept exactly.
const FEW_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::hash_map::RandomState;

    #[test]
    fn few_are_exact_and_many_are_close() {
        let hasher = RandomState::new();
        let check = |values: u64, low: u64, high: u64| {
            let mut seen = Distinct::default();
            for round in 0..2 * values {
                seen.insert(&(round % values), &hasher);
            }
            let count = seen.count();
            assert!((low..=high).contains(&count), "{values}: {count}");
        };
        check(1, 1, 1);
        check(32, 32, 32);
        check(200, 160, 240);
        check(2_000, 1_700, 2_300);
    }
}
