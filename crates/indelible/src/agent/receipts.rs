//! The newest receipt, durably: what the collector was shown to hold, and the checkpoint that any
//! later one must continue.

use std::path::Path;

use anyhow::{Context, Result};
use indelible_wire::native::{Checkpoint, Receipt};
use serde::{Deserialize, Serialize};

use super::slots::Slots;
use crate::payload::{hex, unhex};

/// The file of receipts of one collector.
#[derive(Clone, Debug)]
pub(crate) struct Receipts(Slots);

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    v: u8,
    pub(crate) origin: String,
    pub(crate) size: u64,
    pub(crate) root: String,
    signature: String,
}

impl Receipts {
    /// Opens the file, made where it is missing, and reads the newest receipt.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<Kept>)> {
        let (slots, kept) = Slots::open(path)?;
        Ok((Self(slots), kept))
    }

    /// The newest receipt, beside the worker that writes them.
    pub(crate) fn newest(path: &Path) -> Option<Kept> {
        Slots::peek(path)
    }

    /// Gives the next receipt a number and returns the work of storing it, which may block.
    pub(crate) fn store(
        &mut self,
        receipt: &Receipt,
    ) -> impl FnOnce() -> Result<()> + Send + use<> {
        let kept = Kept {
            v: 1,
            origin: receipt.origin.clone(),
            size: receipt.checkpoint.size,
            root: hex(&receipt.checkpoint.root),
            signature: hex(&receipt.checkpoint.signature),
        };
        self.0.store(kept)
    }
}

impl Kept {
    /// The checkpoint of the receipt.
    pub(crate) fn checkpoint(&self) -> Result<Checkpoint> {
        Ok(Checkpoint {
            size: self.size,
            root: unhex(&self.root).context("the root in the receipt")?,
            signature: unhex(&self.signature).context("the signature in the receipt")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(size: u64) -> Receipt {
        let checkpoint = Checkpoint {
            size,
            root: [7; 32],
            signature: [9; 64],
        };
        Receipt {
            origin: "test.example/log".into(),
            checkpoint,
            streams: Vec::new(),
        }
    }

    #[test]
    fn the_newest_receipt_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts");
        let (mut receipts, kept) = Receipts::open(&path).unwrap();
        assert_eq!(kept, None);
        for size in 1..=3 {
            receipts.store(&receipt(size))().unwrap();
        }
        let (_, kept) = Receipts::open(&path).unwrap();
        assert_eq!(kept.unwrap().checkpoint().unwrap(), receipt(3).checkpoint);
    }
}
