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
//! A log that was restored from an older copy is restarted under a new key: then the line has one number
//! more, and the text says so. What the earlier key had signed of more entries than that is given up.
//!
//! ```text
//! line        = <earlier verifier> <last size> <kept size> <signature of it> <of the next key>
//! signed text = <origin>\nindelible/log-restart/v1\n<earlier verifier>\n<next verifier>\n<last size>\n<kept size>\n
//! ```
//!
//! Reading is strict: canonical base64, decimal numbers without leading zeros, no extension
//! lines. Signatures by other names (witnesses) may follow ours and are not judged here.

mod chain;
mod checkpoint;
mod form;
mod signing;
mod verifier;

pub use chain::Succession;
pub use checkpoint::{Checkpoint, SIGNATURE_BYTES};
pub(crate) use form::{key_id, parse_signature_line, parse_verifier_key, write_verifier_key};
pub use signing::SigningKey;
pub use verifier::VerifierKey;

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
    /// Signed by an earlier key, before the log was restarted from fewer entries.
    #[error("a declared restart of the log has given this checkpoint up")]
    GivenUp,
    /// No signature by the key.
    #[error("the checkpoint is not signed by this key")]
    Unsigned,
}

#[cfg(test)]
mod tests;
