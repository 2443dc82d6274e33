//! The context stream: what surrounds the processes that the kernel's records speak of.
//!
//! ```text
//! spool/capture/streams ─cursor─▶ deriver ◀─ /proc, /etc/passwd
//!                                    └─▶ spool/context/streams ─▶ sent as every stream is
//! ```
//! A thread of the worker. It follows capture as closely as it can, whether or not anything is sent,
//! because processes that are gone cannot be asked any more. A crash costs nothing but contexts that
//! are written twice.

mod cgroup;
mod deriver;
mod host;

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, StreamId, entry};
use indelible_record::Record;
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;
use indelible_sys::lock::FileLock;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use serde::{Deserialize, Serialize};

use super::inspect::Inspector;
use super::intake::{self, Intake, SLICE_BYTES, Sink, Source, Taken};
use super::layout::{Layout, Room};
use super::opened::Opened;
use super::slots::Slots;
use super::source_stream::SourceStream;
use super::spooled::released;
use super::stopping::Stopping;
use crate::config::SpoolLimits;
use crate::payload::context::ReadUpTo;
use crate::payload::{hex, to_bytes};
use deriver::Deriver;
use host::ThisHost;

/// What an earlier worker had sent, and so described: to be asked before this one sends anything.
#[derive(Clone, Debug)]
pub(super) struct Described(HashMap<StreamId, u64>);

impl Described {
    pub(super) fn before(layout: &Layout) -> Self {
        let streams = Opened::list(&layout.capture()).unwrap_or_default();
        let positions = streams.into_iter().map(|id| (id, released(layout, id)));
        Self(positions.collect())
    }
}

/// What the thread runs with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Describing {
    pub(crate) limits: SpoolLimits,
    /// Whether the helper that looks into processes is asked.
    pub(crate) inspects: bool,
}

/// Follows capture's streams of this boot until asked to stop.
pub(super) fn run(
    layout: &Layout,
    described: &Described,
    describing: &Describing,
    stopping: &Stopping,
) -> Result<()> {
    let room = layout.context();
    let _lock = FileLock::try_now(&room.lock())
        .with_context(|| format!("cannot use {}", room.folder().display()))?;
    let host = Host::current()?;
    let limits = describing.limits;
    let stream = SourceStream::open(&room, SOURCE, &host, limits, realtime_ns())?;
    let inspector = describing.inspects.then(|| Inspector::of(layout));
    let this_host = ThisHost::new(inspector);
    let records = Records::open(layout, described, &room, &hex(&host.boot_id), this_host)?;
    let intake = Intake::passing(Box::new(records), stream, Kind::Context);
    intake::run_quietly(layout, &room, vec![intake], IDLE_HEADS_EVERY, stopping)
}

/// Capture's records, read for what they say of processes.
struct Records {
    described: Described,
    captured: Room,
    streams: Arc<dyn Dir>,
    boot_id: String,
    cursor: Option<SpoolReader>,
    /// Where the cursor is kept.
    kept: Slots,
    kept_at: Instant,
    looked_at: Instant,
    /// Tells when the streams grow.
    inotify: OwnedFd,
    taken_at: Instant,
    deriver: Deriver<ThisHost>,
    entries: Vec<u8>,
}

/// How far which stream was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    v: u8,
    stream: String,
    next: u64,
}

impl Records {
    fn open(
        layout: &Layout,
        described: &Described,
        room: &Room,
        boot_id: &str,
        host: ThisHost,
    ) -> Result<Self> {
        let captured = layout.capture();
        let folder = captured.streams();
        let shown = folder.display();
        let streams = RealDir::open(&folder).with_context(|| format!("cannot open {shown}"))?;
        let (kept, cursor) = Slots::open::<Cursor>(&room.positions().join("cursor"))?;
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .context("cannot use inotify")?;
        let now = Instant::now();
        let mut records = Self {
            described: described.clone(),
            captured,
            streams,
            boot_id: boot_id.to_owned(),
            cursor: None,
            kept,
            kept_at: now,
            looked_at: now,
            inotify,
            taken_at: now,
            deriver: Deriver::new(host, boot_id),
            entries: Vec::new(),
        };
        if let Some(cursor) = cursor
            && let Ok(stream) = cursor.stream.parse()
        {
            records.go_to(stream, cursor.next);
        }
        Ok(records)
    }

    /// Goes on in a stream, from a sequence number or the oldest entry that is there.
    fn go_to(&mut self, stream: StreamId, next: u64) {
        let Ok(mut reader) = SpoolReader::open(&self.streams, stream) else {
            return;
        };
        let sought = reader
            .bounds()
            .and_then(|(oldest, end)| reader.seek(next.clamp(oldest, end)));
        if let Err(error) = sought {
            tracing::warn!(%stream, "context: {error}");
            return;
        }
        let folder = self.captured.streams().join(stream.to_string());
        if let Err(error) = inotify::add_watch(&self.inotify, &folder, WatchFlags::MODIFY) {
            tracing::debug!(%error, "growth is looked for from time to time only");
        }
        self.cursor = Some(reader);
    }

    /// The stream of this boot that follows the one that is read, or the newest where none is.
    fn successor(&self) -> Option<StreamId> {
        let mut streams: Vec<(u64, StreamId)> = Opened::list(&self.captured)
            .ok()?
            .into_iter()
            .filter_map(|id| {
                let opened = Opened::load(&self.captured.opened(id)).ok()?;
                (opened.opening.boot_id == self.boot_id).then_some((opened.time_ns, id))
            })
            .collect();
        streams.sort_unstable();
        let Some(cursor) = &self.cursor else {
            return streams.last().map(|(_, id)| *id);
        };
        let at = streams.iter().position(|(_, id)| *id == cursor.stream());
        streams.get(at.map_or(0, |at| at + 1)).map(|(_, id)| *id)
    }

    /// At the end of a stream: looks for the next one, at most each second.
    fn follow(&mut self) {
        if self.cursor.is_some() && self.looked_at.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked_at = Instant::now();
        self.deriver.look_again();
        if let Some(next) = self.successor() {
            let from = match self.cursor {
                Some(_) => 0,
                None => self.described.0.get(&next).copied().unwrap_or(0),
            };
            self.go_to(next, from);
        }
    }

    fn keep(&mut self) {
        if self.kept_at.elapsed() < KEEP_EVERY {
            return;
        }
        self.kept_at = Instant::now();
        if let Some(cursor) = &self.cursor {
            let at = Cursor {
                v: 1,
                stream: cursor.stream().to_string(),
                next: cursor.next(),
            };
            if let Err(error) = self.kept.store(at)() {
                // It is read again after a restart.
                tracing::debug!("context: {error:#}");
            }
        }
    }

    fn read(&mut self) -> Result<usize> {
        self.entries.clear();
        let Some(cursor) = &mut self.cursor else {
            return Ok(0);
        };
        match cursor.read(u32::MAX, READ_BYTES, &mut self.entries) {
            Ok(_) => Ok(self.entries.len()),
            Err(error) => {
                // Released under our feet, or damaged, which `verify` says: on with what is there.
                tracing::warn!(stream = %cursor.stream(), "context: {error}");
                self.cursor = None;
                Ok(0)
            }
        }
    }
}

impl Source for Records {
    fn take(&mut self, sink: &mut Sink<'_>) -> Result<Taken> {
        // Under load many small frames become one look.
        std::thread::sleep(LOOK_PAUSE.saturating_sub(self.taken_at.elapsed()));
        self.taken_at = Instant::now();
        drain(&self.inotify);
        self.keep();
        let mut taken = 0;
        while taken < SLICE_BYTES {
            let read = self.read()?;
            if read == 0 {
                self.follow();
                break;
            }
            taken += read;
            for bytes in entry::split(&self.entries) {
                let entry = EntryRef::parse(bytes?)?;
                let Some((kind, text)) = entry.audit() else {
                    continue;
                };
                let context = match kind {
                    WHOLE_LINE => {
                        let record = Record::parse(text);
                        let begin = from_stamp(&record);
                        self.deriver.record(record.record_type().0, begin)
                    }
                    kind => self.deriver.record(kind, text),
                };
                if let Some(mut context) = context {
                    let header = entry.header();
                    context.read = ReadUpTo {
                        stream: header.stream.to_string(),
                        sequence: header.sequence,
                    };
                    sink.message(&to_bytes(&context));
                }
            }
        }
        Ok(if taken > 0 {
            Taken::Something
        } else {
            Taken::Nothing
        })
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        vec![self.inotify.as_fd()]
    }
}

/// The record from its stamp on.
fn from_stamp<'a>(record: &Record<'a>) -> &'a [u8] {
    let raw = record.raw();
    let begin = memchr::memmem::find(raw, b"audit(").unwrap_or(raw.len());
    &raw[begin..]
}

/// Throws away what inotify tells: that there is something is all that counts.
fn drain(inotify: &OwnedFd) {
    let mut events = [0; 4096];
    while rustix::io::read(inotify, &mut events).is_ok_and(|got| got > 0) {}
}

/// What the stream comes from, in its opening.
pub(crate) const SOURCE: &str = "context";
/// Type of a record that is a whole line.
const WHOLE_LINE: u16 = 0;
/// Bytes of entries per read: frames are read whole.
const READ_BYTES: usize = 1 << 20;
/// The shortest time between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(5);
/// How often a next stream is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the cursor is kept.
const KEEP_EVERY: Duration = Duration::from_secs(2);
/// How often the stream gets a head where it does not grow.
const IDLE_HEADS_EVERY: Duration = Duration::from_secs(60);
