//! What the log says of its own removals, erasures and keys: entries of kind 10 in the collector's own
//! stream (docs/formats.md, "Operator actions").

use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::limits::ENTRY_HEADER_BYTES;

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
}

impl Declared {
    /// Reads the payload of an entry of kind 10; `None` for other actions.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
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
