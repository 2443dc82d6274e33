//! The set of system calls that a rule selects.

use crate::limits::MASK_WORDS;

/// A set of numbers below 2048; the `mask` of `struct audit_rule_data`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mask([u32; MASK_WORDS]);

impl Mask {
    /// Numbers that fit.
    pub const BITS: u32 = MASK_WORDS as u32 * 32;
    /// The uppermost bits are no system calls: on the way in, the kernel takes them as the
    /// numbers of syscall classes and clears them; `audit_to_entry_common`, kernel/auditfilter.c.
    const CLASS_BITS: u32 = 0xffff_0000;

    /// No system call.
    #[must_use]
    pub const fn none() -> Self {
        Self([0; MASK_WORDS])
    }

    /// Every system call, as `-S all` writes it.
    #[must_use]
    pub const fn all() -> Self {
        Self([u32::MAX; MASK_WORDS])
    }

    /// From the words of the kernel's structure.
    #[must_use]
    pub const fn from_words(words: [u32; MASK_WORDS]) -> Self {
        Self(words)
    }

    /// The words of the kernel's structure.
    #[must_use]
    pub const fn words(&self) -> &[u32; MASK_WORDS] {
        &self.0
    }

    /// Adds a number; false where it does not fit.
    pub fn insert(&mut self, number: u32) -> bool {
        let Some(word) = self.0.get_mut(number as usize / 32) else {
            return false;
        };
        *word |= 1 << (number % 32);
        true
    }

    /// Whether the number is in it.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.0
            .get(number as usize / 32)
            .is_some_and(|word| word >> (number % 32) & 1 == 1)
    }

    /// Whether it counts as "every system call". The last word does not matter: the kernel
    /// clears part of it, and auditctl does not look at it either.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0[..MASK_WORDS - 1]
            .iter()
            .all(|&word| word == u32::MAX)
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// The numbers in it, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..Self::BITS).filter(|&number| self.contains(number))
    }

    /// How many numbers are in it.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether it is empty; the usual companion of [`Mask::len`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_none()
    }

    /// Whether every number of `other` is in it, the class bits aside.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.pairs(other).all(|(mine, theirs)| theirs & !mine == 0)
    }

    /// Whether any number is in both, the class bits aside.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.pairs(other).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// The words of both, the class bits cleared.
    fn pairs<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (u32, u32)> + 'a {
        (0..MASK_WORDS).map(|at| {
            let keep = if at == MASK_WORDS - 1 {
                !Self::CLASS_BITS
            } else {
                u32::MAX
            };
            (self.0[at] & keep, other.0[at] & keep)
        })
    }

    /// Adds every number of `other`.
    pub fn extend(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
    }

    /// As the kernel lists it after a load: without the class bits.
    #[must_use]
    pub fn as_listed(&self) -> Self {
        let mut words = self.0;
        words[MASK_WORDS - 1] &= !Self::CLASS_BITS;
        Self(words)
    }
}

impl FromIterator<u32> for Mask {
    /// Numbers that do not fit are left out.
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut mask = Self::none();
        for number in numbers {
            mask.insert(number);
        }
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_put_in() {
        let mask: Mask = [0, 31, 32, 2047, 2048, u32::MAX].into_iter().collect();
        assert_eq!(mask.iter().collect::<Vec<_>>(), [0, 31, 32, 2047]);
        assert_eq!(mask.len(), 4);
        assert!(!mask.is_all() && !mask.is_none());
    }

    #[test]
    fn all_stays_all_after_the_kernel_cleared_the_class_bits() {
        let listed = Mask::all().as_listed();
        assert_ne!(listed, Mask::all());
        assert!(listed.is_all());
        assert!(listed.covers(&Mask::all()));
    }
}
