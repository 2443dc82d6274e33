//! Write-ahead files, walked byte by byte (layouts in docs/formats.md).

use crate::codec::Cursor;
use crate::entry::StreamId;
use crate::error::Result;
use crate::hash::{Hash, check, leaf_hash};
use crate::limits::{FRAME_PAYLOAD_BYTES_MAX, PEER_BYTES_MAX, WAL_BODY_BYTES_MAX};
use crate::note::Checkpoint;

use super::account::{Account, Place};
use super::report::ProblemKind;
use super::source::Source;

/// The header of a file.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) first: u64,
    pub(super) body: Body,
    pub(super) len: u64,
}

#[derive(Debug)]
pub(super) enum Body {
    Log(Vec<Row>),
    Spool { stream: StreamId, head: Hash },
}

/// A row of a log's stream table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: StreamId,
    pub(super) next: u64,
    pub(super) head: Hash,
    pub(super) peer: String,
}

/// Reads a file's header; nothing where any byte of it is not as it must be.
pub(super) fn read_header(source: &Source) -> Result<Option<Header>> {
    let Some(prefix) = source.read_exact(0, HEADER_PREFIX_BYTES)? else {
        return Ok(None);
    };
    let body_len = u32::from_be_bytes([prefix[12], prefix[13], prefix[14], prefix[15]]) as usize;
    if body_len > WAL_BODY_BYTES_MAX {
        return Ok(None);
    }
    let len = HEADER_PREFIX_BYTES + body_len + 4;
    Ok(source
        .read_exact(0, len)?
        .and_then(|bytes| parse_header(&bytes)))
}

fn parse_header(bytes: &[u8]) -> Option<Header> {
    let (covered, crc) = bytes.split_last_chunk::<4>()?;
    let mut cursor = Cursor(covered);
    let magic = cursor.take(8)? == b"INDLWAL1";
    let kind = cursor.take(4)?;
    let body_len = cursor.u32()? as usize;
    let first = cursor.u64()?;
    if !magic || crc32c::crc32c(covered) != u32::from_be_bytes(*crc) || body_len != cursor.0.len() {
        return None;
    }
    let body = match kind {
        [1, 0, 0, 0] => {
            let count = cursor.u32()?;
            let mut rows = Vec::new();
            for _ in 0..count {
                rows.push(Row {
                    id: StreamId(cursor.array()?),
                    next: cursor.u64()?,
                    head: cursor.hash()?,
                    peer: peer_name(&mut cursor)?,
                });
            }
            Body::Log(rows)
        }
        [2, 0, 0, 0] => Body::Spool {
            stream: StreamId(cursor.array()?),
            head: cursor.hash()?,
        },
        _ => return None,
    };
    cursor.is_empty().then_some(Header {
        first,
        body,
        len: bytes.len() as u64,
    })
}

pub(super) fn peer_name(cursor: &mut Cursor<'_>) -> Option<String> {
    let len = usize::from(cursor.u16()?);
    let name = cursor.take(len).filter(|_| len <= PEER_BYTES_MAX)?;
    String::from_utf8(name.to_vec()).ok()
}

/// A frame's header.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) at: u64,
    pub(super) payload_at: u64,
    payload_len: usize,
    pub(super) entries: u32,
    pub(super) first: u64,
    pub(super) seal: Seal,
    payload_crc: u32,
}

#[derive(Debug)]
pub(super) enum Seal {
    Log {
        checkpoint: Checkpoint,
        openings_len: usize,
    },
    Spool {
        synced: u64,
        head: Hash,
    },
}

impl Frame {
    pub(super) fn next_at(&self) -> u64 {
        self.payload_at + self.payload_len as u64
    }

    pub(super) fn end(&self) -> u64 {
        self.first + u64::from(self.entries)
    }

    pub(super) fn openings_len(&self) -> usize {
        match self.seal {
            Seal::Log { openings_len, .. } => openings_len,
            Seal::Spool { .. } => 0,
        }
    }

    /// The checkpoint of a log's frame, unless there was none.
    pub(super) fn checkpoint(&self) -> Option<&Checkpoint> {
        match &self.seal {
            Seal::Log { checkpoint, .. } => {
                Some(checkpoint).filter(|found| **found != Checkpoint::NONE)
            }
            Seal::Spool { .. } => None,
        }
    }

    /// The payload, and whether its checksum holds; nothing where the file ends in it.
    pub(super) fn payload(&self, source: &Source) -> Result<Option<(Vec<u8>, bool)>> {
        let payload = source.read_exact(self.payload_at, self.payload_len)?;
        Ok(payload.map(|bytes| {
            let holds = crc32c::crc32c(&bytes) == self.payload_crc;
            (bytes, holds)
        }))
    }
}

/// The two forms of frames, with the start of the header checksum.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Log,
    Spool(StreamId),
}

/// Reads the frame header at an offset.
pub(super) fn read_frame(source: &Source, form: Form, at: u64) -> Result<Option<Frame>> {
    Ok(parse_frame(form, at, &source.read(at, LOG_FRAME_BYTES)?))
}

fn parse_frame(form: Form, at: u64, bytes: &[u8]) -> Option<Frame> {
    let (len, salt) = match form {
        Form::Log => (LOG_FRAME_BYTES, 0),
        Form::Spool(stream) => (SPOOL_FRAME_BYTES, crc32c::crc32c(&stream.0)),
    };
    let (covered, crc) = bytes.get(..len)?.split_last_chunk::<4>()?;
    if !covered.starts_with(FRAME_MAGIC)
        || crc32c::crc32c_append(salt, covered) != u32::from_be_bytes(*crc)
    {
        return None;
    }
    let mut cursor = Cursor(&covered[FRAME_MAGIC.len()..]);
    let payload_len = cursor.u32()? as usize;
    let (entries, first) = (cursor.u32()?, cursor.u64()?);
    let seal = match form {
        Form::Log => Seal::Log {
            checkpoint: Checkpoint {
                size: cursor.u64()?,
                root: cursor.hash()?,
                signature: cursor.array()?,
            },
            openings_len: cursor.u32()? as usize,
        },
        Form::Spool(_) => Seal::Spool {
            synced: cursor.u64()?,
            head: cursor.hash()?,
        },
    };
    let payload_crc = cursor.u32()?;
    let payload_at = at + len as u64;
    let frame = Frame {
        at,
        payload_at,
        payload_len,
        entries,
        first,
        seal,
        payload_crc,
    };
    let fits = payload_len <= FRAME_PAYLOAD_BYTES_MAX
        && frame.openings_len() <= payload_len
        && entries > 0
        && first.checked_add(entries.into()).is_some();
    fits.then_some(frame)
}

/// Calls `found` for each frame header that stands anywhere at or behind `from`, until it says
/// that it has enough.
pub(super) fn search_frames(
    source: &Source,
    form: Form,
    from: u64,
    mut found: impl FnMut(Frame) -> bool,
) -> Result<()> {
    let mut at = from;
    while at < source.len {
        let window = source.read(at, SEARCH_WINDOW_BYTES)?;
        for candidate in memchr::memmem::find_iter(&window, FRAME_MAGIC) {
            let place = at + candidate as u64;
            if let Some(frame) = read_frame(source, form, place)?
                && found(frame)
            {
                return Ok(());
            }
        }
        // Windows overlap by less than the magic, so that no candidate is found twice.
        at += (window.len().max(FRAME_MAGIC.len()) - FRAME_MAGIC.len() + 1) as u64;
    }
    Ok(())
}

/// Enters the entries of a frame's payload, which begins at `base` in the file. Answers whether
/// an entry was found damaged.
pub(super) fn take_entries(
    account: &mut Account,
    source: &Source,
    base: u64,
    payload: &[u8],
    end: u64,
) -> bool {
    let mut cursor = Cursor(payload);
    let mut damaged = false;
    while account.size() < end {
        let at = base + (payload.len() - cursor.0.len()) as u64 + 2;
        let place = Place {
            file: &source.path,
            offset: at,
        };
        let index = account.size();
        match next_entry(&mut cursor) {
            Some((entry, leaf, true)) => account.take(place, entry, leaf),
            Some((entry, _, false)) => {
                let detail = "its bytes do not give the hash that is stored beside it";
                account.entry_problem(ProblemKind::Entry, place, index, entry, detail);
                damaged = true;
                account.skip_to(index + 1);
                // A changed length makes nonsense of everything after it.
                let mut ahead = cursor;
                if !ahead.is_empty() && next_entry(&mut ahead).is_none_or(|(_, _, holds)| !holds) {
                    break;
                }
            }
            None => {
                let detail = "it runs over the end of its frame";
                account.entry_problem(ProblemKind::Entry, place, index, &[], detail);
                damaged = true;
                break;
            }
        }
    }
    let complete = account.size() == end && cursor.is_empty();
    account.skip_to(end);
    damaged || !complete
}

/// The next entry, its leaf hash, and whether the check beside it agrees.
fn next_entry<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], Hash, bool)> {
    let len = usize::from(cursor.u16()?);
    let entry = cursor.take(len)?;
    let leaf = leaf_hash(entry);
    let stored: [u8; 4] = cursor.array()?;
    Some((entry, leaf, stored == check(&leaf)))
}

const FRAME_MAGIC: &[u8] = b"FRM1";
const HEADER_PREFIX_BYTES: usize = 24;
const LOG_FRAME_BYTES: usize = 136;
const SPOOL_FRAME_BYTES: usize = 68;
const SEARCH_WINDOW_BYTES: usize = 1 << 20;
