//! A proof that fits in a file: C2SP tlog-proof, for one entry.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! index <leaf index>
//! <hash in base64>       from the leaf to the root, one per line
//!
//! <the checkpoint: a signed note>
//! ```
//! Whoever has the entry and the log's public key needs nothing else to check it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::{Hash, leaf_hash};
use crate::limits::{PROOF_HASHES_MAX, TEXT_BYTES_MAX};
use crate::merkle;
use crate::note::{Checkpoint, NoteError, VerifierKey};

/// That an entry is at an index of the tree of a signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// Leaf index.
    pub index: u64,
    /// From the leaf upwards.
    pub hashes: Vec<Hash>,
    /// What the log signed.
    pub checkpoint: Checkpoint,
}

impl LogProof {
    /// The text of the file.
    pub fn to_text(&self, key: &VerifierKey) -> String {
        let mut text = format!("{HEADER}\nindex {}\n", self.index);
        for hash in &self.hashes {
            text.push_str(&STANDARD.encode(hash.0));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint.to_note(key));
        text
    }

    /// Reads a file, and verifies the checkpoint's signature. A line `extra …`, which the form
    /// allows, is skipped.
    ///
    /// # Errors
    /// Text of another form, and a checkpoint that `key` did not sign.
    pub fn parse(text: &str, key: &VerifierKey) -> Result<Self, LogProofError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(LogProofError::Form);
        }
        let (head, note) = text.split_once("\n\n").ok_or(LogProofError::Form)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(LogProofError::Form);
        }
        lines.next_if(|line| line.starts_with("extra "));
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .filter(|digits| *digits == "0" || !digits.starts_with('0'))
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or(LogProofError::Form)?;
        let hashes: Vec<Hash> = lines
            .map(|line| Hash::from_slice(&STANDARD.decode(line).ok()?))
            .collect::<Option<_>>()
            .filter(|hashes: &Vec<Hash>| hashes.len() <= PROOF_HASHES_MAX)
            .ok_or(LogProofError::Form)?;
        Ok(Self {
            index,
            hashes,
            checkpoint: key.open_note(note)?,
        })
    }

    /// Checks that `entry` is the one that is proven, by the log with this key.
    ///
    /// # Errors
    /// When it is not.
    pub fn verify(&self, entry: &[u8], key: &VerifierKey) -> Result<(), LogProofError> {
        if !key.verify(&self.checkpoint) {
            return Err(LogProofError::Note(NoteError::Signature));
        }
        let (size, root) = (self.checkpoint.size, &self.checkpoint.root);
        merkle::verify_inclusion(&leaf_hash(entry), self.index, size, &self.hashes, root)
            .map_err(|_| LogProofError::Entry)
    }
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogProofError {
    /// Not a file of this form.
    #[error("not a tlog-proof file")]
    Form,
    /// The checkpoint is not one of this log.
    #[error("its checkpoint is not one of this log")]
    Note(#[from] NoteError),
    /// The entry is not the one that is proven.
    #[error("the entry is not the one that is proven")]
    Entry,
}

const HEADER: &str = "c2sp.org/tlog-proof@v1";
