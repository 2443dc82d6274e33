//! What found no room, counted by the label of the rule that caught it.
//!
//! A label is looked for in the text as it stands (` key="…"`), without parsing: whoever drops has no
//! time, and only the record of the system call itself carries it.

use std::collections::BTreeMap;

use memchr::memmem;

/// Entries that were dropped since the last gap entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) entries: u64,
    keys: BTreeMap<String, u64>,
}

impl Dropped {
    /// Counts entries of which nothing is known.
    pub(super) fn add_unknown(&mut self, entries: u64) {
        self.entries += entries;
    }

    /// Counts an entry by its payload.
    pub(super) fn add(&mut self, payload: &[u8]) {
        self.entries += 1;
        if let Some(key) = key(payload) {
            self.count(key, 1);
        }
    }

    /// Counts labels that were counted elsewhere.
    pub(super) fn add_keys(&mut self, keys: BTreeMap<String, u64>) {
        for (key, count) in keys {
            self.count(key, count);
        }
    }

    /// The labels with their counts.
    pub(super) fn into_keys(self) -> BTreeMap<String, u64> {
        self.keys
    }

    fn count(&mut self, key: String, count: u64) {
        let known = self.keys.contains_key(&key);
        let key = if known || self.keys.len() < KEYS_MAX {
            key
        } else {
            OTHERS.to_owned()
        };
        let counted = self.keys.entry(key).or_default();
        *counted = counted.saturating_add(count);
    }
}

/// The label in a record's text; its hexadecimal digits where the kernel wrote it so.
fn key(text: &[u8]) -> Option<String> {
    let at = memmem::rfind(text, b" key=")?;
    let value = &text[at + 5..];
    let end = |byte: &u8| matches!(byte, b'"' | b' ' | b'\n' | 0x1d);
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let value = &value[..value.iter().position(end).unwrap_or(value.len())];
    let value = &value[..value.len().min(KEY_BYTES_MAX)];
    (!value.is_empty() && value != b"(null)").then(|| String::from_utf8_lossy(value).into_owned())
}

/// Labels that are told apart.
const KEYS_MAX: usize = 64;
/// In their place beyond that.
const OTHERS: &str = "(others)";
/// AUDIT_MAX_KEY_LEN of the kernel's rules, in hexadecimal digits.
const KEY_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_counted_and_bounded() {
        let mut dropped = Dropped::default();
        dropped.add(b"audit(1.002:3): comm=\"a key=\" exe=\"/x\" key=\"exec\"");
        dropped.add(b"audit(1.002:3): key=\"exec\"\x1dARCH=x86_64");
        dropped.add(b"audit(1.002:4): key=(null)");
        dropped.add(b"audit(1.002:4): key=6101 x=1");
        dropped.add(b"no label");
        dropped.add_unknown(5);
        assert_eq!(dropped.entries, 10);
        for number in 0..100 {
            dropped.add(format!("x key=\"k{number}\"").as_bytes());
        }
        let keys = dropped.into_keys();
        assert_eq!((keys["exec"], keys["6101"], keys[OTHERS]), (2, 1, 38));
        assert_eq!(keys.len(), KEYS_MAX + 1);
    }
}
