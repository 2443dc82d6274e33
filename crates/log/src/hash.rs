//! SHA-256 as the log uses it: leaves, nodes and chain heads, each under its own prefix.
//!
//! ```text
//! leaf   SHA-256(0x00 ‖ entry)                 RFC 6962, section 2.1
//! node   SHA-256(0x01 ‖ left ‖ right)          RFC 6962, section 2.1
//! chain  SHA-256(0x02 ‖ head before ‖ leaf)    ours; the head before the first entry is zero
//! ```

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256, digest};

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// 32 zero bytes: the chain head before the first entry of a stream.
    pub const ZERO: Self = Self([0; 32]);

    /// Takes a hash from a slice of exactly 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Hash {
    let hash = digest(&SHA256, bytes);
    Hash(hash.as_ref().try_into().expect("SHA-256 yields 32 bytes"))
}

/// The leaf hash of an entry.
///
/// Most entries are short: they are hashed from the stack in one call, which costs less than
/// the heap-allocated context that an input in two parts needs.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    const ON_STACK: usize = 1_024;
    if entry.len() < ON_STACK {
        let mut prefixed = [LEAF_PREFIX; ON_STACK];
        prefixed[1..=entry.len()].copy_from_slice(entry);
        return sha256(&prefixed[..=entry.len()]);
    }
    let mut context = Context::new(&SHA256);
    context.update(&[LEAF_PREFIX]);
    context.update(entry);
    Hash(
        context
            .finish()
            .as_ref()
            .try_into()
            .expect("SHA-256 yields 32 bytes"),
    )
}

/// The hash of an inner node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    prefixed_pair(NODE_PREFIX, left, right)
}

/// The chain head after an entry, from the head before it and the entry's leaf hash.
pub fn chain_head(before: &Hash, leaf: &Hash) -> Hash {
    prefixed_pair(CHAIN_PREFIX, before, leaf)
}

/// The root of the empty tree: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// The four bytes that follow an entry in a write-ahead frame: the start of its leaf hash.
pub fn check(leaf: &Hash) -> [u8; 4] {
    [leaf.0[0], leaf.0[1], leaf.0[2], leaf.0[3]]
}

fn prefixed_pair(prefix: u8, left: &Hash, right: &Hash) -> Hash {
    let mut input = [prefix; 65];
    input[1..33].copy_from_slice(&left.0);
    input[33..].copy_from_slice(&right.0);
    sha256(&input)
}

/// The prefix of a leaf; the spool's hot path lays it out in place.
pub(crate) const LEAF_PREFIX: u8 = 0;
const NODE_PREFIX: u8 = 1;
const CHAIN_PREFIX: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // RFC 6962 trees: the empty tree and the leaf of no bytes.
        assert_eq!(
            empty_root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            leaf_hash(&[]).to_string(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
    }

    #[test]
    fn long_and_short_leaves_hash_alike() {
        for len in [1_022, 1_023, 1_024, 1_025, 65_036] {
            let entry = vec![7; len];
            let mut prefixed = vec![0];
            prefixed.extend(&entry);
            assert_eq!(leaf_hash(&entry), sha256(&prefixed), "length {len}");
        }
    }
}
