//! Every message of the native protocol as a type, and its bytes.
//!
//! Bodies are laid out in docs/protocol.md, section Frames. Decoding is strict: what decodes
//! encodes to the same bytes again.

use super::field::{
    Fields, put_checkpoint, put_growth, put_list, put_position, put_span, put_text,
};
use super::{Checkpoint, Growth, Hash, Position, Span, StreamId, VERSION};
use crate::WireError;
use crate::limits::{
    ACK_RANGES_MAX, ACK_STREAMS_MAX, BATCH_ENTRIES_MAX, BATCH_RAW_BYTES_MAX, DETAIL_BYTES_MAX,
    FRAME_BYTES_MAX, KEY_BYTES_MAX, ORIGIN_BYTES_MAX, STREAMS_MAX,
};

/// One message; a batch borrows its compressed entries from the decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// 1, agent: who I am, what I hold.
    Hello(Hello),
    /// 2, collector: where your streams stand.
    Welcome(Welcome),
    /// 3, agent: a stream that appeared after HELLO.
    Stream(Span),
    /// 4, collector: the answer to STREAM.
    Resume(Resume),
    /// 5, agent: entries.
    Batch(Batch<'a>),
    /// 6, collector: the receipt.
    Ack(Ack),
    /// 7, collector: a refusal.
    Nak(Nak),
    /// 8, both: the end, and why.
    Close(Close),
    /// 9, both: a sign of life, answered by PONG with the same number.
    Ping(u64),
    /// 10, both: the answer to PING.
    Pong(u64),
    /// 11, collector: the log's verifier key with those before it, where it has had others.
    Key(String),
}

/// Type byte of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is described at the variant of Message")]
pub enum MessageKind {
    Hello = 1,
    Welcome = 2,
    Stream = 3,
    Resume = 4,
    Batch = 5,
    Ack = 6,
    Nak = 7,
    Close = 8,
    Ping = 9,
    Pong = 10,
    Key = 11,
}

/// The agent's first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// `/etc/machine-id`.
    pub machine_id: [u8; 16],
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: [u8; 16],
    /// The newest checkpoint that the agent holds durably.
    pub held: Checkpoint,
    /// The streams of its spool.
    pub streams: Vec<Span>,
}

/// The collector's first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// Name of the log, as in its checkpoints.
    pub origin: String,
    /// The newest checkpoint; `old_size` is the size that HELLO named.
    pub growth: Growth,
    /// The streams of HELLO that this agent may write, in the order of HELLO.
    pub streams: Vec<Position>,
}

/// Where a stream that appeared after HELLO stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// The stream.
    pub position: Position,
    /// The checkpoint that covers the position.
    pub growth: Growth,
}

/// Consecutive entries of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The stream.
    pub stream: StreamId,
    /// Sequence number of the first entry.
    pub first: u64,
    /// Entries, 1 to [`BATCH_ENTRIES_MAX`].
    pub entries: u32,
    /// Bytes before compression, at most [`BATCH_RAW_BYTES_MAX`].
    pub raw_bytes: u32,
    /// Chain head before the first entry.
    pub head_before: Hash,
    /// Chain head after the last entry.
    pub head_after: Hash,
    /// One zstd frame of (u16 length ‖ entry)*.
    pub packed: &'a [u8],
}

/// What is durable now, under which checkpoint: the receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Each stream that moved.
    pub streams: Vec<AckedStream>,
    /// The checkpoint that covers all of it.
    pub growth: Growth,
}

/// One stream of an ACK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckedStream {
    /// The stream.
    pub stream: StreamId,
    /// Every entry below is durable.
    pub next: u64,
    /// Where the new ones stand in the log.
    pub leaves: Vec<LeafRange>,
}

/// Consecutive leaves of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafRange {
    /// Index of the first leaf.
    pub first: u64,
    /// Leaves, at least 1.
    pub count: u32,
}

/// A refused batch or stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nak {
    /// The stream.
    pub stream: StreamId,
    /// First sequence number of the refused batch; 0 where the stream itself is refused.
    pub sequence: u64,
    /// Why.
    pub reason: NakReason,
    /// Text for a person.
    pub detail: String,
}

/// Why a batch or stream is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum NakReason {
    /// Not now: back off and reconnect.
    Later = 1,
    /// The bytes are not what they claim to be.
    Poison = 2,
    /// The chain is not the one that is stored.
    Fork = 3,
    /// The stream belongs to another peer.
    Denied = 4,
}

/// The end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Why.
    pub reason: CloseReason,
    /// Text for a person.
    pub detail: String,
}

/// Why a side closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum CloseReason {
    /// Nothing more to say.
    Done = 0,
    /// This side stops for a while.
    ShuttingDown = 1,
    /// The other side broke the protocol.
    ProtocolError = 2,
}

impl<'a> Message<'a> {
    /// Reads the body of one frame. Errors: whatever docs/protocol.md does not allow.
    pub fn decode(kind: MessageKind, body: &'a [u8]) -> Result<Self, WireError> {
        let mut fields = Fields::new(kind, body);
        let message = match kind {
            MessageKind::Hello => Self::Hello(Hello::decode(&mut fields)?),
            MessageKind::Welcome => Self::Welcome(Welcome::decode(&mut fields)?),
            MessageKind::Stream => Self::Stream(fields.span()?),
            MessageKind::Resume => Self::Resume(Resume {
                position: fields.position()?,
                growth: fields.growth()?,
            }),
            MessageKind::Batch => Self::Batch(Batch::decode(&mut fields)?),
            MessageKind::Ack => Self::Ack(Ack::decode(&mut fields)?),
            MessageKind::Nak => Self::Nak(Nak::decode(&mut fields)?),
            MessageKind::Close => Self::Close(Close::decode(&mut fields)?),
            MessageKind::Ping => Self::Ping(fields.u64()?),
            MessageKind::Pong => Self::Pong(fields.u64()?),
            MessageKind::Key => Self::Key(fields.text(KEY_BYTES_MAX, "key")?),
        };
        fields.end()?;
        Ok(message)
    }

    /// The type byte.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Hello(_) => MessageKind::Hello,
            Self::Welcome(_) => MessageKind::Welcome,
            Self::Stream(_) => MessageKind::Stream,
            Self::Resume(_) => MessageKind::Resume,
            Self::Batch(_) => MessageKind::Batch,
            Self::Ack(_) => MessageKind::Ack,
            Self::Nak(_) => MessageKind::Nak,
            Self::Close(_) => MessageKind::Close,
            Self::Ping(_) => MessageKind::Ping,
            Self::Pong(_) => MessageKind::Pong,
            Self::Key(_) => MessageKind::Key,
        }
    }

    /// Appends the body, without the frame's header.
    pub(super) fn put_body(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello(hello) => hello.put(out),
            Self::Welcome(welcome) => welcome.put(out),
            Self::Stream(span) => put_span(out, span),
            Self::Resume(resume) => {
                put_position(out, &resume.position);
                put_growth(out, &resume.growth);
            }
            Self::Batch(batch) => batch.put(out),
            Self::Ack(ack) => ack.put(out),
            Self::Nak(nak) => nak.put(out),
            Self::Close(close) => {
                out.push(close.reason as u8);
                put_text(out, &close.detail, DETAIL_BYTES_MAX);
            }
            Self::Ping(number) | Self::Pong(number) => {
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Key(key) => put_text(out, key, KEY_BYTES_MAX),
        }
    }
}

impl MessageKind {
    /// The kind that a type byte names.
    pub fn from_byte(byte: u8) -> Result<Self, WireError> {
        Ok(match byte {
            1 => Self::Hello,
            2 => Self::Welcome,
            3 => Self::Stream,
            4 => Self::Resume,
            5 => Self::Batch,
            6 => Self::Ack,
            7 => Self::Nak,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            11 => Self::Key,
            _ => return Err(WireError::UnknownType(byte)),
        })
    }

    /// Type and body of the largest frame of this kind, so that a peer cannot make us buffer two
    /// megabytes of a PING.
    #[must_use]
    pub fn bytes_max(self) -> usize {
        match self {
            Self::Hello | Self::Welcome | Self::Batch | Self::Ack => FRAME_BYTES_MAX,
            Self::Stream => 1 + 32,
            Self::Resume => 4_096,
            Self::Nak | Self::Close => 64 + DETAIL_BYTES_MAX,
            Self::Ping | Self::Pong => 1 + 8,
            Self::Key => 3 + KEY_BYTES_MAX,
        }
    }
}

impl Hello {
    fn decode(fields: &mut Fields<'_>) -> Result<Self, WireError> {
        version(fields)?;
        Ok(Self {
            machine_id: fields.id()?,
            boot_id: fields.id()?,
            held: fields.checkpoint()?,
            streams: fields.list(STREAMS_MAX, "stream count", Fields::span)?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&self.machine_id);
        out.extend_from_slice(&self.boot_id);
        put_checkpoint(out, &self.held);
        put_list(out, &self.streams, put_span);
    }
}

impl Welcome {
    fn decode(fields: &mut Fields<'_>) -> Result<Self, WireError> {
        version(fields)?;
        Ok(Self {
            origin: fields.text(ORIGIN_BYTES_MAX, "origin")?,
            growth: fields.growth()?,
            streams: fields.list(STREAMS_MAX, "stream count", Fields::position)?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&VERSION.to_be_bytes());
        put_text(out, &self.origin, ORIGIN_BYTES_MAX);
        put_growth(out, &self.growth);
        put_list(out, &self.streams, put_position);
    }
}

impl<'a> Batch<'a> {
    fn decode(fields: &mut Fields<'a>) -> Result<Self, WireError> {
        let batch = Self {
            stream: fields.stream()?,
            first: fields.u64()?,
            entries: fields.u32()?,
            raw_bytes: fields.u32()?,
            head_before: fields.hash()?,
            head_after: fields.hash()?,
            packed: fields.remainder(),
        };
        if batch.entries == 0 || batch.entries > BATCH_ENTRIES_MAX {
            return Err(fields.invalid("entry count"));
        }
        if batch.raw_bytes as usize > BATCH_RAW_BYTES_MAX {
            return Err(fields.invalid("raw length"));
        }
        if batch.first.checked_add(batch.entries.into()).is_none() {
            return Err(fields.invalid("first sequence"));
        }
        Ok(batch)
    }

    fn put(&self, out: &mut Vec<u8>) {
        // One allocation for what is by far the largest message.
        out.reserve_exact(BATCH_HEADER_BYTES + self.packed.len());
        out.extend_from_slice(&self.stream.0);
        out.extend_from_slice(&self.first.to_be_bytes());
        out.extend_from_slice(&self.entries.to_be_bytes());
        out.extend_from_slice(&self.raw_bytes.to_be_bytes());
        out.extend_from_slice(&self.head_before);
        out.extend_from_slice(&self.head_after);
        out.extend_from_slice(self.packed);
    }
}

impl Ack {
    fn decode(fields: &mut Fields<'_>) -> Result<Self, WireError> {
        Ok(Self {
            streams: fields.list(ACK_STREAMS_MAX, "stream count", AckedStream::decode)?,
            growth: fields.growth()?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_list(out, &self.streams, |out, acked| {
            out.extend_from_slice(&acked.stream.0);
            out.extend_from_slice(&acked.next.to_be_bytes());
            put_list(out, &acked.leaves, |out, leaves| {
                out.extend_from_slice(&leaves.first.to_be_bytes());
                out.extend_from_slice(&leaves.count.to_be_bytes());
            });
        });
        put_growth(out, &self.growth);
    }
}

impl AckedStream {
    fn decode(fields: &mut Fields<'_>) -> Result<Self, WireError> {
        Ok(Self {
            stream: fields.stream()?,
            next: fields.u64()?,
            leaves: fields.list(ACK_RANGES_MAX, "range count", LeafRange::decode)?,
        })
    }
}

impl LeafRange {
    /// Index after the last leaf.
    #[must_use]
    pub fn end(self) -> u64 {
        self.first.saturating_add(self.count.into())
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Self, WireError> {
        let leaves = Self {
            first: fields.u64()?,
            count: fields.u32()?,
        };
        match leaves.count {
            0 => Err(fields.invalid("leaf range")),
            _ => Ok(leaves),
        }
    }
}

impl Nak {
    fn decode(fields: &mut Fields<'_>) -> Result<Self, WireError> {
        Ok(Self {
            stream: fields.stream()?,
            sequence: fields.u64()?,
            reason: match fields.u8()? {
                1 => NakReason::Later,
                2 => NakReason::Poison,
                3 => NakReason::Fork,
                4 => NakReason::Denied,
                _ => return Err(fields.invalid("reason")),
            },
            detail: fields.text(DETAIL_BYTES_MAX, "detail")?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.stream.0);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.push(self.reason as u8);
        put_text(out, &self.detail, DETAIL_BYTES_MAX);
    }
}

impl Close {
    fn decode(fields: &mut Fields<'_>) -> Result<Self, WireError> {
        Ok(Self {
            reason: match fields.u8()? {
                0 => CloseReason::Done,
                1 => CloseReason::ShuttingDown,
                2 => CloseReason::ProtocolError,
                _ => return Err(fields.invalid("reason")),
            },
            detail: fields.text(DETAIL_BYTES_MAX, "detail")?,
        })
    }
}

/// Body of a BATCH before its zstd frame.
const BATCH_HEADER_BYTES: usize = 16 + 8 + 4 + 4 + 32 + 32;

fn version(fields: &mut Fields<'_>) -> Result<(), WireError> {
    match fields.u16()? {
        VERSION => Ok(()),
        _ => Err(fields.invalid("version")),
    }
}
