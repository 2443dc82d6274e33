//! What records of one event share.

use crate::stamp::Stamp;

/// The node, by number, and the stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) node: u32,
    pub(super) stamp: Stamp,
}
