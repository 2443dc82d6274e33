//! The newest receipt, durably: what the collector was shown to hold, and the checkpoint that any
//! later one must continue.
//!
//! Two slots of one file are written in turn, each JSON and its CRC-32C on a line of its own, so
//! that a torn write costs one receipt and never both.

use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_wire::native::{Checkpoint, Receipt};
use serde::{Deserialize, Serialize};

use crate::payload::hex;

/// The file of receipts of one collector.
#[derive(Clone, Debug)]
pub(crate) struct Receipts {
    file: Arc<File>,
    number: u64,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    v: u8,
    /// Grows with each receipt; the larger of the two slots counts.
    number: u64,
    pub(crate) origin: String,
    pub(crate) size: u64,
    root: String,
    signature: String,
}

impl Receipts {
    /// Opens the file, made where it is missing, and reads the newest receipt.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<Kept>)> {
        let mut options = File::options();
        let file = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        let kept = (0..2)
            .filter_map(|slot| read_slot(&file, slot))
            .max_by_key(|kept| kept.number);
        let number = kept.as_ref().map_or(0, |kept| kept.number);
        Ok((
            Self {
                file: Arc::new(file),
                number,
            },
            kept,
        ))
    }

    /// Gives the next receipt a number and returns the work of storing it, which may block.
    pub(crate) fn store(
        &mut self,
        receipt: &Receipt,
    ) -> impl FnOnce() -> Result<()> + Send + use<> {
        self.number += 1;
        let kept = Kept {
            v: 1,
            number: self.number,
            origin: receipt.origin.clone(),
            size: receipt.checkpoint.size,
            root: hex(&receipt.checkpoint.root),
            signature: hex(&receipt.checkpoint.signature),
        };
        let file = self.file.clone();
        move || {
            write_slot(&file, &kept).context("cannot write the receipt")?;
            rustix::fs::fdatasync(&*file).context("cannot sync the receipt")
        }
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

fn read_slot(file: &File, slot: u64) -> Option<Kept> {
    let mut bytes = vec![0; SLOT_BYTES];
    let length = file.read_at(&mut bytes, slot * SLOT_BYTES as u64).ok()?;
    let text = std::str::from_utf8(bytes[..length].split(|byte| *byte == 0).next()?).ok()?;
    let (json, sum) = text.split_once('\n')?;
    (sum == checksum(json)).then(|| serde_json::from_str(json).ok())?
}

fn write_slot(file: &File, kept: &Kept) -> Result<()> {
    let json = serde_json::to_string(kept)?;
    let mut bytes = format!("{json}\n{}", checksum(&json)).into_bytes();
    anyhow::ensure!(
        bytes.len() < SLOT_BYTES,
        "a receipt of {} bytes",
        bytes.len()
    );
    bytes.resize(SLOT_BYTES, 0);
    file.write_all_at(&bytes, (kept.number % 2) * SLOT_BYTES as u64)?;
    Ok(())
}

fn checksum(json: &str) -> String {
    format!("{:08x}", crc32c::crc32c(json.as_bytes()))
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

/// Bytes of one slot.
const SLOT_BYTES: usize = 1024;

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
    fn the_newest_whole_receipt_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts");
        let (mut receipts, kept) = Receipts::open(&path).unwrap();
        assert_eq!(kept, None);
        for size in 1..=3 {
            receipts.store(&receipt(size))().unwrap();
        }
        let (_, kept) = Receipts::open(&path).unwrap();
        assert_eq!(kept.unwrap().checkpoint().unwrap(), receipt(3).checkpoint);

        // Receipt 3 stands in slot 1; a torn write there leaves receipt 2.
        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(b"torn", SLOT_BYTES as u64 + 10).unwrap();
        let (_, kept) = Receipts::open(&path).unwrap();
        assert_eq!(kept.unwrap().size, 2);
    }
}
