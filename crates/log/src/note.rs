//! Checkpoints and the keys that sign them: C2SP tlog-checkpoint v1.0.0 in a signed note v1.0.0.
//!
//! ```text
//! <origin>\n<size>\n<base64 root>\n\n— <origin> <base64 (key id ‖ signature)>\n
//! key id      = SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[..4]
//! verifier    = <name>+<key id, 8 hex digits>+<base64 (0x01 ‖ public key)>
//! private key = PRIVATE+KEY+<name>+<key id, 8 hex digits>+<base64 (0x01 ‖ seed)>
//! ```
//!
//! Reading is strict: canonical base64, decimal numbers without leading zeros, no extension
//! lines. Signatures by other names (witnesses) may follow ours and are not judged here.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::{Hash, sha256};
use crate::limits::{ORIGIN_BYTES_MAX, TEXT_BYTES_MAX};

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
        let mut signature = key.id.to_vec();
        signature.extend_from_slice(&self.signature);
        let text = Self::text(&key.name, self.size, &self.root);
        format!(
            "{text}\n\u{2014} {} {}\n",
            key.name,
            STANDARD.encode(signature)
        )
    }
}

/// The public half of a log's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl VerifierKey {
    fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, ED25519_TYPE, &public)?,
            public,
        })
    }

    /// Reads the C2SP verifier key form.
    ///
    /// # Errors
    /// Any deviation from the form, and a key id that is not the key's.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, public) = parse_verifier_key(text, ED25519_TYPE)?;
        Ok(Self { name, id, public })
    }

    /// The origin: the name that the key signs for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Ed25519 public key.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Whether the checkpoint was signed by this key.
    pub fn verify(&self, checkpoint: &Checkpoint) -> bool {
        let text = Checkpoint::text(&self.name, checkpoint.size, &checkpoint.root);
        UnparsedPublicKey::new(&ED25519, self.public)
            .verify(text.as_bytes(), &checkpoint.signature)
            .is_ok()
    }

    /// Reads a signed note and verifies this key's signature on it.
    ///
    /// # Errors
    /// Text that is no strict checkpoint, of another origin, or without a valid signature by
    /// this key.
    pub fn open_note(&self, note: &str) -> Result<Checkpoint, NoteError> {
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
            let Some(signature) = bytes.strip_prefix(&self.id) else {
                continue;
            };
            if name == self.name {
                let signature = signature.try_into().map_err(|_| NoteError::Signature)?;
                ours = Some(Checkpoint {
                    size,
                    root,
                    signature,
                });
                if !ours.is_some_and(|checkpoint| self.verify(&checkpoint)) {
                    return Err(NoteError::Signature);
                }
            }
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
}

impl fmt::Display for VerifierKey {
    /// The C2SP verifier key form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_verifier_key(f, &self.name, &self.id, ED25519_TYPE, &self.public)
    }
}

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

/// Reads `<name>+<key id>+<base64 (type ‖ public key)>` of a given type.
pub(crate) fn parse_verifier_key(
    text: &str,
    kind: u8,
) -> Result<(String, [u8; 4], [u8; 32]), NoteError> {
    let (name, rest) = text.split_once('+').ok_or(NoteError::Key)?;
    let (stated, key) = rest.split_once('+').ok_or(NoteError::Key)?;
    let public = parse_typed_key(key, kind)?;
    let id = key_id(name, kind, &public)?;
    if stated == id_text(&id) {
        Ok((name.to_owned(), id, public))
    } else {
        Err(NoteError::KeyId)
    }
}

/// Writes what [`parse_verifier_key`] reads.
pub(crate) fn write_verifier_key(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    id: &[u8; 4],
    kind: u8,
    public: &[u8; 32],
) -> fmt::Result {
    write!(f, "{name}+{}+{}", id_text(id), typed_key(kind, public))
}

/// The key id of a name and a key.
///
/// # Errors
/// A name that notes cannot carry.
pub(crate) fn key_id(name: &str, kind: u8, public: &[u8; 32]) -> Result<[u8; 4], NoteError> {
    let plain = |char: char| !char.is_whitespace() && !char.is_control() && char != '+';
    if name.is_empty() || name.len() > ORIGIN_BYTES_MAX || !name.chars().all(plain) {
        return Err(NoteError::Name);
    }
    let mut input = name.as_bytes().to_vec();
    input.extend_from_slice(&[b'\n', kind]);
    input.extend_from_slice(public);
    let hash = sha256(&input).0;
    Ok([hash[0], hash[1], hash[2], hash[3]])
}

fn id_text(id: &[u8; 4]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn typed_key(kind: u8, key: &[u8; 32]) -> String {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(key);
    STANDARD.encode(bytes)
}

fn parse_typed_key(text: &str, kind: u8) -> Result<[u8; 32], NoteError> {
    let bytes = STANDARD.decode(text).map_err(|_| NoteError::Key)?;
    let key = bytes.strip_prefix(&[kind]).ok_or(NoteError::Key)?;
    key.try_into().map_err(|_| NoteError::Key)
}

/// The name and the bytes of a line `— <name> <base64>`.
pub(crate) fn parse_signature_line(line: &str) -> Result<(&str, Vec<u8>), NoteError> {
    let rest = line.strip_prefix("\u{2014} ").ok_or(NoteError::Form)?;
    let (name, signature) = rest.split_once(' ').ok_or(NoteError::Form)?;
    let bytes = STANDARD.decode(signature).map_err(|_| NoteError::Form)?;
    Ok((name, bytes))
}

/// Why a text is not a key or not a checkpoint of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Not a key of the form that is asked for.
    #[error("not an Ed25519 note key")]
    Key,
    /// The key id is not that of name and key.
    #[error("the key id does not belong to this name and key")]
    KeyId,
    /// A name that notes cannot carry.
    #[error("an origin is 1 to 255 bytes without white space and `+`")]
    Name,
    /// Not a strict checkpoint note.
    #[error("not a checkpoint in a signed note")]
    Form,
    /// A checkpoint of another log.
    #[error("the checkpoint is of another origin")]
    Origin,
    /// The signature is not valid.
    #[error("the signature is not valid")]
    Signature,
    /// No signature by the key.
    #[error("the checkpoint is not signed by this key")]
    Unsigned,
}

const ED25519_TYPE: u8 = 1;
const PRIVATE_PREFIX: &str = "PRIVATE+KEY+";

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed("log.example/a", [7; 32]).unwrap()
    }

    #[test]
    fn keys_come_back() {
        let key = key();
        let verifier = VerifierKey::parse(&key.verifier().to_string()).unwrap();
        assert_eq!(&verifier, key.verifier());
        let again = SigningKey::parse(&key.to_private_text()).unwrap();
        assert_eq!(again.verifier(), key.verifier());
    }

    #[test]
    fn known_verifier_key() {
        // The example key of Go's golang.org/x/mod/sumdb/note documentation.
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let verifier = VerifierKey::parse(text).unwrap();
        assert_eq!(
            (verifier.name(), verifier.to_string().as_str()),
            ("PeterNeumann", text)
        );
    }

    #[test]
    fn every_flipped_bit_of_the_texts_is_seen() {
        let key = key();
        let check = |text: &str, accepts: &dyn Fn(&str) -> bool| {
            assert!(accepts(text));
            for bit in 0..text.len() * 8 {
                let mut flipped = text.as_bytes().to_vec();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let accepted = String::from_utf8(flipped).is_ok_and(|text| accepts(&text));
                assert!(!accepted, "bit {bit} of {text}");
            }
        };
        let note = key.sign(70_000, Hash([3; 32])).to_note(key.verifier());
        check(&note, &|text| key.verifier().open_note(text).is_ok());
        check(&key.verifier().to_string(), &|text| {
            VerifierKey::parse(text).is_ok()
        });
        check(&key.to_private_text(), &|text| {
            SigningKey::parse(text).is_ok()
        });
    }

    #[test]
    fn witness_lines_are_carried_along() {
        let key = key();
        let checkpoint = key.sign(5, Hash([3; 32]));
        let note = checkpoint.to_note(key.verifier()) + "\u{2014} witness.example AAAAAAAA\n";
        assert_eq!(key.verifier().open_note(&note), Ok(checkpoint));
        let stranger = SigningKey::from_seed("log.example/a", [8; 32]).unwrap();
        assert_eq!(
            stranger.verifier().open_note(&note),
            Err(NoteError::Unsigned)
        );
    }

    #[test]
    fn loose_forms_are_refused() {
        let key = key();
        let note = key.sign(5, Hash([3; 32])).to_note(key.verifier());
        for (from, to) in [
            ("\n5\n", "\n05\n"),
            ("\n5\n", "\n+5\n"),
            ("=\n\n", "=\next\n\n"),
            ("=\n", "\n"),
        ] {
            let loose = note.replacen(from, to, 1);
            assert!(key.verifier().open_note(&loose).is_err(), "{loose}");
        }
        for name in ["", "a b", "a+b", "a\n"] {
            assert_eq!(
                SigningKey::generate(name).err(),
                Some(NoteError::Name),
                "{name:?}"
            );
        }
    }
}
