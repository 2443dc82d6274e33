//! Frames: `u32 length ‖ u8 type ‖ body`, big-endian; length counts type and body.
//!
//! ```
//! use indelible_wire::native::{FrameDecoder, Message};
//!
//! let bytes = Message::Ping(7).encode();
//! assert_eq!(bytes, [0, 0, 0, 9, 9, 0, 0, 0, 0, 0, 0, 0, 7]);
//! let mut decoder = FrameDecoder::default();
//! decoder.feed(&bytes[..6]);
//! assert_eq!(decoder.poll(), Ok(None));
//! decoder.feed(&bytes[6..]);
//! assert_eq!(decoder.poll(), Ok(Some(Message::Ping(7))));
//! ```

use super::{Message, MessageKind};
use crate::WireError;
use crate::limits::DECODER_BYTES_KEPT;

/// Cuts a byte stream into messages.
///
/// It holds at most one incomplete frame plus what one call of [`feed`](Self::feed) brought: a
/// caller polls it empty, or stops feeding. After an error the stream has no frame boundary any
/// more and every further poll gives the same error.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were polled already. They are dropped by the next `feed` and not by
    /// `poll`, whose result borrows the buffer.
    taken: usize,
    failed: Option<WireError>,
}

impl FrameDecoder {
    /// Adds bytes of the peer.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.drop_taken();
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one.
    pub fn poll(&mut self) -> Result<Option<Message<'_>>, WireError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let frame = match next_frame(&self.buffer[self.taken..]) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.failed.insert(error).clone()),
        };
        let body_start = self.taken + HEADER_BYTES;
        self.taken += frame.bytes;
        match Message::decode(frame.kind, &self.buffer[body_start..self.taken]) {
            Ok(message) => Ok(Some(message)),
            Err(error) => Err(self.failed.insert(error).clone()),
        }
    }

    /// Bytes that wait: of frames not polled yet, or of an incomplete one.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len() - self.taken
    }

    fn drop_taken(&mut self) {
        if self.taken == self.buffer.len() {
            self.buffer.clear();
            self.buffer.shrink_to(DECODER_BYTES_KEPT);
        } else if self.taken > 0 {
            // What moves is less than what was taken, or at most one incomplete frame.
            self.buffer.drain(..self.taken);
        }
        self.taken = 0;
    }
}

impl Message<'_> {
    /// The whole frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = vec![0, 0, 0, 0, self.kind() as u8];
        self.put_body(&mut frame);
        let length = frame.len() - LENGTH_BYTES;
        debug_assert!(length <= self.kind().bytes_max());
        let length = u32::try_from(length).expect("invariant: limits.rs keeps a frame below 2 MiB");
        frame[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        frame
    }
}

struct Frame {
    kind: MessageKind,
    /// Length field, type and body.
    bytes: usize,
}

fn next_frame(bytes: &[u8]) -> Result<Option<Frame>, WireError> {
    let Some((header, _)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let [a, b, c, d, kind] = *header;
    let length_bytes = u32::from_be_bytes([a, b, c, d]) as usize;
    let kind = MessageKind::from_byte(kind)?;
    let max_bytes = kind.bytes_max();
    if length_bytes == 0 || length_bytes > max_bytes {
        return Err(WireError::FrameLength {
            length_bytes,
            max_bytes,
        });
    }
    let bytes_whole = LENGTH_BYTES + length_bytes;
    Ok((bytes.len() >= bytes_whole).then_some(Frame {
        kind,
        bytes: bytes_whole,
    }))
}

const LENGTH_BYTES: usize = 4;
/// Length and type.
const HEADER_BYTES: usize = LENGTH_BYTES + 1;
