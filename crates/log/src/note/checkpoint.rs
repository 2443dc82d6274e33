//! A checkpoint, its note, and what verifies it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::chain::has_signed;
use super::form::parse_signature_line;
use super::{NoteError, VerifierKey};
use crate::hash::Hash;
use crate::limits::TEXT_BYTES_MAX;

/// Length of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;

/// The signed size and root of a log. The signature is over the note text, see [`Checkpoint::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Entries in the tree.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// Ed25519 signature over the note text.
    pub signature: [u8; SIGNATURE_BYTES],
}

impl Checkpoint {
    /// No checkpoint: what stands in the protocol and in the first frame's seal instead of one.
    pub const NONE: Self = Self {
        size: 0,
        root: Hash::ZERO,
        signature: [0; SIGNATURE_BYTES],
    };

    /// The text that is signed: origin, size and root, a line each.
    pub fn text(origin: &str, size: u64, root: &Hash) -> String {
        format!("{origin}\n{size}\n{}\n", STANDARD.encode(root.0))
    }

    /// The signed note, as published in the file `checkpoint`.
    pub fn to_note(&self, key: &VerifierKey) -> String {
        let mut signature = key.signer_id(self).to_vec();
        signature.extend_from_slice(&self.signature);
        let text = Self::text(&key.name, self.size, &self.root);
        format!(
            "{text}\n\u{2014} {} {}\n",
            key.name,
            STANDARD.encode(signature)
        )
    }
}

impl VerifierKey {
    /// Whether the checkpoint was signed by the key that signs those of its size.
    pub fn verify(&self, checkpoint: &Checkpoint) -> bool {
        self.in_charge(checkpoint.size)
            .any(|(_, public)| self.is_signed(checkpoint, public))
    }

    /// Reads a signed note and verifies this key's signature on it.
    ///
    /// # Errors
    /// Text that is no strict checkpoint, of another origin, or without a valid signature by
    /// this key; [`NoteError::GivenUp`] where a restart gave it up.
    pub fn open_note(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let checkpoint = self.open_any_note(note)?;
        match self.verify(&checkpoint) {
            true => Ok(checkpoint),
            false => Err(NoteError::GivenUp),
        }
    }

    /// As [`VerifierKey::open_note`], and also of a checkpoint that a restart gave up:
    /// [`VerifierKey::gave_up`] tells.
    ///
    /// # Errors
    /// All others of [`VerifierKey::open_note`].
    pub fn open_any_note(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let control = |char: char| char.is_control() && char != '\n';
        if note.len() > TEXT_BYTES_MAX || note.contains(control) {
            return Err(NoteError::Form);
        }
        let (text, signatures) = note.split_once("\n\n").ok_or(NoteError::Form)?;
        let (size, root) = self.parse_text(text)?;
        let signatures = signatures.strip_suffix('\n').ok_or(NoteError::Form)?;
        let mut ours = None;
        for line in signatures.split('\n') {
            let (name, bytes) = parse_signature_line(line)?;
            let mut signers = self.in_charge(size).chain(self.given_up(size));
            let signer = signers.find_map(|(id, public)| Some((bytes.strip_prefix(id)?, public)));
            let Some((signature, public)) = signer.filter(|_| name == self.name) else {
                continue;
            };
            let signature = signature.try_into().map_err(|_| NoteError::Signature)?;
            let checkpoint = Checkpoint {
                size,
                root,
                signature,
            };
            if !self.is_signed(&checkpoint, public) {
                return Err(NoteError::Signature);
            }
            ours = Some(checkpoint);
        }
        ours.ok_or(NoteError::Unsigned)
    }

    fn parse_text(&self, text: &str) -> Result<(u64, Hash), NoteError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::Form);
        };
        if origin != self.name {
            return Err(NoteError::Origin);
        }
        let decimal = size.bytes().all(|byte| byte.is_ascii_digit());
        if !decimal || size.len() > 1 && size.starts_with('0') {
            return Err(NoteError::Form);
        }
        let size = size.parse().map_err(|_| NoteError::Form)?;
        let root = STANDARD
            .decode(root)
            .ok()
            .and_then(|root| Hash::from_slice(&root));
        Ok((size, root.ok_or(NoteError::Form)?))
    }

    /// The id of the key that signed a checkpoint.
    fn signer_id(&self, checkpoint: &Checkpoint) -> [u8; 4] {
        let size = checkpoint.size;
        let mut signers = self.in_charge(size).chain(self.given_up(size));
        let signer = signers.find(|(_, public)| self.is_signed(checkpoint, public));
        let first = self.in_charge(size).next();
        signer.or(first).map_or(self.id, |(id, _)| *id)
    }

    pub(super) fn is_signed(&self, checkpoint: &Checkpoint, public: &[u8; 32]) -> bool {
        let text = Checkpoint::text(&self.name, checkpoint.size, &checkpoint.root);
        has_signed(public, &text, &checkpoint.signature)
    }
}
