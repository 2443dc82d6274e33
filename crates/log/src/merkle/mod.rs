//! RFC 6962 trees: growing them, their roots and their proofs.
//!
//! A *node* (level, index) is the root of the complete subtree over the leaves
//! `index·2^level .. (index+1)·2^level`. Everything a log answers is put together from complete
//! nodes, whoever keeps them: [`Levels`] in memory, tiles and blocks on disk.

mod levels;
mod proof;

pub use levels::Levels;
pub use proof::{ProofError, consistency, inclusion, verify_consistency, verify_inclusion};

use crate::error::Result;
use crate::hash::{Hash, empty_root, node_hash};

/// Gives complete nodes.
pub trait Nodes {
    /// The node of `level` and `index`, which the tree must hold.
    ///
    /// # Errors
    /// What reading it from disk can bring.
    fn node(&self, level: u32, index: u64) -> Result<Hash>;
}

/// The root of the first `size` leaves.
///
/// # Errors
/// Those of the nodes.
pub fn root(nodes: &impl Nodes, size: u64) -> Result<Hash> {
    if size == 0 {
        Ok(empty_root())
    } else {
        range(nodes, 0, size)
    }
}

/// The Merkle tree hash of the leaves `from..to`, where `from` is a multiple of the smallest
/// power of two that is not less than `to - from`, as in each split of RFC 6962.
fn range(nodes: &impl Nodes, from: u64, to: u64) -> Result<Hash> {
    let mut rest = to - from;
    let mut at = from;
    let mut parts = Vec::new();
    while rest > 0 {
        let level = rest.ilog2();
        parts.push(nodes.node(level, at >> level)?);
        at += 1 << level;
        rest -= 1 << level;
    }
    let last = parts.pop().expect("a range holds at least one leaf");
    Ok(parts
        .iter()
        .rev()
        .fold(last, |right, left| node_hash(left, &right)))
}
