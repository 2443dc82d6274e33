//! A map from byte-string names to values that is built at compile time.
//!
//! Field names and record types are looked up once per field; a hash of a few bytes and one
//! comparison is what that may cost.

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
            if candidate.as_bytes() == name {
                return Some(value);
            }
            slot = (slot + 1) % SLOTS;
        }
        None
    }
}

/// FNV-1a over at most the first 16 bytes, mixed with the length: names are short, and a name that
/// an attacker made long must not cost more.
const fn hash(name: &[u8]) -> u32 {
    let mut hash = 0x811c_9dc5 ^ name.len() as u32;
    let mut index = 0;
    while index < name.len() && index < 16 {
        hash = (hash ^ name[index] as u32).wrapping_mul(0x0100_0193);
        index += 1;
    }
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in() {
        static MAP: NameMap<u8, 8> = NameMap::new(&[("a", 1), ("b", 2), ("ab", 3), ("", 4)]);
        assert_eq!(MAP.get(b"a"), Some(1));
        assert_eq!(MAP.get(b"b"), Some(2));
        assert_eq!(MAP.get(b"ab"), Some(3));
        assert_eq!(MAP.get(b""), Some(4));
        assert_eq!(MAP.get(b"abc"), None);
    }
}
