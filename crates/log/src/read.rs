//! Reading a store beside its writer, without a lock.
//!
//! The log is read in [`Part`]s, a block or a frame each, which can be decoded in any order and
//! on any thread. A part that was found stays readable while sealing moves its entries from a
//! write-ahead file into a segment.
//!
//! Entries appear here when they are written, which is shortly before they are durable. Who needs
//! durable ones stops at the size of a checkpoint.
//!
//! ```no_run
//! # fn main() -> indelible_log::Result<()> {
//! # let dir = indelible_log::dir::RealDir::open("/var/lib/indelible/log").expect("a folder");
//! let reader = indelible_log::LogReader::open(dir)?;
//! let mut next = 0;
//! while let Some(part) = reader.part_at(next)? {
//!     for (index, entry) in reader.decode(&part)?.iter_from(next) {
//!         println!("{index}: {} bytes", entry.len());
//!     }
//!     next = part.end();
//! }
//! # Ok(())
//! # }
//! ```

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::block::{Entries, Sieve, Sieved};
use crate::dir::Dir;
use crate::entry::EntryRef;
use crate::error::{Error, Result};
use crate::index::SegmentIndex;
use crate::limits::{BLOCK_ENTRIES, INDEXES_HELD_BYTES_MAX, SEGMENT_ENTRIES};
use crate::retention::{carried_openings, first_entry};
use crate::segment;
use crate::wal::frame::{FrameHeader, Salt};
use crate::wal::header::WalHeader;
use crate::wal::scan::{Scanner, Step};
use crate::wal::{file_name, parse_file_name};

/// A reader of a store.
#[derive(Debug)]
pub struct LogReader {
    dir: Arc<dyn Dir>,
    /// Where the last frame that was found ends, so that following needs no search.
    mark: Mutex<Option<Mark>>,
    /// The newest frame, which was read to see whether it is whole: who finds it reads it next.
    newest: Mutex<Option<Newest>>,
    /// Bytes of the indexes that were given out whole.
    held_bytes: AtomicUsize,
}

#[derive(Debug)]
struct Newest {
    part: Part,
    openings_len: usize,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    file_first: u64,
    offset: u64,
    next: u64,
}

/// A run of entries that is stored in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    first: u64,
    entries: u32,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A block of a segment.
    Block,
    /// The frame at an offset of the segment's write-ahead file.
    Frame { offset: u64 },
}

impl Part {
    /// Leaf index of the first entry.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// One past the leaf index of the last entry.
    pub fn end(&self) -> u64 {
        self.first + u64::from(self.entries)
    }

    fn segment_first(&self) -> u64 {
        self.first / SEGMENT_ENTRIES * SEGMENT_ENTRIES
    }
}

/// The entries of a part.
#[derive(Clone, Debug)]
pub struct Decoded {
    first: u64,
    entries: Entries,
}

impl Decoded {
    /// The entries with their leaf indexes, without those whose payload was erased.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.iter_from(self.first)
    }

    /// The same at `from` and after it.
    pub fn iter_from(&self, from: u64) -> impl Iterator<Item = (u64, &[u8])> {
        self.stored_from(from).filter(|(_, bytes)| !is_stub(bytes))
    }

    /// Entries at `from` and after it whose payload was erased.
    pub fn erased_from(&self, from: u64) -> impl Iterator<Item = (u64, EntryRef<'_>)> {
        self.stored_from(from)
            .filter(|(_, bytes)| is_stub(bytes))
            .filter_map(|(index, bytes)| Some((index, EntryRef::parse_stored(bytes).ok()?)))
    }

    /// Bytes of all entries.
    pub fn len_bytes(&self) -> usize {
        self.entries.len_bytes()
    }

    /// The bytes in which the entries `from..to` stand, and what is stored between them: to see at once
    /// what is in none of them.
    pub fn region(&self, from: u64, to: u64) -> &[u8] {
        let at =
            |index: u64| usize::try_from(index.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.entries.region(at(from), at(to))
    }

    /// All entries as they are stored, erased ones as what stands in their place.
    pub fn stored_from(&self, from: u64) -> impl Iterator<Item = (u64, &[u8])> {
        let skipped = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX);
        (skipped..self.entries.len()).map(|at| (self.first + at as u64, self.entries.bytes(at)))
    }
}

impl LogReader {
    /// Opens the store in a folder for reading.
    ///
    /// # Errors
    /// Those of the disk; [`Error::Missing`] where there is no store.
    pub fn open(dir: Arc<dyn Dir>) -> Result<Self> {
        match dir.list(WAL) {
            Ok(_) => Ok(Self {
                dir,
                mark: Mutex::new(None),
                newest: Mutex::new(None),
                held_bytes: AtomicUsize::new(0),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::Missing {
                path: WAL.to_owned(),
            }),
            Err(error) => Err(Error::io("list", WAL)(error)),
        }
    }

    /// One past the newest entry that is written.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn end(&self) -> Result<u64> {
        let items = self.dir.list(WAL).map_err(Error::io("list", WAL))?;
        let Some(newest) = items
            .iter()
            .filter_map(|item| parse_file_name(&item.name))
            .max()
        else {
            return Ok(0);
        };
        let mark = self.lock_mark().filter(|mark| mark.file_first == newest);
        let mut end = mark.map_or(newest, |mark| mark.next);
        while let Some(part) = self.part_at(end)? {
            end = part.end();
        }
        Ok(end)
    }

    /// Index of the first entry that is still there: retention removes the ones before it.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn first(&self) -> Result<u64> {
        first_entry(&*self.dir)
    }

    /// Entries 0 of the streams that were opened before it: they say which hosts those are of.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn carried_openings(&self) -> Result<Vec<Vec<u8>>> {
        carried_openings(&*self.dir)
    }

    /// The part that holds an entry; `None` where it is not written yet. For an entry that was
    /// removed it is the first part that is still there.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn part_at(&self, index: u64) -> Result<Option<Part>> {
        let segment_first = index / SEGMENT_ENTRIES * SEGMENT_ENTRIES;
        // Sealing puts the segment in place before it removes the file: one of the two is there,
        // or neither was a moment ago, or there are no such entries.
        for _ in 0..2 {
            let found = self.frame_at(segment_first, index);
            match found {
                Err(error) if error.is_not_found() => {}
                other => return other,
            }
            let path = segment::path(segment_first);
            match self.dir.open_read(&path) {
                Ok(_) => {
                    let first = index / BLOCK_ENTRIES * BLOCK_ENTRIES;
                    let part = Part {
                        first,
                        entries: BLOCK_ENTRIES as u32,
                        place: Place::Block,
                    };
                    return Ok(Some(part));
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io("open", path)(error)),
            }
        }
        match self.first()? {
            first if index < first => self.part_at(first),
            _ => Ok(None),
        }
    }

    /// First leaf indexes of the segments that are sealed, and of the first entry after them.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn segments(&self) -> Result<(Vec<u64>, u64)> {
        let names = |folder: &'static str| match self.dir.names(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other.map_err(Error::io("list", folder)),
        };
        // First the files that are removed last: what is in none of both lists was never there.
        let wals = names(WAL)?;
        let segments = names(SEGMENTS)?;
        let sealed: Vec<u64> = segments
            .iter()
            .filter_map(|name| segment::parse_file_name(name))
            .collect();
        let after = match sealed.last() {
            Some(last) => last + SEGMENT_ENTRIES,
            None => wals
                .iter()
                .filter_map(|name| parse_file_name(name))
                .min()
                .unwrap_or(0),
        };
        Ok((sealed, after))
    }

    /// The index of a segment; none where it has none.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn index(&self, segment_first: u64) -> Result<Option<SegmentIndex>> {
        let index = self.indexes(&[segment_first], &|_| true).pop();
        index.unwrap_or(Ok(None))
    }

    /// The indexes of segments, for each what [`LogReader::index`] answers. Of those that are `wanted` more
    /// will be asked than what is known of their blocks.
    pub fn indexes(
        &self,
        firsts: &[u64],
        is_wanted: &dyn Fn(&SegmentIndex) -> bool,
    ) -> Vec<Result<Option<SegmentIndex>>> {
        // A reader has thousands of them, and may not take all memory for them.
        let may_hold = |index: &SegmentIndex, bytes: usize| {
            is_wanted(index)
                && self.held_bytes.fetch_add(bytes, Ordering::Relaxed) < INDEXES_HELD_BYTES_MAX
        };
        SegmentIndex::open_many(&self.dir, firsts, &may_hold)
    }

    /// The block that holds an entry of a sealed segment.
    pub fn block_at(&self, index: u64) -> Part {
        Part {
            first: index / BLOCK_ENTRIES * BLOCK_ENTRIES,
            entries: BLOCK_ENTRIES as u32,
            place: Place::Block,
        }
    }

    /// All parts that hold entries of `from..to`, as far as they are written.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn parts(&self, from: u64, to: u64) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut next = from;
        while next < to {
            let Some(part) = self.part_at(next)? else {
                break;
            };
            next = part.end();
            parts.push(part);
        }
        Ok(parts)
    }

    /// Smallest and largest capture time of a part, where they are known without decoding it:
    /// ns since 1970.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn times(&self, part: &Part) -> Result<Option<(u64, u64)>> {
        if part.place != Place::Block {
            return Ok(None);
        }
        let path = segment::path(part.segment_first());
        let file = self
            .dir
            .open_read(&path)
            .map_err(Error::io("open", &path))?;
        let block = part.first % SEGMENT_ENTRIES / BLOCK_ENTRIES;
        let (header, _) = segment::locate(&*file, &path, part.segment_first(), block)?;
        Ok(Some((header.time_min_ns, header.time_max_ns)))
    }

    /// Reads the entries of a part.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn decode(&self, part: &Part) -> Result<Decoded> {
        let entries = match part.place {
            Place::Block => match self.block(part.first) {
                // It was removed meanwhile.
                Err(error) if error.is_not_found() && part.end() <= self.first()? => {
                    Entries::default()
                }
                other => other?,
            },
            Place::Frame { offset } => match self.frame(part, offset) {
                Err(error) if error.is_not_found() => self.sealed(part)?,
                other => other?,
            },
        };
        Ok(Decoded {
            first: part.first,
            entries,
        })
    }

    /// Reads of a part's audit records those that a sieve keeps, and gives what it makes of all; every
    /// entry, and nothing is given, where the part cannot be sieved.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn sieve(
        &self,
        part: &Part,
        sieve: &Sieve,
        take: &mut dyn FnMut(Sieved<'_>),
    ) -> Result<Option<Decoded>> {
        if part.place == Place::Block {
            let (first, block) = (
                part.segment_first(),
                part.first % SEGMENT_ENTRIES / BLOCK_ENTRIES,
            );
            match segment::read_some(&*self.dir, first, block, sieve, take) {
                Err(error) if error.is_not_found() => {}
                other => {
                    let first = part.first;
                    return Ok(other?.map(|entries| Decoded { first, entries }));
                }
            }
        }
        self.decode(part).map(Some)
    }

    fn block(&self, first: u64) -> Result<Entries> {
        let segment_first = first / SEGMENT_ENTRIES * SEGMENT_ENTRIES;
        segment::read_block(
            &*self.dir,
            segment_first,
            first % SEGMENT_ENTRIES / BLOCK_ENTRIES,
        )
    }

    fn frame(&self, part: &Part, offset: u64) -> Result<Entries> {
        let path = wal_path(part.segment_first());
        let newest = self.lock_newest().take();
        if let Some(newest) = newest.filter(|newest| newest.part == *part) {
            return Entries::from_framed(newest.payload, newest.openings_len)
                .map_err(|what| Error::damaged(path, offset, what));
        }
        let file = self
            .dir
            .open_read(&path)
            .map_err(Error::io("open", &path))?;
        let mut scanner = Scanner::new(file, Salt::Log, offset);
        match scanner.step().map_err(Error::io("read", &path))? {
            Step::Frame { header, .. } if header.first == part.first => {
                Entries::from_framed(scanner.into_payload(), header.openings_len())
                    .map_err(|what| Error::damaged(path, offset, what))
            }
            Step::Frame { .. } | Step::End => Err(Error::damaged(
                path,
                offset,
                "another frame stands here now",
            )),
            Step::Broken { what, .. } => Err(Error::damaged(path, offset, what)),
        }
    }

    /// The entries of a frame whose file has been sealed meanwhile.
    fn sealed(&self, part: &Part) -> Result<Entries> {
        let mut entries = Entries::default();
        let mut at = part.first;
        while at < part.end() {
            let block_first = at / BLOCK_ENTRIES * BLOCK_ENTRIES;
            let block = self.block(block_first)?;
            let end = part.end().min(block_first + BLOCK_ENTRIES);
            for index in at..end {
                entries.push(block.bytes((index - block_first) as usize));
            }
            at = end;
        }
        Ok(entries)
    }

    /// The frame of a write-ahead file that holds an entry.
    fn frame_at(&self, file_first: u64, index: u64) -> Result<Option<Part>> {
        let path = wal_path(file_first);
        let file = self
            .dir
            .open_read(&path)
            .map_err(Error::io("open", &path))?;
        let mark = self
            .lock_mark()
            .filter(|mark| mark.file_first == file_first && mark.next <= index);
        let offset = match mark {
            Some(mark) => mark.offset,
            None => {
                let header = WalHeader::read(&*file).map_err(Error::io("read", &path))?;
                header.map_err(|what| Error::damaged(&path, 0, what))?.1
            }
        };
        let mut scanner = Scanner::new(file.clone(), Salt::Log, offset);
        let (offset, header) = loop {
            match scanner.skip().map_err(Error::io("read", &path))? {
                Step::Frame { header, .. } if header.end() <= index => {}
                Step::Frame { offset, header } => break (offset, header),
                // Not there yet, or being written.
                Step::End | Step::Broken { .. } => return Ok(None),
            }
        };
        let part = Part {
            first: header.first,
            entries: header.entries,
            place: Place::Frame { offset },
        };
        if scanner.offset() == file.len().map_err(Error::io("read", &path))? {
            let Some(payload) = whole(&file, offset, &path)? else {
                return Ok(None);
            };
            *self.lock_newest() = Some(Newest {
                part,
                openings_len: header.openings_len(),
                payload,
            });
        }
        self.set_mark(file_first, scanner.offset(), &header);
        Ok(Some(part))
    }

    fn lock_newest(&self) -> MutexGuard<'_, Option<Newest>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_mark(&self) -> Option<Mark> {
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_mark(&self, file_first: u64, offset: u64, header: &FrameHeader) {
        let mark = Mark {
            file_first,
            offset,
            next: header.end(),
        };
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
    }
}

fn is_stub(bytes: &[u8]) -> bool {
    EntryRef::parse_stored(bytes).is_ok_and(|entry| entry.is_erased())
}

/// The payload of the newest frame of a file, if all of it is there.
fn whole(file: &Arc<dyn crate::dir::File>, offset: u64, path: &str) -> Result<Option<Vec<u8>>> {
    let mut scanner = Scanner::new(file.clone(), Salt::Log, offset);
    let step = scanner.step().map_err(Error::io("read", path))?;
    Ok(matches!(step, Step::Frame { .. }).then(|| scanner.into_payload()))
}

fn wal_path(first: u64) -> String {
    format!("{WAL}/{}", file_name(first))
}

const WAL: &str = "wal";
const SEGMENTS: &str = "segments";
