//! Exclusive locks between processes, by `flock(2)` on a file.

use std::fs::{File, Metadata};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::{Error, Result};

/// A held lock; dropping it, or the end of the process however it comes, releases it.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock on `path`, creating the file, and waits for whoever holds it.
    ///
    /// # Errors
    /// [`Error::System`] or [`Error::Read`] from the file system.
    pub fn wait(path: &Path) -> Result<Self> {
        Self::take(path, FlockOperation::LockExclusive)
    }

    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// [`Error::InUse`] where another process holds it.
    pub fn try_now(path: &Path) -> Result<Self> {
        Self::take(path, FlockOperation::NonBlockingLockExclusive)
    }

    /// Goes on with a lock that was handed over, if it is the one on `path`.
    ///
    /// # Errors
    /// [`Error::InUse`] where it is another file's.
    pub fn adopt(path: &Path, descriptor: OwnedFd) -> Result<Self> {
        let file = File::from(descriptor);
        let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        match (file.metadata(), std::fs::metadata(path)) {
            (Ok(ours), Ok(there)) if same(&ours, &there) => Ok(Self { file }),
            _ => Err(Error::InUse { path: path.into() }),
        }
    }

    fn take(path: &Path, operation: FlockOperation) -> Result<Self> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(|source| Error::Read {
                path: path.into(),
                source,
            })?;
        flock(&file, operation).map_err(|errno| match errno {
            Errno::WOULDBLOCK => Error::InUse { path: path.into() },
            errno => Error::system("taking a file lock")(errno),
        })?;
        Ok(Self { file })
    }
}

impl AsFd for FileLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
