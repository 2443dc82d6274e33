//! Checkpoints, as the log and as the wire have them.

use indelible_log::{Checkpoint, Hash};
use indelible_wire::native;

/// The wire's form of a checkpoint.
pub(crate) fn to_wire(checkpoint: &Checkpoint) -> native::Checkpoint {
    native::Checkpoint {
        size: checkpoint.size,
        root: checkpoint.root.0,
        signature: checkpoint.signature,
    }
}

/// The log's form of a checkpoint.
pub(crate) fn of_wire(checkpoint: &native::Checkpoint) -> Checkpoint {
    Checkpoint {
        size: checkpoint.size,
        root: Hash(checkpoint.root),
        signature: checkpoint.signature,
    }
}
