//! A file that is verified: reads that cannot go beyond its end.

use std::sync::Arc;

use crate::dir::{Dir, File};
use crate::error::{Error, Result};

/// An open file with its path and its length when it was opened.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: String,
    pub(super) len: u64,
    file: Arc<dyn File>,
}

impl Source {
    pub(super) fn open(dir: &dyn Dir, path: &str) -> Result<Self> {
        let file = dir.open_read(path).map_err(Error::io("open", path))?;
        let len = file.len().map_err(Error::io("read", path))?;
        Ok(Self {
            path: path.to_owned(),
            len,
            file,
        })
    }

    /// Bytes of `at..at + len`, fewer at the end of the file.
    pub(super) fn read(&self, at: u64, len: usize) -> Result<Vec<u8>> {
        let left = self.len.saturating_sub(at);
        let mut bytes = vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(len)];
        let got = self
            .file
            .read_at(&mut bytes, at)
            .map_err(Error::io("read", &self.path))?;
        bytes.truncate(got);
        Ok(bytes)
    }

    /// Exactly the bytes of `at..at + len`.
    pub(super) fn read_exact(&self, at: u64, len: usize) -> Result<Option<Vec<u8>>> {
        Ok(Some(self.read(at, len)?).filter(|bytes| bytes.len() == len))
    }
}
