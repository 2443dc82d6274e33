//! Volume control towards the collector: what it gets of capture's records, where that is not all.
//!
//! ```text
//! spool/capture/streams ─▶ events ─ condition, rates ─▶ spool/selected/streams ─▶ sent natively
//!                                   └─ left out: gap entries with serials ┘
//! ```
//! A thread of the worker. A stream cannot have holes, so what passes is written into a stream of its
//! own, and capture's are not sent: they stay as local history, complete. What is left out is accounted
//! for by gap entries with reason, key, count and serials; gaps, findings and acts of operators go along
//! as they are, and the kernel's figures go into this stream's own heads.

mod gather;
mod marks;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, StreamId, entry};
use indelible_record::Event;
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;
use indelible_sys::lock::FileLock;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use serde::{Deserialize, Serialize};

use super::intake::checkpoint_seen;
use super::layout::{Layout, Room};
use super::opened::Opened;
use super::outputs::filter::Filter;
use super::outputs::{Cursors, Released, native_position};
use super::signer::Signer;
use super::slots::Slots;
use super::source_stream::SourceStream;
use super::spooled::released;
use super::stopping::Stopping;
use crate::config::SpoolLimits;
use crate::config::outputs::NATIVE;
use crate::config::selection::SelectionConfig;
use crate::payload::{Gap, HostHead};
use gather::Gather;
use marks::{Mark, Marks};

/// What the thread runs with.
#[derive(Clone, Debug)]
pub(crate) struct Selecting {
    pub(crate) config: SelectionConfig,
    pub(crate) limits: SpoolLimits,
}

/// Selects until asked to stop.
pub(super) fn run(
    layout: &Layout,
    selecting: &Selecting,
    released: &Arc<Released>,
    stopping: &Stopping,
) -> Result<()> {
    let room = layout.selected();
    let _lock = FileLock::try_now(&room.lock())
        .with_context(|| format!("cannot use {}", room.folder().display()))?;
    let mut selection = Selection::open(layout, &room, selecting, released)?;
    while !stopping.requested() {
        let read = selection.step()?;
        selection.keep_if_due()?;
        if read == 0 {
            selection.wait();
        }
    }
    selection.end()
}

struct Selection {
    layout: Layout,
    captured: Room,
    captures: Arc<dyn Dir>,
    own: SourceStream,
    signer: Signer,
    boot_id: [u8; 16],
    filter: Filter,
    cursor: Option<SpoolReader>,
    gather: Gather,
    marks: Marks,
    /// First entries of events that were left out and are not told yet.
    untold: Option<u64>,
    /// What an earlier run decided beyond the kept position.
    decided: Decided,
    /// Where that stands in the own stream, and the entry of capture's up to which that run can have read.
    resumed: Option<Resumed>,
    kept: Slots,
    kept_at: Instant,
    headed_at: Instant,
    looked_at: Option<Instant>,
    /// The kernel's figures, as capture's newest head has them.
    head: HostHead,
    positions: Cursors,
    released: Arc<Released>,
    inotify: Option<std::os::fd::OwnedFd>,
    began: Instant,
    entries: Vec<u8>,
}

/// The kept position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    v: u8,
    /// Of capture.
    stream: String,
    read: u64,
    /// The selection's own.
    own: String,
    written: u64,
}

/// An earlier run that is caught up with.
#[derive(Clone, Copy, Debug)]
struct Resumed {
    /// Its first entry beyond the kept position.
    written: u64,
    stream: StreamId,
    until: u64,
}

/// Events that stand in the own stream already.
#[derive(Debug, Default)]
struct Decided {
    passed: HashSet<(u64, u32)>,
    left_out: HashSet<u32>,
}

impl Decided {
    fn is_empty(&self) -> bool {
        self.passed.is_empty() && self.left_out.is_empty()
    }

    /// Takes an entry of the own stream in.
    fn note(&mut self, entry: &EntryRef<'_>) {
        match entry.header().kind {
            Kind::Audit => {
                let stamp = entry
                    .audit()
                    .and_then(|(_, text)| indelible_record::stamp(text));
                self.passed
                    .extend(stamp.map(|stamp| (stamp.ms(), stamp.serial)));
            }
            Kind::Gap => {
                let Ok(gap) = serde_json::from_slice::<Gap>(entry.payload()) else {
                    return;
                };
                if gap.output.as_deref() == Some(NATIVE) {
                    let serials = gap.serials.iter().flat_map(|[first, last]| *first..=*last);
                    self.left_out.extend(serials.take(DECIDED_MAX));
                }
            }
            _ => {}
        }
    }

    /// Whether an event was decided; it is forgotten then.
    fn take(&mut self, event: &Event) -> bool {
        let Some(stamp) = event.stamp() else {
            return false;
        };
        self.passed.remove(&(stamp.ms(), stamp.serial)) || self.left_out.remove(&stamp.serial)
    }
}

impl Selection {
    fn open(
        layout: &Layout,
        room: &Room,
        selecting: &Selecting,
        released: &Arc<Released>,
    ) -> Result<Self> {
        let host = Host::current()?;
        let mut own = SourceStream::open(room, SOURCE, &host, selecting.limits, realtime_ns())?;
        // It is written from what is spooled, which waits.
        own.keep_all();
        let (signer, began) = Signer::open(room)?;
        if began {
            own.signer_began(realtime_ns());
        }
        let captured = layout.capture();
        let folder = captured.streams();
        let captures =
            RealDir::open(&folder).with_context(|| format!("cannot open {}", folder.display()))?;
        let (slots, kept) = Slots::open::<Kept>(&room.positions().join("cursor"))?;
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
        let config = &selecting.config;
        let mut selection = Self {
            layout: layout.clone(),
            captured,
            captures,
            own,
            signer,
            boot_id: host.boot_id,
            filter: Filter::new(NATIVE, config.condition.as_ref(), &config.limits),
            cursor: None,
            gather: Gather::new(),
            marks: Marks::default(),
            untold: None,
            decided: Decided::default(),
            resumed: None,
            kept: slots,
            kept_at: Instant::now(),
            headed_at: Instant::now(),
            looked_at: None,
            head: HostHead::default(),
            positions: Cursors::open(&layout.selection())?,
            released: released.clone(),
            inotify,
            began: Instant::now(),
            entries: Vec::new(),
        };
        match kept {
            Some(kept) => selection.resume(room, &kept)?,
            // One that was killed before it kept a position may have written all the same.
            None => selection.begin(room)?,
        }
        Ok(selection)
    }

    /// Begins with the first of capture's streams, after reading what an earlier run decided of it.
    fn begin(&mut self, room: &Room) -> Result<()> {
        let Some(first) = self.streams().pop_front() else {
            return Ok(());
        };
        let kept = Kept {
            v: 1,
            stream: first.to_string(),
            read: native_position(&self.layout, first),
            own: self.own.id().to_string(),
            written: 0,
        };
        self.resume(room, &kept)
    }

    /// Goes on from a kept position, after reading what was decided beyond it.
    fn resume(&mut self, room: &Room, kept: &Kept) -> Result<()> {
        let (Ok(stream), Ok(own)) = (kept.stream.parse(), kept.own.parse::<StreamId>()) else {
            return Ok(());
        };
        let dir: Arc<dyn Dir> = RealDir::open(room.streams())?;
        for id in [own, self.own.id()] {
            let Ok(mut reader) = SpoolReader::open(&dir, id) else {
                continue;
            };
            let (oldest, end) = reader.bounds()?;
            let from = if id == own { kept.written } else { 0 };
            reader.seek(from.clamp(oldest, end))?;
            let mut entries = Vec::new();
            while reader.read(u32::MAX, READ_BYTES, &mut entries)?.is_some() {
                for entry in entry::split(&entries) {
                    self.decided.note(&EntryRef::parse(entry?)?);
                }
                entries.clear();
            }
            if id == self.own.id() {
                break;
            }
        }
        self.go_to(stream, kept.read);
        if let Some(cursor) = &self.cursor
            && !self.decided.is_empty()
        {
            self.resumed = Some(Resumed {
                written: if own == self.own.id() {
                    kept.written
                } else {
                    0
                },
                stream,
                until: cursor.bounds()?.1,
            });
        }
        Ok(())
    }

    /// Forgets what the earlier run decided, once nothing that it read is read again.
    fn catch_up(&mut self) {
        let (Some(resumed), Some(cursor)) = (self.resumed, &self.cursor) else {
            return;
        };
        let reached = self.gather.oldest().unwrap_or(cursor.next());
        if cursor.stream() != resumed.stream || reached >= resumed.until {
            self.resumed = None;
            self.decided = Decided::default();
        }
    }

    /// Reads, decides and writes some of what is there; answers the bytes that were read.
    fn step(&mut self) -> Result<usize> {
        if self.own.is_blocked() {
            self.own.write()?;
            return Ok(0);
        }
        let read = self.read()?;
        if read == 0 {
            self.decide_waiting(false);
            self.follow()?;
        }
        self.take_entries()?;
        self.tell(false);
        self.own.write()?;
        Ok(read)
    }

    fn read(&mut self) -> Result<usize> {
        self.entries.clear();
        self.catch_up();
        let Some(cursor) = &mut self.cursor else {
            return Ok(0);
        };
        let written = self.own.spool().next();
        self.marks.push(Mark {
            read: cursor.next(),
            written: self.resumed.map_or(written, |resumed| resumed.written),
        });
        match cursor.read(u32::MAX, READ_BYTES, &mut self.entries) {
            Ok(_) => Ok(self.entries.len()),
            Err(error) => {
                // Removed to make room, which capture's gap entries say: on with what is there.
                let stream = cursor.stream();
                tracing::warn!(%stream, "selection: {error}");
                self.cursor = None;
                Ok(0)
            }
        }
    }

    fn take_entries(&mut self) -> Result<()> {
        let entries = std::mem::take(&mut self.entries);
        let now_ns = realtime_ns();
        let now_ms = self.now_ms();
        for bytes in entry::split(&entries) {
            let entry = EntryRef::parse(bytes?)?;
            let header = entry.header();
            match header.kind {
                Kind::Audit => {
                    let Self {
                        gather,
                        filter,
                        own,
                        decided,
                        untold,
                        ..
                    } = self;
                    let mut decide = |event: &Event, first: u64, payloads: Vec<Vec<u8>>| {
                        decide(event, first, payloads, (filter, decided), (own, untold));
                    };
                    if gather.push(now_ms, &entry, &mut decide) {
                        self.own
                            .push_payload(Kind::Audit, header.flags, entry.payload(), now_ns);
                    }
                }
                Kind::HostHead => {
                    if let Ok(head) = serde_json::from_slice::<HostHead>(entry.payload()) {
                        self.head = head;
                    }
                }
                Kind::StreamOpened => {}
                kind => self
                    .own
                    .push_payload(kind, header.flags, entry.payload(), now_ns),
            }
        }
        self.entries = entries;
        Ok(())
    }

    /// Decides what has waited long enough for more records; with `all`, everything.
    fn decide_waiting(&mut self, all: bool) {
        let now_ms = self.now_ms();
        let Self {
            gather,
            filter,
            own,
            decided,
            untold,
            ..
        } = self;
        gather.tick(now_ms, all, &mut |event, first, payloads| {
            decide(event, first, payloads, (filter, decided), (own, untold));
        });
    }

    /// Writes what was left out, where that is due.
    fn tell(&mut self, all: bool) {
        let gaps = self.filter.due(Instant::now(), all);
        if !gaps.is_empty() {
            let now_ns = realtime_ns();
            for gap in gaps {
                self.own.push_json(Kind::Gap, &gap, now_ns);
            }
            self.untold = None;
        }
    }

    /// Makes durable what was written, then the position, and lets capture release what is before it.
    fn keep_if_due(&mut self) -> Result<()> {
        if self.kept_at.elapsed() >= KEEP_EVERY {
            self.kept_at = Instant::now();
            self.keep()?;
        }
        if self.headed_at.elapsed() >= HEAD_EVERY {
            self.headed_at = Instant::now();
            self.signer.renew_if_due();
            let head = HostHead {
                kernel: self.head.kernel.clone(),
                rules: self.head.rules.clone(),
                congestion: self.head.congestion,
                checkpoint: checkpoint_seen(&self.layout.receipts()),
                ..HostHead::of_boot(&self.boot_id)
            };
            self.own.push_head(head, &mut self.signer, realtime_ns())?;
            if self.own.follow_turn(self.layout.turned())? {
                // What was decided stands in the stream before; its last entries are durable.
                self.marks.clear();
                self.resumed = self.resumed.map(|resumed| Resumed {
                    written: 0,
                    ..resumed
                });
            }
            self.own.release(released(&self.layout, self.own.id()))?;
        }
        Ok(())
    }

    fn keep(&mut self) -> Result<()> {
        self.own.account_for_drops(realtime_ns())?;
        if let Err(error) = self.own.sync_handle().sync() {
            self.own.sync_failed(&error);
        }
        let Some(cursor) = &self.cursor else {
            return Ok(());
        };
        if !self.own.is_sound() || self.own.pending_bytes() > 0 {
            return Ok(());
        }
        let stream = cursor.stream();
        let open = [self.gather.oldest(), self.untold];
        let done = open.into_iter().flatten().fold(cursor.next(), u64::min);
        let Some(mark) = self.marks.reach(done) else {
            return Ok(());
        };
        self.kept.store(Kept {
            v: 1,
            stream: stream.to_string(),
            read: mark.read,
            own: self.own.id().to_string(),
            written: mark.written,
        })()?;
        self.positions.pass(stream, mark.read)?;
        self.released.passed(COLLECTOR, stream, mark.read)
    }

    /// At the end of a stream: goes on to the next one, where there is one.
    fn follow(&mut self) -> Result<()> {
        if self.looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        self.looked_at = Some(Instant::now());
        let before = self.cursor.as_ref().map(SpoolReader::stream);
        let mut streams = self.streams();
        match &self.cursor {
            None => {
                if let Some(first) = streams.pop_front() {
                    self.go_to(first, native_position(&self.layout, first));
                }
            }
            Some(cursor) => {
                let (stream, next) = (cursor.stream(), cursor.next());
                while streams.pop_front().is_some_and(|id| id != stream) {}
                let Some(following) = streams.pop_front() else {
                    return Ok(());
                };
                // The successor was opened after the last entry of this one was written.
                let ended = SpoolReader::open(&self.captures, stream)
                    .and_then(|reader| reader.bounds())
                    .is_ok_and(|(_, end)| next >= end);
                if ended {
                    self.decide_waiting(true);
                    self.tell(true);
                    self.own.write()?;
                    self.keep()?;
                    self.positions.pass(stream, next)?;
                    self.released.passed(COLLECTOR, stream, next)?;
                    self.marks.clear();
                    self.go_to(following, 0);
                }
            }
        }
        if self.cursor.as_ref().map(SpoolReader::stream) != before {
            self.looked_at = None;
        }
        Ok(())
    }

    /// Capture's streams that are spooled, in their order.
    fn streams(&self) -> VecDeque<StreamId> {
        let ids = Opened::list(&self.captured).unwrap_or_default();
        let mut streams: Vec<(u64, StreamId)> = ids
            .into_iter()
            .filter(|id| self.captured.streams().join(id.to_string()).exists())
            .filter_map(|id| Some((Opened::load(&self.captured.opened(id)).ok()?.time_ns, id)))
            .collect();
        streams.sort_unstable();
        streams.into_iter().map(|(_, id)| id).collect()
    }

    fn go_to(&mut self, stream: StreamId, next: u64) {
        let Ok(mut reader) = SpoolReader::open(&self.captures, stream) else {
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
            let folder = self.captured.streams().join(stream.to_string());
            // Without it, growth is looked for from time to time.
            let _ = inotify::add_watch(inotify, &folder, WatchFlags::MODIFY);
        }
        self.cursor = Some(reader);
    }

    /// Waits for capture to write, not for long.
    fn wait(&self) {
        let Some(inotify) = &self.inotify else {
            return std::thread::sleep(WAIT_MAX);
        };
        // A wait that fails is a short one.
        let _ = indelible_sys::wait::wait_for_any(&[std::os::fd::AsFd::as_fd(inotify)], WAIT_MAX);
        let mut told = [0; 4096];
        while rustix::io::read(inotify, &mut told).is_ok_and(|read| read > 0) {}
    }

    /// What capture left, the last gaps, and a last head.
    fn end(&mut self) -> Result<()> {
        let mut slices = 0;
        while slices < LAST_SLICES_MAX && self.step()? > 0 {
            slices += 1;
        }
        // What waits for records waits for the next start.
        self.tell(true);
        self.own.write()?;
        self.keep()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Writes an event that passes, and notes one that does not.
fn decide(
    event: &Event,
    first: u64,
    payloads: Vec<Vec<u8>>,
    (filter, decided): (&mut Filter, &mut Decided),
    (own, untold): (&mut SourceStream, &mut Option<u64>),
) {
    if !decided.is_empty() && decided.take(event) {
        return;
    }
    if filter.passes(event, Instant::now()) {
        let now_ns = realtime_ns();
        for payload in payloads {
            own.push_payload(Kind::Audit, 0, &payload, now_ns);
        }
    } else {
        *untold = Some(untold.map_or(first, |before| before.min(first)));
    }
}

/// The stream's source, as its entry 0 says.
pub(crate) const SOURCE: &str = "selected";
/// Number of the collector among the required outputs.
const COLLECTOR: usize = 0;
/// Bytes of entries per read.
const READ_BYTES: usize = 256 << 10;
/// How often the position is kept.
const KEEP_EVERY: Duration = Duration::from_millis(200);
/// How often a head is written.
const HEAD_EVERY: Duration = Duration::from_secs(1);
/// How often a next stream is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait for capture to write.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// Reads that are still done when everything stops.
const LAST_SLICES_MAX: usize = 4_096;
/// Serials of one gap entry that are remembered after a crash.
const DECIDED_MAX: usize = 1 << 20;
