//! What was appended and not committed: frames under construction, grouped by the file that they
//! go to.

use std::collections::VecDeque;

use crate::entry::StreamId;
use crate::limits::FRAME_PAYLOAD_BYTES_MAX;
use crate::wal::frame::{FrameBuilder, Salt};

#[derive(Debug)]
pub(super) struct Pending {
    groups: VecDeque<Group>,
    len_bytes: usize,
}

/// The frames of one file.
#[derive(Debug)]
pub(super) struct Group {
    /// First index of the file.
    pub(super) first: u64,
    /// The file's header, where it has to be created.
    pub(super) header: Option<Vec<u8>>,
    pub(super) frames: Vec<FrameBuilder>,
}

impl Pending {
    /// Nothing yet; `first` is the first index of the file that is being written.
    pub(super) fn new(first: u64) -> Self {
        let group = Group {
            first,
            header: None,
            frames: Vec::new(),
        };
        Self {
            groups: VecDeque::from([group]),
            len_bytes: 0,
        }
    }

    /// Payload bytes in all frames.
    pub(super) fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// Bytes that the frame at hand has room for, once it has taken the opening of a stream by
    /// `opening`. Begins a new frame where not even one entry would be sure to fit.
    pub(super) fn room(&mut self, index: u64, opening: Option<&str>) -> usize {
        let opening_bytes = opening.map_or(0, FrameBuilder::opening_bytes);
        let frames = &mut self
            .groups
            .back_mut()
            .expect("a file is being written")
            .frames;
        let used = frames.last().map_or(usize::MAX, FrameBuilder::payload_len);
        let room = FRAME_PAYLOAD_BYTES_MAX
            .saturating_sub(used)
            .saturating_sub(opening_bytes);
        if room >= FRAME_ROOM_MIN {
            return room;
        }
        frames.push(FrameBuilder::new(Salt::Log, index));
        FRAME_PAYLOAD_BYTES_MAX - opening_bytes
    }

    /// Adds framed entries to the frame that [`Pending::room`] spoke of.
    pub(super) fn push(
        &mut self,
        index: u64,
        framed: &[u8],
        entries: u32,
        opening: Option<(StreamId, &str)>,
    ) {
        let group = self.groups.back_mut().expect("a file is being written");
        let frame = group.frames.last_mut().expect("a frame has room");
        debug_assert_eq!(
            frame.first() + u64::from(frame.entries()),
            index,
            "frames have no holes"
        );
        if let Some((id, peer)) = opening {
            frame.push_opening(id, peer);
        }
        frame.push_framed(framed, entries);
        self.len_bytes += framed.len();
    }

    /// What follows goes to a new file.
    pub(super) fn begin_file(&mut self, first: u64, header: Vec<u8>) {
        self.groups.push_back(Group {
            first,
            header: Some(header),
            frames: Vec::new(),
        });
    }

    /// The file to be written first.
    pub(super) fn front_mut(&mut self) -> Option<&mut Group> {
        self.groups.front_mut()
    }

    /// Notes that the first file's frames are durable. Whether another file follows.
    pub(super) fn finish_front(&mut self) -> bool {
        let group = self.groups.front_mut().expect("a file is being written");
        self.len_bytes -= group
            .frames
            .drain(..)
            .map(|frame| frame.entries_len())
            .sum::<usize>();
        let more = self.groups.len() > 1;
        if more {
            self.groups.pop_front();
        }
        more
    }
}

/// A frame with less room than this is left as it is: the longest entry fits into it.
const FRAME_ROOM_MIN: usize = 128 << 10;
