//! A stream of this host: one per source and boot, continued when its writer starts again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::entry::{self, CUT_BY_SOURCE};
use indelible_log::spool::{SpoolReader, SpoolWriter, SyncHandle};
use indelible_log::{Error, Header, Kind, StreamId};
use indelible_sys::audit::Message;
use indelible_sys::host::Host;
use serde::Serialize;

use super::dropped::Dropped;
use super::keeper::Keeper;
use super::layout::Room;
use super::lines::Line;
use super::opened::Opened;
use super::signer::Signer;
use crate::config::{SpoolLimits, WhenFull};
use crate::payload::{self, Gap, GapReason, HostHead, Predecessor, StreamOpened};

/// The writer of one source's stream. Entries are collected and then written as one frame.
///
/// Where the disk takes nothing, entries wait in bounded memory. What happens beyond that bound, and
/// when the spool has grown to its limits, the policy says: wait (whoever reads the source must look
/// at [`SourceStream::is_blocked`]), or drop the oldest streams and then the newest entries. A spool
/// whose tail the disk lost goes on in a new stream, because the lost numbers may have been sent.
#[derive(Debug)]
pub(crate) struct SourceStream {
    room: Room,
    streams: Arc<dyn Dir>,
    source: String,
    host: Host,
    spool: SpoolWriter,
    keeper: Keeper,
    /// Every entry must be kept: the source can wait and is read again from its position.
    keeps_all: bool,
    /// Why nothing can be written now, and when to try again.
    stuck: Option<(Stuck, Instant)>,
    pending: Vec<u8>,
    pending_entries: u64,
    /// The payload being put together, kept for its allocation.
    payload: Vec<u8>,
    dropped: Dropped,
    dropped_ever: u64,
    /// Entry 0 was written by an earlier process, or names a stream before this one.
    has_past: bool,
    /// Grows when the files behind [`SourceStream::sync_handle`] are others.
    generation: u64,
}

/// Why nothing can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stuck {
    /// The disk or the limit is full: the same write may be tried again.
    Full,
    /// A write or a sync failed: what the disk holds must be read again first.
    Failed,
}

impl SourceStream {
    /// Continues the stream of `source` of this boot, or opens one that names its predecessor.
    pub(crate) fn open(
        room: &Room,
        source: &str,
        host: &Host,
        limits: SpoolLimits,
        now_ns: u64,
    ) -> Result<Self> {
        let folder = room.streams();
        let shown = folder.display();
        let streams =
            RealDir::open_for_group(&folder).with_context(|| format!("cannot open {shown}"))?;
        let past = Past::read(room, &streams, source, &payload::hex(&host.boot_id))
            .with_context(|| format!("cannot read the streams in {shown}"))?;
        if let Some(id) = past.current {
            match SpoolWriter::open(&streams, id, limits.options()) {
                Ok((spool, report)) => {
                    if report.cut_bytes > 0 {
                        tracing::warn!(stream = %id, bytes = report.cut_bytes, "cut a torn tail");
                    }
                    let mut stream = Self::new(room, streams, source, host, limits, spool);
                    stream.has_past = true;
                    if stream.spool.next() == 0 {
                        // The crash came between the folder and its first frame.
                        stream.write_opening(&room.opened(id))?;
                    }
                    return Ok(stream);
                }
                Err(Error::Damaged { path, offset, what }) => {
                    tracing::error!(stream = %id, path, offset, what, "damaged; going on in a new stream");
                }
                Err(error) => return Err(error).context("cannot open the spool"),
            }
        }
        let has_past = past.predecessor.is_some();
        let (spool, opened) = begin(
            room,
            &streams,
            source,
            host,
            limits,
            past.predecessor,
            now_ns,
        )?;
        let mut stream = Self::new(room, streams, source, host, limits, spool);
        stream.has_past = has_past;
        stream.write_opening(&opened)?;
        Ok(stream)
    }

    fn new(
        room: &Room,
        streams: Arc<dyn Dir>,
        source: &str,
        host: &Host,
        limits: SpoolLimits,
        spool: SpoolWriter,
    ) -> Self {
        room.writes(spool.stream());
        Self {
            room: room.clone(),
            streams,
            source: source.to_owned(),
            host: host.clone(),
            spool,
            keeper: Keeper::new(room, limits),
            keeps_all: false,
            stuck: None,
            pending: Vec::with_capacity(PENDING_BYTES),
            pending_entries: 0,
            payload: Vec::new(),
            dropped: Dropped::default(),
            dropped_ever: 0,
            has_past: false,
            generation: 0,
        }
    }

    /// For a source that can wait: nothing is ever dropped, whatever the policy says.
    pub(crate) fn keep_all(&mut self) {
        self.keeps_all = true;
    }

    /// Whether whoever reads the source must wait.
    pub(crate) fn is_blocked(&self) -> bool {
        self.stuck.is_some()
            && (self.pending.len() >= WAITING_BYTES_MAX || self.is_at_limit())
            && self.blocks()
    }

    fn blocks(&self) -> bool {
        self.keeps_all || self.keeper.limits().when_full == WhenFull::Block
    }

    fn is_at_limit(&self) -> bool {
        self.keeper.is_over(self.spool.len_bytes())
    }

    /// Whether this stream, or another of the room, may be waiting for what this one holds.
    fn needs_room(&self) -> bool {
        let frame_bytes = self.pending.len().max(PENDING_BYTES);
        self.keeper
            .is_over(self.spool.len_bytes() + frame_bytes as u64)
    }

    /// Entry 0, from the file that was saved before the stream's folder was made.
    fn write_opening(&mut self, saved: &Path) -> Result<()> {
        let opened = Opened::load(saved)?;
        self.push_json(Kind::StreamOpened, &opened.opening, opened.time_ns);
        self.write()?;
        self.spool
            .sync_handle()
            .sync()
            .context("cannot sync the spool")?;
        Ok(())
    }

    /// Adds one record of the kernel.
    pub(crate) fn push_record(&mut self, message: &Message<'_>, now_ns: u64) {
        let flags = if message.truncated { CUT_BY_SOURCE } else { 0 };
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        payload.extend_from_slice(&message.kind.to_be_bytes());
        payload.extend_from_slice(message.text);
        self.push_payload(Kind::Audit, flags, &payload, now_ns);
        self.payload = payload;
    }

    /// Adds an entry; a payload that is too long is cut.
    pub(crate) fn push_payload(&mut self, kind: Kind, flags: u16, payload: &[u8], now_ns: u64) {
        if self.is_shedding() {
            return self.drop_one(payload);
        }
        let header = Header {
            flags,
            ..self.header(kind, now_ns)
        };
        entry::push(&mut self.pending, &header, payload);
        self.pending_entries += 1;
    }

    /// Whether no more entries may wait in memory.
    fn is_shedding(&self) -> bool {
        self.stuck.is_some() && !self.blocks() && self.pending.len() >= WAITING_BYTES_MAX
    }

    fn drop_one(&mut self, payload: &[u8]) {
        self.dropped.add(payload);
        self.dropped_ever += 1;
    }

    /// Adds a line, cut where it was too long to be held.
    pub(crate) fn push_line(&mut self, kind: Kind, line: &Line<'_>, now_ns: u64) {
        let Some(cut) = &line.cut else {
            return self.push_payload(kind, 0, line.payload, now_ns);
        };
        if self.is_shedding() {
            return self.drop_one(line.payload);
        }
        let header = self.header(kind, now_ns);
        entry::push_cut(
            &mut self.pending,
            &header,
            line.payload,
            cut.payload_bytes,
            &cut.sha256,
        );
        self.pending_entries += 1;
    }

    /// Adds an object of ours.
    pub(crate) fn push_json(&mut self, kind: Kind, object: &impl Serialize, now_ns: u64) {
        let header = self.header(kind, now_ns);
        entry::push(&mut self.pending, &header, &payload::to_bytes(object));
        self.pending_entries += 1;
    }

    /// Adds a signed head that says where the stream stands. What is pending is written first, so
    /// that the head can name the chain.
    pub(crate) fn push_head(
        &mut self,
        mut head: HostHead,
        signer: &mut Signer,
        now_ns: u64,
    ) -> Result<()> {
        self.write()?;
        if !self.pending.is_empty() {
            // A head can only speak of what is written.
            return Ok(());
        }
        head.next = self.spool.next();
        head.head = self.spool.head().to_string();
        head.dropped = self.dropped_ever;
        let payload = signer.sign(self.id(), head);
        self.push_payload(Kind::HostHead, 0, &payload, now_ns);
        self.write()
    }

    /// Records that the keys of the heads began anew, where there was something before.
    pub(crate) fn signer_began(&mut self, now_ns: u64) {
        if self.has_past {
            let detail = "no key of an earlier head is left: a new chain of keys begins";
            self.push_json(
                Kind::Gap,
                &Gap::new(GapReason::SignerLost, None, detail),
                now_ns,
            );
        }
    }

    fn header(&self, kind: Kind, time_ns: u64) -> Header {
        let sequence = self.spool.next() + self.pending_entries;
        Header {
            kind,
            flags: 0,
            stream: self.spool.stream(),
            sequence,
            time_ns,
        }
    }

    /// Bytes that wait for [`SourceStream::write`].
    pub(crate) fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Writes what is pending as one frame, or keeps it for later where the disk takes nothing.
    pub(crate) fn write(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if let Some((why, retry_at)) = self.stuck {
            if Instant::now() < retry_at {
                return Ok(());
            }
            if why == Stuck::Failed && !self.reopened() {
                return Ok(());
            }
        }
        match self.made_room() {
            Ok(true) => {}
            Ok(false) => {
                self.is_stuck(Stuck::Full, "the spool has grown to its limit");
                return Ok(());
            }
            Err(error) => {
                self.is_stuck(Stuck::Full, &format!("{error:#}"));
                return Ok(());
            }
        }
        match self.spool.append(&self.pending) {
            Ok(_) => {
                if self.stuck.take().is_some() {
                    tracing::info!(stream = %self.id(), "the spool can be written again");
                }
                self.pending.clear();
                self.pending_entries = 0;
                self.pending.shrink_to(PENDING_BYTES);
                Ok(())
            }
            Err(Error::NoSpace { .. }) => {
                self.is_stuck(Stuck::Full, "the disk is full");
                Ok(())
            }
            Err(error @ Error::Entry { .. }) => Err(error).context("cannot write to the spool"),
            Err(error) => {
                self.is_stuck(Stuck::Failed, &error.to_string());
                Ok(())
            }
        }
    }

    fn is_stuck(&mut self, why: Stuck, detail: &str) {
        if self.stuck.is_none() {
            tracing::error!(stream = %self.id(), "{detail}; entries wait in memory");
        }
        self.stuck = Some((why, Instant::now() + RETRY_EVERY));
    }

    /// A sync failed, and what it was to make durable may be lost: the files are read again before
    /// anything more is written.
    pub(crate) fn sync_failed(&mut self, error: &dyn std::fmt::Display) {
        let detail = format!("cannot sync the spool ({error})");
        self.is_stuck(Stuck::Failed, &detail);
    }

    /// Reads again what the disk holds; false where that is not possible yet.
    fn reopened(&mut self) -> bool {
        match self.reopen() {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!("cannot open the spool again: {error:#}");
                self.is_stuck(Stuck::Failed, "the spool cannot be opened");
                false
            }
        }
    }

    fn reopen(&mut self) -> Result<()> {
        let (expected, id) = (self.spool.next(), self.id());
        let opened = SpoolWriter::open(&self.streams, id, self.keeper.limits().options());
        let lost = match opened {
            Ok((spool, _)) => {
                let lost = expected.saturating_sub(spool.next());
                self.spool = spool;
                self.generation += 1;
                lost
            }
            Err(Error::Damaged { .. }) => expected,
            Err(error) => return Err(error.into()),
        };
        if lost > 0 {
            self.dropped.add_unknown(lost);
            self.dropped_ever += lost;
            // The lost numbers may have been sent: they are not given out again.
            self.begin_anew()?;
        }
        Ok(())
    }

    /// Goes on in a new stream of the same source; what is pending goes with it.
    fn begin_anew(&mut self) -> Result<()> {
        let before = Predecessor::new(self.id(), self.spool.next(), self.spool.head());
        let (spool, opened) = begin(
            &self.room,
            &self.streams,
            &self.source,
            &self.host,
            *self.keeper.limits(),
            Some(before),
            indelible_sys::clock::realtime_ns(),
        )?;
        let spool = match self.with_opening(spool, &opened) {
            Ok(spool) => spool,
            Err(error) => {
                // Nothing of it was ever told to anybody.
                let _ = std::fs::remove_file(&opened);
                return Err(error);
            }
        };
        let old = std::mem::replace(&mut self.spool, spool);
        self.room.wrote(old.stream());
        self.room.writes(self.id());
        self.generation += 1;
        let (id, next) = (self.id(), self.spool.next());
        entry::renumber(&mut self.pending, id, next);
        Ok(())
    }

    /// Writes entry 0 of a stream that was just begun.
    fn with_opening(&self, mut spool: SpoolWriter, opened: &Path) -> Result<SpoolWriter> {
        let opened = Opened::load(opened)?;
        let mut frame = Vec::new();
        let header = Header {
            kind: Kind::StreamOpened,
            flags: 0,
            stream: spool.stream(),
            sequence: 0,
            time_ns: opened.time_ns,
        };
        entry::push(&mut frame, &header, &payload::to_bytes(&opened.opening));
        spool.append(&frame)?;
        spool.sync_handle().sync()?;
        Ok(spool)
    }

    /// Removes what may be removed where the spool has grown to its limits; false where it must not
    /// grow any more.
    fn made_room(&mut self) -> Result<bool> {
        let id = self.id();
        self.keeper.look(id);
        while self
            .keeper
            .is_over(self.spool.len_bytes() + self.pending.len() as u64)
        {
            if self.keeper.remove_oldest(false)?.is_some() {
                continue;
            }
            if self.blocks() {
                // The last frame may go beyond the limit: one that is longer than it would wait for ever.
                return Ok(!self.is_at_limit());
            }
            let Some(removed) = self.keeper.remove_oldest(true)? else {
                if self.spool.len_bytes() < ROLL_BYTES_MIN {
                    return Ok(false);
                }
                // The stream itself is all there is: it becomes the one that can be removed.
                self.roll()?;
                continue;
            };
            let detail = format!(
                "stream {} was removed to make room: its last {} entries, up to {}, were not yet sent",
                removed.stream, removed.unsent, removed.next
            );
            let mut gap = Gap::new(GapReason::Dropped, Some(removed.unsent), detail);
            gap.keys = removed.keys.into_keys();
            self.dropped_ever += removed.unsent;
            self.keeper.recorded(self.id(), removed.unsent);
            self.push_json(Kind::Gap, &gap, indelible_sys::clock::realtime_ns());
        }
        if !self.blocks() && self.spool.len_bytes() >= self.keeper.limits().roll_bytes() {
            self.roll()?;
        }
        Ok(true)
    }

    /// Ends the stream and begins the next, so that the oldest can be removed by itself.
    fn roll(&mut self) -> Result<()> {
        self.spool
            .sync_handle()
            .sync()
            .context("cannot sync the spool")?;
        self.begin_anew()?;
        self.keeper.look_again();
        let id = self.id();
        self.keeper.look(id);
        Ok(())
    }

    /// Records how many entries were dropped since the last call, once there is room again.
    pub(crate) fn account_for_drops(&mut self, now_ns: u64) -> Result<()> {
        if self.dropped.entries > 0 && self.pending.len() < WAITING_BYTES_MAX {
            self.write()?;
            if self.stuck.is_none() {
                let dropped = std::mem::take(&mut self.dropped);
                let detail = "the spool could not be written";
                self.keeper.recorded(self.spool.stream(), dropped.entries);
                let mut gap = Gap::new(GapReason::Dropped, Some(dropped.entries), detail);
                gap.keys = dropped.into_keys();
                self.push_json(Kind::Gap, &gap, now_ns);
            }
        }
        self.write()
    }

    /// Removes files that the worker released, but for the local history.
    pub(crate) fn release(&mut self, sequence: u64) -> Result<()> {
        // A position beyond the end can only be a mistake: it releases nothing.
        if sequence > self.spool.next() {
            return Ok(());
        }
        let released = match self.needs_room() && sequence == self.spool.next() {
            // Only a file that is not written any more can be removed.
            true => self.spool.rotate(),
            false => Ok(()),
        };
        if let Err(error) = released.and_then(|()| self.spool.release(sequence)) {
            // A disk that takes nothing may not let go either.
            tracing::warn!("cannot remove released spool files: {error}");
        }
        let id = self.id();
        self.keeper.look(id);
        self.keeper.trim_history(self.spool.len_bytes())
    }

    /// Whether what was written can be made durable by a sync: no write or sync has failed. There may
    /// be no room for more.
    pub(crate) fn is_sound(&self) -> bool {
        !matches!(self.stuck, Some((Stuck::Failed, _)))
    }

    /// Whether the disk takes what is written.
    pub(crate) fn is_writable(&self) -> bool {
        self.stuck.is_none()
    }

    /// Changes when [`SourceStream::sync_handle`] must be asked for again.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn id(&self) -> StreamId {
        self.spool.stream()
    }

    pub(crate) fn spool(&self) -> &SpoolWriter {
        &self.spool
    }

    pub(crate) fn sync_handle(&self) -> SyncHandle {
        self.spool.sync_handle()
    }
}

/// Opens a new stream; answers also where the copy of its opening stands.
fn begin(
    room: &Room,
    streams: &Arc<dyn Dir>,
    source: &str,
    host: &Host,
    limits: SpoolLimits,
    predecessor: Option<Predecessor>,
    now_ns: u64,
) -> Result<(SpoolWriter, PathBuf)> {
    let id = StreamId::random();
    let path = room.opened(id);
    Opened::new(StreamOpened::new(source, host, predecessor), now_ns).save(&path)?;
    let (spool, _) =
        SpoolWriter::open(streams, id, limits.options()).context("cannot open the spool")?;
    Ok((spool, path))
}

/// What earlier runs of capture left.
struct Past {
    /// This boot's stream of the same source.
    current: Option<StreamId>,
    predecessor: Option<Predecessor>,
}

impl Past {
    fn read(room: &Room, streams: &Arc<dyn Dir>, source: &str, boot_id: &str) -> Result<Self> {
        let mut past = Self {
            current: None,
            predecessor: None,
        };
        let mut newest_ns = 0;
        for id in Opened::list(room)? {
            let Ok(opened) = Opened::load(&room.opened(id)) else {
                continue;
            };
            if opened.opening.source != source || opened.time_ns < newest_ns {
                continue;
            }
            newest_ns = opened.time_ns;
            past.current = (opened.opening.boot_id == boot_id).then_some(id);
            past.predecessor = ending(streams, id).ok();
        }
        if past.current.is_some() {
            past.predecessor = None;
        }
        Ok(past)
    }
}

fn ending(streams: &Arc<dyn Dir>, id: StreamId) -> Result<Predecessor> {
    let mut reader = SpoolReader::open(streams, id)?;
    let (_, next) = reader.bounds()?;
    reader.seek(next)?;
    Ok(Predecessor::new(id, next, reader.head()))
}

/// Bytes of entries that wait in memory while the disk takes nothing.
const WAITING_BYTES_MAX: usize = 8 << 20;
/// How often a disk that took nothing is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(250);
/// A stream smaller than this is not worth removing.
const ROLL_BYTES_MIN: u64 = 64 << 10;
/// Room for the entries of one frame, so that it is allocated once.
const PENDING_BYTES: usize = 512 << 10;
