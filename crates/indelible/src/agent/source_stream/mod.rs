//! A stream of this host: one per source and boot, continued when its writer starts again.
//!
//! `writing` brings what is pending onto the disk, or keeps it while the disk takes nothing; `keeping`
//! makes room; `past` is what earlier processes left.

mod keeping;
mod past;
mod writing;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::entry::{self, CUT_BY_SOURCE};
use indelible_log::spool::{SpoolWriter, SyncHandle};
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
use crate::payload::{self, Gap, GapReason, HostHead};
use past::{Past, begin};

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
    /// How often the worker had turned to another collector when this stream began. It is kept with the
    /// copy of the opening: the worker may turn while nobody writes.
    turned: Option<u64>,
    /// The site's policy lets nothing be written.
    suspended: bool,
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

/// How often the worker had turned when a stream began, where that is known.
fn turned_at(room: &Room, stream: StreamId) -> Option<u64> {
    Opened::load(&room.opened(stream)).ok()?.turned
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
                    // With its opening alone it has no head yet: a crash came before the first.
                    stream.has_past = stream.spool.next() > 1
                        || Opened::load(&room.opened(id))
                            .is_ok_and(|opened| opened.opening.predecessor.is_some());
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
        let turned = turned_at(room, spool.stream());
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
            turned,
            suspended: false,
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
        let is_stuck = self.stuck.is_some() && !self.blocks();
        self.suspended || is_stuck && self.pending.len() >= WAITING_BYTES_MAX
    }

    /// Has what comes be dropped and counted, until it is resumed.
    pub(crate) fn suspend(&mut self, suspended: bool) {
        self.suspended = suspended;
    }

    /// Whether the disk or the limits take nothing more.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self.stuck, Some((Stuck::Full, _)))
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
        if !self.pending.is_empty() || self.suspended {
            // A head can only speak of what is written.
            return Ok(());
        }
        head.next = self.spool.next();
        head.head = self.spool.head().to_string();
        head.dropped = self.dropped_ever;
        let payload = match signer.sign(self.id(), head) {
            Ok(payload) => payload,
            Err(error) => {
                // The next one is due in a second.
                tracing::warn!("a head is not signed: {error:#}");
                return Ok(());
            }
        };
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

/// Bytes of entries that wait in memory while the disk takes nothing.
const WAITING_BYTES_MAX: usize = 8 << 20;
/// Room for the entries of one frame, so that it is allocated once.
const PENDING_BYTES: usize = 512 << 10;
