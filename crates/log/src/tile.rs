//! Tiles: 256 hashes of one level of the tree in a file, named as C2SP tlog-tiles v0.1.0 names
//! them.
//!
//! Hash *i* of tile *n* at level *l* is the complete node (8·l, 256·n + i). A store keeps full
//! tiles of level 1 and above; level 0 is computed from the entries, and partial tiles from full
//! ones.

/// Hashes of a full tile.
pub const TILE_WIDTH: u64 = 256;
/// Bytes of a full tile.
pub const TILE_BYTES: usize = 256 * 32;
/// Levels of nodes that one level of tiles spans.
pub const TILE_HEIGHT: u32 = 8;

/// A tile's place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// 0 to 7; the specification allows 63, a tree of 2^64 leaves has 8.
    pub level: u32,
    /// Position in the level.
    pub index: u64,
    /// Hashes in the tile, 1 to 256.
    pub width: u64,
}

impl Tile {
    /// The full tile at a place.
    pub fn full(level: u32, index: u64) -> Self {
        Self {
            level,
            index,
            width: TILE_WIDTH,
        }
    }

    /// The path below the log's prefix: `tile/1/x001/067`, `tile/0/273.p/112`.
    pub fn path(&self) -> String {
        let mut groups = vec![format!("{:03}", self.index % 1_000)];
        let mut rest = self.index / 1_000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1_000));
            rest /= 1_000;
        }
        groups.reverse();
        let partial = match self.width {
            TILE_WIDTH => String::new(),
            width => format!(".p/{width}"),
        };
        format!("tile/{}/{}{partial}", self.level, groups.join("/"))
    }

    /// The inverse of [`Tile::path`] for full tiles.
    pub fn parse_full(path: &str) -> Option<Self> {
        let (level, groups) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = level.parse().ok().filter(|level| *level < 8)?;
        let mut index: u64 = 0;
        for group in groups.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let number: u64 = digits.parse().ok()?;
            index = index.checked_mul(1_000)?.checked_add(number)?;
        }
        let tile = Self::full(level, index);
        (tile.path() == path).then_some(tile)
    }

    /// All tiles of a tree of `size` leaves, per level the full ones and then the partial one.
    pub fn of_size(size: u64) -> impl Iterator<Item = Self> {
        (0..8u32)
            .map_while(move |level| Some(size >> (TILE_HEIGHT * level)).filter(|nodes| *nodes > 0))
            .zip(0..)
            .flat_map(|(nodes, level)| {
                let full = nodes / TILE_WIDTH;
                let partial = Self {
                    level,
                    index: full,
                    width: nodes % TILE_WIDTH,
                };
                let full = (0..full).map(move |index| Self::full(level, index));
                full.chain((partial.width > 0).then_some(partial))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let check = |level, index, expect: &str| {
            let tile = Tile::full(level, index);
            assert_eq!(tile.path(), expect);
            assert_eq!(Tile::parse_full(expect), Some(tile));
        };
        check(1, 0, "tile/1/000");
        check(0, 1_234_067, "tile/0/x001/x234/067");
        check(2, 1_000, "tile/2/x001/000");
        let beyond_u64 = format!("tile/1/{}000", "x999/".repeat(9));
        for bad in [
            "tile/1/0",
            "tile/01/000",
            "tile/1/001/000",
            "tile/1/x000/000",
            "tile/9/000",
            &beyond_u64,
        ] {
            assert_eq!(Tile::parse_full(bad), None, "{bad}");
        }
    }

    #[test]
    fn tiles_of_70_000_leaves() {
        let tiles: Vec<Tile> = Tile::of_size(70_000).collect();
        let full = |level| {
            tiles
                .iter()
                .filter(|t| t.level == level && t.width == TILE_WIDTH)
                .count()
        };
        assert_eq!((full(0), full(1), full(2)), (273, 1, 0));
        let partial: Vec<String> = tiles
            .iter()
            .filter(|t| t.width < TILE_WIDTH)
            .map(Tile::path)
            .collect();
        assert_eq!(
            partial,
            ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
        );
    }
}
