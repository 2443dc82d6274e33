//! A host's spool and a collector's log, as simple as they can be: vectors in memory, real
//! SHA-256 chains, a root that chains the leaves, and "signatures" that are hashes with a key.

pub(crate) mod log;
pub(crate) mod random;
pub(crate) mod spool;

use aws_lc_rs::digest::{Context, SHA256};
use indelible_wire::native::{Hash, StreamId};

/// SHA-256 of the parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    context
        .finish()
        .as_ref()
        .try_into()
        .expect("SHA-256 has 32 bytes")
}

/// Entry v1 of docs/formats.md.
pub(crate) fn entry(stream: StreamId, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let kind = if sequence == 0 { 7 } else { 1 };
    let mut entry = vec![1, kind, 0, 0];
    entry.extend_from_slice(&stream.0);
    entry.extend_from_slice(&sequence.to_be_bytes());
    entry.extend_from_slice(&[0; 8]);
    entry.extend_from_slice(payload);
    entry
}

/// Appends `u16 length ‖ entry`.
pub(crate) fn put_entry(raw: &mut Vec<u8>, entry: &[u8]) {
    let length = u16::try_from(entry.len()).expect("an entry has at most 65,036 bytes");
    raw.extend_from_slice(&length.to_be_bytes());
    raw.extend_from_slice(entry);
}

/// Chain head after `entry`.
pub(crate) fn chain(head: &Hash, entry: &[u8]) -> Hash {
    let leaf = sha256(&[&[0], entry]);
    sha256(&[&[2], head, &leaf])
}
