//! Tiles of a log, compared with what the entries give.

use crate::error::Result;
use crate::hash::Hash;
use crate::limits::SEGMENT_ENTRIES;
use crate::tile::{TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, Tile};

use super::super::report::ProblemKind;
use super::super::source::Source;
use super::StoreVerifier;

impl StoreVerifier<'_> {
    pub(super) fn upper_tiles(&mut self) -> Result<()> {
        let upper = std::mem::take(&mut self.account.upper);
        for (level, nodes) in (2..).zip(&upper) {
            // Index of the first node that is known at this level.
            let known = self.first_segment >> (TILE_HEIGHT * (level - 2));
            let complete = (known + nodes.len() as u64) / TILE_WIDTH;
            let span = TILE_WIDTH.pow(level + 1);
            for index in 0..complete {
                let (tile, begin) = (Tile::full(level, index), index * TILE_WIDTH);
                let range = index * span..(index + 1) * span;
                let from = known.clamp(begin, begin + TILE_WIDTH);
                let part = from.saturating_sub(known) as usize
                    ..(begin + TILE_WIDTH).saturating_sub(known) as usize;
                self.tile(tile, (from - begin) as usize, &nodes[part], range)?;
            }
        }
        for path in std::mem::take(&mut self.files.tiles).into_keys() {
            self.problem(ProblemKind::Tile, &path, 0, "the tree has no such tile yet");
        }
        Ok(())
    }

    /// Compares a tile from its hash `skip` on with the nodes that the entries of `range` give.
    pub(super) fn tile(
        &mut self,
        tile: Tile,
        skip: usize,
        nodes: &[Hash],
        range: std::ops::Range<u64>,
    ) -> Result<()> {
        let path = tile.path();
        if self.files.tiles.remove(&path).is_none() {
            // Tiles are put in place before the write-ahead file goes.
            if !self.files.wals.contains(&(range.end / SEGMENT_ENTRIES - 1)) {
                self.missing(&path);
            }
            return Ok(());
        }
        let source = Source::open(self.dir, &path)?;
        let bytes = source.read(0, TILE_BYTES + 1)?;
        if bytes.len() != TILE_BYTES {
            self.problem(
                ProblemKind::Tile,
                &path,
                bytes.len() as u64,
                "it has another length",
            );
        } else if self.account.known(range) {
            let found = bytes.chunks_exact(32).skip(skip);
            let differs = found.zip(nodes).position(|(found, node)| found != node.0);
            if let Some(at) = differs {
                let detail = "a hash is not that of the entries below it";
                self.problem(ProblemKind::Tile, &path, (skip + at) as u64 * 32, detail);
            }
        }
        Ok(())
    }
}
