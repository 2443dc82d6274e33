//! Text that can be read only once, cut into pieces of whole lines.

use std::io::{self, Read};

use anyhow::Result;
use indelible_query::limits::PIECE_BYTES;
use memchr::{memchr, memrchr};

use super::entries::EntryLines;

/// Where text comes from.
pub(super) enum Origin {
    Bytes(Box<dyn Read + Send>),
    Entries(Box<dyn EntryLines>),
}

/// Cuts text into pieces.
pub(super) struct Cutter {
    origin: Origin,
    /// What was read beyond the last piece.
    rest: Vec<u8>,
    is_end: bool,
    /// In a line that was cut: what comes is no line until its end.
    in_cut_line: bool,
    /// Where the next piece begins, in bytes of the text and in lines.
    offset: u64,
    line: u64,
}

/// A piece of text.
pub(super) struct Block {
    pub(super) text: Vec<u8>,
    /// Where it begins.
    pub(super) offset: u64,
    /// Number of its first line, from 0.
    pub(super) line: u64,
}

impl Cutter {
    pub(super) fn new(origin: Origin) -> Self {
        Self {
            origin,
            rest: Vec::new(),
            is_end: false,
            in_cut_line: false,
            offset: 0,
            line: 0,
        }
    }

    /// The next piece: whole lines, of no more than a piece's bytes. A line that is longer than a
    /// piece is cut there.
    ///
    /// # Errors
    /// Those of the origin.
    pub(super) fn next(&mut self) -> Result<Option<Block>> {
        loop {
            self.fill()?;
            if !self.in_cut_line || self.rest.is_empty() {
                break;
            }
            let newline = memchr(b'\n', &self.rest);
            let skipped = newline.map_or(self.rest.len(), |newline| newline + 1);
            self.rest.drain(..skipped);
            self.offset += skipped as u64;
            self.in_cut_line = newline.is_none();
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        if self.rest.len() <= PIECE_BYTES {
            return Ok(Some(self.cut(self.rest.len())));
        }
        match memrchr(b'\n', &self.rest[..PIECE_BYTES]) {
            Some(newline) => Ok(Some(self.cut(newline + 1))),
            None => {
                self.in_cut_line = true;
                let block = self.cut(PIECE_BYTES);
                self.line += 1;
                Ok(Some(block))
            }
        }
    }

    /// How much of the text has been given out.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    fn cut(&mut self, end: usize) -> Block {
        let rest = self.rest.split_off(end);
        let text = std::mem::replace(&mut self.rest, rest);
        let (offset, line) = (self.offset, self.line);
        self.offset += text.len() as u64;
        self.line += memchr::memchr_iter(b'\n', &text).count() as u64;
        Block { text, offset, line }
    }

    /// Reads until there is more than a piece, or the end.
    fn fill(&mut self) -> Result<()> {
        while !self.is_end && self.rest.len() <= PIECE_BYTES {
            self.is_end = match &mut self.origin {
                Origin::Bytes(reader) => read(reader, &mut self.rest)?,
                Origin::Entries(entries) => !entries.fill(&mut self.rest)?,
            };
        }
        Ok(())
    }
}

/// Appends what one read gives; yes at the end.
fn read(reader: &mut dyn Read, text: &mut Vec<u8>) -> io::Result<bool> {
    let known = text.len();
    text.resize(known + READ_BYTES, 0);
    let read = loop {
        match reader.read(&mut text[known..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    text.truncate(known + *read.as_ref().unwrap_or(&0));
    Ok(read? == 0)
}

/// Bytes per read.
const READ_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &[u8]) -> Vec<Block> {
        let origin = Origin::Bytes(Box::new(io::Cursor::new(text.to_vec())));
        let mut cutter = Cutter::new(origin);
        std::iter::from_fn(|| cutter.next().expect("readable")).collect()
    }

    #[test]
    fn pieces_are_whole_lines_and_know_their_place() {
        let line = |number: usize| format!("{number}{}\n", "x".repeat(number % 3000));
        let text: String = (0..4000).map(line).collect();
        let (mut offset, mut lines) = (0, 0);
        for block in pieces(text.as_bytes()) {
            assert!(block.text.len() <= PIECE_BYTES);
            assert_eq!((block.offset, block.line), (offset as u64, lines));
            assert_eq!(
                &block.text[..],
                &text.as_bytes()[offset..][..block.text.len()]
            );
            assert_eq!(block.text.last(), Some(&b'\n'));
            offset += block.text.len();
            lines += block.text.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        assert_eq!(offset, text.len());
        assert!(pieces(b"").is_empty());
        assert_eq!(pieces(b"a\nb")[0].text, b"a\nb");
    }

    #[test]
    fn endless_lines_are_cut() {
        let mut text = b"first\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 3 * PIECE_BYTES));
        text.extend_from_slice(b"\nlast\n");
        let found = pieces(&text);
        let lengths: Vec<usize> = found.iter().map(|block| block.text.len()).collect();
        assert_eq!(lengths, [6, PIECE_BYTES, 5]);
        let last = found.last().expect("pieces");
        assert_eq!((&last.text[..], last.line), (&b"last\n"[..], 2));
        assert_eq!(last.offset, text.len() as u64 - 5);
        assert_eq!(pieces(&vec![b'x'; 5 * PIECE_BYTES]).len(), 1);
    }
}
