//! What a collector claims about its log.

/// A SHA-256 hash. This crate carries and compares hashes and computes none.
pub type Hash = [u8; 32];

/// Signed size and root of a log.
///
/// ```text
///  0  u64       size in leaves; 0 means "no checkpoint", and all else is zero then
///  8  [u8;32]   root
/// 40  [u8;64]   Ed25519 signature over the C2SP note text
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Leaves.
    pub size: u64,
    /// RFC 6962 tree hash of them.
    pub root: Hash,
    /// Ed25519 over `origin\nsize\nbase64(root)\n`.
    pub signature: [u8; 64],
}

impl Checkpoint {
    /// No checkpoint: that of an agent which holds none, or of a log without entries.
    pub const NONE: Self = Self {
        size: 0,
        root: [0; 32],
        signature: [0; 64],
    };

    /// True for [`Checkpoint::NONE`].
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

/// How the log grew since the agent last saw it: the newest checkpoint and the proof that it
/// continues the one of size `old_size`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// Size of the checkpoint that the agent was shown before; 0 for none.
    pub old_size: u64,
    /// The newest checkpoint.
    pub checkpoint: Checkpoint,
    /// RFC 9162 section 2.1.4 consistency proof; empty where `old_size` is 0 or the size is equal.
    pub proof: Vec<Hash>,
}
