//! A piece of a log as a worker takes it: a range of a file that is read on the spot, or text that
//! was read or unpacked already.
//!
//! Files are read with `pread` into a buffer that stays in the cache, not mapped: a page fault for
//! each 4 KiB costs more than the copy, and a mapped log that is truncated kills its reader.

use std::fs::File;
use std::io;
use std::sync::Arc;

use indelible_query::limits::LINE_BYTES_MAX;
use indelible_query::scan::{Excerpt, Text};
use indelible_record::Stamp;
use memchr::{memchr, memrchr};

use super::entries::Block;

/// Where a piece's text is.
#[derive(Clone, Debug)]
pub(super) enum Load {
    /// The lines that begin in this range of a file.
    File { file: Arc<File>, from: u64, to: u64 },
    /// These lines.
    Held(Arc<Vec<u8>>),
    /// The lines of a block that can match.
    Wanted(Block),
    /// Those of one that cannot.
    Near(Block),
    /// So many bytes that are of no matter, and the latest second in them.
    Far(u64, u64),
}

impl Load {
    /// Whether scanning it takes time and memory.
    pub(super) fn is_read(&self) -> bool {
        !matches!(self, Self::Near(_) | Self::Far(..))
    }
}

/// The text of a piece.
#[derive(Clone, Debug)]
pub(super) struct PieceText {
    held: Option<Arc<Vec<u8>>>,
    /// The file, and where the text begins and ends in it.
    file: Option<(Arc<File>, u64, u64)>,
    /// The block of a store that it is unpacked from.
    block: Option<Block>,
}

/// Reads the lines that begin in `from..to` into `text`; the offset of the first of them. A line
/// that is longer than [`LINE_BYTES_MAX`] is cut.
pub(super) fn read_lines(file: &File, from: u64, to: u64, text: &mut Vec<u8>) -> io::Result<u64> {
    text.clear();
    // A line begins after a newline: the one before the range counts.
    let begin = from.saturating_sub(1);
    let len = (to - begin) as usize;
    let mut is_end = read_at(file, begin, len + TAIL_BYTES, text)?;
    let mut skipped = 0;
    if from > 0 {
        match memchr(b'\n', &text[..len.min(text.len())]) {
            Some(newline) => skipped = newline + 1,
            None => skipped = text.len(),
        }
        // Their first line begins behind the range.
        if skipped >= len {
            text.clear();
            return Ok(to);
        }
    }
    // The last line ends with the first newline that does not stand before the range's last byte.
    let mut searched = len - 1;
    let line = memrchr(b'\n', &text[..searched.min(text.len())]).map_or(0, |newline| newline + 1);
    let line = line.max(skipped);
    loop {
        let rest = text.get(searched..).unwrap_or_default();
        if let Some(newline) = memchr(b'\n', rest) {
            text.truncate(searched + newline + 1);
            break;
        }
        if is_end || text.len() - line >= LINE_BYTES_MAX {
            break;
        }
        searched = text.len();
        is_end = read_at(file, begin + searched as u64, TAIL_BYTES, text)?;
    }
    text.truncate(line + LINE_BYTES_MAX);
    text.drain(..skipped);
    Ok(begin + skipped as u64)
}

/// Appends `len` bytes from `at`, or some more; fewer, and yes, where the file ends.
fn read_at(file: &File, at: u64, len: usize, text: &mut Vec<u8>) -> io::Result<bool> {
    let known = text.len();
    text.reserve(len);
    while text.len() < known + len {
        let at = at + (text.len() - known) as u64;
        let room = rustix::buffer::spare_capacity(text);
        match rustix::io::pread(file, room, at) {
            Ok(0) => return Ok(true),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

impl PieceText {
    /// Text of a file that can be read again.
    pub(super) fn of_file(file: Arc<File>, from: u64, to: u64) -> Self {
        Self {
            held: None,
            file: Some((file, from, to)),
            block: None,
        }
    }

    /// Text of a block that can be unpacked again.
    pub(super) fn of_block(block: Block) -> Self {
        Self {
            held: None,
            file: None,
            block: Some(block),
        }
    }

    /// Holds the bytes as well, for those who will ask for them.
    pub(super) fn hold(&mut self, bytes: Arc<Vec<u8>>) {
        self.held = Some(bytes);
    }

    /// Text that is nowhere else.
    pub(super) fn of(bytes: Arc<Vec<u8>>) -> Self {
        Self {
            held: Some(bytes),
            file: None,
            block: None,
        }
    }
}

impl Text for PieceText {
    fn bytes(&self) -> io::Result<Arc<Vec<u8>>> {
        match (&self.held, &self.file) {
            (Some(bytes), _) => Ok(Arc::clone(bytes)),
            (None, Some((file, from, to))) => {
                let len = (to - from) as usize;
                let mut text = Vec::with_capacity(len);
                read_at(file, *from, len, &mut text)?;
                text.truncate(len);
                Ok(Arc::new(text))
            }
            (None, None) => match &self.block {
                Some(block) => block.text().map(Arc::new).map_err(io::Error::other),
                None => Ok(Arc::default()),
            },
        }
    }

    fn may_hold(&self, stamp: Stamp) -> bool {
        self.block
            .as_ref()
            .is_none_or(|block| block.may_hold(stamp))
    }

    fn excerpt(&self, stamps: &[Stamp]) -> io::Result<Option<Excerpt>> {
        match &self.block {
            Some(block) if self.held.is_none() => block.excerpt(stamps).map_err(io::Error::other),
            _ => Ok(None),
        }
    }

    fn release(&mut self) {
        if self.file.is_some() || self.block.is_some() {
            self.held = None;
        }
    }
}

/// Bytes per read of a line that goes on beyond its piece.
const TAIL_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// The pieces of a file put together are the file, but for what lines have too much.
    fn check(text: &[u8], piece: u64, expect: &[u8]) {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(text).expect("written");
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        let mut from = 0;
        while from < text.len() as u64 {
            let to = (from + piece).min(text.len() as u64);
            let first = read_lines(&file, from, to, &mut buffer).expect("read");
            if !buffer.is_empty() {
                assert_eq!(buffer[..], text[first as usize..][..buffer.len()]);
            }
            found.extend_from_slice(&buffer);
            from = to;
        }
        assert_eq!(found, expect, "pieces of {piece}");
    }

    #[test]
    fn each_line_is_in_one_piece() {
        let text = b"a\n\nbcdef\nghijklmnopqrstuvwxyz\n0\n1";
        for piece in 1..40 {
            check(text, piece, text);
        }
        check(b"", 4, b"");
        check(b"\n", 1, b"\n");
    }

    #[test]
    fn endless_lines_are_cut() {
        let mut text = vec![b'x'; 3 * LINE_BYTES_MAX];
        text.extend_from_slice(b"\nlast");
        let mut expect = vec![b'x'; LINE_BYTES_MAX];
        expect.extend_from_slice(b"last");
        check(&text, 100_000, &expect);
    }
}
