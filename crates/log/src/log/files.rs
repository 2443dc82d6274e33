//! The files of a store: names, and the write-ahead file that is being written.

use std::sync::Arc;

use crate::dir::{Dir, File, TEMPORARY};
use crate::error::{Error, Result};
use crate::note::Checkpoint;
use crate::wal::file_name;
use crate::wal::frame::FrameBuilder;

pub(super) const KEY: &str = "key";
/// A key that is about to follow, and the verifier key as it will be.
pub(super) const NEXT_KEY: &str = "key.next";
pub(super) const VERIFIER: &str = "log.vkey";
pub(super) const CHECKPOINT: &str = "checkpoint";
pub(super) const LOCK: &str = "lock";
pub(super) const WAL: &str = "wal";
pub(super) const SEGMENTS: &str = "segments";
pub(super) const TILES: &str = "tile";

/// Path of the write-ahead file that begins at `first`.
pub(super) fn wal_path(first: u64) -> String {
    format!("{WAL}/{}", file_name(first))
}

/// The write-ahead file that takes the newest entries.
#[derive(Debug)]
pub(super) struct ActiveFile {
    pub(super) path: String,
    pub(super) file: Arc<dyn File>,
    /// Length up to the last whole frame.
    pub(super) len: u64,
}

impl ActiveFile {
    /// Puts a file with nothing but its header in place, durable, name included. So a header that
    /// stands under its final name is never torn.
    pub(super) fn create(dir: &dyn Dir, first: u64, header: &[u8]) -> Result<Self> {
        let path = wal_path(first);
        let temporary = format!("{path}{TEMPORARY}");
        let file = dir
            .create(&temporary)
            .map_err(Error::io("create", &temporary))?;
        file.append(header)
            .map_err(Error::io("write", &temporary))?;
        file.sync_data().map_err(Error::io("sync", &temporary))?;
        dir.rename(&temporary, &path)
            .map_err(Error::io("rename", &temporary))?;
        dir.sync_dir(WAL).map_err(Error::io("sync", WAL))?;
        Ok(Self {
            path,
            file,
            len: header.len() as u64,
        })
    }

    /// Writes frames, sealed with the last checkpoint, and syncs.
    ///
    /// # Errors
    /// [`Error::NoSpace`] with the file as it was. After any other error nothing is known of it.
    pub(super) fn write(&mut self, frames: &mut [FrameBuilder], seal: &Checkpoint) -> Result<()> {
        let mut len = self.len;
        for frame in frames {
            let bytes = frame.finish_log(*seal);
            if let Err(error) = self.file.append(bytes) {
                self.file
                    .truncate(self.len)
                    .map_err(Error::io("cut", &self.path))?;
                return Err(Error::io("write", &self.path)(error));
            }
            len += bytes.len() as u64;
        }
        // A full disk shows here too, where the system allots blocks late: then what was written
        // is unknown, and it is a failed sync like any other.
        self.file.sync_data().map_err(|source| Error::Io {
            action: "sync",
            path: self.path.clone(),
            source,
        })?;
        self.len = len;
        Ok(())
    }
}
