//! How far capture's streams are done with: pairs of positions, there and in the selection's own stream.
//!
//! All that was decided of entries before a mark's `read` stands in entries of the selection; what it
//! wrote for entries from `read` on stands from `written` on. After a crash the entries from `read` on
//! are read again, and what stands from `written` on says which of them were decided already.

use std::collections::VecDeque;

/// One pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) read: u64,
    pub(super) written: u64,
}

/// Marks of one of capture's streams, oldest first.
#[derive(Debug, Default)]
pub(super) struct Marks(VecDeque<Mark>);

impl Marks {
    /// Before more is read.
    pub(super) fn push(&mut self, mark: Mark) {
        // Of one place the oldest is what counts. One that is left out costs some reading after a crash.
        let is_known = self.0.back().is_some_and(|last| last.read == mark.read);
        if !is_known && self.0.len() < MARKS_MAX {
            self.0.push_back(mark);
        }
    }

    /// The newest mark of which everything before is done, where all before `done` is.
    pub(super) fn reach(&mut self, done: u64) -> Option<Mark> {
        while self.0.get(1).is_some_and(|next| next.read <= done) {
            self.0.pop_front();
        }
        self.0.front().copied().filter(|mark| mark.read <= done)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Marks that are kept: more come only while nothing is decided for long.
const MARKS_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_holds_when_everything_before_it_is_done() {
        let mut marks = Marks::default();
        for (read, written) in [(0, 1), (10, 3), (10, 4), (20, 9)] {
            marks.push(Mark { read, written });
        }
        assert_eq!(
            marks.reach(5),
            Some(Mark {
                read: 0,
                written: 1
            })
        );
        assert_eq!(
            marks.reach(19),
            Some(Mark {
                read: 10,
                written: 3
            })
        );
        assert_eq!(
            marks.reach(19),
            Some(Mark {
                read: 10,
                written: 3
            })
        );
        assert_eq!(
            marks.reach(25),
            Some(Mark {
                read: 20,
                written: 9
            })
        );
        for read in 30..30 + 2 * MARKS_MAX as u64 {
            marks.push(Mark {
                read,
                written: read,
            });
        }
        assert_eq!(marks.0.len(), MARKS_MAX);
    }
}
