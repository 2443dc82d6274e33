//! One frame: the entries of one group commit (log) or of one received batch (spool).
//!
//! ```text
//!  0  [u8;4]   "FRM1"
//!  4  u32      payload length in bytes
//!  8  u32      entries in the payload, at least 1
//! 12  u64      index (log) or sequence (spool) of the first entry
//! 20  seal
//!     log:    u64 tree size ‖ [u8;32] root ‖ [u8;64] Ed25519 signature: the checkpoint that was
//!             signed before this frame (all zero where none was) ‖ u32 openings length
//!     spool:  u64 synced: every entry below it was durable when this frame was written
//!             ‖ [u8;32] chain head after the last entry of this frame
//!  …  u32      CRC-32C of the payload
//!  …  u32      CRC-32C of salt ‖ everything above; salt: log nothing, spool the stream id
//!  …  payload
//!     log:    openings, per stream that begins in this frame [u8;16] id ‖ u16 length ‖ peer name
//!     both:   per entry u16 length ‖ entry ‖ u32 check
//! ```
//!
//! The salt keeps text that an attacker wrote into a record from passing for a frame header when
//! the end of a damaged file is searched; in a log the signature does that.

use crate::codec::Cursor;
use crate::entry::StreamId;
use crate::hash::{Hash, LEAF_PREFIX, check, sha256};
use crate::limits::{ENTRY_BYTES_MAX, FRAME_PAYLOAD_BYTES_MAX};
use crate::note::{Checkpoint, SIGNATURE_BYTES};

use super::WalKind;
use super::header::{parse_peer, push_peer};

/// A frame's header read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) payload_len: u32,
    pub(crate) entries: u32,
    pub(crate) first: u64,
    pub(crate) seal: Seal,
    pub(crate) payload_crc: u32,
}

/// What the writer knew to be durable when it wrote the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    Log {
        checkpoint: Checkpoint,
        openings_len: u32,
    },
    Spool {
        synced: u64,
        head: Hash,
    },
}

/// What the header CRC of a file's frames begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Salt {
    Log,
    Spool(StreamId),
}

impl Salt {
    pub(crate) fn kind(self) -> WalKind {
        match self {
            Self::Log => WalKind::Log,
            Self::Spool(_) => WalKind::Spool,
        }
    }

    fn crc(self) -> u32 {
        match self {
            Self::Log => 0,
            Self::Spool(stream) => crc32c::crc32c(&stream.0),
        }
    }
}

/// Length of a frame header in bytes.
pub(crate) const fn header_bytes(kind: WalKind) -> usize {
    match kind {
        WalKind::Log => 20 + 8 + 32 + SIGNATURE_BYTES + 4 + 8,
        WalKind::Spool => 20 + 8 + 32 + 8,
    }
}

impl FrameHeader {
    fn encode(&self, salt: Salt, out: &mut [u8]) {
        let mut bytes = Vec::with_capacity(header_bytes(salt.kind()));
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.payload_len.to_be_bytes());
        bytes.extend_from_slice(&self.entries.to_be_bytes());
        bytes.extend_from_slice(&self.first.to_be_bytes());
        match &self.seal {
            Seal::Log {
                checkpoint,
                openings_len,
            } => {
                bytes.extend_from_slice(&checkpoint.size.to_be_bytes());
                bytes.extend_from_slice(&checkpoint.root.0);
                bytes.extend_from_slice(&checkpoint.signature);
                bytes.extend_from_slice(&openings_len.to_be_bytes());
            }
            Seal::Spool { synced, head } => {
                bytes.extend_from_slice(&synced.to_be_bytes());
                bytes.extend_from_slice(&head.0);
            }
        }
        bytes.extend_from_slice(&self.payload_crc.to_be_bytes());
        let crc = crc32c::crc32c_append(salt.crc(), &bytes);
        bytes.extend_from_slice(&crc.to_be_bytes());
        out.copy_from_slice(&bytes);
    }

    /// Reads the header at the start of `bytes`.
    pub(crate) fn parse(salt: Salt, bytes: &[u8]) -> Result<Self, &'static str> {
        let bytes = bytes
            .get(..header_bytes(salt.kind()))
            .ok_or("a frame header is cut short")?;
        let (covered, crc) = bytes
            .split_last_chunk::<4>()
            .expect("a header is longer than 4 bytes");
        if !covered.starts_with(MAGIC) {
            return Err("no frame begins here");
        }
        if crc32c::crc32c_append(salt.crc(), covered) != u32::from_be_bytes(*crc) {
            return Err("a frame header's checksum does not match");
        }
        Self::parse_fields(salt.kind(), &covered[MAGIC.len()..])
            .ok_or("a frame header makes no sense")
    }

    fn parse_fields(kind: WalKind, fields: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(fields);
        let payload_len = cursor.u32()?;
        let entries = cursor.u32()?;
        let first = cursor.u64()?;
        let seal = match kind {
            WalKind::Log => Seal::Log {
                checkpoint: Checkpoint {
                    size: cursor.u64()?,
                    root: cursor.hash()?,
                    signature: cursor.array()?,
                },
                openings_len: cursor.u32()?,
            },
            WalKind::Spool => Seal::Spool {
                synced: cursor.u64()?,
                head: cursor.hash()?,
            },
        };
        let payload_crc = cursor.u32()?;
        let openings_len = match seal {
            Seal::Log { openings_len, .. } => openings_len,
            Seal::Spool { .. } => 0,
        };
        let fits = payload_len as usize <= FRAME_PAYLOAD_BYTES_MAX
            && openings_len <= payload_len
            && entries > 0
            && entries <= (payload_len - openings_len) / ENTRY_FRAMING_BYTES as u32
            && first.checked_add(u64::from(entries)).is_some();
        fits.then_some(Self {
            payload_len,
            entries,
            first,
            seal,
            payload_crc,
        })
    }

    /// One past the last entry of the frame.
    pub(crate) fn end(&self) -> u64 {
        self.first + u64::from(self.entries)
    }

    /// Where the entries begin in the payload.
    pub(crate) fn openings_len(&self) -> usize {
        match self.seal {
            Seal::Log { openings_len, .. } => openings_len as usize,
            Seal::Spool { .. } => 0,
        }
    }
}

/// A frame under construction, in the buffer that will be written.
#[derive(Debug)]
pub(crate) struct FrameBuilder {
    salt: Salt,
    first: u64,
    entries: u32,
    openings_len: u32,
    buffer: Vec<u8>,
}

impl FrameBuilder {
    pub(crate) fn new(salt: Salt, first: u64) -> Self {
        let buffer = vec![0; header_bytes(salt.kind())];
        Self {
            salt,
            first,
            entries: 0,
            openings_len: 0,
            buffer,
        }
    }

    /// Begins the next frame in the same buffer.
    pub(crate) fn restart(&mut self, first: u64) {
        self.buffer.truncate(header_bytes(self.salt.kind()));
        (self.first, self.entries, self.openings_len) = (first, 0, 0);
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    pub(crate) fn entries(&self) -> u32 {
        self.entries
    }

    pub(crate) fn payload_len(&self) -> usize {
        self.buffer.len() - header_bytes(self.salt.kind())
    }

    /// Bytes of the payload without the openings.
    pub(crate) fn entries_len(&self) -> usize {
        self.payload_len() - self.openings_len as usize
    }

    /// Bytes that [`FrameBuilder::push_opening`] would add.
    pub(crate) fn opening_bytes(peer: &str) -> usize {
        16 + 2 + peer.len()
    }

    /// Notes a stream that begins in this frame. Openings stand before the entries.
    pub(crate) fn push_opening(&mut self, id: StreamId, peer: &str) {
        let mut opening = id.0.to_vec();
        push_peer(&mut opening, peer);
        let at = header_bytes(self.salt.kind()) + self.openings_len as usize;
        self.openings_len += opening.len() as u32;
        self.buffer.splice(at..at, opening);
    }

    /// Appends an entry and returns its leaf hash.
    pub(crate) fn push_entry(&mut self, entry: &[u8]) -> Hash {
        self.entries += 1;
        push_framed_entry(&mut self.buffer, entry)
    }

    /// Appends entries that are framed already (`u16 length ‖ entry ‖ u32 check` each).
    pub(crate) fn push_framed(&mut self, framed: &[u8], entries: u32) {
        self.buffer.extend_from_slice(framed);
        self.entries += entries;
    }

    /// Fills in the header for a spool and gives the whole frame.
    pub(crate) fn finish_spool(&mut self, synced: u64, head: Hash) -> &[u8] {
        self.finish(Seal::Spool { synced, head })
    }

    /// Fills in the header for a log and gives the whole frame.
    pub(crate) fn finish_log(&mut self, checkpoint: Checkpoint) -> &[u8] {
        self.finish(Seal::Log {
            checkpoint,
            openings_len: self.openings_len,
        })
    }

    fn finish(&mut self, seal: Seal) -> &[u8] {
        let (head, payload) = self.buffer.split_at_mut(header_bytes(self.salt.kind()));
        let header = FrameHeader {
            payload_len: payload.len() as u32,
            entries: self.entries,
            first: self.first,
            seal,
            payload_crc: crc32c::crc32c(payload),
        };
        header.encode(self.salt, head);
        &self.buffer
    }
}

/// Appends `u16 length ‖ entry ‖ u32 check` and returns the leaf hash.
///
/// The hash is taken in place: the leaf prefix stands for a moment where the low byte of the length
/// does, which saves copying each entry once more on the capture path.
pub(crate) fn push_framed_entry(out: &mut Vec<u8>, entry: &[u8]) -> Hash {
    let at = out.len();
    out.extend_from_slice(&(entry.len() as u16).to_be_bytes());
    out.extend_from_slice(entry);
    check_entry_at(out, at)
}

/// Appends the check of the last entry, which stands at `at` as `u16 length ‖ entry`, and returns its
/// leaf hash.
pub(crate) fn check_entry_at(out: &mut Vec<u8>, at: usize) -> Hash {
    let low = std::mem::replace(&mut out[at + 1], LEAF_PREFIX);
    let leaf = sha256(&out[at + 1..]);
    out[at + 1] = low;
    out.extend_from_slice(&check(&leaf));
    leaf
}

/// Reads the openings of a log frame.
pub(crate) fn parse_openings(bytes: &[u8]) -> Result<Vec<(StreamId, String)>, &'static str> {
    const WHAT: &str = "the names of new streams cannot be read";
    let mut cursor = Cursor(bytes);
    let mut openings = Vec::new();
    while !cursor.is_empty() {
        let id = StreamId(cursor.array().ok_or(WHAT)?);
        openings.push((id, parse_peer(&mut cursor).ok_or(WHAT)?));
    }
    Ok(openings)
}

/// Splits `(u16 length ‖ entry ‖ u32 check)*` into (offset of the entry, entry, check).
/// After an error nothing follows.
pub(crate) fn split_framed(
    bytes: &[u8],
) -> impl Iterator<Item = Result<(usize, &[u8], [u8; 4]), &'static str>> {
    let mut cursor = Cursor(bytes);
    std::iter::from_fn(move || {
        if cursor.is_empty() {
            return None;
        }
        let at = bytes.len() - cursor.0.len() + 2;
        let parsed = (|| {
            let len = usize::from(cursor.u16()?);
            let entry = cursor.take(len).filter(|_| len <= ENTRY_BYTES_MAX)?;
            Some((at, entry, cursor.array()?))
        })();
        if parsed.is_none() {
            cursor.0 = &[];
        }
        Some(parsed.ok_or("an entry runs over the end of its frame"))
    })
}

/// Where the next candidate for a frame begins in `bytes`, at or after `from`.
pub(crate) fn find_magic(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(bytes.get(from..)?, MAGIC).map(|at| from + at)
}

/// Bytes that framing adds to an entry: its length before, its check after.
pub(crate) const ENTRY_FRAMING_BYTES: usize = 2 + CHECK_BYTES;
/// Bytes of the check.
pub(crate) const CHECK_BYTES: usize = 4;
const MAGIC: &[u8; 4] = b"FRM1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    #[test]
    fn spool_frame_comes_back() {
        let salt = Salt::Spool(StreamId([5; 16]));
        let mut builder = FrameBuilder::new(salt, 40);
        let leaf = builder.push_entry(b"an entry");
        assert_eq!(leaf, leaf_hash(b"an entry"));
        builder.push_entry(&[1; 300]);
        let bytes = builder.finish_spool(38, Hash([6; 32])).to_vec();

        let header = FrameHeader::parse(salt, &bytes).unwrap();
        assert_eq!((header.first, header.end()), (40, 42));
        assert_eq!(
            header.seal,
            Seal::Spool {
                synced: 38,
                head: Hash([6; 32])
            }
        );
        let payload = &bytes[header_bytes(WalKind::Spool)..];
        assert_eq!(crc32c::crc32c(payload), header.payload_crc);
        let entries: Vec<_> = split_framed(payload).map(Result::unwrap).collect();
        assert_eq!(entries[0], (2, &b"an entry"[..], check(&leaf)));
        assert_eq!(entries[1].1, [1; 300]);
        assert!(FrameHeader::parse(Salt::Spool(StreamId([4; 16])), &bytes).is_err());
    }

    #[test]
    fn log_frame_carries_openings_before_entries() {
        let mut builder = FrameBuilder::new(Salt::Log, 0);
        builder.push_entry(b"first");
        builder.push_opening(StreamId([1; 16]), "a");
        builder.push_opening(StreamId([2; 16]), "");
        builder.push_entry(b"second");
        let bytes = builder.finish_log(Checkpoint::NONE).to_vec();
        let header = FrameHeader::parse(Salt::Log, &bytes).unwrap();
        let payload = &bytes[header_bytes(WalKind::Log)..];
        let (openings, entries) = payload.split_at(header.openings_len());
        let openings = parse_openings(openings).unwrap();
        assert_eq!(
            openings,
            [
                (StreamId([1; 16]), "a".to_owned()),
                (StreamId([2; 16]), String::new())
            ]
        );
        assert_eq!(split_framed(entries).filter(Result::is_ok).count(), 2);
    }

    #[test]
    fn every_flipped_header_bit_is_seen() {
        let mut builder = FrameBuilder::new(Salt::Log, 0);
        builder.push_entry(b"first");
        let bytes = builder.finish_log(Checkpoint::NONE).to_vec();
        for bit in 0..header_bytes(WalKind::Log) * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(
                FrameHeader::parse(Salt::Log, &flipped).is_err(),
                "bit {bit}"
            );
        }
    }
}
