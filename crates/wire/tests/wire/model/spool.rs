//! A host's streams.

use std::collections::BTreeMap;

use indelible_wire::native::{Boot, Hash, Span, Spooled, StreamId};

use super::random::Random;
use super::{chain, entry, put_entry};

/// What is on a host's disk and in its page cache.
#[derive(Clone)]
pub(crate) struct Spool {
    pub(crate) streams: BTreeMap<StreamId, SpoolStream>,
    boot: u32,
}

#[derive(Clone)]
pub(crate) struct SpoolStream {
    boot: u32,
    /// Entry `i` has sequence number `i`; those below `oldest` are gone.
    pub(crate) entries: Vec<Vec<u8>>,
    /// Head before entry `i`; one more than entries.
    heads: Vec<Hash>,
    pub(crate) oldest: u64,
    /// Entries below survive a crash of the host.
    synced: usize,
    /// What the newest stored receipt says.
    pub(crate) released: u64,
}

/// The answer to Need.
pub(crate) struct Read {
    pub(crate) raw: Vec<u8>,
    pub(crate) entries: u32,
    pub(crate) head_before: Hash,
    pub(crate) head_after: Hash,
}

impl Spool {
    pub(crate) fn new() -> Self {
        Self {
            streams: BTreeMap::new(),
            boot: 0,
        }
    }

    pub(crate) fn open_stream(&mut self, random: &mut Random) -> StreamId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&random.next().to_be_bytes());
        let stream = StreamId(id);
        self.open_stream_as(stream);
        stream
    }

    pub(crate) fn open_stream_as(&mut self, stream: StreamId) {
        self.streams.insert(
            stream,
            SpoolStream {
                boot: self.boot,
                entries: Vec::new(),
                heads: vec![[0; 32]],
                oldest: 0,
                synced: 0,
                released: 0,
            },
        );
        self.append(stream, b"opened");
    }

    pub(crate) fn append(&mut self, stream: StreamId, payload: &[u8]) {
        let spooled = self.streams.get_mut(&stream).expect("stream is spooled");
        let entry = entry(stream, spooled.entries.len() as u64, payload);
        let head = chain(&spooled.heads[spooled.entries.len()], &entry);
        spooled.entries.push(entry);
        spooled.heads.push(head);
    }

    pub(crate) fn sync(&mut self) {
        for spooled in self.streams.values_mut() {
            spooled.synced = spooled.entries.len();
        }
    }

    /// Power is gone: so is what was not synced. A stream never synced at all vanishes.
    pub(crate) fn crash_host(&mut self) {
        self.boot += 1;
        self.streams.retain(|_, spooled| {
            spooled.cut(spooled.synced);
            !spooled.entries.is_empty()
        });
    }

    /// Somebody cuts a stream back to `next` entries.
    pub(crate) fn wipe(&mut self, stream: StreamId, next: usize) {
        self.streams
            .get_mut(&stream)
            .expect("stream is spooled")
            .cut(next);
    }

    pub(crate) fn spooled(&self, stream: StreamId) -> Spooled {
        let spooled = &self.streams[&stream];
        Spooled {
            span: Span {
                stream,
                oldest: spooled.oldest,
                next: spooled.entries.len() as u64,
            },
            boot: match spooled.boot == self.boot {
                true => Boot::Current,
                false => Boot::Earlier,
            },
            released: spooled.released,
        }
    }

    /// Streams of this boot, which still grow.
    pub(crate) fn current(&self) -> Vec<StreamId> {
        let current = |(_, spooled): &(_, &SpoolStream)| spooled.boot == self.boot;
        self.streams
            .iter()
            .filter(current)
            .map(|(id, _)| *id)
            .collect()
    }

    pub(crate) fn head(&self, stream: StreamId, next: u64) -> Option<Hash> {
        let next = usize::try_from(next).ok()?;
        self.streams.get(&stream)?.heads.get(next).copied()
    }

    /// `None` where the spool does not hold the entry any more.
    pub(crate) fn read(&self, stream: StreamId, first: u64, entries_max: u64) -> Option<Read> {
        let spooled = self.streams.get(&stream)?;
        let start = usize::try_from(first).ok()?;
        let end = spooled
            .entries
            .len()
            .min(start + usize::try_from(entries_max).ok()?);
        if start >= end || first < spooled.oldest {
            return None;
        }
        let mut raw = Vec::new();
        for entry in &spooled.entries[start..end] {
            put_entry(&mut raw, entry);
        }
        Some(Read {
            raw,
            entries: u32::try_from(end - start).ok()?,
            head_before: spooled.heads[start],
            head_after: spooled.heads[end],
        })
    }
}

impl SpoolStream {
    fn cut(&mut self, next: usize) {
        self.entries.truncate(next);
        self.heads.truncate(next + 1);
        self.synced = self.synced.min(next);
        self.oldest = self.oldest.min(self.entries.len() as u64);
    }
}
