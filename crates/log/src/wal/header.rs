//! The header of a write-ahead file.
//!
//! ```text
//!  0  [u8;8]   "INDLWAL1"
//!  8  u8       kind: 1 log, 2 spool
//!  9  [u8;3]   zero
//! 12  u32      body length in bytes
//! 16  u64      first index (log: leaf index; spool: sequence number)
//! 24  body
//!     log:    u32 count, then per stream, by ascending id: [u8;16] id ‖ u64 next sequence
//!             ‖ [u8;32] chain head ‖ u16 length ‖ peer name: the streams before the first index
//!     spool:  [u8;16] stream id ‖ [u8;32] chain head before the first sequence
//!  …  u32      CRC-32C of everything above
//! ```

use crate::codec::Cursor;
use crate::dir::File;
use crate::entry::StreamId;
use crate::hash::Hash;
use crate::limits::{PEER_BYTES_MAX, STREAMS_MAX, WAL_BODY_BYTES_MAX};

use super::WalKind;

/// A header read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WalHeader {
    pub(crate) first: u64,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Log(Vec<StreamRow>),
    Spool { stream: StreamId, head: Hash },
}

/// Where a stream stood before the first index of a log's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamRow {
    pub(crate) id: StreamId,
    pub(crate) next: u64,
    pub(crate) head: Hash,
    pub(crate) peer: String,
}

impl WalHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        let kind = match self.body {
            Body::Log(_) => WalKind::Log,
            Body::Spool { .. } => WalKind::Spool,
        };
        out.extend_from_slice(&[kind as u8, 0, 0, 0]);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.first.to_be_bytes());
        match &self.body {
            Body::Log(rows) => {
                out.extend_from_slice(&(rows.len() as u32).to_be_bytes());
                rows.iter().for_each(|row| row.encode(&mut out));
            }
            Body::Spool { stream, head } => {
                out.extend_from_slice(&stream.0);
                out.extend_from_slice(&head.0);
            }
        }
        let body_len = (out.len() - PREFIX_BYTES) as u32;
        out[12..16].copy_from_slice(&body_len.to_be_bytes());
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_be_bytes());
        out
    }

    /// Reads a header at the beginning of `bytes`, and what follows it.
    pub(crate) fn split(bytes: &[u8]) -> Result<(Self, &[u8]), &'static str> {
        let body_len = bytes.get(12..16).and_then(|len| len.try_into().ok());
        let body_len = u32::from_be_bytes(body_len.ok_or(SHORT)?) as usize;
        let len = PREFIX_BYTES + body_len + CRC_BYTES;
        let (header, rest) = bytes.split_at_checked(len).ok_or(SHORT)?;
        Ok((Self::parse(header)?, rest))
    }

    /// Reads a header that fills `bytes` exactly.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let (covered, crc) = bytes.split_last_chunk::<4>().ok_or(SHORT)?;
        if crc32c::crc32c(covered) != u32::from_be_bytes(*crc) {
            return Err("the header's checksum does not match");
        }
        let mut cursor = Cursor(covered);
        if cursor.array() != Some(*MAGIC) {
            return Err(MAGIC_WRONG);
        }
        let kind = cursor.u8().ok_or(SHORT)?;
        if cursor.array() != Some([0; 3]) {
            return Err("reserved bytes of the header are not zero");
        }
        let body_len = cursor.u32().ok_or(SHORT)?;
        let first = cursor.u64().ok_or(SHORT)?;
        if body_len as usize != cursor.0.len() {
            return Err("the header's body length is wrong");
        }
        let body = match kind {
            1 => parse_rows(&mut cursor)?,
            2 => Body::Spool {
                stream: StreamId(cursor.array().ok_or(SHORT)?),
                head: cursor.hash().ok_or(SHORT)?,
            },
            _ => return Err("the header's kind is unknown"),
        };
        if !cursor.is_empty() {
            return Err("bytes follow the header's body");
        }
        Ok(Self { first, body })
    }

    /// Reads the header of a file, with its length in bytes.
    pub(crate) fn read(file: &dyn File) -> std::io::Result<Result<(Self, u64), &'static str>> {
        let mut prefix = [0; PREFIX_BYTES];
        if file.read_at(&mut prefix, 0)? < PREFIX_BYTES {
            return Ok(Err(SHORT));
        }
        if !prefix.starts_with(MAGIC) {
            return Ok(Err(MAGIC_WRONG));
        }
        let body_len = u32::from_be_bytes([prefix[12], prefix[13], prefix[14], prefix[15]]);
        let len = (PREFIX_BYTES + CRC_BYTES) as u64 + u64::from(body_len);
        if body_len as usize > WAL_BODY_BYTES_MAX || len > file.len()? {
            return Ok(Err("the header's body length is wrong"));
        }
        let mut bytes = vec![0; len as usize];
        if file.read_at(&mut bytes, 0)? < bytes.len() {
            return Ok(Err(SHORT));
        }
        Ok(Self::parse(&bytes).map(|header| (header, len)))
    }
}

impl StreamRow {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0);
        out.extend_from_slice(&self.next.to_be_bytes());
        out.extend_from_slice(&self.head.0);
        push_peer(out, &self.peer);
    }
}

fn parse_rows(cursor: &mut Cursor<'_>) -> Result<Body, &'static str> {
    let count = cursor.u32().ok_or(SHORT)? as usize;
    if count > STREAMS_MAX {
        return Err("the header names too many streams");
    }
    let mut rows: Vec<StreamRow> = Vec::new();
    for _ in 0..count {
        let row = StreamRow {
            id: StreamId(cursor.array().ok_or(SHORT)?),
            next: cursor.u64().ok_or(SHORT)?,
            head: cursor.hash().ok_or(SHORT)?,
            peer: parse_peer(cursor).ok_or("a peer name of the header cannot be read")?,
        };
        if rows.last().is_some_and(|last| last.id >= row.id) {
            return Err("the header's streams are not in order");
        }
        rows.push(row);
    }
    Ok(Body::Log(rows))
}

pub(crate) fn push_peer(out: &mut Vec<u8>, peer: &str) {
    out.extend_from_slice(&(peer.len() as u16).to_be_bytes());
    out.extend_from_slice(peer.as_bytes());
}

pub(crate) fn parse_peer(cursor: &mut Cursor<'_>) -> Option<String> {
    let len = usize::from(cursor.u16()?);
    if len > PEER_BYTES_MAX {
        return None;
    }
    String::from_utf8(cursor.take(len)?.to_vec()).ok()
}

const MAGIC: &[u8; 8] = b"INDLWAL1";
const PREFIX_BYTES: usize = 24;
const CRC_BYTES: usize = 4;
const SHORT: &str = "the header is cut short";
const MAGIC_WRONG: &str = "this is not a write-ahead file of version 1";

#[cfg(test)]
mod tests {
    use super::*;

    fn log_header() -> WalHeader {
        let row = |id: u8, peer: &str| StreamRow {
            id: StreamId([id; 16]),
            next: u64::from(id) * 3,
            head: Hash([id; 32]),
            peer: peer.to_owned(),
        };
        WalHeader {
            first: 65_536,
            body: Body::Log(vec![row(1, "a.example"), row(2, "")]),
        }
    }

    #[test]
    fn comes_back() {
        let spool = Body::Spool {
            stream: StreamId([3; 16]),
            head: Hash([4; 32]),
        };
        for header in [
            log_header(),
            WalHeader {
                first: 9,
                body: spool,
            },
        ] {
            assert_eq!(WalHeader::parse(&header.encode()), Ok(header));
        }
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let bytes = log_header().encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(WalHeader::parse(&flipped).is_err(), "bit {bit}");
        }
    }
}
