//! Hashing of small keys.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Hashes keys of a few integers: a multiplication each, folded, from a random begin, so that
/// whoever writes the stamps cannot choose which of them meet.
#[derive(Clone, Debug)]
pub struct Folded {
    seed: u64,
}

impl Default for Folded {
    fn default() -> Folded {
        Folded {
            seed: RandomState::new().hash_one(0),
        }
    }
}

impl BuildHasher for Folded {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold(self.seed)
    }
}

/// A hash that is being made.
#[derive(Debug)]
pub struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words
            .iter()
            .for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        rest.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        // An odd constant with as many ones as zeros, and no pattern: digits of pi.
        const MULTIPLIER: u128 = 0x2437_6a88_85a3_08d3_1319_8a2e_0370_7345;
        let product = u128::from(self.0 ^ number).wrapping_mul(MULTIPLIER);
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}
