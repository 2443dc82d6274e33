//! A store that was opened: its sealed segments with their indexes, which all readers of one search share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context, Result};
use indelible_log::LogReader;
use indelible_log::dir::RealDir;
use indelible_query::criteria::Window;

use super::Lines;
use super::plan::{Segment, segments};

/// A collector's store as a source.
#[derive(Clone, Debug)]
pub(crate) struct StoreAt {
    path: PathBuf,
    /// As somebody reads it.
    opened: Arc<Mutex<Weak<Opened>>>,
}

impl StoreAt {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            opened: Arc::default(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The store as another reader has it open, or as it is now, for one who asks of a window.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub(in crate::search) fn open(&self, window: Window) -> Result<Arc<Opened>> {
        let opened = self.opened.lock();
        let mut opened = opened.unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = opened.upgrade() {
            return Ok(opened);
        }
        let fresh = Arc::new(Opened::read(&self.path, window)?);
        *opened = Arc::downgrade(&fresh);
        Ok(fresh)
    }
}

impl PartialEq for StoreAt {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for StoreAt {}

/// What its readers share.
pub(in crate::search) struct Opened {
    pub(in crate::search) path: PathBuf,
    pub(in crate::search) reader: LogReader,
    /// With the streams that begin in the segments; without messages.
    pub(in crate::search) lines: Lines,
    pub(in crate::search) segments: Vec<Segment>,
    /// First leaf index after them.
    pub(in crate::search) after: u64,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Opened({})", self.path.display())
    }
}

impl Opened {
    fn read(path: &Path, window: Window) -> Result<Self> {
        let shown = || format!("cannot read the store {}", path.display());
        let dir = RealDir::open(path).with_context(shown)?;
        let reader = LogReader::open(dir).with_context(shown)?;
        let mut lines = Lines::of_store(false);
        let (segments, after) = segments(&reader, window, &mut lines).with_context(shown)?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            lines,
            segments,
            after,
        })
    }
}

#[cfg(test)]
mod tests {
    use indelible_log::{Log, Options};

    use super::*;

    #[test]
    fn who_reads_at_the_same_time_reads_the_indexes_once() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RealDir::create(folder.path()).unwrap();
        let (log, _) = Log::open(dir, &Options::new("log.example/opened")).unwrap();
        log.close().unwrap();
        let at = StoreAt::new(folder.path());
        let first = at.open(Window::ALL).unwrap();
        let of_copy = |copy: StoreAt| copy.open(Window::ALL).unwrap();
        assert!(Arc::ptr_eq(&first, &of_copy(at.clone())));
        drop(first);
        // What nobody reads any more is not kept.
        assert!(at.opened.lock().unwrap().upgrade().is_none());
        assert!(at.open(Window::ALL).is_ok());
        let none = StoreAt::new(folder.path().join("none"));
        assert!(none.open(Window::ALL).is_err());
    }
}
