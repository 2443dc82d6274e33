//! Capture's streams, read one after the other in the order in which they were opened.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indelible_log::StreamId;
use indelible_log::dir::{Dir, RealDir};
use indelible_log::spool::SpoolReader;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use super::READ_BYTES;
use crate::agent::layout::Room;
use crate::agent::opened::Opened;

/// Where the selection reads.
pub(super) struct Captured {
    room: Room,
    dir: Arc<dyn Dir>,
    cursor: Option<SpoolReader>,
    inotify: Option<OwnedFd>,
    /// When the next stream was looked for.
    looked_at: Option<Instant>,
}

impl Captured {
    /// Reads nowhere yet.
    ///
    /// # Errors
    /// A folder that cannot be opened.
    pub(super) fn open(room: Room) -> Result<Self> {
        let folder = room.streams();
        let dir =
            RealDir::open(&folder).with_context(|| format!("cannot open {}", folder.display()))?;
        Ok(Self {
            room,
            dir,
            cursor: None,
            inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok(),
            looked_at: None,
        })
    }

    /// The stream that is read, and the sequence number of what comes next.
    pub(super) fn position(&self) -> Option<(StreamId, u64)> {
        let cursor = self.cursor.as_ref()?;
        Some((cursor.stream(), cursor.next()))
    }

    /// Where the stream that is read ends by now.
    ///
    /// # Errors
    /// A stream that cannot be read.
    pub(super) fn end(&self) -> Result<Option<u64>> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        Ok(Some(cursor.bounds()?.1))
    }

    /// Appends the next entries; none where there are none yet.
    pub(super) fn read(&mut self, entries: &mut Vec<u8>) {
        let Some(cursor) = &mut self.cursor else {
            return;
        };
        if let Err(error) = cursor.read(u32::MAX, READ_BYTES, entries) {
            // Removed to make room, which capture's gap entries say: on with what is there.
            let stream = cursor.stream();
            tracing::warn!(%stream, "selection: {error}");
            self.cursor = None;
        }
    }

    /// Goes to a place in a stream; stays where that cannot be read.
    pub(super) fn go_to(&mut self, stream: StreamId, next: u64) {
        let Ok(mut reader) = SpoolReader::open(&self.dir, stream) else {
            return;
        };
        let sought = reader
            .bounds()
            .and_then(|(oldest, end)| reader.seek(next.clamp(oldest, end)));
        if let Err(error) = sought {
            tracing::warn!(%stream, "selection: {error}");
            return;
        }
        if let Some(inotify) = &self.inotify {
            let folder = self.room.streams().join(stream.to_string());
            // Without it, growth is looked for from time to time.
            let _ = inotify::add_watch(inotify, &folder, WatchFlags::MODIFY);
        }
        self.cursor = Some(reader);
        self.looked_at = None;
    }

    /// The stream to go to, where the one that is read has ended, or none is read; looked for from time
    /// to time.
    pub(super) fn following(&mut self) -> Option<StreamId> {
        if self.looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return None;
        }
        self.looked_at = Some(Instant::now());
        let mut streams = self.streams();
        let Some((stream, next)) = self.position() else {
            return streams.pop_front();
        };
        while streams.pop_front().is_some_and(|id| id != stream) {}
        let following = streams.pop_front()?;
        // The successor was opened after the last entry of this one was written.
        let has_ended = SpoolReader::open(&self.dir, stream)
            .and_then(|reader| reader.bounds())
            .is_ok_and(|(_, end)| next >= end);
        has_ended.then_some(following)
    }

    /// The oldest stream that is spooled.
    pub(super) fn first(&self) -> Option<StreamId> {
        self.streams().pop_front()
    }

    /// The streams that are spooled, in their order.
    fn streams(&self) -> VecDeque<StreamId> {
        let ids = Opened::list(&self.room).unwrap_or_default();
        let mut streams: Vec<(u64, StreamId)> = ids
            .into_iter()
            .filter(|id| self.room.streams().join(id.to_string()).exists())
            .filter_map(|id| Some((Opened::load(&self.room.opened(id)).ok()?.time_ns, id)))
            .collect();
        streams.sort_unstable();
        streams.into_iter().map(|(_, id)| id).collect()
    }

    /// Waits for capture to write, not for long.
    pub(super) fn wait(&self) {
        let Some(inotify) = &self.inotify else {
            return std::thread::sleep(WAIT_MAX);
        };
        // A wait that fails is a short one.
        let _ = indelible_sys::wait::wait_for_any(&[inotify.as_fd()], WAIT_MAX);
        let mut told = [0; 4096];
        while rustix::io::read(inotify, &mut told).is_ok_and(|read| read > 0) {}
    }
}

/// How often a next stream is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait for capture to write.
const WAIT_MAX: Duration = Duration::from_millis(100);
