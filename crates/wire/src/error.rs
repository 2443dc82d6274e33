//! What can be wrong with the bytes of a peer.

use crate::native::MessageKind;

/// Why the bytes of a peer were refused. Any of them ends the connection, except where the native
/// receiver answers a bad batch with NAK poison.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The length field of a frame is zero or above the limit of its type.
    #[error("frame of {length_bytes} bytes, at most {max_bytes} are allowed")]
    FrameLength {
        /// Length as the frame states it: type and body.
        length_bytes: usize,
        /// What this type of frame may have.
        max_bytes: usize,
    },
    /// No message has this type.
    #[error("unknown message type {0}")]
    UnknownType(u8),
    /// The body ends before its fields do.
    #[error("{0:?} message is cut short")]
    Short(MessageKind),
    /// The body goes on after its last field.
    #[error("{kind:?} message has {bytes} bytes too many")]
    Trailing {
        /// Type of the message.
        kind: MessageKind,
        /// Bytes after the last field.
        bytes: usize,
    },
    /// A field holds what the protocol does not allow.
    #[error("{kind:?} message: {field} is not valid")]
    Field {
        /// Type of the message.
        kind: MessageKind,
        /// The field, as docs/protocol.md names it.
        field: &'static str,
    },
    /// The compressed entries are not one zstd frame of the stated length.
    #[error("batch does not decompress to the {raw_bytes} bytes that it states")]
    Compression {
        /// The raw length that the batch states.
        raw_bytes: u32,
    },
    /// The entries of a batch are not what its header says.
    #[error("entry {sequence} of the batch: {reason}")]
    Entry {
        /// Sequence number that the entry should have.
        sequence: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A message that has no place in this state of the conversation.
    #[error("{0}")]
    OutOfPlace(&'static str),
    /// More streams than a HELLO can name.
    #[error("more than {0} streams")]
    TooManyStreams(usize),
    /// A line of an event stream that is longer than its limit.
    #[error("a line of more than {0} bytes")]
    LineLength(usize),
    /// A message of an event stream that is larger than its limit.
    #[error("a message of too many lines, or of more than {0} bytes")]
    MessageLength(usize),
    /// A backslash of an event stream that begins no escape.
    #[error("a backslash that escapes nothing")]
    Escape,
}
