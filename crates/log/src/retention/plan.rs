//! Removing the oldest segment: what is read beforehand, away from the thread that owns the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::block::Entries;
use crate::dir::{Dir, replace};
use crate::entry::{EntryRef, Kind, StreamId};
use crate::error::{Error, Result};
use crate::hash::{Hash, chain_head, sha256};
use crate::limits::{BLOCK_ENTRIES, MARK_PARTS_MAX, SEGMENT_BLOCKS, SEGMENT_ENTRIES};
use crate::log::LOCAL_PEER;
use crate::read::LogReader;
use crate::segment;
use crate::tile::TILE_WIDTH;
use crate::wal::header::{Body, StreamRow, WalHeader};
use crate::wal::parse_file_name;

use super::declared::Declared;
use super::kept::{self, KeptNodes};
use super::removed::{REMOVED, Removed};

/// The oldest segment of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oldest {
    /// Index of its first entry.
    pub first: u64,
    /// Its length on disk.
    pub len_bytes: u64,
    /// Length of all segments.
    pub total_bytes: u64,
}

/// Finds the oldest segment that can be removed: the one behind it is sealed too, because the
/// write-ahead file behind a segment holds checkpoints of it that were never published.
///
/// # Errors
/// Those of the disk, and damage.
pub fn oldest(dir: &dyn Dir) -> Result<Option<Oldest>> {
    let first = Removed::read(dir)?.first;
    let items = dir.list(SEGMENTS).map_err(Error::io("list", SEGMENTS))?;
    let segments = || {
        let named =
            |item: &crate::dir::Item| Some((segment::parse_file_name(&item.name)?, item.len));
        items.iter().filter_map(named)
    };
    let found = segments().find(|(at, _)| *at == first);
    // While a segment is sealed its write-ahead file stands beside it.
    let next = first + SEGMENT_ENTRIES;
    let is_sealed = segments().any(|(at, _)| at == next)
        && dir
            .open_read(&format!("{WAL}/{}", crate::wal::file_name(next)))
            .is_err();
    Ok(found.filter(|_| is_sealed).map(|(_, len_bytes)| Oldest {
        first,
        len_bytes,
        total_bytes: segments().map(|(_, len)| len).sum(),
    }))
}

/// A removal that is ready: of one segment, the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    first: u64,
    removed: Removed,
    kept: KeptNodes,
    newest_ns: Option<u64>,
    held: bool,
}

impl Plan {
    /// Reads the oldest segment: where it leaves each stream, which checkpoints were published in
    /// it (those of sizes in `shown` are kept provable too), and whether an entry of it `is_held`, who is told the entry and its stream's peer.
    ///
    /// # Errors
    /// Those of the disk, and damage: nothing is removed that is not what it was.
    pub fn of(
        dir: &Arc<dyn Dir>,
        oldest: &Oldest,
        shown: &[u64],
        mut is_held: impl FnMut(&str, &EntryRef<'_>) -> bool,
    ) -> Result<Self> {
        let first = oldest.first;
        let names = names(&**dir)?;
        let before = Removed::read(&**dir)?;
        let mut streams: BTreeMap<StreamId, StreamRow> =
            before.rows.into_iter().map(|row| (row.id, row)).collect();
        let mut openings = before.openings;
        let (mut newest_ns, mut held, mut kept) = (None, false, KeptNodes::default());
        for block in 0..SEGMENT_BLOCKS {
            let block_first = first + block * BLOCK_ENTRIES;
            let entries = segment::read_block(&**dir, first, block)?;
            let block_end = block_first + BLOCK_ENTRIES;
            let inside = |size: &&u64| block_first < **size && **size < block_end;
            let mut published: Vec<u64> = shown.iter().filter(inside).copied().collect();
            let mut leaves = Vec::with_capacity(entries.len());
            for at in 0..entries.len() {
                let index = block_first + at as u64;
                let entry = stored(&entries, at, first)?;
                let leaf = entry.leaf_hash();
                leaves.push(leaf);
                let row = follow(&mut streams, &names, &entry, &leaf);
                let row = row.map_err(|what| Error::damaged(segment::path(first), 0, what))?;
                held |= is_held(&row.peer, &entry);
                if entry.header().sequence == 0 {
                    openings.add(&entry);
                }
                if row.peer == LOCAL_PEER {
                    newest_ns = newest_ns.max(Some(entry.header().time_ns));
                    if entry.header().kind == Kind::TimeMark {
                        published.push(index + 1);
                    }
                }
            }
            for size in published {
                // A size at the end of a tile needs nothing.
                if size.is_multiple_of(TILE_WIDTH) {
                    continue;
                }
                let tile = (size - block_first) / TILE_WIDTH * TILE_WIDTH;
                kept.keep(size, &leaves[tile as usize..(tile + TILE_WIDTH) as usize])?;
            }
        }
        if newest_ns.is_none() {
            newest_ns = next_own_ns(dir, first + SEGMENT_ENTRIES, &names)?;
        }
        let removed = Removed {
            first: first + SEGMENT_ENTRIES,
            rows: streams.into_values().collect(),
            openings,
        };
        Ok(Self {
            first,
            removed,
            kept,
            newest_ns,
            held,
        })
    }

    /// Entries that are gone after it: all below this index.
    pub fn to(&self) -> u64 {
        self.removed.first
    }

    /// Whether something in it must be kept.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// The collector's clock at the newest entry of its own in the segment, or at the first one after
    /// it, ns since 1970; none where there is no such entry either.
    pub fn newest_ns(&self) -> Option<u64> {
        self.newest_ns
    }

    /// What must stand in the log, durably, before [`crate::Log::remove`]; `root`: of the tree of
    /// [`Plan::to`] entries.
    pub fn declared(&self, root: &Hash) -> Declared {
        Declared::Remove {
            to: self.to(),
            root: root.to_string(),
            streams_sha256: sha256(&self.removed.encode()).to_string(),
        }
    }

    /// Does it: at each moment the store is one before or one after the removal.
    pub(crate) fn execute(&self, dir: &dyn Dir) -> Result<()> {
        dir.create_dir(kept::FOLDER)
            .map_err(Error::io("create", kept::FOLDER))?;
        dir.sync_dir("").map_err(Error::io("sync", ""))?;
        let path = kept::path(self.first);
        let name = &path[kept::FOLDER.len() + 1..];
        replace(dir, kept::FOLDER, name, &self.kept.encode(self.first))
            .map_err(Error::io("write", &path))?;
        replace(dir, "", REMOVED, &self.removed.encode()).map_err(Error::io("write", REMOVED))?;
        unlink_below(dir, self.to())
    }
}

/// Removes the files of segments below an index.
pub(crate) fn unlink_below(dir: &dyn Dir, first: u64) -> Result<()> {
    let items = dir.list(SEGMENTS).map_err(Error::io("list", SEGMENTS))?;
    let mut any = false;
    for item in items {
        // Whatever else belongs to a segment has its name and another ending.
        let digits = item.name.split('.').next().unwrap_or_default();
        let below = digits.len() == 20 && digits.parse().is_ok_and(|at: u64| at < first);
        if below && !item.is_dir {
            let path = crate::dir::join(SEGMENTS, &item.name);
            dir.unlink(&path).map_err(Error::io("remove", &path))?;
            any = true;
        }
    }
    match any {
        true => dir.sync_dir(SEGMENTS).map_err(Error::io("sync", SEGMENTS)),
        false => Ok(()),
    }
}

fn stored<'a>(entries: &'a Entries, at: usize, first: u64) -> Result<EntryRef<'a>> {
    EntryRef::parse_stored(entries.bytes(at)).map_err(|error| {
        Error::damaged(
            segment::path(first),
            0,
            format!("an entry cannot be read: {error}"),
        )
    })
}

/// Moves an entry's stream, which is opened by its entry 0.
fn follow<'a>(
    streams: &'a mut BTreeMap<StreamId, StreamRow>,
    names: &BTreeMap<StreamId, String>,
    entry: &EntryRef<'_>,
    leaf: &Hash,
) -> Result<&'a StreamRow, &'static str> {
    let header = entry.header();
    let row = match header.sequence {
        0 => streams.entry(header.stream).or_insert(StreamRow {
            id: header.stream,
            next: 0,
            head: Hash::ZERO,
            peer: names
                .get(&header.stream)
                .ok_or("a stream is in no table")?
                .clone(),
        }),
        _ => streams
            .get_mut(&header.stream)
            .ok_or("a stream begins in its middle")?,
    };
    if row.next != header.sequence {
        return Err("an entry is out of sequence");
    }
    row.next += 1;
    row.head = chain_head(&row.head, leaf);
    Ok(row)
}

/// The time of the first entry of the collector's own from `from` on.
fn next_own_ns(
    dir: &Arc<dyn Dir>,
    from: u64,
    names: &BTreeMap<StreamId, String>,
) -> Result<Option<u64>> {
    let reader = LogReader::open(dir.clone())?;
    let is_own = |id: &StreamId| names.get(id).is_some_and(|peer| peer == LOCAL_PEER);
    let mut next = from;
    for _ in 0..MARK_PARTS_MAX {
        let Some(part) = reader.part_at(next)? else {
            break;
        };
        let decoded = reader.decode(&part)?;
        let headers = decoded
            .iter()
            .filter_map(|(_, bytes)| Some(EntryRef::parse(bytes).ok()?.header()));
        if let Some(own) = headers.into_iter().find(|header| is_own(&header.stream)) {
            return Ok(Some(own.time_ns));
        }
        next = part.end();
    }
    Ok(None)
}

/// The peers of all streams, from the newest write-ahead file.
fn names(dir: &dyn Dir) -> Result<BTreeMap<StreamId, String>> {
    let items = dir.list(WAL).map_err(Error::io("list", WAL))?;
    let newest = items
        .iter()
        .filter_map(|item| parse_file_name(&item.name))
        .max()
        .unwrap_or(0);
    let path = format!("{WAL}/{}", crate::wal::file_name(newest));
    let file = dir.open_read(&path).map_err(Error::io("open", &path))?;
    let header = WalHeader::read(&*file).map_err(Error::io("read", &path))?;
    match header.map(|(header, _)| header.body) {
        Ok(Body::Log(rows)) => Ok(rows.into_iter().map(|row| (row.id, row.peer)).collect()),
        Ok(Body::Spool { .. }) => Err(Error::damaged(path, 8, "it is a file of a spool")),
        Err(what) => Err(Error::damaged(path, 0, what)),
    }
}

const SEGMENTS: &str = "segments";
const WAL: &str = "wal";
