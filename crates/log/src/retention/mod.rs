//! Entries that are no longer kept: whole segments at the beginning of a log, and payloads of
//! single entries.
//!
//! ```text
//! plan (any thread: reads, hashes) ─▶ declare (an entry, committed) ─▶ Log::remove, Log::erase
//! ```
//!
//! What is removed is always a prefix of whole segments. Three things stay of it: the tiles above
//! level 0, the hashes that keep checkpoints published inside it provable ([`kept`]), and where its
//! streams stood at its end, with how they began (the file `removed`). What is erased keeps its envelope and leaf hash. So
//! the tree stays what it was, and `verify` accepts what an entry of the log declares and nothing
//! else.

pub mod declared;
mod erasure;
pub mod kept;
mod plan;
pub(crate) mod removed;

pub use declared::Declared;
pub use erasure::Erasure;
pub(crate) use plan::unlink_below;
pub use plan::{Oldest, Plan, oldest};
pub use removed::{carried_openings, first_entry};
