//! An output's durable positions: one per stream, a big-endian u64 in a file of its own.
//!
//! A position is written when everything before it was taken for good, and synced once a second: a
//! crash costs repetitions, never a gap.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::StreamId;

use super::released::write_position;

/// The positions of one output.
#[derive(Debug)]
pub(crate) struct Cursors {
    folder: PathBuf,
    known: BTreeMap<StreamId, u64>,
    /// Written since the last sync.
    unsynced: BTreeMap<StreamId, fs::File>,
    synced_at: Instant,
}

impl Cursors {
    /// Opens the folder, made where it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            known: read(folder).into_iter().collect(),
            unsynced: BTreeMap::new(),
            synced_at: Instant::now(),
        })
    }

    /// Where the output stands in a stream; `None` where it has never been.
    pub(crate) fn position(&self, stream: StreamId) -> Option<u64> {
        self.known.get(&stream).copied()
    }

    /// Moves on.
    pub(crate) fn pass(&mut self, stream: StreamId, next: u64) -> Result<()> {
        let file = write_position(&self.folder.join(stream.to_string()), next)?;
        self.known.insert(stream, next);
        self.unsynced.insert(stream, file);
        if self.synced_at.elapsed() >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(())
    }

    /// Makes the positions durable.
    pub(crate) fn sync(&mut self) -> Result<()> {
        self.synced_at = Instant::now();
        for (stream, file) in std::mem::take(&mut self.unsynced) {
            rustix::fs::fdatasync(&file)
                .with_context(|| format!("cannot sync the position in stream {stream}"))?;
        }
        Ok(())
    }

    /// The stream is gone.
    pub(crate) fn forget(&mut self, stream: StreamId) {
        self.known.remove(&stream);
        self.unsynced.remove(&stream);
        // One that stays does no harm.
        let _ = fs::remove_file(self.folder.join(stream.to_string()));
    }
}

/// The positions that stand in a folder, beside who writes them.
pub(crate) fn read(folder: &Path) -> Vec<(StreamId, u64)> {
    let items = fs::read_dir(folder).into_iter().flatten().flatten();
    items
        .filter_map(|item| {
            let stream = item.file_name().to_str()?.parse().ok()?;
            let bytes = fs::read(item.path()).ok()?;
            Some((stream, u64::from_be_bytes(bytes.try_into().ok()?)))
        })
        .collect()
}

/// How often positions are made durable.
const SYNC_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, gone) = (StreamId::random(), StreamId::random());
        let mut cursors = Cursors::open(folder.path()).unwrap();
        cursors.pass(kept, 7).unwrap();
        cursors.pass(gone, 1).unwrap();
        cursors.pass(kept, 9).unwrap();
        cursors.forget(gone);
        drop(cursors);
        let cursors = Cursors::open(folder.path()).unwrap();
        assert_eq!(
            (cursors.position(kept), cursors.position(gone)),
            (Some(9), None)
        );
    }
}
