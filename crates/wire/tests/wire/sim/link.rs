//! A TCP connection between a host and the collector: in order, delayed, cut at any byte.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::random::Random;

/// One direction.
#[derive(Default)]
pub(super) struct Pipe {
    chunks: VecDeque<(Duration, Chunk)>,
    bytes: usize,
}

pub(super) enum Chunk {
    Bytes(Vec<u8>),
    End,
}

impl Pipe {
    /// A socket buffer has so much room.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < 20_000
    }

    /// Writes a frame, in pieces that arrive at different times.
    pub(super) fn write(&mut self, now: Duration, frame: &[u8], random: &mut Random) {
        let mut rest = frame;
        while !rest.is_empty() {
            let bytes = match random.below(4) {
                0 => 1 + random.below(40) as usize,
                _ => rest.len(),
            };
            let (chunk, tail) = rest.split_at(bytes.min(rest.len()));
            let delay = Duration::from_millis(random.below(60));
            self.push(now + delay, Chunk::Bytes(chunk.to_vec()));
            rest = tail;
        }
    }

    pub(super) fn end(&mut self, at: Duration) {
        self.push(at, Chunk::End);
    }

    /// The line is cut: some of what is under way still arrives, the last of it in part.
    pub(super) fn cut(&mut self, now: Duration, random: &mut Random) {
        let kept = random.below(self.chunks.len() as u64 + 1) as usize;
        self.chunks.truncate(kept);
        if let Some((_, Chunk::Bytes(last))) = self.chunks.back_mut() {
            last.truncate(random.below(last.len() as u64 + 1) as usize);
        }
        self.end(now);
    }

    /// What has arrived by now.
    pub(super) fn read(&mut self, now: Duration) -> Option<Chunk> {
        if self.next_arrival()? > now {
            return None;
        }
        let (_, chunk) = self.chunks.pop_front()?;
        if let Chunk::Bytes(bytes) = &chunk {
            self.bytes = self.bytes.saturating_sub(bytes.len());
        }
        Some(chunk)
    }

    pub(super) fn next_arrival(&self) -> Option<Duration> {
        self.chunks.front().map(|(at, _)| *at)
    }

    fn push(&mut self, at: Duration, chunk: Chunk) {
        // Nothing overtakes.
        let at = self.chunks.back().map_or(at, |(last, _)| at.max(*last));
        if let Chunk::Bytes(bytes) = &chunk {
            self.bytes += bytes.len();
        }
        self.chunks.push_back((at, chunk));
    }
}
