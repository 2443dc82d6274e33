//! Every entry of a spool or a store, stream by stream or in the order of the log.

use std::path::Path;

use anyhow::{Context, Result};
use indelible_log::dir::RealDir;
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, LogReader, entry};

use crate::agent::layout::Layout;

/// Gives every entry that the spool still holds to `take`.
pub(super) fn spool(layout: &Layout, mut take: impl FnMut(&EntryRef<'_>)) -> Result<()> {
    for room in layout.rooms() {
        let folder = room.streams();
        if room.is_optional() && !folder.exists() {
            continue;
        }
        let shown = || format!("cannot read {}", folder.display());
        let streams = RealDir::open(&folder).with_context(shown)?;
        for id in SpoolReader::streams(&*streams).with_context(shown)? {
            let mut reader = SpoolReader::open(&streams, id).with_context(shown)?;
            let mut bytes = Vec::new();
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
    }
    Ok(())
}

/// Gives every entry of the store to `take`.
pub(super) fn store(path: &Path, mut take: impl FnMut(&EntryRef<'_>)) -> Result<()> {
    let shown = || format!("cannot read the store {}", path.display());
    let dir = RealDir::open(path).with_context(shown)?;
    let reader = LogReader::open(dir).with_context(shown)?;
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
