//! Encoded frames that wait for the socket.

use std::collections::VecDeque;
use std::time::Duration;

use super::Message;
use crate::limits::{OUTBOX_BYTES_MAX, STALL_MAX};

/// Frames in the order of sending. It bounds nothing by itself: peers ask [`is_full`] before
/// they make more.
///
/// [`is_full`]: Outbox::is_full
#[derive(Debug, Default)]
pub(super) struct Outbox {
    frames: VecDeque<Vec<u8>>,
    bytes: usize,
    /// When the socket last took something, or the first waiting frame came.
    moved_at: Duration,
}

impl Outbox {
    pub(super) fn push(&mut self, now: Duration, message: &Message<'_>) {
        self.push_frame(now, message.encode());
    }

    pub(super) fn push_frame(&mut self, now: Duration, frame: Vec<u8>) {
        if self.frames.is_empty() {
            self.moved_at = now;
        }
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    pub(super) fn pop(&mut self, now: Duration) -> Option<Vec<u8>> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        self.moved_at = now;
        Some(frame)
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= OUTBOX_BYTES_MAX
    }

    /// When the connection is dead unless the socket takes something.
    pub(super) fn stalls_at(&self) -> Option<Duration> {
        (!self.frames.is_empty()).then(|| self.moved_at + STALL_MAX)
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }
}
