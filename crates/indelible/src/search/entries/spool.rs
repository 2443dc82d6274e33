//! A host's spool: the streams of all its rooms, merged by the time at which entries were captured.
//!
//! A stream that has not begun yet at the time that was reached is not open, so that of a spool's
//! many streams only those are held of which each is another source's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Error, StreamId, entry};

use super::{EntryLines, Lines};
use crate::agent::layout::{Layout, Room};
use crate::agent::opened::Opened;

/// Every audit record of a spool as a line; every message too, if those are asked for.
pub(in crate::search) fn of_spool(path: &Path, messages: bool) -> Result<Box<dyn EntryLines>> {
    let shown = || format!("cannot read the spool {}", path.display());
    let mut lines = Lines::of_spool(messages);
    let mut cursors = Vec::new();
    let mut due = BinaryHeap::new();
    for found in Rooms::at(path).streams()? {
        let begun_ns = found.note_opening(&mut lines);
        due.push(Reverse((begun_ns, cursors.len())));
        cursors.push(Cursor {
            found,
            reader: None,
            entries: Vec::new(),
            at: 0,
        });
    }
    // The oldest one is looked at now: what cannot be read is said before anything is shown.
    if let Some(Reverse((_, first))) = due.peek() {
        let first: &mut Cursor = &mut cursors[*first];
        first.next_ns().with_context(shown)?;
    }
    Ok(Box::new(SpoolLines {
        path: path.to_owned(),
        cursors,
        due,
        lines,
    }))
}

/// The rooms of a spool, each as soon as it is there.
pub(crate) struct Rooms {
    rooms: Vec<(Room, Option<Arc<dyn Dir>>)>,
}

/// A stream of one of the rooms.
pub(crate) struct Found {
    room: Room,
    dir: Arc<dyn Dir>,
    pub(crate) id: StreamId,
}

impl Rooms {
    pub(crate) fn at(path: &Path) -> Self {
        let rooms = Layout::at(path).rooms();
        Self {
            rooms: rooms.into_iter().map(|room| (room, None)).collect(),
        }
    }

    /// The streams that are there now.
    ///
    /// # Errors
    /// A room that cannot be read; a folder that has none of the rooms is no spool.
    pub(crate) fn streams(&mut self) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        let is_spool = self.rooms.iter().any(|(room, _)| room.streams().exists());
        for (room, dir) in &mut self.rooms {
            let shown = || format!("cannot read {}", room.streams().display());
            let dir = match dir {
                Some(dir) => dir,
                None if is_spool && !room.streams().exists() => continue,
                none => none.insert(RealDir::open(room.streams()).with_context(shown)?),
            };
            for id in SpoolReader::streams(&**dir).with_context(shown)? {
                found.push(Found {
                    room: room.clone(),
                    dir: Arc::clone(dir),
                    id,
                });
            }
        }
        Ok(found)
    }

    /// The folders of streams.
    pub(in crate::search) fn folders(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.rooms.iter().map(|(room, _)| room.streams())
    }
}

impl Found {
    /// Opens it; none where its folder has no file, yet or any more.
    pub(crate) fn open(&self) -> Result<Option<SpoolReader>, Error> {
        match SpoolReader::open(&self.dir, self.id) {
            Ok(reader) => Ok(Some(reader)),
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes note of its entry 0, which may be gone from the stream; when that was made, or 0.
    pub(in crate::search) fn note_opening(&self, lines: &mut Lines) -> u64 {
        // Without it the stream's messages have no name of their source.
        let Ok(opened) = Opened::load(&self.room.opened(self.id)) else {
            return 0;
        };
        lines.opened(self.id, opened.opening);
        opened.time_ns
    }

    /// Where its files are.
    pub(in crate::search) fn folder(&self) -> PathBuf {
        self.room.streams().join(self.id.to_string())
    }
}

struct SpoolLines {
    path: PathBuf,
    cursors: Vec<Cursor>,
    /// The time of each one's next entry, or an earlier one.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    lines: Lines,
}

/// How far one stream was read.
struct Cursor {
    found: Found,
    /// None before the first read.
    reader: Option<SpoolReader>,
    /// Entries as they are stored, read up to `at`.
    entries: Vec<u8>,
    at: usize,
}

impl Cursor {
    /// When the next entry was captured; none at the end.
    fn next_ns(&mut self) -> Result<Option<u64>> {
        if self.at >= self.entries.len() && !self.fill()? {
            return Ok(None);
        }
        let next = entry::split(&self.entries[self.at..]).next();
        next.map(|entry| Ok(EntryRef::parse(entry?)?.header().time_ns))
            .transpose()
    }

    fn fill(&mut self) -> Result<bool> {
        self.entries.clear();
        self.at = 0;
        if self.reader.is_none() {
            self.reader = self.found.open()?;
        }
        let Some(reader) = &mut self.reader else {
            return Ok(false);
        };
        Ok(reader
            .read(u32::MAX, READ_BYTES, &mut self.entries)?
            .is_some())
    }

    /// Gives the entries at hand that were captured up to a time.
    fn take(&mut self, until_ns: u64, lines: &mut Lines, text: &mut Vec<u8>) -> Result<()> {
        let mut taken = 0;
        for entry in entry::split(&self.entries[self.at..]) {
            let bytes = entry?;
            let entry = EntryRef::parse(bytes)?;
            if taken > 0 && entry.header().time_ns > until_ns {
                break;
            }
            taken += LENGTH_BYTES + bytes.len();
            lines.entry(&entry, text);
        }
        self.at += taken;
        Ok(())
    }
}

impl EntryLines for SpoolLines {
    fn fill(&mut self, text: &mut Vec<u8>) -> Result<bool> {
        let shown = || format!("cannot read the spool {}", self.path.display());
        let Some(Reverse((_, number))) = self.due.pop() else {
            return Ok(false);
        };
        let cursor = &mut self.cursors[number];
        let Some(next_ns) = cursor.next_ns().with_context(shown)? else {
            // It is held no more.
            cursor.reader = None;
            cursor.entries = Vec::new();
            return Ok(true);
        };
        let others_ns = self.due.peek().map_or(u64::MAX, |Reverse((ns, _))| *ns);
        if next_ns <= others_ns {
            cursor
                .take(others_ns, &mut self.lines, text)
                .with_context(shown)?;
        }
        self.due.push(Reverse((next_ns, number)));
        Ok(true)
    }
}

/// Bytes of a stream's entries per read: most frames are less, and the rest of one that is more is
/// hashed.
const READ_BYTES: usize = 1 << 20;
/// Bytes of an entry's length before it.
const LENGTH_BYTES: usize = 2;
