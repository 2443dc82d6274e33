//! A collector's store, part by part.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indelible_log::dir::RealDir;
use indelible_log::read::Part;
use indelible_log::{EntryRef, LogReader};

use super::{EntryLines, Lines};

/// Every audit record of a store as a line, under the name of its host; every message too, if those
/// are asked for.
pub(in crate::search) fn of_store(path: &Path, messages: bool) -> Result<Box<dyn EntryLines>> {
    let shown = || format!("cannot read the store {}", path.display());
    let dir = RealDir::open(path).with_context(shown)?;
    Ok(Box::new(StoreLines {
        path: path.to_owned(),
        reader: LogReader::open(dir).with_context(shown)?,
        next: 0,
        lines: Lines::of_store(messages),
        erased: 0,
    }))
}

struct StoreLines {
    path: PathBuf,
    reader: LogReader,
    next: u64,
    lines: Lines,
    /// Entries met whose payload was erased.
    erased: u64,
}

impl StoreLines {
    /// Whether a part can hold an event that is looked for. Where an index of the part's words will
    /// say so, a part that cannot is not unpacked.
    fn may_match(&self, _part: &Part) -> bool {
        true
    }

    fn tell_erased(&mut self) {
        let what = match std::mem::take(&mut self.erased) {
            0 => return,
            1 => "1 entry of this store was erased".to_owned(),
            count => format!("{count} entries of this store were erased"),
        };
        eprintln!("{what}; its log says by whom and why");
    }
}

impl EntryLines for StoreLines {
    fn fill(&mut self, text: &mut Vec<u8>) -> Result<bool> {
        let shown = || format!("cannot read the store {}", self.path.display());
        let Some(part) = self.reader.part_at(self.next).with_context(shown)? else {
            self.tell_erased();
            return Ok(false);
        };
        if self.may_match(&part) {
            let entries = self.reader.decode(&part).with_context(shown)?;
            self.erased += entries.erased_from(self.next).count() as u64;
            for (_, entry) in entries.iter_from(self.next) {
                let entry = EntryRef::parse(entry).with_context(shown)?;
                self.lines.entry(&entry, text);
            }
        }
        self.next = part.end();
        Ok(true)
    }
}
