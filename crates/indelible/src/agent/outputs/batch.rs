//! Messages on their way, and the positions that stand for them.

use std::collections::VecDeque;

use indelible_log::StreamId;

/// Messages, one after the other in one buffer.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    /// Adds what `write` appends; nothing where it appends nothing.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() > before {
            self.ends.push(self.bytes.len());
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.bytes[start..*end])
    }
}

/// Positions that hold once so many messages are taken.
#[derive(Debug, Default)]
pub(super) struct Marks {
    waiting: VecDeque<(u64, StreamId, u64)>,
    /// Messages that were handed over since the way was opened.
    handed: u64,
}

impl Marks {
    /// Notes that `messages` more were handed over, the last of which end before `next`.
    pub(super) fn push(&mut self, messages: u64, stream: StreamId, next: u64) {
        self.handed += messages;
        self.waiting.push_back((self.handed, stream, next));
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The newest position of each run of one stream that holds now.
    pub(super) fn pop(&mut self, taken: u64) -> Option<(StreamId, u64)> {
        let mut last = None;
        while let Some((needed, stream, next)) = self.waiting.front().copied() {
            if needed > taken || last.is_some_and(|(of, _)| of != stream) {
                break;
            }
            self.waiting.pop_front();
            last = Some((stream, next));
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_hold_when_their_messages_are_taken() {
        let (a, b) = (StreamId([1; 16]), StreamId([2; 16]));
        let mut marks = Marks::default();
        marks.push(2, a, 10);
        marks.push(0, a, 12);
        marks.push(1, b, 5);
        assert_eq!(marks.pop(1), None);
        assert_eq!(marks.pop(3), Some((a, 12)));
        assert_eq!(marks.pop(3), Some((b, 5)));
        assert_eq!(marks.pop(3), None);
    }

    #[test]
    fn messages_are_told_apart() {
        let mut batch = Batch::default();
        for text in ["one", "", "two"] {
            batch.push(|out| out.extend_from_slice(text.as_bytes()));
        }
        assert!(batch.messages().eq([b"one", b"two"]));
        assert_eq!((batch.len(), batch.bytes()), (2, 6));
    }
}
