//! Entries of a batch: `u16 length ‖ entry`, one after the other, in one zstd frame.
//!
//! What is checked here needs no hash: the bounds, the framing, and that each entry carries the
//! stream and sequence number that the batch gives it. Chains and leaf hashes are the caller's.

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe;

use super::{Batch, Hash, Message, StreamId};
use crate::WireError;
use crate::limits::{
    BATCH_ENTRIES_MAX, BATCH_RAW_BYTES_MAX, BATCH_RAW_BYTES_WANTED, ENTRY_BYTES_MAX,
    ENTRY_HEADER_BYTES,
};

/// What is packed: everything of a BATCH but its compression.
#[derive(Debug, Clone, Copy)]
pub struct RawBatch<'a> {
    /// The stream.
    pub stream: StreamId,
    /// Sequence number of the first entry.
    pub first: u64,
    /// Entries in `raw`.
    pub entries: u32,
    /// Chain head before the first entry.
    pub head_before: Hash,
    /// Chain head after the last entry.
    pub head_after: Hash,
    /// (u16 length ‖ entry)*, at most [`BATCH_RAW_BYTES_WANTED`] bytes.
    pub raw: &'a [u8],
}

/// Compresses batches into frames, keeping zstd's tables and 1 MiB of scratch between them.
pub struct BatchPacker {
    compressor: Compressor<'static>,
    packed: Vec<u8>,
}

/// Decompresses batches, keeping zstd's tables between them.
pub struct BatchUnpacker(Decompressor<'static>);

impl BatchPacker {
    /// `level`: zstd's, 1 to 22; out of that range it is clamped.
    #[must_use]
    pub fn new(level: i32) -> Self {
        let level = level.clamp(1, 22);
        Self {
            compressor: Compressor::new(level).expect("invariant: zstd accepts the levels 1 to 22"),
            packed: Vec::new(),
        }
    }

    /// The whole BATCH frame. The caller has checked the entries.
    #[must_use]
    pub fn pack(&mut self, batch: &RawBatch<'_>) -> Vec<u8> {
        assert!(batch.raw.len() <= BATCH_RAW_BYTES_WANTED, "{PACKED_FITS}");
        self.packed.clear();
        self.packed
            .reserve(zstd_safe::compress_bound(batch.raw.len()));
        self.compressor
            .compress_to_buffer(batch.raw, &mut self.packed)
            .expect("invariant: compress_bound bytes hold whatever zstd makes");
        Message::Batch(Batch {
            stream: batch.stream,
            first: batch.first,
            entries: batch.entries,
            raw_bytes: u32::try_from(batch.raw.len()).expect(PACKED_FITS),
            head_before: batch.head_before,
            head_after: batch.head_after,
            packed: &self.packed,
        })
        .encode()
    }
}

impl std::fmt::Debug for BatchPacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BatchPacker")
    }
}

impl BatchUnpacker {
    /// A context of its own, about 160 KiB: one per thread is enough.
    #[must_use]
    pub fn new() -> Self {
        Self(Decompressor::new().expect("invariant: only memory can lack for a zstd context"))
    }

    /// The raw entries of a batch, framed and numbered as its header says.
    ///
    /// Memory is bounded by the stated raw length (4 MiB at most), and even that is allocated
    /// only where the zstd frame states the same length.
    pub fn unpack(&mut self, batch: &Batch<'_>) -> Result<Vec<u8>, WireError> {
        let compression = WireError::Compression {
            raw_bytes: batch.raw_bytes,
        };
        let raw_bytes = batch.raw_bytes as usize;
        let stated = zstd_safe::get_frame_content_size(batch.packed);
        let frame_bytes = zstd_safe::find_frame_compressed_size(batch.packed);
        if raw_bytes > BATCH_RAW_BYTES_MAX
            || !matches!(stated, Ok(Some(bytes)) if bytes == u64::from(batch.raw_bytes))
            || frame_bytes != Ok(batch.packed.len())
        {
            return Err(compression);
        }
        let mut raw = Vec::with_capacity(raw_bytes);
        match self.0.decompress_to_buffer(batch.packed, &mut raw) {
            Ok(bytes) if bytes == raw_bytes => {}
            _ => return Err(compression),
        }
        check_entries(batch.stream, batch.first, batch.entries, &raw)?;
        Ok(raw)
    }
}

impl Default for BatchUnpacker {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for BatchUnpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BatchUnpacker")
    }
}

/// Checks that `raw` is exactly `count` entries of `stream`, numbered from `first`, each of a
/// valid size and version, entry 0 of the kind "stream opened".
pub fn check_entries(
    stream: StreamId,
    first: u64,
    count: u32,
    raw: &[u8],
) -> Result<(), WireError> {
    if count == 0 || count > BATCH_ENTRIES_MAX {
        return Err(WireError::Entry {
            sequence: first,
            reason: "a batch has 1 to 16,384 entries",
        });
    }
    let mut entries = entries(raw);
    for sequence in first..first.saturating_add(count.into()) {
        let entry = entries.next().unwrap_or(&[]);
        if let Some(reason) = fault(stream, sequence, entry) {
            return Err(WireError::Entry { sequence, reason });
        }
    }
    match entries.rest {
        [] => Ok(()),
        _ => Err(WireError::Entry {
            sequence: first.saturating_add(count.into()),
            reason: "more bytes than the batch counts entries",
        }),
    }
}

/// The entries of a raw batch, in order; ends at the first that is cut short.
#[must_use]
pub fn entries(raw: &[u8]) -> Entries<'_> {
    Entries { rest: raw }
}

/// Iterator over the entries of a raw batch.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        self.rest = rest;
        Some(entry)
    }
}

/// What is wrong with an entry, judged by its header alone (docs/formats.md, Entry v1).
fn fault(stream: StreamId, sequence: u64, entry: &[u8]) -> Option<&'static str> {
    let Some((header, _)) = entry.split_first_chunk::<ENTRY_HEADER_BYTES>() else {
        return Some("shorter than its header");
    };
    if entry.len() > ENTRY_BYTES_MAX {
        return Some("payload above 65,000 bytes");
    }
    if header[0] != 1 {
        return Some("unknown version");
    }
    if header[4..20] != stream.0 {
        return Some("of another stream");
    }
    if header[20..28] != sequence.to_be_bytes() {
        return Some("of another sequence number");
    }
    if sequence == 0 && header[1] != KIND_STREAM_OPENED {
        return Some("first entry does not open the stream");
    }
    None
}

const KIND_STREAM_OPENED: u8 = 7;
const PACKED_FITS: &str = "invariant: a sender packs at most 1 MiB, which fits a frame";
