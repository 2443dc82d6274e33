//! A small value on disk that is replaced often and must never be lost to a torn write.
//!
//! Two slots of one file are written in turn, each JSON and its CRC-32C on a line of its own, so
//! that a torn write costs the newest value and never both.

use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The file of one value.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    file: Arc<File>,
    number: u64,
}

/// A value in a slot.
#[derive(Debug, Serialize, Deserialize)]
struct Numbered<T> {
    /// Grows with each value; the larger of the two slots counts.
    number: u64,
    #[serde(flatten)]
    value: T,
}

impl Slots {
    /// Opens the file, made where it is missing, and reads the newest whole value.
    pub(crate) fn open<T: DeserializeOwned>(path: &Path) -> Result<(Self, Option<T>)> {
        let mut options = File::options();
        let file = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o640)
            .open(path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        let newest = newest(&file);
        let number = newest.as_ref().map_or(0, |newest| newest.number);
        let slots = Self {
            file: Arc::new(file),
            number,
        };
        Ok((slots, newest.map(|newest| newest.value)))
    }

    /// The newest whole value, without a claim to write another.
    pub(crate) fn peek<T: DeserializeOwned>(path: &Path) -> Option<T> {
        Some(newest(&File::open(path).ok()?)?.value)
    }

    /// Gives the next value a number and returns the work of storing it durably, which may block.
    pub(crate) fn store<T: Serialize + Send>(
        &mut self,
        value: T,
    ) -> impl FnOnce() -> Result<()> + Send + use<T> {
        self.number += 1;
        let numbered = Numbered {
            number: self.number,
            value,
        };
        let file = self.file.clone();
        move || {
            write_slot(&file, &numbered).context("cannot write a slot")?;
            rustix::fs::fdatasync(&*file).context("cannot sync a slot")
        }
    }
}

fn newest<T: DeserializeOwned>(file: &File) -> Option<Numbered<T>> {
    (0..2)
        .filter_map(|slot| read_slot::<T>(file, slot))
        .max_by_key(|numbered| numbered.number)
}

fn read_slot<T: DeserializeOwned>(file: &File, slot: u64) -> Option<Numbered<T>> {
    let mut bytes = vec![0; SLOT_BYTES];
    let length = file.read_at(&mut bytes, slot * SLOT_BYTES as u64).ok()?;
    let text = std::str::from_utf8(bytes[..length].split(|byte| *byte == 0).next()?).ok()?;
    let (json, sum) = text.split_once('\n')?;
    (sum == checksum(json)).then(|| serde_json::from_str(json).ok())?
}

fn write_slot<T: Serialize>(file: &File, numbered: &Numbered<T>) -> Result<()> {
    let json = serde_json::to_string(numbered)?;
    let mut bytes = format!("{json}\n{}", checksum(&json)).into_bytes();
    anyhow::ensure!(bytes.len() < SLOT_BYTES, "a value of {} bytes", bytes.len());
    bytes.resize(SLOT_BYTES, 0);
    file.write_all_at(&bytes, (numbered.number % 2) * SLOT_BYTES as u64)?;
    Ok(())
}

fn checksum(json: &str) -> String {
    format!("{:08x}", crc32c::crc32c(json.as_bytes()))
}

/// Bytes of one slot.
const SLOT_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Value {
        size: u64,
    }

    #[test]
    fn a_torn_write_costs_the_newest_value_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slots");
        let (mut slots, value) = Slots::open::<Value>(&path).unwrap();
        assert_eq!(value, None);
        for size in 1..=3 {
            slots.store(Value { size })().unwrap();
        }

        // Value 3 stands in slot 1; a torn write there leaves value 2.
        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(b"torn", SLOT_BYTES as u64 + 10).unwrap();
        let (_, value) = Slots::open::<Value>(&path).unwrap();
        assert_eq!(value.unwrap().size, 2);
    }
}
