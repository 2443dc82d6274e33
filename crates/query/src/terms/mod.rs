//! Terms: values of records by which a block index tells where something can be, and what a question
//! wants of them.
//!
//! ```text
//! record ─ each ─▶ (field, value)*  ─▶ block index
//! Criteria, Where ─ wants ─▶ Wants ── which values? ──▶ blocks that can hold a match
//! ```
//!
//! The two agree so: of every event that matches, one record gives a term that each part of
//! [`Wants::All`] asks for, and one of [`Wants::Any`]'s. What a question asks beyond that is
//! [`Wants::Anything`]. `crates/query/tests/it/terms.rs` holds them together.

mod extract;
mod wants;

pub use extract::each;
pub use wants::{Test, Wants};

/// A field of a block index. The numbers stand in files (docs/formats.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum TermField {
    /// Label of a rule.
    Key = 16,
    /// A host: `node=` of a relayed line; host or address of a message.
    Node = 17,
    /// Number of a record's type.
    Type = 18,
    /// Number of a system call.
    Syscall = 19,
    /// Login uid, and its name in enriched records.
    Auid = 20,
    /// uid or euid, and their names.
    Uid = 21,
    /// Process id.
    Pid = 22,
    /// Path of the program.
    Exe = 23,
    /// Name of the task; program of a message.
    Comm = 24,
    /// Path, working directory or unix socket.
    Path = 25,
    /// Remote host or internet address.
    Address = 26,
    /// Pid of the process that a context speaks of.
    Context = 27,
}

impl TermField {
    /// The number.
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// Raised when something else is said of an entry. Version 2 added [`TermField::Context`].
pub const VERSION: u16 = 2;

/// Whether indexes of a version have a field; they say of it what today's say. None of those that are
/// of no use.
pub fn had(version: u16, field: u8) -> Option<bool> {
    match version {
        1 => Some(field != TermField::Context.number()),
        VERSION => Some(true),
        _ => None,
    }
}
