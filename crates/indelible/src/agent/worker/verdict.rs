//! Whether a collector's log continues the one that this host knows.

use indelible_log::{Hash, VerifierKey, merkle};
use indelible_wire::native::{self, Growth, Verdict};

use crate::net::checkpoint::of_wire;

/// Is the log that the collector shows a continuation of the one that we know?
pub(super) fn verdict(
    key: &VerifierKey,
    origin: &str,
    old: &native::Checkpoint,
    growth: &Growth,
) -> Verdict {
    let shown = of_wire(&growth.checkpoint);
    if origin != key.name() || !key.verify(&shown) {
        return Verdict::BadSignature;
    }
    if old.size == 0 || shown.size <= old.size {
        // A smaller or equal size needs no proof: the sender compares sizes and roots itself.
        return Verdict::Good;
    }
    let proof: Vec<Hash> = growth.proof.iter().copied().map(Hash).collect();
    match merkle::verify_consistency(old.size, &Hash(old.root), shown.size, &shown.root, &proof) {
        Ok(()) => Verdict::Good,
        Err(_) => Verdict::Inconsistent,
    }
}
