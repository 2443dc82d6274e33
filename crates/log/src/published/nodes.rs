//! Complete nodes of a tree whose writer is another process.
//!
//! Full tiles of level 1 and above are read from their files; everything else is computed from
//! entries. What was computed is kept, up to a bound, because a proof near the end of the log asks
//! for the same nodes as the one before it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::dir::{Dir, read_small};
use crate::entry::stored_leaf;
use crate::error::{Error, Result};
use crate::hash::Hash;
use crate::limits::NODES_KEPT;
use crate::merkle::{Levels, Nodes};
use crate::read::LogReader;
use crate::retention::kept;
use crate::tile::{TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, Tile};

/// Nodes from tiles and entries.
#[derive(Debug)]
pub(super) struct StoredNodes {
    dir: Arc<dyn Dir>,
    reader: LogReader,
    /// Roots of full tiles that no file holds, by level and index.
    kept: Mutex<HashMap<(u32, u64), Hash>>,
}

impl StoredNodes {
    pub(super) fn new(dir: Arc<dyn Dir>, reader: LogReader) -> Self {
        Self {
            dir,
            reader,
            kept: Mutex::default(),
        }
    }

    /// The hashes of a tile, which the tree must hold.
    pub(super) fn tile(&self, tile: Tile) -> Result<Vec<Hash>> {
        if tile.level > 0
            && let Some(mut full) = self.stored(Tile::full(tile.level, tile.index))?
        {
            full.truncate(tile.width as usize);
            return Ok(full);
        }
        let from = tile.index * TILE_WIDTH;
        match tile.level {
            0 => self.leaves(from, from + tile.width),
            level => self.roots(level - 1, from, from + tile.width),
        }
    }

    /// Gives the entries `from..to` as they are stored, in order.
    ///
    /// # Errors
    /// [`Error::Removed`] where retention removed one of them.
    pub(super) fn entries(&self, from: u64, to: u64, mut each: impl FnMut(&[u8])) -> Result<()> {
        let mut next = from;
        while next < to {
            let missing = Error::OutOfRange {
                wanted: next,
                from: 0,
                to: next,
            };
            let part = self.reader.part_at(next)?.ok_or(missing)?;
            if part.first() > next {
                return Err(Error::Removed { index: next });
            }
            let decoded = self.reader.decode(&part)?;
            for (index, entry) in decoded.stored_from(next) {
                if index >= to {
                    return Ok(());
                }
                each(entry);
                next = index + 1;
            }
        }
        Ok(())
    }

    fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>> {
        let mut leaves = Vec::new();
        self.entries(from, to, |entry| leaves.push(stored_leaf(entry)))?;
        Ok(leaves)
    }

    /// Roots of the full tiles `from..to` of a level.
    fn roots(&self, level: u32, from: u64, to: u64) -> Result<Vec<Hash>> {
        let mut roots = Vec::new();
        let mut at = from;
        while at < to {
            if let Some(root) = self.kept(level, at) {
                roots.push(root);
                at += 1;
            } else if level == 0 {
                // All leaves that lack in one pass: looking for a place in the newest file costs
                // more than reading on.
                let end = (at..to)
                    .find(|index| self.kept(0, *index).is_some())
                    .unwrap_or(to);
                let leaves = self.leaves(at * TILE_WIDTH, end * TILE_WIDTH)?;
                for (index, leaves) in (at..end).zip(leaves.chunks(TILE_WIDTH as usize)) {
                    let root = root_of(leaves)?;
                    self.keep(0, index, root);
                    roots.push(root);
                }
                at = end;
            } else {
                let root = root_of(&self.tile(Tile::full(level, at))?)?;
                self.keep(level, at, root);
                roots.push(root);
                at += 1;
            }
        }
        Ok(roots)
    }

    fn kept(&self, level: u32, index: u64) -> Option<Hash> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&(level, index)).copied()
    }

    fn keep(&self, level: u32, index: u64, root: Hash) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= NODES_KEPT {
            kept.clear();
        }
        kept.insert((level, index), root);
    }

    /// A full tile from its file; none where there is none.
    fn stored(&self, tile: Tile) -> Result<Option<Vec<Hash>>> {
        let path = tile.path();
        let bytes = match read_small(&*self.dir, &path, TILE_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", path)(error)),
        };
        if bytes.len() != TILE_BYTES {
            let offset = bytes.len() as u64;
            return Err(Error::damaged(path, offset, "a tile has another length"));
        }
        let hashes = bytes.chunks_exact(32).filter_map(Hash::from_slice);
        Ok(Some(hashes.collect()))
    }
}

impl Nodes for StoredNodes {
    fn node(&self, level: u32, index: u64) -> Result<Hash> {
        let tiles = level / TILE_HEIGHT;
        let within = level % TILE_HEIGHT;
        let from = index << within;
        let tile = Tile {
            level: tiles,
            index: from / TILE_WIDTH,
            width: from % TILE_WIDTH + (1 << within),
        };
        let hashes = match self.tile(tile) {
            Err(Error::Removed { .. }) if level < TILE_HEIGHT => {
                return kept::node(&*self.dir, level, index);
            }
            other => other?,
        };
        root_of(&hashes[(from % TILE_WIDTH) as usize..])
    }
}

/// The root of a complete subtree from its lowest hashes, a power of two of them.
fn root_of(hashes: &[Hash]) -> Result<Hash> {
    let levels: Levels = hashes.iter().copied().collect();
    levels.node(hashes.len().ilog2(), 0)
}
