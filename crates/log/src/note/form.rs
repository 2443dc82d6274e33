//! The text of keys and signatures, as C2SP signed notes have it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::NoteError;
use crate::hash::sha256;
use crate::limits::ORIGIN_BYTES_MAX;

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

pub(super) fn id_text(id: &[u8; 4]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn typed_key(kind: u8, key: &[u8; 32]) -> String {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(key);
    STANDARD.encode(bytes)
}

pub(super) fn parse_typed_key(text: &str, kind: u8) -> Result<[u8; 32], NoteError> {
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

pub(super) const ED25519_TYPE: u8 = 1;
