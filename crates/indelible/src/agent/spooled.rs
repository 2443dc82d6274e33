//! The spool as the sender needs it: spans of streams, batches from a position, heads to compare.
//!
//! Each stream is read once and in order: what was read ahead to learn how far the stream has
//! grown is the batch that the sender will ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_log::dir::Dir;
use indelible_log::spool::SpoolReader;
use indelible_log::{Hash, StreamId};
use indelible_sys::host::Host;
use indelible_wire::limits::{BATCH_ENTRIES_MAX, BATCH_RAW_BYTES_WANTED};
use indelible_wire::native::{Boot, Span, Spooled, StreamId as WireStreamId};

use super::layout::{Layout, Room};
use super::opened::Opened;
use super::rooms::Rooms;
use crate::payload::hex;

/// The streams of one spool, read beside their writer.
#[derive(Debug)]
pub(crate) struct SpooledStreams {
    rooms: Rooms,
    boot_id: String,
    streams: BTreeMap<StreamId, Stream>,
}

#[derive(Debug)]
struct Stream {
    folder: Arc<dyn Dir>,
    reader: SpoolReader,
    ahead: Option<ReadAhead>,
    boot: Boot,
    /// The stream before it, by what its opening says.
    predecessor: Option<StreamId>,
    oldest: u64,
    next: u64,
    /// The released position when the stream was found.
    released: u64,
}

/// Entries that were read and not yet asked for.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    pub(crate) first: u64,
    pub(crate) entries: u32,
    pub(crate) head_before: Hash,
    pub(crate) head_after: Hash,
    pub(crate) raw: Vec<u8>,
}

impl SpooledStreams {
    /// Opens the rooms; streams are found by [`SpooledStreams::discover`].
    pub(crate) fn open(rooms: Vec<Room>, host: &Host) -> Result<Self> {
        Ok(Self {
            rooms: Rooms::open(rooms)?,
            boot_id: hex(&host.boot_id),
            streams: BTreeMap::new(),
        })
    }

    /// Looks for streams that are new. `position` is asked where the collector stands in each, and told
    /// its oldest entry; a stream without an answer is left alone.
    pub(crate) fn discover(
        &mut self,
        mut position: impl FnMut(StreamId, u64) -> Result<Option<u64>>,
    ) -> Result<()> {
        let Self {
            rooms,
            boot_id,
            streams,
        } = self;
        let gone = rooms.look(|found| {
            let id = found.id;
            let shown = || format!("cannot read stream {id}");
            let mut reader = found.reader;
            let (oldest, next) = reader.bounds().with_context(shown)?;
            let Some(released) = position(id, oldest)? else {
                return Ok(());
            };
            let opening = Opened::load(&found.room.opened(id)).ok();
            let opening = opening.map(|opened| opened.opening);
            let boot = match &opening {
                Some(opening) if opening.boot_id == *boot_id => Boot::Current,
                _ => Boot::Earlier,
            };
            let predecessor = opening.and_then(|opening| opening.predecessor);
            // What the collector has is never asked for: read ahead, it would hide all that comes after.
            reader
                .seek(released.clamp(oldest, next))
                .with_context(shown)?;
            let stream = Stream {
                folder: found.folder.clone(),
                reader,
                ahead: None,
                boot,
                predecessor: predecessor.and_then(|before| before.id.parse().ok()),
                oldest,
                next,
                released,
            };
            streams.insert(id, stream);
            Ok(())
        })?;
        for id in gone {
            streams.remove(&id);
        }
        Ok(())
    }

    /// Forgets what was read ahead of a stream and will not be asked for, because all before `next`
    /// is the collector's; true where that lets the stream be read on.
    pub(crate) fn pass(&mut self, id: StreamId, next: u64) -> bool {
        let Some(stream) = self.streams.get_mut(&id) else {
            return false;
        };
        let passed = stream
            .ahead
            .take_if(|ahead| ahead.first + u64::from(ahead.entries) <= next);
        if passed.is_some() && stream.reader.next() < next {
            // More of it was acknowledged than was read. Where that cannot be skipped, it is read.
            let _ = stream.reader.seek(next.min(stream.next));
        }
        passed.is_some()
    }

    /// Whether no other stream says that it goes on after this one.
    pub(crate) fn is_last(&self, id: StreamId) -> bool {
        let mut streams = self.streams.values();
        self.streams.contains_key(&id) && !streams.any(|other| other.predecessor == Some(id))
    }

    /// Where a stream began when it was found.
    pub(crate) fn oldest(&self, id: StreamId) -> Option<u64> {
        self.streams.get(&id).map(|stream| stream.oldest)
    }

    /// Where each stream begins now, as far as its old files are still there.
    pub(crate) fn begins(&self) -> Result<Vec<(StreamId, u64)>> {
        let begins = self.streams.iter().map(|(id, stream)| {
            let reader = SpoolReader::open(&stream.folder, *id);
            let (oldest, _) = reader.and_then(|reader| reader.bounds())?;
            Ok((*id, oldest))
        });
        begins.collect()
    }

    /// Every stream with what is known of it, after reading ahead where nothing is.
    pub(crate) fn spans(&mut self) -> Vec<(StreamId, Result<Spooled>)> {
        let spans = self.streams.iter_mut().map(|(id, stream)| {
            let span = stream.read_ahead().map(|()| {
                let span = Span {
                    stream: WireStreamId(id.0),
                    oldest: stream.oldest,
                    next: stream.next,
                };
                Spooled {
                    span,
                    boot: stream.boot,
                    released: stream.released,
                }
            });
            (*id, span)
        });
        spans.collect()
    }

    /// The entries from `first` on that one batch can take.
    pub(crate) fn batch(&mut self, id: StreamId, first: u64) -> Result<ReadAhead> {
        let stream = self.streams.get_mut(&id).context("the stream is gone")?;
        if stream
            .ahead
            .as_ref()
            .is_none_or(|ahead| ahead.first != first)
        {
            stream.ahead = None;
            if stream.reader.next() != first {
                stream.reader.seek(first)?;
            }
            stream.read_ahead()?;
        }
        stream
            .ahead
            .take()
            .context("the spool ends before what it announced")
    }

    /// The chain head before entry `sequence`.
    pub(crate) fn head_before(&self, id: StreamId, sequence: u64) -> Result<Hash> {
        let stream = self.streams.get(&id).context("the stream is gone")?;
        let mut reader = SpoolReader::open(&stream.folder, id)?;
        reader.seek(sequence)?;
        Ok(reader.head())
    }

    /// Where each stream ends, as far as it was read.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (StreamId, u64)> {
        self.streams.iter().map(|(id, stream)| (*id, stream.next))
    }
}

impl Stream {
    fn read_ahead(&mut self) -> Result<()> {
        if self.ahead.is_some() {
            return Ok(());
        }
        let mut ahead = ReadAhead {
            first: self.reader.next(),
            entries: 0,
            head_before: self.reader.head(),
            head_after: self.reader.head(),
            raw: Vec::new(),
        };
        while ahead.entries < BATCH_ENTRIES_MAX
            && ahead.raw.len() < BATCH_RAW_BYTES_WANTED - ENTRY_BYTES_MAX
        {
            let entries = BATCH_ENTRIES_MAX - ahead.entries;
            let bytes = BATCH_RAW_BYTES_WANTED - ahead.raw.len();
            let Some(chunk) = self.reader.read(entries, bytes, &mut ahead.raw)? else {
                break;
            };
            ahead.entries += chunk.entries;
            ahead.head_after = chunk.head_after;
        }
        if ahead.entries > 0 {
            self.next = self.next.max(self.reader.next());
            self.ahead = Some(ahead);
        }
        Ok(())
    }
}

/// The released position that the worker last wrote; 0 where there is none.
pub(crate) fn released(layout: &Layout, id: StreamId) -> u64 {
    let bytes = std::fs::read(layout.released_position(id)).unwrap_or_default();
    <[u8; 8]>::try_from(bytes).map_or(0, u64::from_be_bytes)
}

/// Longest entry with its length: the reader always gives one, whatever room there is.
const ENTRY_BYTES_MAX: usize = 2 + indelible_wire::limits::ENTRY_BYTES_MAX;

#[cfg(test)]
mod tests {
    use indelible_log::dir::RealDir;
    use indelible_log::spool::{SpoolOptions, SpoolWriter};
    use indelible_log::{Header, Kind, entry};

    use super::*;
    use crate::payload::{Predecessor, StreamOpened};

    /// A host whose collector was put back reads from where the collector stands, however much that is.
    #[test]
    fn what_is_acknowledged_is_passed_over_and_the_last_stream_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(folder.path());
        layout.create(None).unwrap();
        let room = layout.sources();
        let host = Host::current().unwrap();
        let streams: Arc<dyn Dir> = RealDir::open(room.streams()).unwrap();
        let (first, last) = (StreamId([1; 16]), StreamId([2; 16]));
        let entries = u64::from(BATCH_ENTRIES_MAX) * 3;
        let write = |id: StreamId, before: Option<Predecessor>| {
            let opening = StreamOpened::new("kmsg", &host, before);
            Opened::new(opening, 1, 0).save(&room.opened(id)).unwrap();
            let (mut spool, _) = SpoolWriter::open(&streams, id, SpoolOptions::default()).unwrap();
            let mut encoded = Vec::new();
            for sequence in 0..entries {
                let header = Header {
                    kind: Kind::Journal,
                    flags: 0,
                    stream: id,
                    sequence,
                    time_ns: 1,
                };
                entry::push(&mut encoded, &header, b"x");
            }
            spool.append(&encoded).unwrap();
            Predecessor::new(id, spool.next(), spool.head())
        };
        let before = write(first, None);
        write(last, Some(before));
        let mut spool = SpooledStreams::open(layout.present_rooms(), &host).unwrap();
        spool.discover(|_, oldest| Ok(Some(oldest))).unwrap();
        assert!(!spool.is_last(first) && spool.is_last(last));
        assert_eq!(spool.begins().unwrap(), [(first, 0), (last, 0)]);
        let ahead = |spool: &mut SpooledStreams| {
            spool.spans();
            spool.streams[&first]
                .ahead
                .as_ref()
                .map(|ahead| ahead.first)
        };
        assert_eq!(ahead(&mut spool), Some(0));
        let position = entries - 5;
        assert!(spool.pass(first, position));
        assert_eq!(ahead(&mut spool), Some(position));
        assert!(spool.pass(first, entries));
        assert_eq!(ahead(&mut spool), None);
    }
}
