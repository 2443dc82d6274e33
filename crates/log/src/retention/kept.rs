//! The hashes below level 8 that outlive a removed segment.
//!
//! ```text
//! kept/<first>.nodes
//!  0  [u8;8]   "INDLKEP1"
//!  8  u64      first index of the segment
//! 16  u32      count
//! 20  count × u8 level ‖ u64 index ‖ [u8;32] hash, ascending by level and index
//!  …  u32      CRC-32C of everything above
//! ```
//!
//! For a checkpoint whose size is no multiple of 256 they are the complete subtrees on both sides of
//! its end inside its tile, at most nine: with the tiles they give its root, and prove that any later
//! checkpoint continues it.

use std::collections::BTreeMap;

use crate::codec::Cursor;
use crate::dir::{Dir, read_small};
use crate::error::{Error, Result};
use crate::hash::{Hash, node_hash};
use crate::limits::{KEPT_NODES_MAX, SEGMENT_ENTRIES};
use crate::merkle::{self, Levels, Nodes};
use crate::tile::{TILE_HEIGHT, TILE_WIDTH};

/// Nodes by level and index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptNodes(BTreeMap<(u32, u64), Hash>);

impl KeptNodes {
    /// Adds what keeps the checkpoint of size `size` provable; `leaves`: the hashes of the tile
    /// that it ends in.
    ///
    /// # Errors
    /// None where `leaves` are 256.
    pub fn keep(&mut self, size: u64, leaves: &[Hash]) -> Result<()> {
        let within = size % TILE_WIDTH;
        if within == 0 {
            return Ok(());
        }
        let tile: Levels = leaves.iter().copied().collect();
        let recorder = Recorder {
            tile: &tile,
            first: size - within,
            asked: Default::default(),
        };
        merkle::root(&recorder, within)?;
        merkle::consistency(&recorder, within, TILE_WIDTH)?;
        self.0.append(&mut recorder.asked.into_inner());
        Ok(())
    }

    /// A node, if it was kept.
    pub fn node(&self, level: u32, index: u64) -> Option<Hash> {
        self.0.get(&(level, index)).copied()
    }

    /// Adds the parent of the nodes `left` and `left + 1`, where both are there and it is not.
    pub(crate) fn join(&mut self, level: u32, left: u64) {
        let pair = self.node(level, left).zip(self.node(level, left + 1));
        if let Some((left_hash, right_hash)) = pair {
            let parent = (level + 1, left / 2);
            self.0
                .entry(parent)
                .or_insert_with(|| node_hash(&left_hash, &right_hash));
        }
    }

    /// All nodes, ascending by level and index.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64, Hash)> {
        self.0
            .iter()
            .map(|((level, index), hash)| (*level, *index, *hash))
    }

    /// Nodes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of the file.
    pub fn encode(&self, first: u64) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&(self.0.len() as u32).to_be_bytes());
        for (level, index, hash) in self.iter() {
            out.push(level as u8);
            out.extend_from_slice(&index.to_be_bytes());
            out.extend_from_slice(&hash.0);
        }
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_be_bytes());
        out
    }

    /// Reads a file back: the first index of its segment, and the nodes.
    ///
    /// # Errors
    /// What is wrong with it: nothing but what [`KeptNodes::encode`] writes is read.
    pub fn parse(bytes: &[u8]) -> Result<(u64, Self), &'static str> {
        const SHORT: &str = "the file is cut short";
        let (covered, crc) = bytes.split_last_chunk::<4>().ok_or(SHORT)?;
        if crc32c::crc32c(covered) != u32::from_be_bytes(*crc) {
            return Err("the checksum does not match");
        }
        let mut cursor = Cursor(covered);
        if cursor.array() != Some(*MAGIC) {
            return Err("it is no file of kept nodes");
        }
        let first = cursor.u64().ok_or(SHORT)?;
        let count = cursor.u32().ok_or(SHORT)?;
        if count as usize > KEPT_NODES_MAX || cursor.0.len() != count as usize * NODE_BYTES {
            return Err("the count is wrong");
        }
        let mut nodes = BTreeMap::new();
        for _ in 0..count {
            let level = u32::from(cursor.u8().ok_or(SHORT)?);
            let index = cursor.u64().ok_or(SHORT)?;
            let hash = cursor.hash().ok_or(SHORT)?;
            let leaf = index.checked_shl(level).filter(|_| level < TILE_HEIGHT);
            let inside = leaf.is_some_and(|leaf| {
                leaf >> level == index && leaf / SEGMENT_ENTRIES * SEGMENT_ENTRIES == first
            });
            let ascends = nodes
                .last_key_value()
                .is_none_or(|(last, _)| *last < (level, index));
            if !inside || !ascends {
                return Err("a node stands where none can");
            }
            nodes.insert((level, index), hash);
        }
        Ok((first, Self(nodes)))
    }
}

/// Path of the file of the segment that begins at `first`.
pub(crate) fn path(first: u64) -> String {
    format!("{FOLDER}/{first:020}{SUFFIX}")
}

/// A node of a removed segment.
///
/// # Errors
/// [`Error::Removed`] where it was not kept.
pub(crate) fn node(dir: &dyn Dir, level: u32, index: u64) -> Result<Hash> {
    let leaf = index << level;
    let first = leaf / SEGMENT_ENTRIES * SEGMENT_ENTRIES;
    let path = path(first);
    let bytes = match read_small(dir, &path, FILE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::Removed { index: leaf });
        }
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let (_, nodes) = KeptNodes::parse(&bytes).map_err(|what| Error::damaged(path, 0, what))?;
    nodes
        .node(level, index)
        .ok_or(Error::Removed { index: leaf })
}

/// Gives the nodes of a tile and remembers which were asked for, by their place in the whole tree.
struct Recorder<'a> {
    tile: &'a Levels,
    first: u64,
    asked: std::cell::RefCell<BTreeMap<(u32, u64), Hash>>,
}

impl Nodes for Recorder<'_> {
    fn node(&self, level: u32, index: u64) -> Result<Hash> {
        let hash = self.tile.node(level, index)?;
        let place = (level, (self.first >> level) + index);
        self.asked.borrow_mut().insert(place, hash);
        Ok(hash)
    }
}

/// The folder of these files.
pub(crate) const FOLDER: &str = "kept";
pub(crate) const SUFFIX: &str = ".nodes";
const MAGIC: &[u8; 8] = b"INDLKEP1";
const NODE_BYTES: usize = 1 + 8 + 32;
/// Longest file.
pub(crate) const FILE_BYTES_MAX: usize = 24 + KEPT_NODES_MAX * NODE_BYTES;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    /// Nodes of kept files below level 8, the rest of a tree in memory.
    struct Rest<'a> {
        kept: &'a KeptNodes,
        tree: &'a Levels,
    }

    impl Nodes for Rest<'_> {
        fn node(&self, level: u32, index: u64) -> Result<Hash> {
            match level < TILE_HEIGHT {
                true => self.kept.node(level, index).ok_or(Error::Removed { index }),
                false => self.tree.node(level, index),
            }
        }
    }

    #[test]
    fn every_kept_checkpoint_stays_provable_and_no_other() {
        let tree: Levels = (0..1_024u64)
            .map(|nth| leaf_hash(&nth.to_be_bytes()))
            .collect();
        let sizes = [1, 2, 255, 256, 257, 300, 511, 700, 767];
        let mut kept = KeptNodes::default();
        for size in sizes {
            let first = size / 256 * 256;
            let leaves = &tree.level(0)[first as usize..first as usize + 256];
            kept.keep(size, leaves).unwrap();
        }
        assert!(kept.len() <= 9 * sizes.len());
        let rest = Rest {
            kept: &kept,
            tree: &tree,
        };
        for (nth, old) in sizes.into_iter().enumerate() {
            let old_root = merkle::root(&rest, old).unwrap();
            assert_eq!(old_root, merkle::root(&tree, old).unwrap());
            for new in sizes[nth..].iter().copied().chain([768, 1_024]) {
                let proof = merkle::consistency(&rest, old, new).unwrap();
                let new_root = merkle::root(&tree, new).unwrap();
                merkle::verify_consistency(old, &old_root, new, &new_root, &proof).unwrap();
            }
        }
        assert!(merkle::root(&rest, 301).is_err());
    }

    #[test]
    fn files_come_back_and_a_flipped_bit_is_seen() {
        let leaves: Vec<Hash> = (0..256u64)
            .map(|nth| leaf_hash(&nth.to_be_bytes()))
            .collect();
        let mut kept = KeptNodes::default();
        kept.keep(SEGMENT_ENTRIES + 77, &leaves).unwrap();
        let bytes = kept.encode(SEGMENT_ENTRIES);
        assert_eq!(
            KeptNodes::parse(&bytes),
            Ok((SEGMENT_ENTRIES, kept.clone()))
        );
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(KeptNodes::parse(&flipped).is_err(), "bit {bit}");
        }
        // Nodes of another segment.
        assert!(KeptNodes::parse(&kept.encode(0)).is_err());
    }
}
