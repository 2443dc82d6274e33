//! What the streams of one room may take of the disk, and which of them goes first.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, StreamId, entry};

use super::dropped::Dropped;
use super::layout::Room;
use super::opened::Opened;
use crate::config::SpoolLimits;
use crate::payload::Gap;

/// Looks after the streams of a room that are not written any more.
#[derive(Debug)]
pub(crate) struct Keeper {
    room: Room,
    /// Where the worker says what it no longer needs.
    released: PathBuf,
    limits: SpoolLimits,
    past: Vec<PastStream>,
    /// Bytes of the streams that other writers of this process have.
    others_bytes: u64,
    /// Counts of the gap entries that stand in a stream, since this process started.
    recorded: HashMap<StreamId, u64>,
    free_bytes: u64,
    looked_at: Option<Instant>,
}

/// A stream that has ended.
#[derive(Clone, Debug)]
struct PastStream {
    id: StreamId,
    opened_ns: u64,
    bytes: u64,
}

/// What was removed to make room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) stream: StreamId,
    /// Entries that nobody had a receipt for.
    pub(crate) unsent: u64,
    pub(crate) next: u64,
    /// Labels of the audit records among them; gap entries that went with it are counted by theirs.
    pub(crate) keys: Dropped,
}

impl Keeper {
    pub(crate) fn new(room: &Room, limits: SpoolLimits) -> Self {
        Self {
            room: room.clone(),
            released: room.released(),
            limits,
            past: Vec::new(),
            others_bytes: 0,
            recorded: HashMap::new(),
            free_bytes: u64::MAX,
            looked_at: None,
        }
    }

    pub(crate) fn limits(&self) -> &SpoolLimits {
        &self.limits
    }

    /// Looks at the disk, now and then. `current` is the stream that the caller writes.
    pub(crate) fn look(&mut self, current: StreamId) {
        if self.looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return;
        }
        self.looked_at = Some(Instant::now());
        if let Ok(disk) = rustix::fs::statvfs(self.room.folder()) {
            self.free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
        }
        let mut past = Vec::new();
        let mut others_bytes = 0;
        for id in Opened::list(&self.room).unwrap_or_default() {
            if id == current {
                continue;
            }
            let bytes = folder_bytes(&self.room.streams().join(id.to_string()));
            if self.room.is_written(id) {
                others_bytes += bytes;
                continue;
            }
            let opened_ns = Opened::load(&self.room.opened(id)).map_or(0, |opened| opened.time_ns);
            past.push(PastStream {
                id,
                opened_ns,
                bytes,
            });
        }
        past.sort_by_key(|stream| stream.opened_ns);
        self.past = past;
        self.others_bytes = others_bytes;
    }

    /// Notes that a stream has a gap entry for so many dropped entries.
    pub(crate) fn recorded(&mut self, stream: StreamId, dropped: u64) {
        *self.recorded.entry(stream).or_default() += dropped;
    }

    fn bytes(&self, current_bytes: u64) -> u64 {
        self.past
            .iter()
            .map(|stream| stream.bytes)
            .fold(self.others_bytes + current_bytes, u64::saturating_add)
    }

    /// Has the next [`Keeper::look`] look.
    pub(crate) fn look_again(&mut self) {
        self.looked_at = None;
    }

    /// Whether so many bytes of the current stream are too many.
    pub(crate) fn is_over(&self, current_bytes: u64) -> bool {
        self.limits
            .max_bytes
            .is_some_and(|max| self.bytes(current_bytes) > max)
            || self.free_bytes < self.limits.min_free
    }

    /// Removes the oldest stream: with `unsent` whatever it holds, otherwise only if all of it is
    /// covered by receipts.
    pub(crate) fn remove_oldest(&mut self, unsent: bool) -> Result<Option<Removed>> {
        let candidate = self
            .past
            .iter()
            .position(|stream| unsent || self.unsent(stream.id).is_ok_and(|(left, _)| left == 0));
        let Some(at) = candidate else {
            return Ok(None);
        };
        let stream = self.past.remove(at);
        let (left, next) = self.unsent(stream.id).unwrap_or((0, 0));
        let keys = match left {
            0 => Dropped::default(),
            left => self.keys(stream.id, next.saturating_sub(left)),
        };
        // Gap entries that go with it are stated anew.
        let left = left + self.recorded.remove(&stream.id).unwrap_or(0);
        let folder = self.room.streams().join(stream.id.to_string());
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
        for file in [
            self.room.opened(stream.id),
            self.room.position(stream.id),
            self.released.join(stream.id.to_string()),
        ] {
            // They say nothing any more; one that stays does no harm.
            let _ = fs::remove_file(file);
        }
        self.free_bytes = self.free_bytes.saturating_add(stream.bytes);
        Ok(Some(Removed {
            stream: stream.id,
            unsent: left,
            next,
            keys,
        }))
    }

    /// Removes streams that are covered by receipts and beyond the local history.
    pub(crate) fn trim_history(&mut self, current_bytes: u64) -> Result<()> {
        while self.bytes(current_bytes) > self.limits.history()
            && self.remove_oldest(false)?.is_some()
        {}
        Ok(())
    }

    /// Labels of the records from a sequence number on, as far as there is time to read them.
    fn keys(&self, id: StreamId, from: u64) -> Dropped {
        let mut counted = Dropped::default();
        if let Err(error) = self.count_keys(id, from, &mut counted) {
            tracing::warn!(stream = %id, "cannot count what is removed: {error:#}");
        }
        counted
    }

    fn count_keys(&self, id: StreamId, from: u64, counted: &mut Dropped) -> Result<()> {
        let streams: Arc<dyn Dir> = RealDir::open(self.room.streams())?;
        let mut reader = SpoolReader::open(&streams, id)?;
        reader.seek(from.max(reader.next()))?;
        let mut entries = Vec::new();
        let mut bytes_read = 0;
        while bytes_read < COUNTED_BYTES_MAX
            && reader.read(u32::MAX, READ_BYTES, &mut entries)?.is_some()
        {
            for entry in entry::split(&entries) {
                let entry = EntryRef::parse(entry?)?;
                match entry.header().kind {
                    Kind::Audit => counted.add(entry.payload()),
                    Kind::Gap => {
                        if let Ok(gap) = serde_json::from_slice::<Gap>(entry.payload()) {
                            counted.add_keys(gap.keys);
                        }
                    }
                    _ => {}
                }
            }
            bytes_read += entries.len();
            entries.clear();
        }
        Ok(())
    }

    /// Entries without a receipt, and one past the last.
    fn unsent(&self, id: StreamId) -> Result<(u64, u64)> {
        let streams: Arc<dyn Dir> = RealDir::open(self.room.streams())?;
        let (_, next) = SpoolReader::open(&streams, id)?.bounds()?;
        let released = fs::read(self.released.join(id.to_string())).unwrap_or_default();
        let released = <[u8; 8]>::try_from(released).map_or(0, u64::from_be_bytes);
        Ok((next.saturating_sub(released), next))
    }
}

fn folder_bytes(folder: &std::path::Path) -> u64 {
    let items = fs::read_dir(folder).into_iter().flatten().flatten();
    items
        .filter_map(|item| Some(item.metadata().ok()?.len()))
        .sum()
}

/// Bytes of a removed stream in which labels are counted: longer than that nobody may wait.
const COUNTED_BYTES_MAX: usize = 64 << 20;
/// Bytes per read.
const READ_BYTES: usize = 1 << 20;
/// How often the disk is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
