//! What can go wrong with a store or a spool, by cause.

use std::io;

use crate::note::NoteError;

/// The result of operations on a store or spool.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a store or spool, with the file and offset where there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The disk refused an operation.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// Path inside the store.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The disk is full. Nothing was lost: the same call may be made again later.
    #[error("no space left for {path}")]
    NoSpace {
        /// Path inside the store.
        path: String,
    },
    /// Bytes that are not what was written. Never mended: run `indelible verify`.
    #[error("{path} is damaged at byte {offset}: {what}; run `indelible verify`")]
    Damaged {
        /// Path inside the store.
        path: String,
        /// Offset of the damage in the file.
        offset: u64,
        /// What was found.
        what: String,
    },
    /// A file that must be there is not.
    #[error("{path} is missing; run `indelible verify`")]
    Missing {
        /// Path inside the store.
        path: String,
    },
    /// Another process is the writer.
    #[error("another process is writing to this store ({path} is locked)")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// The store is older than a checkpoint that somebody holds, or another history.
    #[error(
        "the store holds {found} entries and does not continue the known checkpoint \
         of size {known}: it was rolled back or rewritten"
    )]
    RolledBack {
        /// Size of the checkpoint that is known.
        known: u64,
        /// Entries of the store.
        found: u64,
    },
    /// An earlier write could not be made durable. Reopen and verify; never retried.
    #[error("an earlier sync failed, nothing more is written until the store is opened again")]
    Poisoned,
    /// The store's key signs for another name.
    #[error("the store's key signs for `{found}`, not for `{wanted}`")]
    Origin {
        /// Name in the key file.
        found: String,
        /// Name asked for.
        wanted: String,
    },
    /// A key or checkpoint text that cannot be read.
    #[error("cannot read {path}")]
    Note {
        /// Path inside the store.
        path: String,
        /// Why.
        source: NoteError,
    },
    /// Entries given to a spool that do not continue its stream.
    #[error("entry {sequence} cannot be appended: {what}")]
    Entry {
        /// Sequence number that was due.
        sequence: u64,
        /// What is wrong with it.
        what: String,
    },
    /// An entry that retention has removed, as the log declares.
    #[error("entry {index} was removed by retention")]
    Removed {
        /// Leaf index.
        index: u64,
    },
    /// An entry whose payload was erased, as the log declares.
    #[error("the payload of entry {index} was erased")]
    Erased {
        /// Leaf index.
        index: u64,
    },
    /// An entry that stands in a write-ahead file yet.
    #[error("entry {index} is among the newest: its segment must be full before it can be erased")]
    NotSealed {
        /// Leaf index.
        index: u64,
    },
    /// A position that the store does not hold.
    #[error("position {wanted} is outside {from}..{to}")]
    OutOfRange {
        /// What was asked for.
        wanted: u64,
        /// First position held.
        from: u64,
        /// One past the last position held.
        to: u64,
    },
}

impl Error {
    /// Wraps a system error, telling a full disk from the rest.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> Self {
        let mut path = path.into();
        if path.is_empty() {
            path.push('.');
        }
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }

    pub(crate) fn damaged(path: impl Into<String>, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.into(),
            offset,
            what: what.into(),
        }
    }

    /// Whether the cause is a file that is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
