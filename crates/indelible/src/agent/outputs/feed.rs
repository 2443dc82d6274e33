//! The entries of all streams of a spool, as one output reads them: in turn, each stream in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::StreamId;
use indelible_log::spool::SpoolReader;

use super::cursors::Cursors;
use super::growth::Growth;
use crate::agent::layout::Layout;
use crate::agent::opened::Opened;
use crate::agent::rooms::Rooms;

/// The streams of a spool.
#[derive(Debug)]
pub(super) struct Feed {
    rooms: Rooms,
    streams: BTreeMap<StreamId, Stream>,
    /// The stream that is asked first.
    turn: usize,
    listed_at: Option<Instant>,
}

#[derive(Debug)]
struct Stream {
    reader: SpoolReader,
    origin: Arc<Origin>,
    /// One past the last entry, when the disk was last looked at.
    end: u64,
}

/// Where a stream's entries come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) host: String,
    /// `kernel`, `file:PATH`, …
    pub(super) source: String,
}

/// Entries of one stream.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) stream: StreamId,
    pub(super) origin: Arc<Origin>,
    /// Sequence number after the last.
    pub(super) next: u64,
}

/// Entries that are gone before they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Skipped {
    pub(super) stream: StreamId,
    pub(super) from: u64,
    /// `None` where nobody knows how far it reached.
    pub(super) to: Option<u64>,
}

impl Feed {
    /// Opens the rooms.
    pub(super) fn open(layout: &Layout) -> Result<Self> {
        Ok(Self {
            rooms: Rooms::open(layout.present_rooms())?,
            streams: BTreeMap::new(),
            turn: 0,
            listed_at: None,
        })
    }

    /// Looks at the disk, once a second unless asked to: finds streams that are new, and entries
    /// that are gone.
    pub(super) fn look(&mut self, cursors: &mut Cursors, growth: &Growth) -> Result<Vec<Skipped>> {
        if self.listed_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return Ok(Vec::new());
        }
        self.listed_at = Some(Instant::now());
        let mut skipped = Vec::new();
        for folder in self.rooms.folders() {
            growth.add(&folder);
        }
        let streams = &mut self.streams;
        let gone = self.rooms.look(|found| {
            let id = found.id;
            let opened = Opened::load(&found.room.opened(id)).ok();
            let origin = opened.map(|opened| Origin {
                host: opened.opening.host,
                source: opened.opening.source,
            });
            growth.add(&found.room.streams().join(id.to_string()));
            let mut stream = Stream {
                end: found.reader.next(),
                reader: found.reader,
                origin: Arc::new(origin.unwrap_or_default()),
            };
            skipped.extend(stream.seek(cursors.position(id).unwrap_or(0))?);
            streams.insert(id, stream);
            Ok(())
        })?;
        for id in gone {
            if let Some(stream) = self.streams.remove(&id)
                && stream.reader.next() < stream.end
            {
                skipped.push(Skipped {
                    stream: id,
                    from: stream.reader.next(),
                    to: Some(stream.end),
                });
            }
            cursors.forget(id);
        }
        for stream in self.streams.values_mut() {
            skipped.extend(stream.look()?);
        }
        Ok(skipped)
    }

    /// Appends the next entries of the stream whose turn it is to `out`; `None` where no stream has
    /// any.
    pub(super) fn read(&mut self, out: &mut Vec<u8>) -> Result<Option<Part>> {
        let count = self.streams.len();
        for step in 0..count {
            let at = (self.turn + step) % count;
            let Some((id, stream)) = self.streams.iter_mut().nth(at) else {
                continue;
            };
            let chunk = stream
                .reader
                .read(PART_ENTRIES_MAX, PART_BYTES_MAX, out)
                .with_context(|| format!("cannot read stream {id}"))?;
            if chunk.is_some() {
                self.turn = (at + 1) % count;
                stream.end = stream.end.max(stream.reader.next());
                return Ok(Some(Part {
                    stream: *id,
                    origin: stream.origin.clone(),
                    next: stream.reader.next(),
                }));
            }
        }
        Ok(None)
    }

    /// Goes back to where the output stands: what was read beyond was not taken.
    pub(super) fn rewind(&mut self, cursors: &Cursors) -> Result<Vec<Skipped>> {
        let mut skipped = Vec::new();
        for (id, stream) in &mut self.streams {
            skipped.extend(stream.seek(cursors.position(*id).unwrap_or(0))?);
        }
        Ok(skipped)
    }

    /// Entries that the output does not have, as far as the disk was looked at.
    pub(super) fn lag_entries(&self, cursors: &Cursors) -> u64 {
        let behind = self.streams.iter().map(|(id, stream)| {
            stream
                .end
                .saturating_sub(cursors.position(*id).unwrap_or(0))
        });
        behind.sum()
    }
}

impl Stream {
    /// Moves to a position, or to the oldest entry behind it.
    fn seek(&mut self, position: u64) -> Result<Option<Skipped>> {
        let stream = self.reader.stream();
        let shown = || format!("cannot read stream {stream}");
        let (oldest, end) = self.reader.bounds().with_context(shown)?;
        self.end = end;
        self.reader
            .seek(position.clamp(oldest, end))
            .with_context(shown)?;
        Ok((position < oldest).then_some(Skipped {
            stream,
            from: position,
            to: Some(oldest),
        }))
    }

    /// Learns where the stream ends, and whether what comes next is gone.
    fn look(&mut self) -> Result<Option<Skipped>> {
        let Ok((oldest, end)) = self.reader.bounds() else {
            // Its folder is being removed; the next look knows.
            return Ok(None);
        };
        self.end = end;
        if self.reader.next() < oldest {
            return self.seek(self.reader.next());
        }
        Ok(None)
    }
}

/// How often the disk is looked at for streams that are new or gone.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Entries that are read at a time: what is repeated at most after a crash, for each stream.
const PART_ENTRIES_MAX: u32 = 256;
/// Their bytes.
const PART_BYTES_MAX: usize = 256 << 10;
