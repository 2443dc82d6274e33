//! Host heads: what a host says each second of where its stream stands, signed.
//!
//! A head is an entry of kind 5 whose payload is one JSON object. Its last member is the signature
//! over all bytes before it:
//!
//! ```text
//! payload   = body ‖ `,"sig":"` ‖ 128 hex digits ‖ `"}`
//! signed    = "indelible host head v1\0" ‖ [u8;16] stream ‖ u64 sequence ‖ body
//! signer    = SHA-256("indelible signer v1\0" ‖ [u8;32] key of epoch 0)
//! link n    = signature by the key of epoch n−1 over
//!             "indelible epoch v1\0" ‖ [u8;32] signer ‖ u64 n ‖ [u8;32] key of epoch n
//! ```
//! A key signs the heads of one epoch and the key of the next, and is then destroyed: whoever takes
//! over a host can sign for it from then on, but cannot sign anew what it said before.

mod check;
mod epoch;

pub use check::{HeadCheck, HeadSummary};
pub use epoch::{EpochKey, Link, RandomError, Saved};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use crate::entry::StreamId;

/// Signs a head: the whole payload, from the JSON object that everything else stands in.
pub fn sign(key: &EpochKey, stream: StreamId, sequence: u64, object: &[u8]) -> Vec<u8> {
    let body = object.strip_suffix(b"}").unwrap_or(object);
    let signature = key.sign(&signed_bytes(stream, sequence, body));
    let mut payload = body.to_vec();
    payload.extend_from_slice(SIGNATURE_BEFORE);
    payload.extend_from_slice(hex(&signature).as_bytes());
    payload.extend_from_slice(SIGNATURE_AFTER);
    payload
}

/// Splits a payload into the bytes that are signed over and the signature.
fn split(payload: &[u8]) -> Option<(&[u8], [u8; 64])> {
    let rest = payload.strip_suffix(SIGNATURE_AFTER)?;
    let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(128)?)?;
    let body = rest.strip_suffix(SIGNATURE_BEFORE)?;
    Some((body, unhex(digits)?))
}

fn signed_bytes(stream: StreamId, sequence: u64, body: &[u8]) -> Vec<u8> {
    let mut bytes = b"indelible host head v1\0".to_vec();
    bytes.extend_from_slice(&stream.0);
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn verifies(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ED25519, key)
        .verify(message, signature)
        .is_ok()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of exactly so many lower-case hexadecimal digits.
fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

const SIGNATURE_BEFORE: &[u8] = b",\"sig\":\"";
const SIGNATURE_AFTER: &[u8] = b"\"}";
