//! Which files a store has, by what they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::dir::{Dir, TEMPORARY, join};
use crate::error::{Error, Result};
use crate::limits::SEGMENT_ENTRIES;
use crate::tile::Tile;

/// All files of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) segments: BTreeSet<u64>,
    pub(super) wals: BTreeSet<u64>,
    pub(super) indexes: BTreeSet<u64>,
    pub(super) tiles: BTreeMap<String, Tile>,
    /// Whether something was removed.
    pub(super) removed: bool,
    /// Segments of which hashes were kept.
    pub(super) kept: BTreeSet<u64>,
    pub(super) texts: BTreeSet<String>,
    pub(super) unknown: BTreeSet<String>,
}

impl Files {
    pub(super) fn list(dir: &dyn Dir) -> Result<Self> {
        let mut files = Self::default();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for item in dir.list(&folder).map_err(Error::io("list", &folder))? {
                let path = join(&folder, &item.name);
                if item.is_dir {
                    if path != DETECTIONS {
                        folders.push(path);
                    }
                } else {
                    files.sort_in(path, item.len);
                }
            }
        }
        Ok(files)
    }

    fn sort_in(&mut self, path: String, len: u64) {
        let numbered = |prefix: &str, suffix: &str| -> Option<u64> {
            let digits = path.strip_prefix(prefix)?.strip_suffix(suffix)?;
            let first: u64 = digits.parse().ok()?;
            let exact = format!("{first:020}") == digits && first.is_multiple_of(SEGMENT_ENTRIES);
            exact.then_some(first / SEGMENT_ENTRIES)
        };
        if let Some(number) = numbered("segments/", ".seg") {
            self.segments.insert(number);
        } else if let Some(number) = numbered("wal/", ".wal") {
            self.wals.insert(number);
        } else if let Some(number) = numbered("kept/", ".nodes") {
            self.kept.insert(number);
        } else if path == REMOVED {
            self.removed = true;
        } else if let Some(number) = numbered("segments/", ".idx") {
            self.indexes.insert(number);
        } else if let Some(tile) = Tile::parse_full(&path).filter(|tile| tile.level > 0) {
            self.tiles.insert(path, tile);
        } else if TEXTS.contains(&path.as_str()) {
            self.texts.insert(path);
        } else if !(path == LOCK && len == 0
            || PROVING_NOTHING.contains(&path.as_str())
            || path.ends_with(TEMPORARY))
        {
            self.unknown.insert(path);
        }
    }
}

pub(super) fn segment_path(number: u64) -> String {
    format!("segments/{:020}.seg", number * SEGMENT_ENTRIES)
}

pub(super) fn kept_path(number: u64) -> String {
    format!("kept/{:020}.nodes", number * SEGMENT_ENTRIES)
}

pub(super) fn index_path(number: u64) -> String {
    format!("segments/{:020}.idx", number * SEGMENT_ENTRIES)
}

pub(super) fn wal_path(number: u64) -> String {
    format!("wal/{:020}.wal", number * SEGMENT_ENTRIES)
}

pub(super) const KEY: &str = "key";
pub(super) const VERIFIER: &str = "log.vkey";
pub(super) const CHECKPOINT: &str = "checkpoint";
pub(super) const WITNESSED: &str = "checkpoint.witnessed";
pub(super) const REMOVED: &str = "removed";
/// A key that is about to follow.
pub(super) const NEXT_KEY: &str = "key.next";
const LOCK: &str = "lock";
/// What must not be removed, what agents were shown, what is known of hosts: the collector's own
/// notes.
const PROVING_NOTHING: [&str; 4] = ["holds", "shown", "gaps.json", NEXT_KEY];
/// How far the detections have read: state of theirs, no part of the log.
const DETECTIONS: &str = "detections";
const TEXTS: [&str; 4] = [KEY, VERIFIER, CHECKPOINT, WITNESSED];
