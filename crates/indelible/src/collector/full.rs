//! A disk that takes nothing more: what waits meanwhile, and when it is tried again.
//!
//! Nothing is acknowledged while the disk is full. Agents are told "later" and keep spooling; what
//! receivers have numbered already waits here in its order, within their credits, so that syslog
//! and RELP peers are paused as far as their protocols allow. The disk counts as full before it is:
//! what is left lets sealing go on, which frees more than it takes.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::writer::Request;

/// The room on the store's disk, and what waits for it.
#[derive(Debug)]
pub(super) struct Disk {
    store: PathBuf,
    /// Free bytes that are kept for sealing and checkpoints.
    reserve_bytes: u64,
    full: Option<Full>,
}

#[derive(Debug)]
struct Full {
    since: Instant,
    retry_at: Instant,
    /// Requests of receivers, oldest first.
    held: VecDeque<Request>,
}

impl Disk {
    /// The disk of a store.
    pub(super) fn new(store: &Path, reserve_bytes: u64) -> Self {
        Self {
            store: store.to_owned(),
            reserve_bytes,
            full: None,
        }
    }

    /// Folder of the store.
    pub(super) fn store(&self) -> &Path {
        &self.store
    }

    /// Whether nothing can be taken now.
    pub(super) fn is_full(&self) -> bool {
        self.full.is_some()
    }

    /// When something should be tried again.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.full.as_ref().map(|full| full.retry_at)
    }

    /// Notes that the disk took nothing at `now`.
    pub(super) fn refused(&mut self, now: Instant) {
        let full = self.full.get_or_insert_with(|| {
            tracing::error!(
                "the disk of the store is full: nothing is acknowledged until there is room"
            );
            Full {
                since: now,
                retry_at: now,
                held: VecDeque::new(),
            }
        });
        full.retry_at = now + RETRY_EVERY;
    }

    /// Keeps a receiver's request for later.
    pub(super) fn hold(&mut self, request: Request) {
        if let Some(full) = &mut self.full {
            full.held.push_back(request);
        }
    }

    /// Notes that the disk takes entries again; gives back what waited.
    pub(super) fn recovered(&mut self, now: Instant) -> VecDeque<Request> {
        let Some(full) = self.full.take() else {
            return VecDeque::new();
        };
        let seconds = now.duration_since(full.since).as_secs();
        tracing::info!(seconds, "the disk of the store has room again");
        full.held
    }

    /// Bytes that are free for us.
    pub(super) fn free_bytes(&self) -> Result<u64> {
        let disk = rustix::fs::statvfs(&self.store)
            .with_context(|| format!("cannot ask for the room on {}", self.store.display()))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Whether so many free bytes are enough to take entries: once full, a little more is asked
    /// for, so that the answer does not change with each entry.
    pub(super) fn has_room(&self, free_bytes: u64) -> bool {
        let wanted = match self.full {
            None => self.reserve_bytes,
            Some(_) => self.reserve_bytes + self.reserve_bytes / 4,
        };
        free_bytes >= wanted
    }
}

/// Whether an error says that a disk is full.
pub(super) fn is_no_space(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let full = matches!(
            kind,
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        );
        let log = cause.downcast_ref::<indelible_log::Error>();
        full || matches!(log, Some(indelible_log::Error::NoSpace { .. }))
    })
}

/// How often a full disk is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_asks_for_more_than_not_full() {
        let mut disk = Disk::new(Path::new("/"), 100);
        assert!(disk.has_room(100) && !disk.has_room(99));
        let now = Instant::now();
        disk.refused(now);
        assert!(!disk.has_room(124) && disk.has_room(125));
        assert_eq!(disk.retry_at(), Some(now + RETRY_EVERY));
        assert!(disk.recovered(now).is_empty() && !disk.is_full());
        assert!(disk.free_bytes().unwrap() > 0);
    }

    #[test]
    fn causes_are_looked_through() {
        let full = indelible_log::Error::NoSpace {
            path: "wal".to_owned(),
        };
        assert!(is_no_space(&anyhow::Error::new(full).context("cannot")));
        let quota = io::Error::from(io::ErrorKind::QuotaExceeded);
        assert!(is_no_space(&anyhow::Error::new(quota)));
        assert!(!is_no_space(&anyhow::anyhow!("other")));
    }
}
