//! Walks the frames of a write-ahead file, and looks for frames behind damage.

use std::io;
use std::sync::Arc;

use crate::dir::File;
use crate::note::Checkpoint;

use super::frame::{FrameHeader, Salt, Seal, find_magic, header_bytes};

/// What stands at the scanner's position.
#[derive(Debug)]
pub(crate) enum Step {
    /// A whole frame at this offset; its payload is in [`Scanner::payload`].
    Frame { offset: u64, header: FrameHeader },
    /// Nothing more: the file ends where a frame would begin.
    End,
    /// Bytes that are no whole frame: being written, torn, or damaged.
    Broken { offset: u64, what: &'static str },
}

/// A position in a file's frames. A file that grows can be scanned on.
#[derive(Debug)]
pub(crate) struct Scanner {
    file: Arc<dyn File>,
    salt: Salt,
    offset: u64,
    payload: Vec<u8>,
}

impl Scanner {
    /// Scans from `offset`, which must be the end of the file header or of a frame.
    pub(crate) fn new(file: Arc<dyn File>, salt: Salt, offset: u64) -> Self {
        Self {
            file,
            salt,
            offset,
            payload: Vec::new(),
        }
    }

    /// Offset of the next frame.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Payload of the frame that [`Scanner::step`] gave last.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The same, when nothing more is scanned.
    pub(crate) fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// Reads the frame at the position and moves past it. The position stays at anything else.
    pub(crate) fn step(&mut self) -> io::Result<Step> {
        let offset = self.offset;
        let header = match self.peek()? {
            Peek::Header(header) => header,
            Peek::End => return Ok(Step::End),
            Peek::Broken(what) => return Ok(Step::Broken { offset, what }),
        };
        let payload_len = header.payload_len as usize;
        self.payload.clear();
        let payload_at = offset + header_bytes(self.salt.kind()) as u64;
        let got = self
            .file
            .read_onto(&mut self.payload, payload_len, payload_at)?;
        if got < payload_len {
            return Ok(Step::Broken {
                offset,
                what: "a frame is cut short",
            });
        }
        if crc32c::crc32c(&self.payload) != header.payload_crc {
            return Ok(Step::Broken {
                offset,
                what: "a frame's checksum does not match",
            });
        }
        self.offset = payload_at + payload_len as u64;
        Ok(Step::Frame { offset, header })
    }

    /// Moves past the next frame without reading its payload.
    pub(crate) fn skip(&mut self) -> io::Result<Step> {
        let offset = self.offset;
        match self.peek()? {
            Peek::Header(header) => {
                let frame_len =
                    header_bytes(self.salt.kind()) as u64 + u64::from(header.payload_len);
                if offset + frame_len > self.file.len()? {
                    return Ok(Step::Broken {
                        offset,
                        what: "a frame is cut short",
                    });
                }
                self.offset = offset + frame_len;
                Ok(Step::Frame { offset, header })
            }
            Peek::End => Ok(Step::End),
            Peek::Broken(what) => Ok(Step::Broken { offset, what }),
        }
    }

    fn peek(&self) -> io::Result<Peek> {
        let mut bytes = [0; HEADER_BYTES_MAX];
        let bytes = &mut bytes[..header_bytes(self.salt.kind())];
        let got = self.file.read_at(bytes, self.offset)?;
        if got == 0 {
            return Ok(Peek::End);
        }
        Ok(match FrameHeader::parse(self.salt, &bytes[..got]) {
            Ok(header) => Peek::Header(header),
            Err(what) => Peek::Broken(what),
        })
    }

    /// Looks behind the position for the frame headers that `accept` takes, and gives the
    /// greatest of what it answers.
    ///
    /// Whether a broken frame is a torn tail or damage is decided by what later frames say was
    /// durable before they were written. Only headers count: a later frame may itself be torn.
    pub(crate) fn later<T: Ord>(
        &self,
        mut accept: impl FnMut(&FrameHeader) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let overlap = header_bytes(self.salt.kind()) - 1;
        let mut window = vec![0; SEARCH_WINDOW_BYTES];
        let mut best = None;
        let mut at = self.offset + 1;
        loop {
            let got = self.file.read_at(&mut window, at)?;
            let bytes = &window[..got];
            let mut from = 0;
            while let Some(candidate) = find_magic(bytes, from) {
                from = candidate + 1;
                if let Ok(header) = FrameHeader::parse(self.salt, &bytes[candidate..]) {
                    best = best.max(accept(&header));
                }
            }
            if got < window.len() {
                return Ok(best);
            }
            at += (got - overlap) as u64;
        }
    }
}

enum Peek {
    Header(FrameHeader),
    End,
    Broken(&'static str),
}

/// The checkpoint in a log frame's seal, unless it is the empty one.
pub(crate) fn sealed_checkpoint(header: &FrameHeader) -> Option<&Checkpoint> {
    match &header.seal {
        Seal::Log { checkpoint, .. } if *checkpoint != Checkpoint::NONE => Some(checkpoint),
        _ => None,
    }
}

const HEADER_BYTES_MAX: usize = 192;
const SEARCH_WINDOW_BYTES: usize = 1 << 20;
const _: () = assert!(header_bytes(super::WalKind::Log) <= HEADER_BYTES_MAX);
