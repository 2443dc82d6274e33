//! The public half of a log's key, and its text.

use std::fmt;

use super::chain::{Earlier, has_signed};
use super::form::{
    ED25519_TYPE, id_text, key_id, parse_verifier_key, typed_key, write_verifier_key,
};
use super::{NoteError, SigningKey};
use crate::limits::KEYS_MAX;

/// The public half of a log's key, and of those that it had before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    pub(super) name: String,
    pub(super) id: [u8; 4],
    pub(super) public: [u8; 32],
    /// The newest first.
    pub(super) earlier: Vec<Earlier>,
}

impl VerifierKey {
    pub(super) fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, ED25519_TYPE, &public)?,
            public,
            earlier: Vec::new(),
        })
    }

    /// Reads the C2SP verifier key form, and a line for each earlier key.
    ///
    /// # Errors
    /// Any deviation from the form, a key id that is not the key's, and a key that its neighbours did
    /// not sign.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.split('\n');
        let first = lines.next().unwrap_or_default();
        let (name, id, public) = parse_verifier_key(first, ED25519_TYPE)?;
        let mut key = Self {
            name,
            id,
            public,
            earlier: Vec::new(),
        };
        let mut next = (id, public);
        for line in lines {
            if key.earlier.len() + 1 >= KEYS_MAX {
                return Err(NoteError::Form);
            }
            let earlier = key.parse_earlier(line)?;
            let text = key.succession(&earlier, &next);
            let [by_earlier, by_next] = &earlier.signatures;
            if !earlier.is_followed_by(key.earlier.last())
                || !has_signed(&earlier.public, &text, by_earlier)
                || !has_signed(&next.1, &text, by_next)
            {
                return Err(NoteError::Succession);
            }
            next = (earlier.id, earlier.public);
            key.earlier.push(earlier);
        }
        Ok(key)
    }

    /// The whole form, with a line for each earlier key; without a line feed at its end.
    pub fn to_text(&self) -> String {
        let lines = self.earlier.iter();
        let lines = lines.map(|earlier| format!("\n{}", self.earlier_line(earlier)));
        self.to_string() + &lines.collect::<String>()
    }

    pub(super) fn key_text(&self, id: &[u8; 4], public: &[u8; 32]) -> String {
        let (name, id) = (&self.name, id_text(id));
        format!("{name}+{id}+{}", typed_key(ED25519_TYPE, public))
    }

    /// The origin: the name that the key signs for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Ed25519 public key.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Whether it is that of a signing key, whatever came before.
    pub fn is_of(&self, key: &SigningKey) -> bool {
        self.name == key.verifier().name && self.public == key.verifier().public
    }

    /// Whether a signing key is one that the log has or had.
    pub fn knows(&self, key: &SigningKey) -> bool {
        self.name == key.verifier().name && self.position(&key.verifier().public).is_some()
    }

    /// How many keys came after this one.
    pub(super) fn position(&self, public: &[u8; 32]) -> Option<usize> {
        let keys = std::iter::once(&self.public);
        let mut keys = keys.chain(self.earlier.iter().map(|earlier| &earlier.public));
        keys.position(|key| key == public)
    }
}

impl fmt::Display for VerifierKey {
    /// The C2SP verifier key form of the current key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_verifier_key(f, &self.name, &self.id, ED25519_TYPE, &self.public)
    }
}
