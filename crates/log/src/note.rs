//! Checkpoints and the keys that sign them: C2SP tlog-checkpoint v1.0.0 in a signed note v1.0.0.
//!
//! ```text
//! <origin>\n<size>\n<base64 root>\n\n— <origin> <base64 (key id ‖ signature)>\n
//! key id      = SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[..4]
//! verifier    = <name>+<key id, 8 hex digits>+<base64 (0x01 ‖ public key)>
//! private key = PRIVATE+KEY+<name>+<key id, 8 hex digits>+<base64 (0x01 ‖ seed)>
//! ```
//!
//! A log may get a new key. Then its verifier key has a line for each key that it signed with before,
//! the newest first, which both keys have signed:
//!
//! ```text
//! verifier    = <current>(\n<earlier verifier> <last size> <base64 signature of it> <of the next key>)*
//! signed text = <origin>\nindelible/key-successor/v1\n<earlier verifier>\n<next verifier>\n<last size>\n
//! ```
//!
//! Checkpoints up to the last size are signed by the earlier key, from there on by the next one, and by
//! no other.
//!
//! Reading is strict: canonical base64, decimal numbers without leading zeros, no extension
//! lines. Signatures by other names (witnesses) may follow ours and are not judged here.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::{Hash, sha256};
use crate::limits::{KEYS_MAX, ORIGIN_BYTES_MAX, TEXT_BYTES_MAX};

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

/// The public half of a log's key, and of those that it had before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
    /// The newest first.
    earlier: Vec<Earlier>,
}

/// A key that a log signed with before.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Earlier {
    id: [u8; 4],
    public: [u8; 32],
    /// The size of the last checkpoint that it signs, and of the first that the next one does.
    until: u64,
    /// By it, and by the next one.
    signatures: [[u8; SIGNATURE_BYTES]; 2],
}

impl VerifierKey {
    fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
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
            let newer_until = key.earlier.last().map_or(u64::MAX, |newer| newer.until);
            let text = key.succession(&earlier, &next);
            let [by_earlier, by_next] = &earlier.signatures;
            if earlier.until >= newer_until
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

    fn parse_earlier(&self, line: &str) -> Result<Earlier, NoteError> {
        let words: Vec<&str> = line.split(' ').collect();
        let [key, until, by_earlier, by_next] = words[..] else {
            return Err(NoteError::Form);
        };
        let (name, id, public) = parse_verifier_key(key, ED25519_TYPE)?;
        let size: u64 = until.parse().map_err(|_| NoteError::Form)?;
        let signature = |text: &str| {
            let bytes = STANDARD.decode(text).map_err(|_| NoteError::Form)?;
            bytes.try_into().map_err(|_| NoteError::Form)
        };
        if name != self.name || until != size.to_string() {
            return Err(NoteError::Form);
        }
        Ok(Earlier {
            id,
            public,
            until: size,
            signatures: [signature(by_earlier)?, signature(by_next)?],
        })
    }

    /// What two keys sign that follow each other.
    fn succession(&self, earlier: &Earlier, next: &([u8; 4], [u8; 32])) -> String {
        format!(
            "{}\n{SUCCESSION}\n{}\n{}\n{}\n",
            self.name,
            self.key_text(&earlier.id, &earlier.public),
            self.key_text(&next.0, &next.1),
            earlier.until
        )
    }

    fn key_text(&self, id: &[u8; 4], public: &[u8; 32]) -> String {
        let (name, id) = (&self.name, id_text(id));
        format!("{name}+{id}+{}", typed_key(ED25519_TYPE, public))
    }

    /// The whole form, with a line for each earlier key; without a line feed at its end.
    pub fn to_text(&self) -> String {
        let lines = self.earlier.iter();
        let lines = lines.map(|earlier| format!("\n{}", self.earlier_line(earlier)));
        self.to_string() + &lines.collect::<String>()
    }

    fn earlier_line(&self, earlier: &Earlier) -> String {
        let key = self.key_text(&earlier.id, &earlier.public);
        let signatures = earlier
            .signatures
            .map(|signature| STANDARD.encode(signature));
        format!(
            "{key} {} {} {}",
            earlier.until, signatures[0], signatures[1]
        )
    }

    /// Each time that the log got a new key, the newest first.
    pub fn successions(&self) -> impl Iterator<Item = Succession> {
        let newer = std::iter::once((&self.id, &self.public));
        let newer = newer.chain(self.earlier.iter().map(|key| (&key.id, &key.public)));
        newer
            .zip(&self.earlier)
            .map(|((id, public), earlier)| Succession {
                key: self.key_text(id, public),
                until: earlier.until,
                earlier: self.earlier_line(earlier),
            })
    }

    /// The first key of the log that is known, as C2SP writes it: it stays what it is.
    pub fn oldest(&self) -> String {
        let oldest = self.earlier.last();
        oldest.map_or_else(
            || self.to_string(),
            |earlier| self.key_text(&earlier.id, &earlier.public),
        )
    }

    /// Whether `shown` is this log's key as well: the same, or one that followed it. What is known of
    /// earlier keys must agree.
    pub fn accepts(&self, shown: &Self) -> bool {
        let Some(at) = shown.position(&self.public) else {
            return false;
        };
        let theirs = &shown.earlier[at..];
        let common = theirs.len().min(self.earlier.len());
        self.name == shown.name && theirs[..common] == self.earlier[..common]
    }

    /// What `self` is after `shown` was seen: the one that knows more, if they agree.
    #[must_use]
    pub fn or_successor(&self, shown: Option<&Self>) -> Self {
        match shown.filter(|shown| self.accepts(shown)) {
            Some(shown) if shown.earlier.len() > self.earlier.len() => shown.clone(),
            _ => self.clone(),
        }
    }

    /// How many keys came after this one.
    fn position(&self, public: &[u8; 32]) -> Option<usize> {
        let keys = std::iter::once(&self.public);
        let mut keys = keys.chain(self.earlier.iter().map(|earlier| &earlier.public));
        keys.position(|key| key == public)
    }

    /// Whether it is that of a signing key, whatever came before.
    pub fn is_of(&self, key: &SigningKey) -> bool {
        self.name == key.verifier.name && self.public == key.verifier.public
    }

    /// Whether a signing key is one that the log has or had.
    pub fn knows(&self, key: &SigningKey) -> bool {
        self.name == key.verifier.name && self.position(&key.verifier.public).is_some()
    }

    /// The keys that may sign a checkpoint of a size: one, or two where one followed the other.
    fn in_charge(&self, size: u64) -> impl Iterator<Item = (&[u8; 4], &[u8; 32])> {
        let from = |at: usize| self.earlier.get(at).map_or(0, |earlier| earlier.until);
        let current = (size >= from(0)).then_some((&self.id, &self.public));
        let earlier = self.earlier.iter().enumerate();
        let earlier = earlier
            .filter(move |(at, earlier)| (from(at + 1)..=earlier.until).contains(&size))
            .map(|(_, earlier)| (&earlier.id, &earlier.public));
        current.into_iter().chain(earlier)
    }

    /// The id of the key that signed a checkpoint.
    fn signer_id(&self, checkpoint: &Checkpoint) -> [u8; 4] {
        let mut in_charge = self.in_charge(checkpoint.size);
        let first = in_charge.next().map_or(self.id, |(id, _)| *id);
        match in_charge.next() {
            Some((id, public)) if self.is_signed(checkpoint, public) => *id,
            _ => first,
        }
    }

    fn is_signed(&self, checkpoint: &Checkpoint, public: &[u8; 32]) -> bool {
        let text = Checkpoint::text(&self.name, checkpoint.size, &checkpoint.root);
        has_signed(public, &text, &checkpoint.signature)
    }

    /// The origin: the name that the key signs for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Ed25519 public key.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Whether the checkpoint was signed by the key that signs those of its size.
    pub fn verify(&self, checkpoint: &Checkpoint) -> bool {
        self.in_charge(checkpoint.size)
            .any(|(_, public)| self.is_signed(checkpoint, public))
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
            let signer = self
                .in_charge(size)
                .find_map(|(id, public)| Some((bytes.strip_prefix(id)?, public)));
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
}

impl fmt::Display for VerifierKey {
    /// The C2SP verifier key form of the current key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_verifier_key(f, &self.name, &self.id, ED25519_TYPE, &self.public)
    }
}

/// A key that followed another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// The new one, in C2SP's form.
    pub key: String,
    /// The size of the last checkpoint that the earlier one signs.
    pub until: u64,
    /// The line of the earlier one, which both have signed.
    pub earlier: String,
}

fn has_signed(public: &[u8; 32], text: &str, signature: &[u8; SIGNATURE_BYTES]) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, public);
    key.verify(text.as_bytes(), signature).is_ok()
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
        let grows = keys.earlier.first().is_none_or(|last| last.until < until);
        let has_room = keys.earlier.len() + 1 < KEYS_MAX;
        let is_ours = keys.is_of(self) && next.verifier.name == keys.name && !keys.knows(next);
        if !grows || !has_room || !is_ours {
            return Err(NoteError::Succession);
        }
        let mut earlier = Earlier {
            id: keys.id,
            public: keys.public,
            until,
            signatures: [[0; SIGNATURE_BYTES]; 2],
        };
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
    /// A key that does not follow the one before it as both have signed.
    #[error("the keys of the log do not follow each other")]
    Succession,
    /// No signature by the key.
    #[error("the checkpoint is not signed by this key")]
    Unsigned,
}

const ED25519_TYPE: u8 = 1;
const SUCCESSION: &str = "indelible/key-successor/v1";
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
        let next = SigningKey::from_seed("log.example/a", [8; 32]).unwrap();
        let handed = key.hand_over(key.verifier(), &next, 77).unwrap();
        check(&handed.to_text(), &|text| VerifierKey::parse(text).is_ok());
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
    fn keys_follow_each_other_and_each_signs_its_part() {
        let new = |seed| SigningKey::from_seed("log.example/a", [seed; 32]).unwrap();
        let [a, b, c, thief] = [1, 2, 3, 4].map(new);
        let of_a = a.verifier().clone();
        let of_b = a.hand_over(&of_a, &b, 10).unwrap();
        let of_c = b.hand_over(&of_b, &c, 25).unwrap();
        assert_eq!(VerifierKey::parse(&of_c.to_text()).as_ref(), Ok(&of_c));
        assert_eq!(of_c.to_string(), c.verifier().to_string());
        let untils: Vec<u64> = of_c.successions().map(|one| one.until).collect();
        assert_eq!(untils, [25, 10]);
        let signs = |key: &SigningKey| -> Vec<u64> {
            let holds = |size: &u64| {
                let checkpoint = key.sign(*size, Hash([3; 32]));
                let holds = of_c.verify(&checkpoint);
                for note in [
                    checkpoint.to_note(&of_c),
                    checkpoint.to_note(key.verifier()),
                ] {
                    assert_eq!(of_c.open_note(&note).is_ok(), holds, "{note}");
                }
                holds
            };
            let sizes = [0, 9, 10, 11, 24, 25, 26, u64::MAX];
            sizes.into_iter().filter(holds).collect()
        };
        assert_eq!(signs(&a), [0, 9, 10]);
        assert_eq!(signs(&b), [10, 11, 24, 25]);
        assert_eq!(signs(&c), [25, 26, u64::MAX]);
        assert!(signs(&thief).is_empty());

        // Whoever knows one of them accepts what it became, and nobody accepts what it was.
        let forked = a.hand_over(&of_a, &thief, 12).unwrap();
        for known in [&of_a, &of_b, &of_c, b.verifier(), c.verifier()] {
            assert!(known.accepts(&of_c), "{known}");
            assert_eq!(known.or_successor(Some(&of_c)), of_c);
        }
        for (known, shown) in [
            (&of_b, &of_a),
            (&of_c, &of_b),
            (&of_b, &forked),
            (&of_c, &forked),
            (&forked, &of_c),
        ] {
            assert!(!known.accepts(shown), "{known} {shown}");
            assert_eq!(&known.or_successor(Some(shown)), known);
        }
        assert_eq!(of_c.or_successor(Some(c.verifier())), of_c);

        // What does not follow is no key of a log.
        let refused = Err(NoteError::Succession);
        assert_eq!(b.hand_over(&of_a, &c, 25), refused);
        assert_eq!(b.hand_over(&of_b, &c, 10), refused);
        assert_eq!(b.hand_over(&of_b, &a, 25), refused);
        let other = SigningKey::from_seed("log.example/b", [9; 32]).unwrap();
        assert_eq!(b.hand_over(&of_b, &other, 25), refused);
        let text = of_c.to_text();
        let lines: Vec<&str> = text.split('\n').collect();
        for bad in [
            [lines[0], lines[2]].join("\n"),
            [lines[0], lines[2], lines[1]].join("\n"),
            text.replacen(" 25 ", " 26 ", 1),
            text.replacen(" 25 ", " 025 ", 1),
            format!("{text}\n"),
        ] {
            assert!(VerifierKey::parse(&bad).is_err(), "{bad}");
        }
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
