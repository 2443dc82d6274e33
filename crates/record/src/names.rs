//! A map from byte-string names to values that is built at compile time.
//!
//! Field names and record types are looked up once per field; two loads, a multiplication and one
//! comparison of words is what that may cost. No hash of the whole name is made, and no call of
//! `memcmp`: nearly all names have at most sixteen bytes.

/// An open-addressing hash table over a static list. `SLOTS` is a power of two, at least twice the
/// number of entries.
pub(crate) struct NameMap<V: Copy + 'static, const SLOTS: usize> {
    entries: &'static [(&'static str, V)],
    /// Index of an entry plus one; zero where the slot is free.
    slots: [u16; SLOTS],
}

impl<V: Copy + 'static, const SLOTS: usize> NameMap<V, SLOTS> {
    /// Builds the table; an overfull one fails to compile.
    pub(crate) const fn new(entries: &'static [(&'static str, V)]) -> NameMap<V, SLOTS> {
        assert!(SLOTS.is_power_of_two() && entries.len() * 2 <= SLOTS);
        let mut slots = [0u16; SLOTS];
        let mut index = 0;
        while index < entries.len() {
            let mut slot = hash(entries[index].0.as_bytes()) as usize % SLOTS;
            while slots[slot] != 0 {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = index as u16 + 1;
            index += 1;
        }
        NameMap { entries, slots }
    }

    /// The value under exactly this name.
    #[inline]
    pub(crate) fn get(&self, name: &[u8]) -> Option<V> {
        let mut slot = hash(name) as usize % SLOTS;
        // At least half of the slots are free, so the walk ends.
        while self.slots[slot] != 0 {
            let (candidate, value) = self.entries[self.slots[slot] as usize - 1];
            if same(candidate.as_bytes(), name) {
                return Some(value);
            }
            slot = (slot + 1) % SLOTS;
        }
        None
    }
}

/// Whether two names are equal; faster than `==` for short ones of lengths not known beforehand.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && words(a) == words(b) && (a.len() <= 16 || a == b)
}

/// The first and the last bytes of a name, which are all of it up to sixteen bytes.
#[inline]
const fn words(name: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return (
            u32::from_le_bytes(*first) as u64,
            u32::from_le_bytes(*last) as u64,
        );
    }
    match name {
        [] => (0, 0),
        [one] => (*one as u64, 0),
        [one, two] => (*one as u64 | (*two as u64) << 8, 0),
        [one, two, three, ..] => (*one as u64 | (*two as u64) << 8 | (*three as u64) << 16, 0),
    }
}

/// The upper bits of the fingerprint, into which all bits of the words go.
#[inline]
const fn hash(name: &[u8]) -> u64 {
    fingerprint(name) >> 40
}

/// A number that different names hardly ever share, and long ones with equal ends always.
#[inline]
pub(crate) const fn fingerprint(name: &[u8]) -> u64 {
    // 2^64 divided by the golden ratio, odd.
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let (first, last) = words(name);
    (first ^ last.rotate_left(29) ^ name.len() as u64).wrapping_mul(MULTIPLIER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in() {
        static MAP: NameMap<u8, 32> = NameMap::new(&[
            ("a", 1),
            ("b", 2),
            ("ab", 3),
            ("", 4),
            ("abc", 5),
            ("abcd", 6),
            ("abcdefgh", 7),
            ("abcdefghijklmnop", 8),
            ("abcdefgh_one_ijklmnop", 9),
            ("abcdefgh_two_ijklmnop", 10),
        ]);
        for (name, value) in MAP.entries {
            assert_eq!(MAP.get(name.as_bytes()), Some(*value), "{name}");
        }
        for other in ["c", "ba", "abd", "abcdefgi", "abcdefgh_six_ijklmnop"] {
            assert_eq!(MAP.get(other.as_bytes()), None, "{other}");
        }
    }
}
