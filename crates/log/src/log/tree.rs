//! The log's tree: roots of all segments in memory, the newest segments hash by hash, the rest
//! from tiles and blocks on demand.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::dir::{Dir, read_small};
use crate::entry::stored_leaf;
use crate::error::{Error, Result};
use crate::hash::Hash;
use crate::limits::{BLOCK_ENTRIES, HOT_SEGMENTS, SEGMENT_ENTRIES};
use crate::merkle::{self, Levels, Nodes};
use crate::retention::kept;
use crate::segment;
use crate::tile::{TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, Tile};

/// Level of a segment's root.
pub(super) const SEGMENT_LEVEL: u32 = SEGMENT_ENTRIES.ilog2();

/// Hashes of a full segment, so that sealing it need not hash its entries again.
#[derive(Clone, Debug)]
pub(super) struct HotSegment {
    /// 65,536 of them.
    pub(super) leaves: Vec<Hash>,
    /// 256 of them: what the tile of level 1 holds.
    pub(super) tile_roots: Vec<Hash>,
    /// 16 of them.
    pub(super) block_roots: Vec<Hash>,
}

#[derive(Debug)]
pub(super) struct Tree {
    dir: Arc<dyn Dir>,
    /// Roots of all full segments, and the nodes above them.
    upper: Levels,
    /// The newest segments, oldest first; the last one is growing. The first of them has number
    /// `hot_first`.
    hot: VecDeque<Levels>,
    hot_first: u64,
}

impl Tree {
    /// The tree of the first `segments` segments, all sealed, from their tiles.
    pub(super) fn open(dir: Arc<dyn Dir>, segments: u64) -> Result<Self> {
        let mut upper = Levels::default();
        let grouped = segments / TILE_WIDTH;
        for index in 0..grouped {
            read_tile(&*dir, Tile::full(2, index))?
                .into_iter()
                .for_each(|root| upper.push(root));
        }
        for number in grouped * TILE_WIDTH..segments {
            upper.push(segment_root(&*dir, number)?);
        }
        Ok(Self {
            dir,
            upper,
            hot: VecDeque::from([Levels::default()]),
            hot_first: segments,
        })
    }

    pub(super) fn size(&self) -> u64 {
        let growing = self.hot.back().map_or(0, Levels::len);
        (self.hot_first + self.hot.len() as u64 - 1) * SEGMENT_ENTRIES + growing
    }

    pub(super) fn push(&mut self, leaf: Hash) {
        let growing = self.hot.back_mut().expect("a segment is growing");
        growing.push(leaf);
        if growing.len() == SEGMENT_ENTRIES {
            self.upper.push(growing.level(SEGMENT_LEVEL)[0]);
            self.hot.push_back(Levels::default());
        }
    }

    pub(super) fn root(&self, size: u64) -> Result<Hash> {
        merkle::root(self, size)
    }

    /// Forgets the hashes of segments below number `sealed` beyond what is kept hot.
    pub(super) fn cool(&mut self, sealed: u64) {
        while self.hot.len() > HOT_SEGMENTS && self.hot_first < sealed {
            self.hot.pop_front();
            self.hot_first += 1;
        }
    }

    /// The leaves of a full segment, and its nodes of level 8 and of `block_level`; none where they are
    /// no longer in memory.
    pub(super) fn hot_segment(&self, number: u64, block_level: u32) -> Option<HotSegment> {
        let at = usize::try_from(number.checked_sub(self.hot_first)?).ok()?;
        let levels = self
            .hot
            .get(at)
            .filter(|levels| levels.len() == SEGMENT_ENTRIES)?;
        Some(HotSegment {
            leaves: levels.level(0).to_vec(),
            tile_roots: levels.level(TILE_HEIGHT).to_vec(),
            block_roots: levels.level(block_level).to_vec(),
        })
    }

    /// The hashes of a full tile of level 2 or above.
    ///
    /// # Panics
    /// When not all of them are there yet.
    pub(super) fn upper_tile(&self, tile: Tile) -> &[Hash] {
        let from = (tile.index * TILE_WIDTH) as usize;
        &self.upper.level((tile.level - 2) * TILE_HEIGHT)[from..from + TILE_WIDTH as usize]
    }

    /// A node inside a segment that is not in memory.
    fn cold_node(&self, level: u32, index: u64) -> Result<Hash> {
        let number = index >> (SEGMENT_LEVEL - level);
        if level >= TILE_HEIGHT {
            let tile: Levels = read_tile(&*self.dir, Tile::full(1, number))?
                .into_iter()
                .collect();
            let within = index & ((1 << (SEGMENT_LEVEL - level)) - 1);
            return tile.node(level - TILE_HEIGHT, within);
        }
        let leaf = index << level;
        let block = leaf % SEGMENT_ENTRIES / BLOCK_ENTRIES;
        let entries = match segment::read_block(&*self.dir, number * SEGMENT_ENTRIES, block) {
            Err(error) if error.is_not_found() => return kept::node(&*self.dir, level, index),
            other => other?,
        };
        let from = (leaf % BLOCK_ENTRIES) as usize;
        let leaves: Levels = (from..from + (1 << level))
            .map(|at| stored_leaf(entries.bytes(at)))
            .collect();
        leaves.node(level, 0)
    }
}

impl Nodes for Tree {
    fn node(&self, level: u32, index: u64) -> Result<Hash> {
        if level >= SEGMENT_LEVEL {
            return self.upper.node(level - SEGMENT_LEVEL, index);
        }
        let number = index >> (SEGMENT_LEVEL - level);
        match number.checked_sub(self.hot_first) {
            Some(at) => {
                let within = index & ((1 << (SEGMENT_LEVEL - level)) - 1);
                self.hot[at as usize].node(level, within)
            }
            None => self.cold_node(level, index),
        }
    }
}

fn segment_root(dir: &dyn Dir, number: u64) -> Result<Hash> {
    let tile: Levels = read_tile(dir, Tile::full(1, number))?.into_iter().collect();
    tile.node(TILE_HEIGHT, 0)
}

fn read_tile(dir: &dyn Dir, tile: Tile) -> Result<Vec<Hash>> {
    let path = tile.path();
    let bytes = match read_small(dir, &path, TILE_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::Missing { path });
        }
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    if bytes.len() != TILE_BYTES {
        return Err(Error::damaged(
            path,
            bytes.len() as u64,
            "a tile has another length",
        ));
    }
    Ok(bytes
        .chunks_exact(32)
        .filter_map(Hash::from_slice)
        .collect())
}
