//! Sources other than the kernel's socket: each is read into a stream of its own.
//!
//! ```text
//! source ─ take ─▶ stream ─ write, sync ─▶ position: "before this byte all is below this sequence"
//! ```
//! A position is stored after the entries that it speaks of are durable, and names the sequence
//! number that it belongs to. What was written above it is found in the stream itself when the
//! source is opened again, so that nothing is read twice and nothing is left out, however the
//! process ended.

pub(crate) mod audisp;
pub(crate) mod connections;
pub(crate) mod datagrams;
pub(crate) mod file;
pub(crate) mod journal;
pub(crate) mod kmsg;
mod position;
mod rotation;

use std::fs;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use indelible_log::{Kind, StreamId};
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;
use indelible_sys::wait::wait_for_any;

use super::layout::{Layout, Room};
use super::lines::{Line, Lines};
use super::receipts::Receipts;
use super::signer::Signer;
use super::source_stream::SourceStream;
use super::stopping::Stopping;
use crate::payload::{CheckpointSeen, Gap, GapReason, HostHead};
use crate::service::{self, Watchdog};
pub(crate) use position::Position;
use position::PositionFile;

/// Something that entries are read from. It waits for nothing.
pub(crate) trait Source {
    /// Takes what is there, at most about [`SLICE_BYTES`] of it.
    fn take(&mut self, sink: &mut Sink<'_>) -> Result<Taken>;

    /// Where the source stands after what it gave, for sources that can be read again.
    fn position(&self) -> Option<Position> {
        None
    }

    /// What shows that there is something to take; a source without is looked at from time to time.
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        Vec::new()
    }
}

/// What [`Source::take`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nothing was there.
    Nothing,
    /// Something was, and more may be.
    Something,
    /// The position must be stored before anything more is taken.
    Turned,
    /// Nothing will ever come again.
    Ended,
}

/// Where a source puts what it read.
pub(crate) struct Sink<'a> {
    stream: &'a mut SourceStream,
    kind: Kind,
    now_ns: u64,
}

impl Sink<'_> {
    /// Adds the lines that end in `bytes`.
    pub(crate) fn lines(&mut self, lines: &mut Lines, bytes: &[u8]) {
        lines.feed(bytes, |line| {
            self.stream.push_line(self.kind, line, self.now_ns);
        });
    }

    /// Adds the line that has not ended, where nothing will be added to it.
    pub(crate) fn last_line(&mut self, lines: &mut Lines) {
        lines.finish(|line| self.stream.push_line(self.kind, line, self.now_ns));
    }

    /// Adds one line.
    pub(crate) fn line(&mut self, line: &Line<'_>) {
        self.stream.push_line(self.kind, line, self.now_ns);
    }

    /// Adds one message.
    pub(crate) fn message(&mut self, message: &[u8]) {
        self.stream.push_payload(self.kind, 0, message, self.now_ns);
    }

    /// Records that something is missing.
    pub(crate) fn gap(&mut self, reason: GapReason, count: Option<u64>, detail: &str) {
        tracing::warn!(?reason, count, detail, "gap");
        let gap = Gap::new(reason, count, detail);
        self.stream.push_json(Kind::Gap, &gap, self.now_ns);
    }
}

/// A source with its stream.
pub(crate) struct Intake {
    source: Box<dyn Source>,
    stream: SourceStream,
    kind: Kind,
    position: Option<PositionFile>,
    /// The stream, its end and the source's position there, before what still waits for room.
    before: Option<(StreamId, u64, Position)>,
    /// Written but not yet made durable.
    unsynced: bool,
    ended: bool,
    /// When the last head was written, and where the stream stood after it.
    headed: Option<(Instant, u64)>,
}

impl Intake {
    /// A source whose past is gone once it is read.
    pub(crate) fn passing(source: Box<dyn Source>, stream: SourceStream, kind: Kind) -> Self {
        Self {
            source,
            stream,
            kind,
            position: None,
            before: None,
            unsynced: false,
            ended: false,
            headed: None,
        }
    }

    /// A source that is read on from a position: `open` gets the one that was stored, moved on
    /// over the entries that were written after it.
    pub(crate) fn lasting(
        room: &Room,
        stream: SourceStream,
        kind: Kind,
        open: impl FnOnce(Option<Position>) -> Box<dyn Source>,
    ) -> Result<Self> {
        let (file, position) = PositionFile::open(room, &stream, kind)?;
        let mut stream = stream;
        stream.keep_all();
        Ok(Self {
            source: open(position),
            position: Some(file),
            ..Self::passing(Box::new(Nothing), stream, kind)
        })
    }

    fn step(&mut self) -> Result<Taken> {
        if self.ended {
            return Ok(Taken::Ended);
        }
        if self.stream.is_blocked() {
            self.stream.write()?;
            return Ok(Taken::Nothing);
        }
        if self.position.is_some() && self.stream.pending_bytes() == 0 {
            let (id, next) = (self.stream.id(), self.stream.spool().next());
            self.before = self.source.position().map(|position| (id, next, position));
        }
        let mut sink = Sink {
            stream: &mut self.stream,
            kind: self.kind,
            now_ns: realtime_ns(),
        };
        let taken = self.source.take(&mut sink)?;
        if self.stream.pending_bytes() > 0 {
            self.stream.write()?;
            self.unsynced = true;
        }
        match taken {
            Taken::Turned => self.keep()?,
            Taken::Ended => {
                self.ended = true;
                self.keep()?;
            }
            Taken::Nothing | Taken::Something => {}
        }
        Ok(taken)
    }

    /// Makes durable what was written, then the position.
    fn keep(&mut self) -> Result<()> {
        self.stream.account_for_drops(realtime_ns())?;
        if let Err(error) = self.stream.sync_handle().sync() {
            self.stream.sync_failed(&error);
        }
        if !self.stream.is_sound() {
            return Ok(());
        }
        // What waits for room must not hold the files that would give it: they go up to a position.
        let reached = match self.stream.pending_bytes() {
            0 => {
                self.unsynced = false;
                let position = self.source.position();
                position.map(|position| (self.stream.spool().next(), position))
            }
            _ => {
                let before = self.before.take();
                let here = before.filter(|(id, ..)| *id == self.stream.id());
                here.map(|(_, next, position)| (next, position))
            }
        };
        if let (Some(file), Some((next, position))) = (&mut self.position, reached)
            && let Err(error) = file.store(self.stream.id(), next, position)
        {
            // The stream itself tells how far the source was read.
            tracing::warn!("cannot store a position: {error:#}");
        }
        Ok(())
    }

    /// Writes a head where the stream has grown since the last one, or after a while.
    fn head(&mut self, heads: &mut Heads) -> Result<()> {
        let due = self.headed.is_none_or(|(at, next)| {
            at.elapsed() >= heads.idle_every || self.stream.spool().next() > next
        });
        if due {
            let head = HostHead {
                checkpoint: checkpoint_seen(&heads.receipts),
                ..HostHead::of_boot(&heads.boot_id)
            };
            self.stream
                .push_head(head, &mut heads.signer, realtime_ns())?;
            self.unsynced = true;
            self.headed = Some((Instant::now(), self.stream.spool().next()));
        }
        Ok(())
    }

    fn release(&mut self, layout: &Layout) -> Result<()> {
        let released = fs::read(layout.released_position(self.stream.id())).unwrap_or_default();
        let Ok(released) = <[u8; 8]>::try_from(released) else {
            return Ok(());
        };
        // What stands above the position is still needed to find it.
        let needed = self
            .position
            .as_ref()
            .map_or(u64::MAX, PositionFile::sequence);
        self.stream
            .release(u64::from_be_bytes(released).min(needed))
    }
}

/// What the heads of all streams have in common.
struct Heads {
    signer: Signer,
    boot_id: [u8; 16],
    receipts: PathBuf,
    /// How often a stream that does not grow gets one.
    idle_every: Duration,
}

/// The checkpoint that this host holds a receipt under.
pub(crate) fn checkpoint_seen(receipts: &Path) -> Option<CheckpointSeen> {
    let kept = Receipts::newest(receipts).filter(|kept| kept.size > 0)?;
    Some(CheckpointSeen {
        origin: kept.origin,
        size: kept.size,
        root: kept.root,
    })
}

/// Reads all sources until asked to stop or until each of them has ended. A stream that does not
/// grow gets a head every `idle_every`.
pub(crate) fn run(
    layout: &Layout,
    room: &Room,
    intakes: Vec<Intake>,
    idle_every: Duration,
    stopping: &Stopping,
) -> Result<()> {
    run_with(layout, room, intakes, idle_every, stopping, || {
        Ok(Vec::new())
    })
}

/// As [`run`], with sources that turn up later; it goes on where all others have ended.
pub(crate) fn run_with(
    layout: &Layout,
    room: &Room,
    intakes: Vec<Intake>,
    idle_every: Duration,
    stopping: &Stopping,
    more: impl FnMut() -> Result<Vec<Intake>>,
) -> Result<()> {
    let count = intakes.len();
    let mut watchdog = Watchdog::of_manager();
    let goes_on = || {
        watchdog.alive();
        !stopping.requested()
    };
    service::ready(&format!("reading {count} sources"));
    let read = read_on(layout, room, intakes, idle_every, goes_on, more);
    service::stopping();
    read
}

/// As [`run`], in a thread of a process that speaks for itself.
pub(crate) fn run_quietly(
    layout: &Layout,
    room: &Room,
    intakes: Vec<Intake>,
    idle_every: Duration,
    stopping: &Stopping,
) -> Result<()> {
    let goes_on = || !stopping.requested();
    read_on(
        layout,
        room,
        intakes,
        idle_every,
        goes_on,
        || Ok(Vec::new()),
    )
}

fn read_on(
    layout: &Layout,
    room: &Room,
    mut intakes: Vec<Intake>,
    idle_every: Duration,
    mut goes_on: impl FnMut() -> bool,
    mut more: impl FnMut() -> Result<Vec<Intake>>,
) -> Result<()> {
    let (signer, began) = Signer::open(room)?;
    if began {
        for intake in &mut intakes {
            intake.stream.signer_began(realtime_ns());
        }
    }
    let mut heads = Heads {
        signer,
        boot_id: Host::current()?.boot_id,
        receipts: layout.receipts(),
        idle_every,
    };
    let mut kept_at = Instant::now();
    let mut released_at = Instant::now();
    while goes_on() {
        intakes.extend(more()?);
        let mut busy = false;
        let mut ended = !intakes.is_empty();
        for intake in &mut intakes {
            let taken = intake.step()?;
            busy |= matches!(taken, Taken::Something | Taken::Turned);
            ended &= taken == Taken::Ended;
        }
        if kept_at.elapsed() >= KEEP_EVERY {
            kept_at = Instant::now();
            for intake in intakes.iter_mut().filter(|intake| intake.unsynced) {
                intake.keep()?;
            }
        }
        if released_at.elapsed() >= RELEASE_EVERY {
            released_at = Instant::now();
            heads.signer.renew_if_due();
            let turned = layout.turned();
            for intake in &mut intakes {
                intake.head(&mut heads)?;
                intake.unsynced |= intake.stream.follow_turn(turned)?;
                intake.release(layout)?;
            }
        }
        if ended {
            break;
        }
        if !busy {
            let descriptors: Vec<BorrowedFd<'_>> = intakes
                .iter()
                .filter(|intake| !intake.ended)
                .flat_map(|intake| intake.source.descriptors())
                .collect();
            wait_for_any(&descriptors, LOOK_EVERY)?;
        }
    }
    for intake in &mut intakes {
        // What came with the request to stop, or just before it.
        let mut slices = 0;
        while slices < LAST_SLICES_MAX && matches!(intake.step()?, Taken::Something | Taken::Turned)
        {
            slices += 1;
        }
        intake.head(&mut heads)?;
        intake.keep()?;
        tracing::info!(stream = %intake.stream.id(), next = intake.stream.spool().next(), "stopped");
    }
    Ok(())
}

/// Stands in while a source is being opened.
struct Nothing;

impl Source for Nothing {
    fn take(&mut self, _: &mut Sink<'_>) -> Result<Taken> {
        Ok(Taken::Ended)
    }
}

/// Bytes that a source takes at a time.
pub(crate) const SLICE_BYTES: usize = 256 << 10;
/// How often sources without a descriptor are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often entries are made durable and positions stored.
const KEEP_EVERY: Duration = Duration::from_millis(200);
/// How often heads are looked at, and files that the worker no longer needs.
const RELEASE_EVERY: Duration = Duration::from_secs(1);
/// Slices that are still taken from a source when everything stops.
const LAST_SLICES_MAX: usize = 256;
