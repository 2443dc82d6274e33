//! Reading an index: its head at once, each section when it is asked for. Nothing in the file is
//! trusted: what makes no sense is damage, and memory is bounded by the limits alone.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use crate::codec::{self, Cursor};
use crate::dir::{Dir, File};
use crate::entry::StreamId;
use crate::error::{Error, Result};
use crate::limits::{
    BLOCK_ENTRIES, INDEX_HELD_BYTES_MAX, INDEX_SECTION_BYTES_MAX, SEGMENT_ENTRIES,
};

use super::{
    BLOCKS, BlockFacts, Blocks, FACTS_BYTES, FIELD_MIN, HEAD_BYTES, MAGIC, OPENINGS, SECTION_BYTES,
    SERIALS, STREAMS, path, values,
};

/// The index of one segment.
#[derive(Debug)]
pub struct SegmentIndex {
    bytes: Bytes,
    first: u64,
    version: u16,
    facts: [BlockFacts; BLOCKS],
    sections: Vec<Section>,
}

/// Where its bytes are.
#[derive(Debug)]
enum Bytes {
    /// All of them here, most being short, among those of others.
    Held(Arc<Vec<u8>>, Range<usize>),
    File(Arc<dyn File>),
    /// In the file of its path, which is opened for each read.
    Folder(Arc<dyn Dir>),
}

#[derive(Clone, Copy, Debug)]
struct Section {
    field: u8,
    open: Blocks,
    raw_len: u32,
    stored_len: u32,
    crc: u32,
    at: u64,
}

/// Entry 0 of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Its leaf index.
    pub index: u64,
    /// The stream.
    pub stream: StreamId,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// The serials of the records of each block.
#[derive(Debug, Default)]
pub struct Serials {
    blocks: Vec<Vec<u32>>,
}

impl Serials {
    /// Whether a block (0 to 15) has a record with this serial.
    pub fn holds(&self, block: usize, serial: u32) -> bool {
        self.blocks
            .get(block)
            .is_some_and(|serials| serials.binary_search(&serial).is_ok())
    }
}

impl SegmentIndex {
    /// Opens the index of the segment that begins at index `first`; none where there is no file.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn open(dir: &dyn Dir, first: u64) -> Result<Option<Self>> {
        let mut begin = Vec::new();
        let mut index = Self::read(dir, first, &mut begin)?;
        if let Some(index) = &mut index
            && begin.len() < INDEX_HELD_BYTES_MAX
        {
            begin.shrink_to_fit();
            let all = 0..begin.len();
            index.bytes = Bytes::Held(Arc::new(begin), all);
        }
        Ok(index)
    }

    /// Opens those of many segments, without an open file for any. Of the short ones those are held for
    /// which `may_hold` says so, given their bytes, in memory that they share: a piece of it for each
    /// costs more than to read it.
    pub(crate) fn open_many(
        dir: &Arc<dyn Dir>,
        firsts: &[u64],
        may_hold: &dyn Fn(&Self, usize) -> bool,
    ) -> Vec<Result<Option<Self>>> {
        let mut opened: Vec<Result<Option<Self>>> = Vec::with_capacity(firsts.len());
        let mut begin = Vec::with_capacity(INDEX_HELD_BYTES_MAX);
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        for first in firsts {
            begin.clear();
            let mut index = Self::read(&**dir, *first, &mut begin);
            if let Ok(Some(index)) = &mut index {
                index.bytes = Bytes::Folder(Arc::clone(dir));
                if begin.len() < INDEX_HELD_BYTES_MAX && may_hold(index, begin.len()) {
                    if bytes.len() + begin.len() > SHARED_BYTES {
                        share(&mut bytes, &mut places, &mut opened);
                    }
                    bytes.reserve(SHARED_BYTES - bytes.len());
                    let at = bytes.len();
                    bytes.extend_from_slice(&begin);
                    places.push((opened.len(), at..bytes.len()));
                }
            }
            opened.push(index);
        }
        share(&mut bytes, &mut places, &mut opened);
        opened
    }

    /// Reads the head; `begin` gets the file's bytes up to [`INDEX_HELD_BYTES_MAX`].
    fn read(dir: &dyn Dir, first: u64, begin: &mut Vec<u8>) -> Result<Option<Self>> {
        let path = || path(first);
        let file = match dir.open_read(&path()) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("open", path())(error)),
        };
        let damaged = || Error::damaged(path(), 0, "the head of a block index makes no sense");
        let failed = |error| Error::io("read", path())(error);
        let got = file
            .read_onto(begin, INDEX_HELD_BYTES_MAX, 0)
            .map_err(failed)?;
        let sections = begin.get(18..20).map(|count| [count[0], count[1]]);
        let sections = usize::from(u16::from_be_bytes(sections.ok_or_else(damaged)?));
        let len = HEAD_BYTES + BLOCKS * FACTS_BYTES + sections * SECTION_BYTES;
        let (head, crc) = begin
            .get(..len + CRC_BYTES)
            .ok_or_else(damaged)?
            .split_at(len);
        if crc != crc32c::crc32c(head).to_be_bytes() {
            let what = "the checksum of a block index's head does not match";
            return Err(Error::damaged(path(), 0, what));
        }
        let (version, facts, sections) = parse(head, first, sections).ok_or_else(damaged)?;
        let end = sections
            .last()
            .map_or(0, |last: &Section| last.at + u64::from(last.stored_len));
        let len = match got < INDEX_HELD_BYTES_MAX {
            true => got as u64,
            false => file.len().map_err(failed)?,
        };
        if len != end {
            let what = "a block index has another length";
            return Err(Error::damaged(path(), end, what));
        }
        Ok(Some(Self {
            bytes: Bytes::File(file),
            first,
            version,
            facts,
            sections,
        }))
    }

    /// The version of the terms that it was made with.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// What is known of each block.
    pub fn facts(&self) -> &[BlockFacts; BLOCKS] {
        &self.facts
    }

    /// The blocks that hold a value of the field of which `test` is true, or may.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn matching(&self, field: u8, test: &mut dyn FnMut(&[u8]) -> bool) -> Result<Blocks> {
        let Some(section) = self.section(field) else {
            return Ok(0);
        };
        let mut blocks = section.open;
        let raw = self.unpack(section)?;
        let whole = values::decode(&raw, |value, of_value| {
            // What is set already needs no test.
            if blocks | of_value != blocks && test(value) {
                blocks |= of_value;
            }
        });
        whole.ok_or_else(|| self.nonsense(section))?;
        Ok(blocks)
    }

    /// The blocks that hold entries of streams of which `test` is true.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn of_streams(&self, mut test: impl FnMut(StreamId) -> bool) -> Result<Blocks> {
        let Some(section) = self.section(STREAMS) else {
            return Ok(0);
        };
        let raw = self.unpack(section)?;
        let mut blocks = 0;
        let mut cursor = Cursor(&raw);
        while !cursor.is_empty() {
            let (id, of_stream) = (cursor.array(), cursor.u16());
            let (Some(id), Some(of_stream)) = (id, of_stream) else {
                return Err(self.nonsense(section));
            };
            if test(StreamId(id)) {
                blocks |= of_stream;
            }
        }
        Ok(blocks)
    }

    /// The entries 0 of streams that are in the segment.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn openings(&self) -> Result<Vec<Opening>> {
        let Some(section) = self.section(OPENINGS).filter(|section| section.raw_len > 0) else {
            return Ok(Vec::new());
        };
        let raw = self.unpack(section)?;
        let mut cursor = Cursor(&raw);
        let mut openings = Vec::new();
        while !cursor.is_empty() {
            let opening = read_opening(&mut cursor, self.first);
            openings.push(opening.ok_or_else(|| self.nonsense(section))?);
        }
        Ok(openings)
    }

    /// The serials of the records of each block.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn serials(&self) -> Result<Serials> {
        let Some(section) = self.section(SERIALS) else {
            return Ok(Serials::default());
        };
        let raw = self.unpack(section)?;
        read_serials(&raw).ok_or_else(|| self.nonsense(section))
    }

    /// Field, open blocks and bytes of each section.
    pub(crate) fn sections(&self) -> Result<Vec<(u8, Blocks, Vec<u8>)>> {
        self.sections
            .iter()
            .map(|section| Ok((section.field, section.open, self.unpack(section)?)))
            .collect()
    }

    fn section(&self, field: u8) -> Option<&Section> {
        self.sections.iter().find(|section| section.field == field)
    }

    fn unpack(&self, section: &Section) -> Result<Vec<u8>> {
        let stored = self.stored(section)?;
        if stored.len() != section.stored_len as usize || crc32c::crc32c(&stored) != section.crc {
            let what = "the checksum of a section does not match";
            return Err(Error::damaged(path(self.first), section.at, what));
        }
        let raw_len = section.raw_len as usize;
        if raw_len <= FIRST_ALLOCATION_BYTES {
            let raw = codec::decompress(&stored, raw_len);
            return raw.ok_or_else(|| self.nonsense(section));
        }
        let unpacked = || {
            let decoder = zstd::stream::read::Decoder::with_buffer(&stored[..]).ok()?;
            let mut raw = Vec::with_capacity(FIRST_ALLOCATION_BYTES);
            let read = decoder
                .single_frame()
                .take(u64::from(section.raw_len) + 1)
                .read_to_end(&mut raw);
            (read.ok()? == raw_len).then_some(raw)
        };
        unpacked().ok_or_else(|| self.nonsense(section))
    }

    /// The bytes of a section as they are stored, or fewer.
    fn stored(&self, section: &Section) -> Result<Cow<'_, [u8]>> {
        let len = section.stored_len as usize;
        let opened;
        let file = match &self.bytes {
            Bytes::Held(bytes, place) => {
                let at = usize::try_from(section.at).unwrap_or(usize::MAX);
                let bytes = &bytes[place.clone()];
                let stored = bytes.get(at..).unwrap_or_default();
                return Ok(Cow::Borrowed(&stored[..len.min(stored.len())]));
            }
            Bytes::File(file) => file,
            Bytes::Folder(dir) => {
                opened = dir
                    .open_read(&path(self.first))
                    .map_err(|error| Error::io("open", path(self.first))(error))?;
                &opened
            }
        };
        let mut stored = Vec::new();
        file.read_onto(&mut stored, len, section.at)
            .map_err(|error| Error::io("read", path(self.first))(error))?;
        Ok(Cow::Owned(stored))
    }

    fn nonsense(&self, section: &Section) -> Error {
        Error::damaged(path(self.first), section.at, "a section makes no sense")
    }
}

/// Gives the indexes that have a place in `bytes` these bytes, to share.
fn share(
    bytes: &mut Vec<u8>,
    places: &mut Vec<(usize, Range<usize>)>,
    opened: &mut [Result<Option<SegmentIndex>>],
) {
    let bytes = Arc::new(std::mem::take(bytes));
    for (number, place) in places.drain(..) {
        if let Some(Ok(Some(index))) = opened.get_mut(number) {
            index.bytes = Bytes::Held(Arc::clone(&bytes), place);
        }
    }
}

type Parsed = (u16, [BlockFacts; BLOCKS], Vec<Section>);

/// Reads a head whose checksum holds.
fn parse(head: &[u8], first: u64, sections: usize) -> Option<Parsed> {
    let mut cursor = Cursor(head);
    if cursor.array() != Some(*MAGIC) || cursor.u64()? != first {
        return None;
    }
    let version = cursor.u16()?;
    cursor.u16()?;
    let mut facts = [BlockFacts::NONE; BLOCKS];
    for block in &mut facts {
        *block = BlockFacts {
            time_min_ms: cursor.u64()?,
            time_max_ms: cursor.u64()?,
            waiting: (cursor.u64()?, cursor.u32()?),
            payload_bytes: cursor.u32()?,
        };
    }
    let mut found: Vec<Section> = Vec::with_capacity(sections);
    let mut at = (head.len() + CRC_BYTES) as u64;
    for _ in 0..sections {
        let [field, zero] = cursor.array()?;
        let section = Section {
            field,
            open: cursor.u16()?,
            raw_len: cursor.u32()?,
            stored_len: cursor.u32()?,
            crc: cursor.u32()?,
            at,
        };
        let ascends = found.last().is_none_or(|last| last.field < field);
        let is_known = field <= SERIALS || field >= FIELD_MIN;
        let fits = section.raw_len as usize <= INDEX_SECTION_BYTES_MAX
            && section.stored_len as usize <= INDEX_SECTION_BYTES_MAX;
        if zero != 0 || !ascends || !is_known || !fits {
            return None;
        }
        at += u64::from(section.stored_len);
        found.push(section);
    }
    Some((version, facts, found))
}

fn read_opening(cursor: &mut Cursor<'_>, first: u64) -> Option<Opening> {
    let at = u64::from(cursor.u32()?);
    let stream = StreamId(cursor.array()?);
    let len = usize::from(cursor.u16()?);
    let payload = cursor.take(len)?.to_vec();
    (at < SEGMENT_ENTRIES).then_some(Opening {
        index: first + at,
        stream,
        payload,
    })
}

fn read_serials(raw: &[u8]) -> Option<Serials> {
    let mut cursor = Cursor(raw);
    let mut blocks = Vec::with_capacity(BLOCKS);
    for _ in 0..BLOCKS {
        let count = cursor.varint().filter(|count| *count <= BLOCK_ENTRIES)?;
        let mut serials = Vec::with_capacity(count as usize);
        let mut serial = 0u32;
        for number in 0..count {
            let more = u32::try_from(cursor.varint()?).ok()?;
            if number > 0 && more == 0 {
                return None;
            }
            serial = serial.checked_add(more)?;
            serials.push(serial);
        }
        blocks.push(serials);
    }
    cursor.is_empty().then_some(Serials { blocks })
}

const CRC_BYTES: usize = 4;
/// Bytes of the longest head: 256 fields at most.
const HEAD_BYTES_MAX: usize = HEAD_BYTES + BLOCKS * FACTS_BYTES + 256 * SECTION_BYTES + CRC_BYTES;
const _: () = assert!(HEAD_BYTES_MAX <= INDEX_HELD_BYTES_MAX);
const FIRST_ALLOCATION_BYTES: usize = 1 << 20;
/// Bytes of the indexes that are held together.
const SHARED_BYTES: usize = 1 << 20;
