//! Erasing the payload of one entry: its segment is written anew with a stub in its place.

use crate::block::{BLOCK_HEADER_BYTES, Entries, pack};
use crate::dir::{Dir, TEMPORARY};
use crate::entry::{EntryRef, stub};
use crate::error::{Error, Result};
use crate::hash::Hash;
use crate::limits::{BLOCK_ENTRIES, ENTRY_HEADER_BYTES, SEGMENT_BLOCKS, SEGMENT_ENTRIES};
use crate::segment;

use super::declared::Declared;
use super::removed::Removed;

/// An erasure that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    index: u64,
    leaf: Hash,
    envelope: [u8; ENTRY_HEADER_BYTES],
}

impl Erasure {
    /// Reads the entry.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::Erased`]; [`Error::NotSealed`] for one of the newest entries,
    /// which can be erased when their segment is full; those of the disk, and damage.
    pub fn of(dir: &dyn Dir, index: u64) -> Result<Self> {
        if index < Removed::read(dir)?.first {
            return Err(Error::Removed { index });
        }
        let first = index / SEGMENT_ENTRIES * SEGMENT_ENTRIES;
        // While a segment is sealed, a crash would begin it anew from its write-ahead file.
        let wal = format!("wal/{}", crate::wal::file_name(first));
        if dir.open_read(&wal).is_ok() {
            return Err(Error::NotSealed { index });
        }
        let entries = match segment::read_block(dir, first, index % SEGMENT_ENTRIES / BLOCK_ENTRIES)
        {
            Err(error) if error.is_not_found() => return Err(Error::NotSealed { index }),
            other => other?,
        };
        let bytes = entries.bytes((index % BLOCK_ENTRIES) as usize);
        let damaged = || Error::damaged(segment::path(first), 0, "an entry cannot be read");
        let entry = EntryRef::parse_stored(bytes).map_err(|_| damaged())?;
        if entry.is_erased() {
            return Err(Error::Erased { index });
        }
        let envelope = bytes.first_chunk().ok_or_else(damaged)?;
        Ok(Self {
            index,
            leaf: entry.leaf_hash(),
            envelope: *envelope,
        })
    }

    /// Leaf index of the entry.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// What must stand in the log, durably, before [`crate::Log::erase`].
    pub fn declared(&self) -> Declared {
        Declared::erase(self.index, &self.leaf, &self.envelope)
    }

    /// First leaf index of its segment.
    pub(crate) fn first(&self) -> u64 {
        self.index / SEGMENT_ENTRIES * SEGMENT_ENTRIES
    }

    /// Does it: the segment is the old or the new one at each moment.
    pub(crate) fn execute(&self, dir: &dyn Dir) -> Result<()> {
        let first = self.first();
        let path = segment::path(first);
        // What it says of the payload must not outlive it.
        let index = crate::index::path(first);
        match dir.unlink(&index) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("remove", index)(error));
            }
            _ => {}
        }
        let temporary = format!("{path}{TEMPORARY}");
        let source = dir.open_read(&path).map_err(Error::io("open", &path))?;
        let out = dir
            .create(&temporary)
            .map_err(Error::io("create", &temporary))?;
        let append = |bytes: &[u8]| out.append(bytes).map_err(Error::io("write", &temporary));
        append(&segment::file_header(first))?;
        for block in 0..SEGMENT_BLOCKS {
            let (header, at) = segment::locate(&*source, &path, first, block)?;
            if block == self.index % SEGMENT_ENTRIES / BLOCK_ENTRIES {
                let entries = segment::read_block(dir, first, block)?;
                let (entries, leaves) = self.without_payload(&entries, &path)?;
                append(&pack(header.first, &entries, &leaves, header.root))?;
                continue;
            }
            let mut bytes = vec![0; BLOCK_HEADER_BYTES + header.stored_len as usize];
            let read = source
                .read_at(&mut bytes, at - BLOCK_HEADER_BYTES as u64)
                .map_err(Error::io("read", &path))?;
            if read < bytes.len() {
                return Err(Error::damaged(path, at, "a block is cut short"));
            }
            append(&bytes)?;
        }
        out.sync_data().map_err(Error::io("sync", &temporary))?;
        dir.rename(&temporary, &path)
            .map_err(Error::io("rename", &temporary))?;
        dir.sync_dir("segments")
            .map_err(Error::io("sync", "segments"))
    }

    fn without_payload(&self, entries: &Entries, path: &str) -> Result<(Entries, Vec<Hash>)> {
        let mut again = Entries::default();
        let mut leaves = Vec::with_capacity(entries.len());
        for at in 0..entries.len() {
            let bytes = entries.bytes(at);
            let entry = EntryRef::parse_stored(bytes)
                .map_err(|_| Error::damaged(path, 0, "an entry cannot be read"))?;
            leaves.push(entry.leaf_hash());
            match at as u64 == self.index % BLOCK_ENTRIES {
                true => again.push(&stub(&self.envelope, &self.leaf)),
                false => again.push(bytes),
            }
        }
        Ok((again, leaves))
    }
}
