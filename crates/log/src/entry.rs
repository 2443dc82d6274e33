//! Entry v1: one record in its envelope, one leaf of the log's tree.
//!
//! ```text
//!  0  u8       version = 1
//!  1  u8       kind
//!  2  u16      flags
//!  4  [u8;16]  stream id
//! 20  u64      sequence number in the stream, from 0
//! 28  u64      capture time, ns since 1970-01-01 UTC
//! 36  payload, at most 65,000 bytes
//! ```
//!
//! Nothing here reads into the payload: raw bytes are the truth, and parsing them is the
//! business of `indelible-record`.
//!
//! ```
//! use indelible_log::{EntryRef, Header, Kind, StreamId, entry};
//!
//! let header = Header { kind: Kind::Syslog, flags: 0, stream: StreamId([7; 16]), sequence: 3, time_ns: 12 };
//! let mut bytes = Vec::new();
//! entry::push(&mut bytes, &header, b"<34>su: failed");
//! let entry = EntryRef::parse(&bytes[2..]).unwrap();
//! assert_eq!((entry.header(), entry.payload()), (header, &b"<34>su: failed"[..]));
//! ```

use std::fmt;
use std::str::FromStr;

use crate::hash::{Hash, leaf_hash, sha256};
use crate::limits::{CUT_TRAILER_BYTES, ENTRY_HEADER_BYTES, PAYLOAD_BYTES_MAX};

/// The identity of a stream: 16 random bytes, shown as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StreamId(pub [u8; 16]);

impl StreamId {
    /// A new identity from the system's random source.
    ///
    /// # Panics
    /// When the system has no randomness to give, as nothing safe can be done then.
    pub fn random() -> Self {
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).expect("the system gives random bytes");
        Self(id)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for StreamId {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        let digits = text.as_bytes();
        let lower_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 32 || !digits.iter().all(lower_hex) {
            return Err(EntryError::StreamId);
        }
        let mut id = [0; 16];
        for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| EntryError::StreamId)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| EntryError::StreamId)?;
        }
        Ok(Self(id))
    }
}

/// What the payload of an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// `u16` record type and the kernel's text; type 0: a whole line as received.
    Audit = 1,
    /// A syslog message as received.
    Syslog = 2,
    /// A journal entry as received.
    Journal = 3,
    /// A line of a followed file.
    FileLine = 4,
    /// A host's signed statement of its positions.
    HostHead = 5,
    /// A recorded absence.
    Gap = 6,
    /// Entry 0 of each stream.
    StreamOpened = 7,
    /// What a detection says.
    Finding = 8,
    /// What the worker found out about an event.
    Context = 9,
    /// Something an operator did.
    Operator = 10,
    /// The collector's clock.
    TimeMark = 11,
}

impl TryFrom<u8> for Kind {
    type Error = EntryError;

    fn try_from(kind: u8) -> Result<Self, EntryError> {
        Ok(match kind {
            1 => Self::Audit,
            2 => Self::Syslog,
            3 => Self::Journal,
            4 => Self::FileLine,
            5 => Self::HostHead,
            6 => Self::Gap,
            7 => Self::StreamOpened,
            8 => Self::Finding,
            9 => Self::Context,
            10 => Self::Operator,
            11 => Self::TimeMark,
            other => return Err(EntryError::Kind(other)),
        })
    }
}

/// Flag: the source cut the record before we had it.
pub const CUT_BY_SOURCE: u16 = 1;
/// Flag: we cut the record; the payload ends in `u32` original length and its SHA-256.
pub const CUT_BY_US: u16 = 2;
/// Flag, of kind [`Kind::Syslog`] only: the payload begins with the source's address and a space.
pub const FROM_ADDRESS: u16 = 4;
/// Flag, in a sealed segment only: the payload was erased, and the leaf hash of the entry as it was
/// stands in its place. No entry that is appended may have it.
pub const ERASED: u16 = 0x8000;

/// The envelope of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the payload is.
    pub kind: Kind,
    /// [`CUT_BY_SOURCE`], [`CUT_BY_US`] and [`FROM_ADDRESS`].
    pub flags: u16,
    /// The stream.
    pub stream: StreamId,
    /// Position in the stream, from 0, without holes.
    pub sequence: u64,
    /// Capture time, ns since 1970-01-01 UTC; one per received batch.
    pub time_ns: u64,
}

impl Header {
    fn to_bytes(self) -> [u8; ENTRY_HEADER_BYTES] {
        let mut bytes = [0; ENTRY_HEADER_BYTES];
        bytes[0] = VERSION;
        bytes[1] = self.kind as u8;
        bytes[2..4].copy_from_slice(&self.flags.to_be_bytes());
        bytes[4..20].copy_from_slice(&self.stream.0);
        bytes[20..28].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[28..36].copy_from_slice(&self.time_ns.to_be_bytes());
        bytes
    }
}

/// Appends `u16 length ‖ entry`. A payload that is too long is cut as [`CUT_BY_US`] says.
pub fn push(out: &mut Vec<u8>, header: &Header, payload: &[u8]) {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return push_cut(out, header, payload, payload.len() as u64, &sha256(payload));
    }
    let len = (ENTRY_HEADER_BYTES + payload.len()) as u16;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(payload);
}

/// Appends `u16 length ‖ entry` for a payload of which only the beginning is at hand:
/// [`CUT_PAYLOAD_BYTES_MAX`] of its bytes are kept, with its length (at most 2^32−1) and its SHA-256.
pub fn push_cut(
    out: &mut Vec<u8>,
    header: &Header,
    beginning: &[u8],
    original_len: u64,
    original: &Hash,
) {
    let header = Header {
        flags: header.flags | CUT_BY_US,
        ..*header
    };
    let kept = &beginning[..beginning.len().min(CUT_PAYLOAD_BYTES_MAX)];
    let len = (ENTRY_HEADER_BYTES + kept.len() + CUT_TRAILER_BYTES) as u16;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(kept);
    let original_len = u32::try_from(original_len).unwrap_or(u32::MAX);
    out.extend_from_slice(&original_len.to_be_bytes());
    out.extend_from_slice(&original.0);
}

/// Moves entries, `(u16 length ‖ entry)*`, to another place: a stream and a first sequence number.
/// Bytes that are no entries stay as they are.
pub fn renumber(entries: &mut [u8], stream: StreamId, first: u64) {
    let mut rest = entries;
    let mut sequence = first;
    while let Some((len, tail)) = std::mem::take(&mut rest).split_first_chunk_mut::<2>() {
        let len = usize::from(u16::from_be_bytes(*len));
        let Some((entry, after)) = tail.split_at_mut_checked(len) else {
            return;
        };
        if len < ENTRY_HEADER_BYTES {
            return;
        }
        entry[4..20].copy_from_slice(&stream.0);
        entry[20..28].copy_from_slice(&sequence.to_be_bytes());
        sequence += 1;
        rest = after;
    }
}

/// Bytes of a payload that is too long which are kept.
pub const CUT_PAYLOAD_BYTES_MAX: usize = PAYLOAD_BYTES_MAX - CUT_TRAILER_BYTES;

/// An entry in the bytes that hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRef<'a> {
    header: Header,
    bytes: &'a [u8],
}

impl<'a> EntryRef<'a> {
    /// Reads an entry that fills `bytes` exactly.
    ///
    /// # Errors
    /// Anything that v1 does not define: another version or kind, an undefined flag, a payload
    /// too long, or too short for its kind and flags.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EntryError> {
        let Some((head, payload)) = bytes.split_first_chunk::<ENTRY_HEADER_BYTES>() else {
            return Err(EntryError::Short(bytes.len()));
        };
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(EntryError::Long(payload.len()));
        }
        let header = Self::parse_head(head)?;
        let type_bytes = if header.kind == Kind::Audit { 2 } else { 0 };
        let trailer_bytes = if header.flags & CUT_BY_US == 0 {
            0
        } else {
            CUT_TRAILER_BYTES
        };
        if payload.len() < type_bytes + trailer_bytes {
            return Err(EntryError::Short(bytes.len()));
        }
        Ok(Self { header, bytes })
    }

    fn parse_head(head: &[u8; ENTRY_HEADER_BYTES]) -> Result<Header, EntryError> {
        if head[0] != VERSION {
            return Err(EntryError::Version(head[0]));
        }
        let kind = Kind::try_from(head[1])?;
        let flags = u16::from_be_bytes([head[2], head[3]]);
        let address = if kind == Kind::Syslog {
            FROM_ADDRESS
        } else {
            0
        };
        if flags & !(CUT_BY_SOURCE | CUT_BY_US | address) != 0 {
            return Err(EntryError::Flags(flags));
        }
        Ok(Header {
            kind,
            flags,
            stream: StreamId(head[4..20].try_into().expect("16 bytes of 36")),
            sequence: u64::from_be_bytes(head[20..28].try_into().expect("8 bytes of 36")),
            time_ns: u64::from_be_bytes(head[28..36].try_into().expect("8 bytes of 36")),
        })
    }

    /// Reads an entry as a sealed segment holds it: also one whose payload was erased.
    ///
    /// # Errors
    /// Those of [`EntryRef::parse`].
    pub fn parse_stored(bytes: &'a [u8]) -> Result<Self, EntryError> {
        match erased_leaf(bytes) {
            None => Self::parse(bytes),
            Some(_) => {
                let mut head = *bytes.first_chunk().ok_or(EntryError::Short(bytes.len()))?;
                head[2] &= !((ERASED >> 8) as u8);
                let mut header = Self::parse_head(&head)?;
                header.flags |= ERASED;
                Ok(Self { header, bytes })
            }
        }
    }

    /// Whether the payload was erased.
    pub fn is_erased(&self) -> bool {
        self.header.flags & ERASED != 0
    }

    /// The envelope.
    pub fn header(&self) -> Header {
        self.header
    }

    /// The whole entry.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the envelope.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[ENTRY_HEADER_BYTES..]
    }

    /// The record type and the kernel's text, where this is an audit record.
    pub fn audit(&self) -> Option<(u16, &'a [u8])> {
        if self.header.kind != Kind::Audit {
            return None;
        }
        let (record_type, text) = self.payload().split_first_chunk()?;
        Some((u16::from_be_bytes(*record_type), text))
    }

    /// Length of the payload before it was cut by us; its own length where it was not.
    pub fn original_len(&self) -> u64 {
        let payload = self.payload();
        let trailer = payload
            .split_last_chunk::<CUT_TRAILER_BYTES>()
            .and_then(|(_, trailer)| trailer.first_chunk::<4>());
        match trailer {
            Some(len) if self.header.flags & CUT_BY_US != 0 => u32::from_be_bytes(*len).into(),
            _ => payload.len() as u64,
        }
    }

    /// The source's address and the message as received, where this is a syslog message. Of one
    /// that was cut by us, what was kept.
    pub fn syslog(&self) -> Option<(Option<&'a [u8]>, &'a [u8])> {
        if self.header.kind != Kind::Syslog || self.is_erased() {
            return None;
        }
        let mut payload = self.payload();
        if self.header.flags & CUT_BY_US != 0 {
            payload = &payload[..payload.len() - CUT_TRAILER_BYTES];
        }
        if self.header.flags & FROM_ADDRESS == 0 {
            return Some((None, payload));
        }
        let space = payload.iter().position(|byte| *byte == b' ');
        let at = space.unwrap_or(payload.len());
        Some((
            Some(&payload[..at]),
            payload.get(at + 1..).unwrap_or_default(),
        ))
    }

    /// The leaf hash; of an erased entry the one that it had.
    pub fn leaf_hash(&self) -> Hash {
        stored_leaf(self.bytes)
    }
}

/// What stands in place of an erased entry: its envelope, marked, and its leaf hash.
pub fn stub(envelope: &[u8; ENTRY_HEADER_BYTES], leaf: &Hash) -> Vec<u8> {
    let mut bytes = envelope.to_vec();
    bytes[2] |= (ERASED >> 8) as u8;
    bytes.extend_from_slice(&leaf.0);
    bytes
}

/// The leaf hash of an entry as a sealed segment holds it.
pub fn stored_leaf(bytes: &[u8]) -> Hash {
    erased_leaf(bytes).unwrap_or_else(|| leaf_hash(bytes))
}

/// The leaf hash that stands in an erased entry; `None` for any other.
fn erased_leaf(bytes: &[u8]) -> Option<Hash> {
    let (envelope, rest) = bytes.split_first_chunk::<ENTRY_HEADER_BYTES>()?;
    let flags = u16::from_be_bytes([envelope[2], envelope[3]]);
    Hash::from_slice(rest).filter(|_| flags & ERASED != 0)
}

/// Splits `(u16 length ‖ entry)*` into entries, unparsed. After an error nothing follows.
pub fn split(bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], EntryError>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let parts = rest
            .split_first_chunk()
            .and_then(|(len, tail)| tail.split_at_checked(u16::from_be_bytes(*len).into()));
        let Some((entry, tail)) = parts else {
            let left = std::mem::take(&mut rest).len();
            return Some(Err(EntryError::Short(left)));
        };
        rest = tail;
        Some(Ok(entry))
    })
}

/// Why bytes are not an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Too few bytes for the envelope or for what kind and flags call for.
    #[error("an entry of {0} bytes is too short")]
    Short(usize),
    /// A payload beyond the limit.
    #[error("a payload of {0} bytes is too long")]
    Long(usize),
    /// Another version.
    #[error("version {0} is unknown")]
    Version(u8),
    /// Another kind.
    #[error("kind {0} is unknown")]
    Kind(u8),
    /// An undefined flag.
    #[error("flags {0:#06x} are not all known")]
    Flags(u16),
    /// Text that is not 32 lower-case hexadecimal digits.
    #[error("a stream id is 32 lower-case hexadecimal digits")]
    StreamId,
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ENTRY_BYTES_MAX;

    fn header() -> Header {
        Header {
            kind: Kind::Audit,
            flags: 0,
            stream: StreamId([9; 16]),
            sequence: 5,
            time_ns: 77,
        }
    }

    fn encoded(payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push(&mut out, &header(), payload);
        out.split_off(2)
    }

    #[test]
    fn comes_back() {
        let bytes = encoded(b"\x05\x14audit(1.000:1): ");
        let entry = EntryRef::parse(&bytes).unwrap();
        assert_eq!(entry.header(), header());
        assert_eq!(entry.audit(), Some((1300, &b"audit(1.000:1): "[..])));
    }

    #[test]
    fn renumbered_entries_are_as_if_pushed_there() {
        let at = |stream: u8, sequence| Header {
            kind: Kind::Syslog,
            flags: 0,
            stream: StreamId([stream; 16]),
            sequence,
            time_ns: 7,
        };
        let (mut here, mut there) = (Vec::new(), Vec::new());
        for (step, payload) in [&b"one"[..], b"", &[9; 70_000]].iter().enumerate() {
            push(&mut here, &at(1, 40 + step as u64), payload);
            push(&mut there, &at(2, 5 + step as u64), payload);
        }
        renumber(&mut here, StreamId([2; 16]), 5);
        assert_eq!(here, there);
        renumber(&mut [0, 9, 1], StreamId([2; 16]), 5);
    }

    #[test]
    fn long_payload_is_cut_and_says_so() {
        let payload = vec![b'x'; 70_000];
        let bytes = encoded(&payload);
        let entry = EntryRef::parse(&bytes).unwrap();
        assert_eq!(entry.bytes().len(), ENTRY_BYTES_MAX);
        assert_eq!(entry.header().flags, CUT_BY_US);
        let trailer = &entry.payload()[PAYLOAD_BYTES_MAX - CUT_TRAILER_BYTES..];
        assert_eq!(trailer[..4], 70_000u32.to_be_bytes());
        assert_eq!(trailer[4..], sha256(&payload).0);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let check = |at: usize, value: u8, expect: EntryError| {
            let mut bytes = encoded(b"\0\0");
            bytes[at] = value;
            assert_eq!(EntryRef::parse(&bytes), Err(expect));
        };
        check(0, 2, EntryError::Version(2));
        check(1, 0, EntryError::Kind(0));
        check(1, 12, EntryError::Kind(12));
        check(2, 1, EntryError::Flags(256));
        check(3, 4, EntryError::Flags(4));
        check(3, 8, EntryError::Flags(8));
        check(3, 2, EntryError::Short(38));
        assert_eq!(EntryRef::parse(&[1; 35]), Err(EntryError::Short(35)));
        assert_eq!(EntryRef::parse(&encoded(b"\0")), Err(EntryError::Short(37)));
    }

    #[test]
    fn syslog_messages_with_and_without_address() {
        let check = |flags, payload: &[u8], expect: (Option<&[u8]>, &[u8])| {
            let mut out = Vec::new();
            let kind = Kind::Syslog;
            push(
                &mut out,
                &Header {
                    kind,
                    flags,
                    ..header()
                },
                payload,
            );
            assert_eq!(EntryRef::parse(&out[2..]).unwrap().syslog(), Some(expect));
        };
        check(0, b"<13>a b", (None, b"<13>a b"));
        check(
            FROM_ADDRESS,
            b"[::1]:514 <13>a",
            (Some(b"[::1]:514"), b"<13>a"),
        );
        check(FROM_ADDRESS, b"x", (Some(b"x"), b""));
        let long = vec![b'x'; 70_000];
        let kept = PAYLOAD_BYTES_MAX - CUT_TRAILER_BYTES;
        check(0, &long, (None, &long[..kept]));
        assert_eq!(EntryRef::parse(&encoded(b"ab")).unwrap().syslog(), None);
    }

    #[test]
    fn split_ends_at_damage() {
        let mut out = Vec::new();
        push(&mut out, &header(), b"one");
        push(&mut out, &header(), b"two");
        assert_eq!(split(&out).filter(Result::is_ok).count(), 2);
        out.pop();
        let parts: Vec<_> = split(&out).collect();
        assert!(matches!(parts[..], [Ok(_), Err(EntryError::Short(40))]));
    }

    #[test]
    fn stream_id_text() {
        let id = StreamId([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "AB", &"A".repeat(32), &"g".repeat(32), &"é".repeat(16)] {
            assert_eq!(bad.parse::<StreamId>(), Err(EntryError::StreamId), "{bad}");
        }
    }
}
