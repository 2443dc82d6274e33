//! Making indexes anew from segments: only from entries that are those of the tree.

use crate::block::Entries;
use crate::dir::{Dir, replace};
use crate::entry::{EntryRef, stored_leaf};
use crate::error::{Error, Result};
use crate::limits::{BLOCK_ENTRIES, SEGMENT_BLOCKS, SEGMENT_ENTRIES};
use crate::merkle::Levels;
use crate::segment;
use crate::tile::{TILE_BYTES, TILE_HEIGHT, Tile};

use super::{Builder, Terms, path};

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Indexes that were written.
    pub written: u64,
    /// Indexes that were as they must be.
    pub kept: u64,
}

/// Rebuilds the index of every segment, or of those that have none that can be used. `told` is given
/// the number of segments that are done, and of all.
///
/// # Errors
/// Those of the disk; damage, also of an entry that is not the one in the tree. What was written
/// before stays.
pub fn rebuild(
    dir: &dyn Dir,
    terms: &dyn Terms,
    all: bool,
    mut told: impl FnMut(u64, u64),
) -> Result<Rebuilt> {
    let items = dir.list(SEGMENTS).map_err(Error::io("list", SEGMENTS))?;
    let firsts: Vec<u64> = items
        .iter()
        .filter_map(|item| segment::parse_file_name(&item.name))
        .collect();
    let mut done = Rebuilt::default();
    for (number, first) in (1..).zip(&firsts) {
        if !all && is_usable(dir, terms, *first) {
            done.kept += 1;
        } else {
            rebuild_one(dir, terms, *first)?;
            done.written += 1;
        }
        told(number, firsts.len() as u64);
    }
    Ok(done)
}

fn is_usable(dir: &dyn Dir, terms: &dyn Terms, first: u64) -> bool {
    // One that is damaged is written anew.
    let index = super::SegmentIndex::open(dir, first).ok().flatten();
    index.is_some_and(|index| index.version() == terms.version() && index.sections().is_ok())
}

pub(crate) fn rebuild_one(dir: &dyn Dir, terms: &dyn Terms, first: u64) -> Result<()> {
    let tile = level_1(dir, first)?;
    let mut builder = Builder::new(terms, first);
    for block in 0..SEGMENT_BLOCKS {
        let entries = segment::read_block(dir, first, block)?;
        let at = (block * NODES_PER_BLOCK) as usize;
        let expect = tile.get(at..at + NODES_PER_BLOCK as usize);
        if expect != Some(&nodes(&entries)[..]) {
            let file = segment::path(first);
            let what = format!(
                "the entries from {} on are not those of the tree",
                first + block * BLOCK_ENTRIES
            );
            return Err(Error::damaged(file, 0, what));
        }
        for bytes in entries.iter() {
            let entry = EntryRef::parse_stored(bytes)
                .map_err(|error| Error::damaged(segment::path(first), 0, error.to_string()))?;
            builder.push(&entry);
        }
    }
    let index = builder
        .finish()
        .ok_or_else(|| Error::damaged(segment::path(first), 0, "a segment has too few entries"))?;
    let path = path(first);
    let name = path.trim_start_matches(SEGMENTS).trim_start_matches('/');
    replace(dir, SEGMENTS, name, &index).map_err(Error::io("write", &path))
}

/// The tile of level 1 over a segment: 32 bytes for each 256 entries.
fn level_1(dir: &dyn Dir, first: u64) -> Result<Vec<[u8; 32]>> {
    let path = Tile::full(1, first / SEGMENT_ENTRIES).path();
    let bytes = crate::dir::read_small(dir, &path, TILE_BYTES).map_err(Error::io("read", &path))?;
    let (nodes, rest) = bytes.as_chunks::<32>();
    if nodes.len() as u64 != SEGMENT_ENTRIES >> TILE_HEIGHT || !rest.is_empty() {
        return Err(Error::damaged(path, 0, "a tile has another length"));
    }
    Ok(nodes.to_vec())
}

/// The nodes of level 8 over a block.
fn nodes(entries: &Entries) -> Vec<[u8; 32]> {
    let tree: Levels = entries.iter().map(stored_leaf).collect();
    tree.level(TILE_HEIGHT).iter().map(|node| node.0).collect()
}

const SEGMENTS: &str = "segments";
const NODES_PER_BLOCK: u64 = BLOCK_ENTRIES >> TILE_HEIGHT;
