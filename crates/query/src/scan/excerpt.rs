//! An excerpt: lines of a piece of which those were left out that are of no matter, by somebody who
//! knows their types and stamps without their text. What these say of the log's time is kept, so that
//! events come in the same order as if all lines were there.

use indelible_record::{RecordType, Stamp};

use super::line::{Role, role_of};

/// Lines of a piece, in order, without those that are no part of what is looked for.
#[derive(Debug, Default)]
pub struct Excerpt {
    text: Vec<u8>,
    pub(super) kept: Vec<Kept>,
    /// After the last line that was kept.
    pub(super) rest: Left,
    lines: u64,
}

/// A line that was kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// Offset in the piece, were all lines there.
    pub(super) place: u32,
    /// Since the line that was kept before.
    pub(super) left: Left,
}

/// Lines that were left out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Left {
    /// Latest second of their stamps.
    pub(super) latest_sec: u64,
    /// The last stamp of an event that waits for its end.
    pub(super) waiting: Option<Stamp>,
}

impl Excerpt {
    /// Leaves out the next line, which is a record of this type and stamp.
    pub fn leave(&mut self, record_type: RecordType, stamp: Stamp) {
        self.lines += 1;
        self.rest.latest_sec = self.rest.latest_sec.max(stamp.sec);
        if role_of(record_type) != Role::Single {
            self.rest.waiting = Some(stamp);
        }
    }

    /// Keeps the next line, which `push` appends with its newline; `place` is where it stands in the
    /// piece, at least roughly. Of an event that has lines here all are to be kept.
    pub fn keep(&mut self, place: u32, push: impl FnOnce(&mut Vec<u8>)) {
        self.lines += 1;
        self.kept.push(Kept {
            place,
            left: std::mem::take(&mut self.rest),
        });
        push(&mut self.text);
    }

    /// How many lines there are, those that were left out too.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The lines that were kept.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn into_text(self) -> Vec<u8> {
        self.text
    }
}
