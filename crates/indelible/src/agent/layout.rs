//! Where things stand in a host's spool (docs/formats.md, "Host's spool").

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indelible_log::StreamId;

/// The folders of one spool.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

/// Who owns the worker's folder and may read capture's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Layout {
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Makes the folders. `worker` is who the worker will be, where that is another user.
    pub(crate) fn create(&self, worker: Option<Owner>) -> Result<()> {
        let folders = [
            (self.root.clone(), 0o755),
            (self.capture(), 0o750),
            (self.streams(), 0o750),
            (self.openings(), 0o750),
            (self.worker(), 0o700),
            (self.released(), 0o700),
        ];
        for (folder, mode) in folders {
            make(&folder, mode).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let Some(Owner { uid, gid }) = worker else {
            return Ok(());
        };
        let owned = [
            (self.capture(), None),
            (self.streams(), None),
            (self.openings(), None),
            (self.worker(), Some(uid)),
            (self.released(), Some(uid)),
        ];
        for (folder, uid) in owned {
            chown(&folder, uid, Some(gid))
                .with_context(|| format!("cannot give {} to the worker", folder.display()))?;
        }
        Ok(())
    }

    /// Capture's folder: written by capture alone.
    pub(crate) fn capture(&self) -> PathBuf {
        self.root.join("capture")
    }

    /// The streams that capture writes.
    pub(crate) fn streams(&self) -> PathBuf {
        self.capture().join("streams")
    }

    /// Copies of the streams' entries 0: they are needed longer than the files that hold them.
    pub(crate) fn openings(&self) -> PathBuf {
        self.capture().join("opened")
    }

    /// The copy of one stream's entry 0.
    pub(crate) fn opened(&self, stream: StreamId) -> PathBuf {
        self.openings().join(stream.to_string())
    }

    /// Held by the one capture process of this spool.
    pub(crate) fn capture_lock(&self) -> PathBuf {
        self.capture().join("lock")
    }

    /// The worker's folder.
    pub(crate) fn worker(&self) -> PathBuf {
        self.root.join("worker")
    }

    /// Held by the one worker of this spool.
    pub(crate) fn worker_lock(&self) -> PathBuf {
        self.worker().join("lock")
    }

    /// The newest receipt.
    pub(crate) fn receipts(&self) -> PathBuf {
        self.worker().join("receipts")
    }

    /// Where the worker tells capture what it no longer needs.
    pub(crate) fn released(&self) -> PathBuf {
        self.worker().join("released")
    }

    /// The released position of one stream: a big-endian u64.
    pub(crate) fn released_position(&self, stream: StreamId) -> PathBuf {
        self.released().join(stream.to_string())
    }
}

fn make(folder: &Path, mode: u32) -> io::Result<()> {
    match fs::DirBuilder::new().mode(mode).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    // The umask has cut the mode.
    fs::set_permissions(folder, fs::Permissions::from_mode(mode))
}
