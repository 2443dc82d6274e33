//! Every entry of a spool or a store, stream by stream or in the order of the log.

use std::path::Path;

use anyhow::{Context, Result};
use indelible_log::dir::RealDir;
use indelible_log::{EntryRef, LogReader, entry};

use crate::search::entries::Rooms;

/// Gives every entry that the spool in a folder still holds to `take`.
///
/// # Errors
/// A spool that cannot be read.
pub(crate) fn spool(path: &Path, mut take: impl FnMut(&EntryRef<'_>)) -> Result<()> {
    let shown = || format!("cannot read the spool {}", path.display());
    let mut bytes = Vec::new();
    for found in Rooms::at(path).streams()? {
        let Some(mut reader) = found.open().with_context(shown)? else {
            continue;
        };
        while reader
            .read(u32::MAX, READ_BYTES, &mut bytes)
            .with_context(shown)?
            .is_some()
        {
            for entry in entry::split(&bytes) {
                take(&entry.and_then(EntryRef::parse).with_context(shown)?);
            }
            bytes.clear();
        }
    }
    Ok(())
}

/// Gives the openings of streams that began in what the store in a folder removed to `take`.
///
/// # Errors
/// A store that cannot be read.
pub(crate) fn carried(path: &Path, mut take: impl FnMut(&EntryRef<'_>)) -> Result<()> {
    let shown = || format!("cannot read the store {}", path.display());
    for entry in reader(path)?.carried_openings().with_context(shown)? {
        take(&EntryRef::parse(&entry).with_context(shown)?);
    }
    Ok(())
}

fn reader(path: &Path) -> Result<LogReader> {
    let shown = || format!("cannot read the store {}", path.display());
    let dir = RealDir::open(path).with_context(shown)?;
    LogReader::open(dir).with_context(shown)
}

/// Gives every entry of the store in a folder to `take`.
///
/// # Errors
/// A store that cannot be read.
pub(crate) fn store(path: &Path, mut take: impl FnMut(&EntryRef<'_>)) -> Result<()> {
    let shown = || format!("cannot read the store {}", path.display());
    let reader = reader(path)?;
    let mut next = 0;
    while let Some(part) = reader.part_at(next).with_context(shown)? {
        for (_, entry) in reader.decode(&part).with_context(shown)?.iter_from(next) {
            take(&EntryRef::parse(entry).with_context(shown)?);
        }
        next = part.end();
    }
    Ok(())
}

/// Bytes of entries per read.
const READ_BYTES: usize = 1 << 20;
