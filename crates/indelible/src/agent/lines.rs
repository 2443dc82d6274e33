//! Whole lines out of pieces of a byte stream, in bounded memory whatever the length of a line.
//!
//! A line that is longer than a payload may be is kept at its beginning and hashed to its end.

use aws_lc_rs::digest::{Context, SHA256};
use indelible_log::Hash;
use indelible_log::entry::CUT_PAYLOAD_BYTES_MAX;
use indelible_log::limits::PAYLOAD_BYTES_MAX;

/// Splits what it is fed at line feeds.
pub(crate) struct Lines {
    /// What stands before each line in its payload.
    prefix: &'static [u8],
    /// Prefix and the line so far, at most [`PAYLOAD_BYTES_MAX`] of it.
    payload: Vec<u8>,
    /// Length of prefix and line so far.
    payload_bytes: u64,
    /// Set once the line is too long to be held.
    hash: Option<Context>,
}

/// One line, without its line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Prefix and line; of a cut line the beginning.
    pub(crate) payload: &'a [u8],
    /// Set where the line was too long.
    pub(crate) cut: Option<Cut>,
}

/// What is known of the whole of a cut line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Length of prefix and line.
    pub(crate) payload_bytes: u64,
    /// Of prefix and line.
    pub(crate) sha256: Hash,
}

impl Lines {
    /// Lines whose payloads begin with `prefix`.
    pub(crate) fn new(prefix: &'static [u8]) -> Self {
        Self {
            prefix,
            payload: prefix.to_vec(),
            payload_bytes: prefix.len() as u64,
            hash: None,
        }
    }

    /// Gives every line that ends in `bytes` to `take`.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(&Line<'_>)) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.extend(&rest[..end]);
            take(&self.line());
            self.restart();
            rest = &rest[end + 1..];
        }
        self.extend(rest);
    }

    /// Adds to the line, whatever the bytes are.
    pub(crate) fn hold(&mut self, bytes: &[u8]) {
        self.extend(bytes);
    }

    /// Gives what stands without a line feed to `take`, if anything does.
    pub(crate) fn finish(&mut self, mut take: impl FnMut(&Line<'_>)) {
        if self.waiting_bytes() > 0 {
            take(&self.line());
            self.restart();
        }
    }

    /// Bytes of the line that has not ended yet.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.payload_bytes - self.prefix.len() as u64
    }

    /// Forgets the line that has not ended yet.
    pub(crate) fn restart(&mut self) {
        self.payload.truncate(self.prefix.len());
        self.payload_bytes = self.prefix.len() as u64;
        self.hash = None;
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.payload_bytes += bytes.len() as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        } else if self.payload.len() + bytes.len() > PAYLOAD_BYTES_MAX {
            let mut hash = Context::new(&SHA256);
            hash.update(&self.payload);
            hash.update(bytes);
            self.hash = Some(hash);
            let room = PAYLOAD_BYTES_MAX - self.payload.len();
            self.payload.extend_from_slice(&bytes[..room]);
        } else {
            self.payload.extend_from_slice(bytes);
        }
    }

    fn line(&self) -> Line<'_> {
        let Some(hash) = &self.hash else {
            return Line {
                payload: &self.payload,
                cut: None,
            };
        };
        let mut sha256 = Hash::ZERO;
        sha256.0.copy_from_slice(hash.clone().finish().as_ref());
        Line {
            payload: &self.payload[..CUT_PAYLOAD_BYTES_MAX],
            cut: Some(Cut {
                payload_bytes: self.payload_bytes,
                sha256,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use indelible_log::entry::{self, EntryRef};
    use indelible_log::{Header, Kind, StreamId};

    use super::*;

    const HEADER: Header = Header {
        kind: Kind::FileLine,
        flags: 0,
        stream: StreamId([1; 16]),
        sequence: 1,
        time_ns: 1,
    };

    fn entries(text: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let mut lines = Lines::new(b"\0\0");
        let mut entries = Vec::new();
        let mut take = |line: &Line<'_>| {
            let mut bytes = Vec::new();
            match &line.cut {
                None => entry::push(&mut bytes, &HEADER, line.payload),
                Some(cut) => entry::push_cut(
                    &mut bytes,
                    &HEADER,
                    line.payload,
                    cut.payload_bytes,
                    &cut.sha256,
                ),
            }
            entries.push(bytes);
        };
        for piece in text.chunks(piece) {
            lines.feed(piece, &mut take);
        }
        lines.finish(&mut take);
        entries
    }

    /// However the bytes come in pieces, lines are what `entry::push` makes of the whole ones.
    #[test]
    fn pieces_make_no_difference() {
        let mut text = b"one\n\nthree\n".to_vec();
        for length in [
            PAYLOAD_BYTES_MAX - 3,
            PAYLOAD_BYTES_MAX - 2,
            PAYLOAD_BYTES_MAX - 1,
            300_000,
        ] {
            text.extend((0..length).map(|at| b'a' + (at % 23) as u8));
            text.push(b'\n');
        }
        text.extend_from_slice(b"without an end");
        let expected: Vec<Vec<u8>> = text
            .split(|byte| *byte == b'\n')
            .map(|line| {
                let mut bytes = Vec::new();
                entry::push(&mut bytes, &HEADER, &[b"\0\0", line].concat());
                bytes
            })
            .collect();
        for piece in [1, 7, 4096, 65_536, text.len()] {
            assert_eq!(entries(&text, piece), expected, "pieces of {piece}");
        }
        let last = &expected[expected.len() - 2];
        let entry = EntryRef::parse(&last[2..]).unwrap();
        assert_eq!(entry.original_len(), 300_002);
    }
}
