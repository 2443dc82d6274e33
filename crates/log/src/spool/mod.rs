//! The spool: one stream of a host on disk, hash-chained, until receipts cover it and for a
//! while after.
//!
//! A stream is a folder of write-ahead files with one writer ([`SpoolWriter`]) and any number of
//! readers in other processes ([`SpoolReader`]). There is no tree and no compression here: the
//! writer stands in the way of the kernel's queue and does as little as it can.

mod reader;
mod writer;

pub use reader::{Chunk, SpoolReader};
pub use writer::{SpoolOptions, SpoolReport, SpoolWriter, SyncHandle};

use crate::dir::{Dir, TEMPORARY};
use crate::error::{Error, Result};
use crate::wal;

/// First sequence numbers of the files of a stream's folder, ascending, with their lengths.
fn files(dir: &dyn Dir) -> Result<Vec<(u64, u64)>> {
    let items = dir.list("").map_err(Error::io("list", "spool folder"))?;
    Ok(items
        .iter()
        .filter_map(|item| Some((wal::parse_file_name(&item.name)?, item.len)))
        .collect())
}

/// Removes what a crash left unfinished.
fn remove_temporary(dir: &dyn Dir) -> Result<()> {
    for item in dir.list("").map_err(Error::io("list", "spool folder"))? {
        if item.name.ends_with(TEMPORARY) {
            dir.unlink(&item.name)
                .map_err(Error::io("remove", &item.name))?;
        }
    }
    Ok(())
}
