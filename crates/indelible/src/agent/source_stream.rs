//! A stream of this host: one per source and boot, continued when its writer starts again.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::entry::{self, CUT_BY_SOURCE};
use indelible_log::spool::{SpoolOptions, SpoolReader, SpoolWriter, SyncHandle};
use indelible_log::{Error, Header, Kind, StreamId};
use indelible_sys::audit::Message;
use indelible_sys::host::Host;
use serde::Serialize;

use super::layout::Room;
use super::lines::Line;
use super::opened::Opened;
use super::signer::Signer;
use crate::payload::{self, Gap, GapReason, HostHead, Predecessor, StreamOpened};

/// The writer of one source's stream. Entries are collected and then written as one frame.
#[derive(Debug)]
pub(crate) struct SourceStream {
    spool: SpoolWriter,
    pending: Vec<u8>,
    pending_entries: u64,
    /// The payload being put together, kept for its allocation.
    payload: Vec<u8>,
    dropped: u64,
    dropped_ever: u64,
    /// Entry 0 was written by an earlier process, or names a stream before this one.
    has_past: bool,
}

impl SourceStream {
    /// Continues the stream of `source` of this boot, or opens one that names its predecessor.
    pub(crate) fn open(room: &Room, source: &str, host: &Host, now_ns: u64) -> Result<Self> {
        let folder = room.streams();
        let shown = folder.display();
        let streams =
            RealDir::open_for_group(&folder).with_context(|| format!("cannot open {shown}"))?;
        let past = Past::read(room, &streams, source, &payload::hex(&host.boot_id))
            .with_context(|| format!("cannot read the streams in {shown}"))?;
        if let Some(id) = past.current {
            match SpoolWriter::open(&streams, id, SpoolOptions::default()) {
                Ok((spool, report)) => {
                    if report.cut_bytes > 0 {
                        tracing::warn!(stream = %id, bytes = report.cut_bytes, "cut a torn tail");
                    }
                    let mut stream = Self::new(spool);
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
        let id = StreamId::random();
        let has_past = past.predecessor.is_some();
        let opened = Opened::new(StreamOpened::new(source, host, past.predecessor), now_ns);
        opened.save(&room.opened(id))?;
        let (spool, _) = SpoolWriter::open(&streams, id, SpoolOptions::default())
            .context("cannot open the spool")?;
        let mut stream = Self::new(spool);
        stream.has_past = has_past;
        stream.write_opening(&room.opened(id))?;
        Ok(stream)
    }

    fn new(spool: SpoolWriter) -> Self {
        Self {
            spool,
            pending: Vec::with_capacity(PENDING_BYTES),
            pending_entries: 0,
            payload: Vec::new(),
            dropped: 0,
            dropped_ever: 0,
            has_past: false,
        }
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
        let header = Header {
            flags,
            ..self.header(kind, now_ns)
        };
        entry::push(&mut self.pending, &header, payload);
        self.pending_entries += 1;
    }

    /// Adds a line, cut where it was too long to be held.
    pub(crate) fn push_line(&mut self, kind: Kind, line: &Line<'_>, now_ns: u64) {
        let Some(cut) = &line.cut else {
            return self.push_payload(kind, 0, line.payload, now_ns);
        };
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

    /// Writes what is pending as one frame. Where the disk is full the entries are dropped and
    /// counted; the next write that succeeds begins with a gap entry that says how many.
    pub(crate) fn write(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        match self.spool.append(&self.pending) {
            Ok(_) => {}
            Err(Error::NoSpace { .. }) => {
                self.dropped += self.pending_entries;
                self.dropped_ever += self.pending_entries;
            }
            Err(error) => return Err(error).context("cannot write to the spool"),
        }
        self.pending.clear();
        self.pending_entries = 0;
        Ok(())
    }

    /// Records how many entries were dropped since the last call, once there is room again.
    pub(crate) fn account_for_drops(&mut self, now_ns: u64) -> Result<()> {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped == 0 {
            return Ok(());
        }
        let detail = "the spool's disk was full";
        self.push_json(
            Kind::Gap,
            &Gap::new(GapReason::Dropped, Some(dropped), detail),
            now_ns,
        );
        let before = self.dropped;
        self.write()?;
        if self.dropped > before {
            // The gap entry itself found no room: it is not one of the missing records.
            self.dropped = dropped;
        }
        Ok(())
    }

    /// Removes files that the worker released, but for the local history.
    pub(crate) fn release(&mut self, sequence: u64) -> Result<()> {
        // A position beyond the end can only be a mistake: it releases nothing.
        if sequence > self.spool.next() {
            return Ok(());
        }
        self.spool
            .release(sequence)
            .context("cannot remove released spool files")
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

/// Room for the entries of one frame, so that it is allocated once.
const PENDING_BYTES: usize = 512 << 10;
