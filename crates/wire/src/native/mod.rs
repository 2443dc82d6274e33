//! The native protocol, version 1: docs/protocol.md.
//!
//! [`Sender`] is the agent's side, [`Receiver`] the collector's side of one connection. Both are
//! fed bytes and give bytes; the layers below them are [`FrameDecoder`] (bytes to messages),
//! [`Message`] (typed bodies) and [`BatchPacker`], [`BatchUnpacker`] (entries to and from zstd).
//! Deliberately absent: hashing, signatures, the spool and the log. They are actions for the
//! caller.

mod backoff;
pub mod batch;
mod checkpoint;
mod field;
mod frame;
mod liveness;
mod message;
mod outbox;
mod receiver;
mod sender;
mod stream;

pub use backoff::Backoff;
pub use batch::{BatchPacker, BatchUnpacker};
pub use checkpoint::{Checkpoint, Growth, Hash};
pub use frame::FrameDecoder;
pub use message::{
    Ack, AckedStream, Batch, Close, CloseReason, Hello, LeafRange, Message, MessageKind, Nak,
    NakReason, Resume, Welcome,
};
pub use receiver::{Append, AppendResult, Receiver, ReceiverAction, ReceiverConfig, StreamState};
pub use sender::{
    Boot, Finding, Receipt, Sender, SenderAction, SenderConfig, Spooled, StreamReceipt, Supply,
    Verdict,
};
pub use stream::{Position, Span, StreamId};

/// Name of the protocol in the TLS handshake.
pub const ALPN: &[u8] = b"indelible/1";
/// Version in HELLO and WELCOME.
pub const VERSION: u16 = 1;
