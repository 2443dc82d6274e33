//! The append-only log: entries, streams, the Merkle tree, checkpoints, verification.
//!
//! ```text
//! host       SpoolWriter ──▶ spool files ──▶ SpoolReader ──▶ (wire)
//! collector  Batch::prepare ──▶ Log::append ──▶ Log::commit ──▶ write-ahead file, checkpoint
//!            write-ahead file ──seal──▶ segment + tiles ──▶ LogReader, verify
//! ```
//!
//! Bytes on disk are described in `docs/formats.md`; what a batch may do to a stream in
//! `docs/protocol.md`, section 4. The crate reads no clock, knows no network, and reaches the
//! disk only through [`dir::Dir`], so that a test can tear, fill and lose it.
#![forbid(unsafe_code)]

pub mod block;
mod codec;
pub mod cut;
pub mod dir;
pub mod entry;
mod error;
pub mod hash;
pub mod head;
pub mod index;
pub mod limits;
pub mod log;
pub mod merkle;
pub mod note;
pub mod published;
pub mod read;
pub mod retention;
mod segment;
pub mod spool;
pub mod tile;
pub mod verify;
mod wal;
pub mod witness;

pub use entry::{EntryError, EntryRef, Header, Kind, StreamId};
pub use error::{Error, Result};
pub use hash::Hash;
pub use log::{Appended, Batch, BatchError, Commit, Log, OpenReport, Options, Refused, Sealing};
pub use note::{Checkpoint, NoteError, SigningKey, Succession, VerifierKey};
pub use read::LogReader;
