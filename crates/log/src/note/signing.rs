//! A log's signing key.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::chain::Earlier;
use super::checkpoint::{Checkpoint, SIGNATURE_BYTES};
use super::form::{ED25519_TYPE, id_text, parse_typed_key, typed_key};
use super::{NoteError, VerifierKey};
use crate::hash::Hash;
use crate::limits::KEYS_MAX;

/// A log's signing key.
#[derive(Clone)]
pub struct SigningKey {
    verifier: VerifierKey,
    seed: [u8; 32],
    pair: Arc<Ed25519KeyPair>,
}

impl SigningKey {
    /// A new key for an origin.
    ///
    /// # Errors
    /// A name that notes cannot carry: empty, too long, with white space or `+`.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    pub fn generate(origin: &str) -> Result<Self, NoteError> {
        let mut seed = [0; 32];
        aws_lc_rs::rand::fill(&mut seed).expect("the system gives random bytes");
        Self::from_seed(origin, seed)
    }

    /// The key of an origin with a given Ed25519 seed.
    ///
    /// # Errors
    /// As [`SigningKey::generate`].
    pub fn from_seed(origin: &str, seed: [u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| NoteError::Key)?;
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| NoteError::Key)?;
        Ok(Self {
            verifier: VerifierKey::new(origin, public)?,
            seed,
            pair: Arc::new(pair),
        })
    }

    /// Reads the private key form.
    ///
    /// # Errors
    /// Any deviation from the form, and a key id that is not the key's.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let rest = text.strip_prefix(PRIVATE_PREFIX).ok_or(NoteError::Key)?;
        let (name, rest) = rest.split_once('+').ok_or(NoteError::Key)?;
        let (id, seed) = rest.split_once('+').ok_or(NoteError::Key)?;
        let key = Self::from_seed(name, parse_typed_key(seed, ED25519_TYPE)?)?;
        if id == id_text(&key.verifier.id) {
            Ok(key)
        } else {
            Err(NoteError::KeyId)
        }
    }

    /// The private key form. Not `Display`, so that it cannot end up in a message by accident.
    pub fn to_private_text(&self) -> String {
        let verifier = &self.verifier;
        format!(
            "{PRIVATE_PREFIX}{}+{}+{}",
            verifier.name,
            id_text(&verifier.id),
            typed_key(ED25519_TYPE, &self.seed)
        )
    }

    /// Hands a log over: what its verifier key `keys` becomes when `next` follows this key after the
    /// checkpoint of `until` entries.
    ///
    /// # Errors
    /// Keys of another log, sizes that do not grow, and more keys than a log can have.
    pub fn hand_over(
        &self,
        keys: &VerifierKey,
        next: &Self,
        until: u64,
    ) -> Result<VerifierKey, NoteError> {
        self.let_follow(keys, next, until, None)
    }

    /// Restarts a log that was restored from an older copy: what its verifier key `keys` becomes when it
    /// goes on under `next` from `until` entries, and what this key had signed of more than `beyond` is
    /// given up.
    ///
    /// # Errors
    /// As [`SigningKey::hand_over`]; more entries that are kept than there are.
    pub fn restart(
        &self,
        keys: &VerifierKey,
        next: &Self,
        until: u64,
        beyond: u64,
    ) -> Result<VerifierKey, NoteError> {
        self.let_follow(keys, next, until, Some(beyond))
    }

    fn let_follow(
        &self,
        keys: &VerifierKey,
        next: &Self,
        until: u64,
        given_up_beyond: Option<u64>,
    ) -> Result<VerifierKey, NoteError> {
        let has_room = keys.earlier.len() + 1 < KEYS_MAX;
        let is_ours = keys.is_of(self) && next.verifier.name == keys.name && !keys.knows(next);
        let mut earlier = Earlier {
            id: keys.id,
            public: keys.public,
            until,
            given_up_beyond,
            signatures: [[0; SIGNATURE_BYTES]; 2],
        };
        let last = keys.earlier.first();
        let is_in_order = earlier.is_followed_by(None)
            && last.is_none_or(|last| last.is_followed_by(Some(&earlier)));
        if !is_in_order || !has_room || !is_ours {
            return Err(NoteError::Succession);
        }
        let next_public = (next.verifier.id, next.verifier.public);
        let text = keys.succession(&earlier, &next_public);
        for (signature, key) in earlier.signatures.iter_mut().zip([self, next]) {
            signature.copy_from_slice(key.pair.sign(text.as_bytes()).as_ref());
        }
        let mut handed = next.verifier.clone();
        handed.earlier.push(earlier);
        handed.earlier.extend(keys.earlier.iter().cloned());
        Ok(handed)
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs the size and root of a tree.
    pub fn sign(&self, size: u64, root: Hash) -> Checkpoint {
        let text = Checkpoint::text(&self.verifier.name, size, &root);
        let signature = self.pair.sign(text.as_bytes());
        let signature = signature
            .as_ref()
            .try_into()
            .expect("Ed25519 signatures have 64 bytes");
        Checkpoint {
            size,
            root,
            signature,
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

const PRIVATE_PREFIX: &str = "PRIVATE+KEY+";
