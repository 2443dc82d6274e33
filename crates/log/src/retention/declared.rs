//! What the log says of its own removals, erasures and keys: entries of kind 10 in the collector's own
//! stream (docs/formats.md, "Operator actions").

use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::limits::ENTRY_HEADER_BYTES;
use crate::note::Succession;

/// A declaration, as the keys of its entry's JSON object that verification needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Declared {
    /// Whole segments at the beginning of the log.
    Remove {
        /// Entries that are removed: all below this index.
        to: u64,
        /// Root of the tree of so many entries, hexadecimal.
        root: String,
        /// SHA-256 of the file `removed`, hexadecimal.
        streams_sha256: String,
    },
    /// The payload of one entry.
    Erase {
        /// Leaf index.
        entry: u64,
        /// The entry's leaf hash, hexadecimal.
        leaf: String,
        /// The entry's envelope, hexadecimal.
        envelope: String,
    },
    /// Another key of the log; from the checkpoint over this entry on it signs.
    RotateKey {
        /// The new key, as C2SP writes it.
        key: String,
        /// Entries of the log with this one.
        until: u64,
        /// The line of the key before it in `log.vkey`, with the signatures of both.
        earlier: String,
    },
    /// Another key of a log that was restored from an older copy; the first checkpoint that it signs
    /// covers this entry.
    RestartLog {
        /// The new key, as C2SP writes it.
        key: String,
        /// Entries of the log without this one.
        until: u64,
        /// Entries that are as they were: what the key before had signed of more is given up.
        kept: u64,
        /// The line of the key before it in `log.vkey`, with the signatures of both.
        earlier: String,
    },
}

impl Declared {
    /// Reads the payload of an entry of kind 10; `None` for other actions.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    /// A new key, or a restart.
    pub fn succession(one: Succession) -> Self {
        let Succession {
            key,
            until,
            given_up_beyond,
            earlier,
        } = one;
        match given_up_beyond {
            None => Self::RotateKey {
                key,
                until,
                earlier,
            },
            Some(kept) => Self::RestartLog {
                key,
                until,
                kept,
                earlier,
            },
        }
    }

    /// The succession of keys that is declared; none for other declarations.
    pub fn to_succession(&self) -> Option<Succession> {
        let (key, until, given_up_beyond, earlier) = match self {
            Self::RotateKey {
                key,
                until,
                earlier,
            } => (key, until, None, earlier),
            Self::RestartLog {
                key,
                until,
                kept,
                earlier,
            } => (key, until, Some(*kept), earlier),
            Self::Remove { .. } | Self::Erase { .. } => return None,
        };
        Some(Succession {
            key: key.clone(),
            until: *until,
            given_up_beyond,
            earlier: earlier.clone(),
        })
    }

    /// The erasure of an entry.
    pub fn erase(entry: u64, leaf: &Hash, envelope: &[u8; ENTRY_HEADER_BYTES]) -> Self {
        Self::Erase {
            entry,
            leaf: leaf.to_string(),
            envelope: crate::head::hex(envelope),
        }
    }
}
