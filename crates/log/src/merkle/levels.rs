//! A tree in memory that grows leaf by leaf and keeps all complete nodes.

use crate::error::Result;
use crate::hash::{Hash, node_hash};

use super::Nodes;

/// All complete nodes over the leaves pushed so far: 64 bytes per leaf.
#[derive(Clone, Debug, Default)]
pub struct Levels(Vec<Vec<Hash>>);

impl Levels {
    /// Adds a leaf, and the nodes that it completes: one hash per leaf on average.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for level in 0.. {
            if level == self.0.len() {
                self.0.push(Vec::new());
            }
            let nodes = &mut self.0[level];
            nodes.push(node);
            if !nodes.len().is_multiple_of(2) {
                return;
            }
            node = node_hash(&nodes[nodes.len() - 2], &node);
        }
    }

    /// Leaves pushed.
    pub fn len(&self) -> u64 {
        self.0.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Whether there is no leaf.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The complete nodes of a level, from the left.
    pub fn level(&self, level: u32) -> &[Hash] {
        self.0.get(level as usize).map_or(&[], Vec::as_slice)
    }
}

impl FromIterator<Hash> for Levels {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut levels = Self::default();
        leaves.into_iter().for_each(|leaf| levels.push(leaf));
        levels
    }
}

impl Nodes for Levels {
    /// # Panics
    /// When the node is not complete: callers ask within the size that they know.
    fn node(&self, level: u32, index: u64) -> Result<Hash> {
        Ok(self.0[level as usize][index as usize])
    }
}
