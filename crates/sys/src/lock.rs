//! Exclusive locks between processes, by `flock(2)` on a file.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::{Error, Result};

/// A held lock; dropping it, or the end of the process however it comes, releases it.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
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
        Ok(Self { _file: file })
    }
}
