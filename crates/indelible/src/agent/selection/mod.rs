//! Volume control towards the collector: what it gets of capture's records, where that is not all.
//!
//! ```text
//! spool/capture/streams ─▶ events ─ condition, rates ─▶ spool/selected/streams ─▶ sent natively
//! captured                 gather   selected            └─ left out: gap entries with serials ┘
//! ```
//! A thread of the worker. A stream cannot have holes, so what passes is written into a stream of its
//! own, and capture's are not sent: they stay as local history, complete. What is left out is accounted
//! for by gap entries with reason, key, count and serials; gaps, findings and acts of operators go along
//! as they are, and the kernel's figures go into this stream's own heads.

mod captured;
mod decided;
mod gather;
mod marks;
mod selected;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indelible_log::{EntryRef, Kind, StreamId, entry};
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;
use indelible_sys::lock::FileLock;
use serde::{Deserialize, Serialize};

use super::intake::checkpoint_seen;
use super::layout::{Layout, Room};
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
use crate::payload::HostHead;
use captured::Captured;
use decided::Decided;
use gather::Gather;
use marks::{Mark, Marks};
use selected::Selected;

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
            selection.captured.wait();
        }
    }
    selection.end()
}

struct Selection {
    layout: Layout,
    boot_id: [u8; 16],
    signer: Signer,
    captured: Captured,
    gather: Gather,
    selected: Selected,
    marks: Marks,
    /// Where what an earlier run decided stands in the own stream, and the entry of capture's up to which
    /// that run can have read.
    resumed: Option<Resumed>,
    kept: Slots,
    kept_at: Instant,
    headed_at: Instant,
    /// The kernel's figures, as capture's newest head has them.
    head: HostHead,
    positions: Cursors,
    released: Arc<Released>,
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
        let (slots, kept) = Slots::open::<Kept>(&room.positions().join("cursor"))?;
        let config = &selecting.config;
        let filter = Filter::new(NATIVE, config.condition.as_ref(), &config.limits);
        let mut selection = Self {
            layout: layout.clone(),
            boot_id: host.boot_id,
            signer,
            captured: Captured::open(layout.capture())?,
            gather: Gather::new(),
            selected: Selected::new(own, filter),
            marks: Marks::default(),
            resumed: None,
            kept: slots,
            kept_at: Instant::now(),
            headed_at: Instant::now(),
            head: HostHead::default(),
            positions: Cursors::open(&layout.selection())?,
            released: released.clone(),
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
        let Some(first) = self.captured.first() else {
            return Ok(());
        };
        let kept = Kept {
            v: 1,
            stream: first.to_string(),
            read: native_position(&self.layout, first),
            own: self.selected.stream.id().to_string(),
            written: 0,
        };
        self.resume(room, &kept)
    }

    /// Goes on from a kept position, after reading what was decided beyond it.
    fn resume(&mut self, room: &Room, kept: &Kept) -> Result<()> {
        let (Ok(stream), Ok(before)) = (kept.stream.parse(), kept.own.parse::<StreamId>()) else {
            return Ok(());
        };
        let own = self.selected.stream.id();
        self.selected.decided = Decided::read(&room.streams(), before, kept.written, own)?;
        self.captured.go_to(stream, kept.read);
        if !self.selected.decided.is_empty()
            && let Some(until) = self.captured.end()?
        {
            self.resumed = Some(Resumed {
                written: if before == own { kept.written } else { 0 },
                stream,
                until,
            });
        }
        Ok(())
    }

    /// Forgets what the earlier run decided, once nothing that it read is read again.
    fn catch_up(&mut self) {
        let (Some(resumed), Some((stream, next))) = (self.resumed, self.captured.position()) else {
            return;
        };
        let reached = self.gather.oldest().unwrap_or(next);
        if stream != resumed.stream || reached >= resumed.until {
            self.resumed = None;
            self.selected.decided = Decided::default();
        }
    }

    /// Reads, decides and writes some of what is there; answers the bytes that were read.
    fn step(&mut self) -> Result<usize> {
        if self.selected.stream.is_blocked() {
            self.selected.stream.write()?;
            return Ok(0);
        }
        self.read();
        if self.entries.is_empty() {
            self.decide_waiting(false);
            self.follow()?;
        }
        self.take_entries()?;
        self.selected.tell(false);
        self.selected.stream.write()?;
        Ok(self.entries.len())
    }

    fn read(&mut self) {
        self.entries.clear();
        self.catch_up();
        let Some((_, read)) = self.captured.position() else {
            return;
        };
        let written = self.selected.stream.spool().next();
        self.marks.push(Mark {
            read,
            written: self.resumed.map_or(written, |resumed| resumed.written),
        });
        self.captured.read(&mut self.entries);
    }

    fn take_entries(&mut self) -> Result<()> {
        let now_ns = realtime_ns();
        let now_ms = self.now_ms();
        for bytes in entry::split(&self.entries) {
            let entry = EntryRef::parse(bytes?)?;
            let header = entry.header();
            let passes = match header.kind {
                Kind::Audit => self
                    .gather
                    .push(now_ms, &entry, &mut |event, first, payloads| {
                        self.selected.decide(event, first, &payloads);
                    }),
                Kind::HostHead => {
                    if let Ok(head) = serde_json::from_slice::<HostHead>(entry.payload()) {
                        self.head = head;
                    }
                    false
                }
                Kind::StreamOpened => false,
                _ => true,
            };
            if passes {
                let own = &mut self.selected.stream;
                own.push_payload(header.kind, header.flags, entry.payload(), now_ns);
            }
        }
        Ok(())
    }

    /// Decides what has waited long enough for more records; with `all`, everything.
    fn decide_waiting(&mut self, all: bool) {
        let now_ms = self.now_ms();
        self.gather
            .tick(now_ms, all, &mut |event, first, payloads| {
                self.selected.decide(event, first, &payloads);
            });
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
            self.selected
                .stream
                .push_head(head, &mut self.signer, realtime_ns())?;
            if self.selected.stream.follow_turn(self.layout.turned())? {
                // What was decided stands in the stream before; its last entries are durable.
                self.marks.clear();
                self.resumed = self.resumed.map(|resumed| Resumed {
                    written: 0,
                    ..resumed
                });
            }
            self.selected
                .stream
                .release(released(&self.layout, self.selected.stream.id()))?;
        }
        Ok(())
    }

    fn keep(&mut self) -> Result<()> {
        self.selected.stream.account_for_drops(realtime_ns())?;
        if let Err(error) = self.selected.stream.sync_handle().sync() {
            self.selected.stream.sync_failed(&error);
        }
        let Some((stream, next)) = self.captured.position() else {
            return Ok(());
        };
        if !self.selected.stream.is_sound() || self.selected.stream.pending_bytes() > 0 {
            return Ok(());
        }
        let open = [self.gather.oldest(), self.selected.untold()];
        let done = open.into_iter().flatten().fold(next, u64::min);
        let Some(mark) = self.marks.reach(done) else {
            return Ok(());
        };
        self.kept.store(Kept {
            v: 1,
            stream: stream.to_string(),
            read: mark.read,
            own: self.selected.stream.id().to_string(),
            written: mark.written,
        })()?;
        self.positions.pass(stream, mark.read)?;
        self.released.passed(COLLECTOR, stream, mark.read)
    }

    /// At the end of a stream: goes on to the next one, where there is one.
    fn follow(&mut self) -> Result<()> {
        let Some(following) = self.captured.following() else {
            return Ok(());
        };
        let Some((stream, next)) = self.captured.position() else {
            let position = native_position(&self.layout, following);
            self.captured.go_to(following, position);
            return Ok(());
        };
        self.decide_waiting(true);
        self.selected.tell(true);
        self.selected.stream.write()?;
        self.keep()?;
        self.positions.pass(stream, next)?;
        self.released.passed(COLLECTOR, stream, next)?;
        self.marks.clear();
        self.captured.go_to(following, 0);
        Ok(())
    }

    /// What capture left, the last gaps, and a last head.
    fn end(&mut self) -> Result<()> {
        let mut slices = 0;
        while slices < LAST_SLICES_MAX && self.step()? > 0 {
            slices += 1;
        }
        // What waits for records waits for the next start.
        self.selected.tell(true);
        self.selected.stream.write()?;
        self.keep()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
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
/// Reads that are still done when everything stops.
const LAST_SLICES_MAX: usize = 4_096;
