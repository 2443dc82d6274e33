//! The tree as verification grows it: a frontier, which passes on each node that it completes.

use crate::hash::{Hash, empty_root, node_hash};

/// The complete subtrees on the right edge of a tree, largest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Frontier {
    size: u64,
    stack: Vec<Hash>,
}

impl Frontier {
    /// A tree of `size` leaves with these complete subtrees, one per one in the size.
    pub(super) fn of(size: u64, stack: Vec<Hash>) -> Self {
        Self { size, stack }
    }

    /// The complete subtrees, largest first.
    pub(super) fn stack(&self) -> &[Hash] {
        &self.stack
    }

    /// Adds a leaf and tells each node that becomes complete with its level, leaf included.
    pub(super) fn push(&mut self, leaf: Hash, complete: impl FnMut(u32, Hash)) {
        self.push_subtree(0, leaf, complete);
    }

    /// The same for a complete subtree of 2^`from` leaves, of which the tree must hold a multiple.
    pub(super) fn push_subtree(
        &mut self,
        from: u32,
        root: Hash,
        mut complete: impl FnMut(u32, Hash),
    ) {
        let mut node = root;
        complete(from, node);
        for level in from + 1..=from + (self.size >> from).trailing_ones() {
            let left = self
                .stack
                .pop()
                .expect("a one in the size is a subtree on the stack");
            node = node_hash(&left, &node);
            complete(level, node);
        }
        self.stack.push(node);
        self.size += 1 << from;
    }

    pub(super) fn root(&self) -> Hash {
        let mut subtrees = self.stack.iter().rev();
        match subtrees.next() {
            Some(last) => subtrees.fold(*last, |right, left| node_hash(left, &right)),
            None => empty_root(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{Levels, root};

    #[test]
    fn agrees_with_the_writers_tree() {
        let mut frontier = Frontier::default();
        let mut levels = Levels::default();
        for size in 0..600u64 {
            assert_eq!(frontier.root(), root(&levels, size).unwrap(), "size {size}");
            let leaf = crate::hash::leaf_hash(&size.to_be_bytes());
            let mut completed = 0;
            frontier.push(leaf, |level, node| {
                completed += 1;
                if level == 8 {
                    assert_eq!(size % 256, 255);
                    assert_ne!(node, leaf);
                }
            });
            levels.push(leaf);
            assert_eq!(completed, (size + 1).trailing_zeros() + 1);
        }
    }
}
