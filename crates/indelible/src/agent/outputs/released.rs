//! What the writers of streams may remove: what every required output has.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use indelible_log::StreamId;

use crate::agent::layout::Layout;

/// The released positions, as the required outputs move on. One of these is shared by all.
#[derive(Debug)]
pub(crate) struct Released {
    layout: Layout,
    required: usize,
    streams: Mutex<BTreeMap<StreamId, Passed>>,
}

/// One stream: where each required output stands, and what was written of it.
#[derive(Clone, Debug)]
struct Passed {
    by: Vec<u64>,
    written: u64,
}

impl Released {
    /// For so many required outputs; each is called by its number, from 0.
    pub(crate) fn new(layout: &Layout, required: usize) -> Self {
        Self {
            layout: layout.clone(),
            required,
            streams: Mutex::default(),
        }
    }

    /// Notes that a required output has everything before `next`. What all of them have is written
    /// where the stream's writer looks.
    pub(crate) fn passed(&self, output: usize, stream: StreamId, next: u64) -> Result<()> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = streams.entry(stream).or_insert_with(|| Passed {
            by: vec![0; self.required],
            written: crate::agent::released(&self.layout, stream),
        });
        if let Some(by) = passed.by.get_mut(output) {
            *by = next.max(*by);
        }
        let all = passed.by.iter().copied().min().unwrap_or(0);
        if all > passed.written {
            write_position(&self.layout.released_position(stream), all)?;
            passed.written = all;
        }
        Ok(())
    }

    /// A required output must have what follows `next` again: nothing of it is released, durably.
    pub(crate) fn rewind(&self, output: usize, stream: StreamId, next: u64) -> Result<()> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(passed) = streams.get_mut(&stream) {
            if let Some(by) = passed.by.get_mut(output) {
                *by = next;
            }
            passed.written = passed.written.min(next);
        }
        if crate::agent::released(&self.layout, stream) > next {
            let file = write_position(&self.layout.released_position(stream), next)?;
            rustix::fs::fdatasync(&file)
                .with_context(|| format!("cannot sync the position in stream {stream}"))?;
        }
        Ok(())
    }
}

/// Writes a position in place: on a full disk a file that was emptied first would stay empty.
pub(super) fn write_position(path: &std::path::Path, next: u64) -> Result<fs::File> {
    let file = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    file.write_all_at(&next.to_be_bytes(), 0)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_required_output_holds_the_spool() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(folder.path());
        layout.create(None).unwrap();
        let stream = StreamId::random();
        let released = Released::new(&layout, 2);
        let written = || crate::agent::released(&layout, stream);
        released.passed(0, stream, 10).unwrap();
        assert_eq!(written(), 0);
        released.passed(1, stream, 7).unwrap();
        assert_eq!(written(), 7);
        released.passed(1, stream, 20).unwrap();
        assert_eq!(written(), 10);
        released.passed(0, stream, 5).unwrap();
        assert_eq!(written(), 10);
        // One begins again: the spool is held until it has what it had.
        released.rewind(1, stream, 3).unwrap();
        assert_eq!(written(), 3);
        released.passed(0, stream, 30).unwrap();
        assert_eq!(written(), 3);
        released.passed(1, stream, 12).unwrap();
        assert_eq!(written(), 12);
    }
}
