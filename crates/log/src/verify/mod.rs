//! Verification: reads every byte of a store or spool again and says exactly where it breaks.
//!
//! It shares with the writer the parsing of entries, notes and compressed blocks, and the hash
//! functions; walking files, trees, chains and tables is written a second time here, so that a
//! mistake of the writer is not repeated by who checks it.
//!
//! What is held to what:
//! - every byte to a checksum, a hash, or a reserved value;
//! - every entry to the check beside it, its stream's sequence and (in a spool) the chain;
//! - the tree to the checkpoint in each frame's seal, the published one, and one known from
//!   elsewhere; their signatures to the store's key;
//! - checkpoints to the witnesses that are named;
//! - what entries say of their own stream to an [`Inspect`] of the caller's;
//! - tiles, block roots and stream tables to what the entries give.

mod account;
mod checkpoints;
mod inspect;
mod mark;
mod report;
mod shown;
mod source;
mod spool;
mod store;
mod tree;
mod wal;

pub use inspect::{Inspect, Inspector};
pub use mark::{Mark, MarkError};
pub use report::{Gap, PROBLEMS_MAX, Problem, ProblemKind, Report, Restart, TornTail, Verdict};
pub use shown::{Shown, verify_shown};
pub use spool::{verify_spool, verify_spool_with};
pub use store::{VerifyOptions, verify_store};
