//! Where entries come from: the end of a collector's log, or of a host's spool.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_log::dir::Dir;
use indelible_log::spool::SpoolReader;
use indelible_log::{Checkpoint, EntryRef, Kind, LogReader, StreamId, entry};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::limits::{READ_BYTES, WARM_UP_ENTRIES};
use super::state::{Folder, Position};
use crate::agent::layout::Layout;
use crate::agent::rooms::Rooms;
use crate::payload::StreamOpened;

/// Takes entries.
pub(super) type Take<'a> = &'a mut dyn FnMut(&EntryRef<'_>);

/// The end of what is being written.
pub(super) trait Tail {
    /// Gives the next entries, and not many; false where there are none.
    fn read(&mut self, take: Take<'_>) -> Result<bool>;

    /// Where the next entry stands.
    fn position(&self) -> Position;

    /// Whether everything before the position has been given again.
    fn has_reached(&self, position: &Position) -> bool;

    /// Gives the entries of the stream that findings go to, from a position on.
    fn own_entries(&mut self, from: &Position, take: Take<'_>) -> Result<()>;

    /// The openings of streams that stand before what is read.
    fn openings(&self) -> Vec<(StreamId, String, String)>;
}

/// A collector's log, up to what is durable.
pub(super) struct LogTail {
    reader: LogReader,
    newest: watch::Receiver<Checkpoint>,
    next: u64,
    /// The position: what was found before it is not told again, so nothing is read across it.
    kept: u64,
    streams: Streams,
}

impl LogTail {
    /// Begins some way before the position, or at the end where there is none.
    pub(super) fn open(
        dir: Arc<dyn Dir>,
        folder: &Folder,
        newest: watch::Receiver<Checkpoint>,
        position: Option<&Position>,
    ) -> Result<Self> {
        let reader = LogReader::open(dir).context("cannot read the store")?;
        let end = newest.borrow().size;
        let mut streams = Streams::open(folder)?;
        if !streams.is_complete {
            // Once: the names of hosts stand where their streams were opened.
            for entry in reader.carried_openings()? {
                streams.note(&EntryRef::parse(&entry)?)?;
            }
            let mut next = 0;
            while let Some(part) = reader.part_at(next)?.filter(|part| part.first() < end) {
                for (_, bytes) in reader.decode(&part)?.iter_from(next) {
                    streams.note(&EntryRef::parse(bytes)?)?;
                }
                next = part.end();
            }
            streams.complete()?;
        }
        let next = match position {
            Some(Position::Log(next)) => (*next).min(end),
            _ => end,
        };
        Ok(Self {
            reader,
            newest,
            next: next.saturating_sub(WARM_UP_ENTRIES),
            kept: next,
            streams,
        })
    }

    /// The end of the log, as a first position.
    pub(super) fn end(&self) -> Position {
        Position::Log(self.newest.borrow().size)
    }
}

impl Tail for LogTail {
    fn read(&mut self, take: Take<'_>) -> Result<bool> {
        let durable = self.newest.borrow().size;
        if self.next >= durable {
            return Ok(false);
        }
        let Some(part) = self.reader.part_at(self.next)? else {
            return Ok(false);
        };
        let limit = match self.next < self.kept {
            true => self.kept,
            false => durable,
        };
        let end = part.end().min(limit);
        for (index, bytes) in self.reader.decode(&part)?.iter_from(self.next) {
            if index >= end {
                break;
            }
            let entry = EntryRef::parse(bytes)?;
            self.streams.note(&entry)?;
            take(&entry);
        }
        self.next = end;
        Ok(true)
    }

    fn position(&self) -> Position {
        Position::Log(self.next)
    }

    fn has_reached(&self, position: &Position) -> bool {
        matches!(position, Position::Log(next) if self.next >= *next)
    }

    fn own_entries(&mut self, from: &Position, take: Take<'_>) -> Result<()> {
        let Position::Log(mut next) = *from else {
            return Ok(());
        };
        let end = self.newest.borrow().size;
        while let Some(part) = self.reader.part_at(next)?.filter(|part| part.first() < end) {
            for (_, bytes) in self.reader.decode(&part)?.iter_from(next) {
                let entry = EntryRef::parse(bytes)?;
                if entry.header().kind == Kind::Finding {
                    take(&entry);
                }
            }
            next = part.end();
        }
        Ok(())
    }

    fn openings(&self) -> Vec<(StreamId, String, String)> {
        self.streams.known.clone()
    }
}

/// The streams of a log and their hosts, kept beside it so that a start need not read all of it.
struct Streams {
    file: fs::File,
    known: Vec<(StreamId, String, String)>,
    seen: BTreeSet<StreamId>,
    /// The file is of the whole log.
    is_complete: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct StreamLine {
    stream: String,
    host: String,
    source: String,
}

impl Streams {
    fn open(folder: &Folder) -> Result<Self> {
        let path = folder.origins();
        let shown = || format!("cannot open {}", path.display());
        let text = fs::read_to_string(&path).unwrap_or_default();
        let mut options = fs::OpenOptions::new();
        let file = options
            .create(true)
            .append(true)
            .mode(0o640)
            .open(&path)
            .with_context(shown)?;
        let mut streams = Self {
            file,
            known: Vec::new(),
            seen: BTreeSet::new(),
            is_complete: text.lines().any(|line| line == COMPLETE),
        };
        for line in text.lines() {
            // A torn line is its last one; its stream is noted again when the log is read on.
            if let Ok(line) = serde_json::from_str::<StreamLine>(line)
                && let Ok(stream) = line.stream.parse()
                && streams.seen.insert(stream)
            {
                streams.known.push((stream, line.host, line.source));
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            streams.file.write_all(b"\n").with_context(shown)?;
        }
        Ok(streams)
    }

    fn note(&mut self, entry: &EntryRef<'_>) -> Result<()> {
        let header = entry.header();
        if header.kind != Kind::StreamOpened || self.seen.contains(&header.stream) {
            return Ok(());
        }
        let Ok(opened) = serde_json::from_slice::<StreamOpened>(entry.payload()) else {
            return Ok(());
        };
        let line = StreamLine {
            stream: header.stream.to_string(),
            host: opened.host.clone(),
            source: opened.source.clone(),
        };
        writeln!(self.file, "{}", serde_json::to_string(&line)?).context("cannot note a stream")?;
        self.seen.insert(header.stream);
        self.known.push((header.stream, opened.host, opened.source));
        Ok(())
    }

    fn complete(&mut self) -> Result<()> {
        writeln!(self.file, "{COMPLETE}")
            .and_then(|()| self.file.sync_all())
            .context("cannot note the log's streams")?;
        self.is_complete = true;
        Ok(())
    }
}

/// The streams of a spool.
pub(super) struct SpoolTail {
    rooms: Rooms,
    readers: BTreeMap<StreamId, SpoolReader>,
    /// The stream that findings go to, and its folder.
    own: (StreamId, Arc<dyn Dir>),
    entries: Vec<u8>,
    /// What is there at the first start was before the detections, and is not read.
    is_first: bool,
    /// Where streams stood; they are read from some way before that.
    kept: BTreeMap<String, u64>,
}

impl SpoolTail {
    pub(super) fn open(
        layout: &Layout,
        own: (StreamId, Arc<dyn Dir>),
        position: Option<&Position>,
    ) -> Result<Self> {
        let rooms = Rooms::open([layout.capture(), layout.sources()])?;
        let kept = match position {
            Some(Position::Spool(streams)) => streams.clone(),
            _ => BTreeMap::new(),
        };
        let mut tail = Self {
            rooms,
            readers: BTreeMap::new(),
            own,
            entries: Vec::new(),
            is_first: position.is_none(),
            kept,
        };
        tail.open_new()?;
        tail.is_first = false;
        Ok(tail)
    }

    /// Opens the streams that are there and not open yet.
    fn open_new(&mut self) -> Result<()> {
        let Self {
            rooms,
            readers,
            kept,
            is_first,
            ..
        } = self;
        let gone = rooms.look(|found| {
            let mut reader = found.reader;
            let (oldest, end) = reader.bounds()?;
            let from = match kept.get(&found.id.to_string()) {
                Some(next) => next.saturating_sub(WARM_UP_ENTRIES),
                None if *is_first => end,
                None => oldest,
            };
            reader.seek(from.clamp(oldest, end))?;
            readers.insert(found.id, reader);
            Ok(())
        })?;
        for id in gone {
            readers.remove(&id);
        }
        Ok(())
    }

    /// Sequence number that the next finding will have.
    fn own_end(&self) -> u64 {
        let bounds = SpoolReader::open(&self.own.1, self.own.0).and_then(|reader| reader.bounds());
        bounds.map_or(0, |(_, end)| end)
    }
}

impl Tail for SpoolTail {
    fn read(&mut self, take: Take<'_>) -> Result<bool> {
        self.open_new()?;
        let mut is_more = false;
        for (id, reader) in &mut self.readers {
            self.entries.clear();
            // Not across the position: what was found before it is not told again.
            let kept = self.kept.get(&id.to_string()).copied().unwrap_or(0);
            let entries_max = match kept.checked_sub(reader.next()) {
                Some(left) if left > 0 => u32::try_from(left).unwrap_or(u32::MAX),
                _ => u32::MAX,
            };
            match reader.read(entries_max, READ_BYTES, &mut self.entries) {
                Ok(None) => continue,
                Ok(Some(_)) => {}
                // What was not read yet was released or removed to make room.
                Err(indelible_log::Error::Missing { .. }) => {
                    let (oldest, _) = reader.bounds()?;
                    reader.seek(oldest)?;
                    continue;
                }
                Err(error) => return Err(error).context("cannot read the spool"),
            }
            is_more = true;
            for entry in entry::split(&self.entries) {
                take(&entry.and_then(EntryRef::parse)?);
            }
        }
        Ok(is_more)
    }

    fn position(&self) -> Position {
        let streams = self.readers.iter();
        let mut streams: BTreeMap<String, u64> = streams
            .map(|(id, reader)| (id.to_string(), reader.next()))
            .collect();
        streams.insert(self.own.0.to_string(), self.own_end());
        Position::Spool(streams)
    }

    fn has_reached(&self, position: &Position) -> bool {
        let Position::Spool(streams) = position else {
            return true;
        };
        self.readers.iter().all(|(id, reader)| {
            let before = streams.get(&id.to_string());
            before.is_none_or(|next| reader.next() >= *next)
        })
    }

    fn own_entries(&mut self, from: &Position, take: Take<'_>) -> Result<()> {
        let Position::Spool(streams) = from else {
            return Ok(());
        };
        let from = streams.get(&self.own.0.to_string());
        let mut reader = match SpoolReader::open(&self.own.1, self.own.0) {
            Ok(reader) => reader,
            Err(indelible_log::Error::Missing { .. }) => return Ok(()),
            Err(error) => return Err(error).context("cannot read the stream of findings"),
        };
        let (oldest, end) = reader.bounds()?;
        reader.seek(from.copied().unwrap_or(0).clamp(oldest, end))?;
        let mut entries = Vec::new();
        while reader.read(u32::MAX, READ_BYTES, &mut entries)?.is_some() {
            for entry in entry::split(&entries) {
                take(&entry.and_then(EntryRef::parse)?);
            }
            entries.clear();
        }
        Ok(())
    }

    fn openings(&self) -> Vec<(StreamId, String, String)> {
        Vec::new()
    }
}

/// The line of the file of streams from which on it lacks nothing.
const COMPLETE: &str = "complete";
