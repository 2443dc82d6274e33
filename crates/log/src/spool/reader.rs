//! Reads a spooled stream from any sequence number on, beside its writer.
//!
//! The reader holds no lock and writes nothing. A frame that is not whole yet is simply not there
//! yet; it becomes damage once a later file exists.

use std::sync::Arc;

use crate::dir::Dir;
use crate::entry::StreamId;
use crate::error::{Error, Result};
use crate::hash::{Hash, chain_head, leaf_hash};
use crate::wal::file_name;
use crate::wal::frame::{FrameHeader, Salt, Seal, split_framed};
use crate::wal::header::{Body, WalHeader};
use crate::wal::scan::{Scanner, Step};

/// A position in a spooled stream.
#[derive(Debug)]
pub struct SpoolReader {
    dir: Arc<dyn Dir>,
    stream: StreamId,
    scanner: Scanner,
    /// First sequence number of the file that is being read.
    file_first: u64,
    /// The frame whose payload is loaded and not used up.
    frame: Option<Loaded>,
    next: u64,
    head: Hash,
}

#[derive(Debug)]
struct Loaded {
    offset: u64,
    header: FrameHeader,
    /// Bytes of the payload before the next entry.
    used: usize,
}

/// A run of entries that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Sequence number of the first entry.
    pub first: u64,
    /// Entries, at least one.
    pub entries: u32,
    /// Chain head before the first.
    pub head_before: Hash,
    /// Chain head after the last.
    pub head_after: Hash,
}

impl SpoolReader {
    /// Opens the stream's folder below `streams`, at the oldest entry.
    ///
    /// # Errors
    /// Besides those of the disk: [`Error::Missing`] where there is no file yet, and damage.
    pub fn open(streams: &Arc<dyn Dir>, stream: StreamId) -> Result<Self> {
        let dir = streams.subdir(&stream.to_string());
        let oldest = super::files(&*dir)?.first().map(|(first, _)| *first);
        let first = oldest.ok_or_else(|| Error::Missing {
            path: stream.to_string(),
        })?;
        let (scanner, head) = open_file(&*dir, stream, first)?;
        Ok(Self {
            dir,
            stream,
            scanner,
            file_first: first,
            frame: None,
            next: first,
            head,
        })
    }

    /// The streams that have a folder below `streams`.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn streams(streams: &dyn Dir) -> Result<Vec<StreamId>> {
        let items = streams.list("").map_err(Error::io("list", "streams"))?;
        Ok(items
            .iter()
            .filter(|item| item.is_dir)
            .filter_map(|item| item.name.parse().ok())
            .collect())
    }

    /// Sequence number of the next entry that [`SpoolReader::read`] gives.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Chain head before that entry.
    pub fn head(&self) -> Hash {
        self.head
    }

    /// The stream.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// First sequence number on disk, and one past the last.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn bounds(&self) -> Result<(u64, u64)> {
        let files = super::files(&*self.dir)?;
        let (Some((oldest, _)), Some((newest, _))) = (files.first(), files.last()) else {
            return Err(Error::Missing {
                path: self.stream.to_string(),
            });
        };
        let (mut scanner, _) = open_file(&*self.dir, self.stream, *newest)?;
        let mut next = *newest;
        while let Step::Frame { header, .. } = scanner
            .skip()
            .map_err(Error::io("read", file_name(*newest)))?
        {
            next = header.end();
        }
        Ok((*oldest, next))
    }

    /// Moves to a sequence number; [`SpoolReader::head`] is then the chain head there.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] where the spool does not hold it, with the position unchanged.
    pub fn seek(&mut self, sequence: u64) -> Result<()> {
        let files = super::files(&*self.dir)?;
        let oldest = files.first().map_or(0, |(first, _)| *first);
        let out_of_range = |to| Error::OutOfRange {
            wanted: sequence,
            from: oldest,
            to,
        };
        let Some((first, _)) = files.iter().rev().find(|(first, _)| *first <= sequence) else {
            return Err(out_of_range(files.last().map_or(0, |(first, _)| *first)));
        };
        let (scanner, head) = open_file(&*self.dir, self.stream, *first)?;
        let mut reader = Self {
            dir: self.dir.clone(),
            stream: self.stream,
            scanner,
            file_first: *first,
            frame: None,
            next: *first,
            head,
        };
        while reader.next < sequence {
            let header = match reader.frame.take() {
                Some(frame) => frame.header,
                None if reader.load()? => continue,
                None => return Err(out_of_range(reader.next)),
            };
            reader.enter(header, sequence)?;
        }
        *self = reader;
        Ok(())
    }

    /// Passes over the loaded frame, or over its entries before `sequence`.
    fn enter(&mut self, header: FrameHeader, sequence: u64) -> Result<()> {
        if header.end() <= sequence {
            (self.next, self.head) = (header.end(), seal_head(&header));
            return Ok(());
        }
        let offset = self.scanner.offset();
        let mut used = 0;
        for part in split_framed(self.scanner.payload()).take((sequence - self.next) as usize) {
            let (at, entry, _) = part.map_err(|what| Error::damaged(self.path(), offset, what))?;
            self.head = chain_head(&self.head, &leaf_hash(entry));
            used = at + entry.len() + CHECK_BYTES;
        }
        self.next = sequence;
        self.frame = Some(Loaded {
            offset,
            header,
            used,
        });
        Ok(())
    }

    /// Appends to `out` the next entries as `(u16 length ‖ entry)*`: of one frame, at most
    /// `entries_max` of them and, beyond the first, at most `bytes_max` bytes. `None` where the
    /// writer has written nothing more yet.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub fn read(
        &mut self,
        entries_max: u32,
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<Option<Chunk>> {
        if self.frame.is_none() && !self.load()? {
            return Ok(None);
        }
        let path = self.path();
        let Some(frame) = self.frame.as_mut() else {
            return Ok(None);
        };
        let payload = &self.scanner.payload()[frame.used..];
        let mut chunk = Chunk {
            first: self.next,
            entries: 0,
            head_before: self.head,
            head_after: self.head,
        };
        let (mut taken, begin) = (0, out.len());
        for part in split_framed(payload) {
            let (at, entry, _) = part.map_err(|what| Error::damaged(&path, frame.offset, what))?;
            let full =
                chunk.entries >= entries_max || out.len() - begin + 2 + entry.len() > bytes_max;
            if chunk.entries > 0 && full {
                break;
            }
            out.extend_from_slice(&payload[at - 2..at + entry.len()]);
            chunk.entries += 1;
            taken = at + entry.len() + CHECK_BYTES;
        }
        frame.used += taken;
        self.next += u64::from(chunk.entries);
        if taken == payload.len() {
            // The frame's seal has the head: nothing needs to be hashed.
            if self.next != frame.header.end() {
                return Err(Error::damaged(
                    path,
                    frame.offset,
                    "a frame's entry count is wrong",
                ));
            }
            self.head = seal_head(&frame.header);
            self.frame = None;
        } else {
            self.head = crate::entry::split(&out[begin..])
                .flatten()
                .fold(self.head, |head, entry| {
                    chain_head(&head, &leaf_hash(entry))
                });
        }
        chunk.head_after = self.head;
        Ok(Some(chunk))
    }

    /// Loads the next frame, from this file or the one after it.
    fn load(&mut self) -> Result<bool> {
        let mut reopened = false;
        loop {
            let step = self
                .scanner
                .step()
                .map_err(Error::io("read", self.path()))?;
            match step {
                Step::Frame { offset, header } => {
                    if header.first != self.next {
                        let what = "a frame does not continue the one before";
                        return Err(Error::damaged(self.path(), offset, what));
                    }
                    self.frame = Some(Loaded {
                        offset,
                        header,
                        used: 0,
                    });
                    return Ok(true);
                }
                // The next file is named by the position, so that no listing is needed.
                Step::End if self.next != self.file_first && self.open_next()? => reopened = false,
                Step::End | Step::Broken { .. } if !reopened => {
                    self.reopen()?;
                    reopened = true;
                }
                Step::End => return Ok(false),
                Step::Broken { offset, what } => {
                    let newest = super::files(&*self.dir)?
                        .last()
                        .map_or(0, |(first, _)| *first);
                    if newest > self.file_first {
                        return Err(Error::damaged(self.path(), offset, what));
                    }
                    return Ok(false);
                }
            }
        }
    }

    fn open_next(&mut self) -> Result<bool> {
        match open_file(&*self.dir, self.stream, self.next) {
            Ok((scanner, head)) if head == self.head => {
                self.scanner = scanner;
                self.file_first = self.next;
                Ok(true)
            }
            Ok(_) => {
                let what = "its chain head does not continue the file before";
                Err(Error::damaged(file_name(self.next), 0, what))
            }
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens the file again by its name: a writer that starts anew puts a copy in its place, with
    /// the same frames at the same offsets and without a torn tail.
    fn reopen(&mut self) -> Result<()> {
        let name = file_name(self.file_first);
        match self.dir.open_read(&name) {
            Ok(file) => {
                let offset = self.scanner.offset();
                self.scanner = Scanner::new(file, Salt::Spool(self.stream), offset);
                Ok(())
            }
            // Released meanwhile; the open file can still be read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::io("open", name)(error)),
        }
    }

    fn path(&self) -> String {
        format!("{}/{}", self.stream, file_name(self.file_first))
    }
}

fn open_file(dir: &dyn Dir, stream: StreamId, first: u64) -> Result<(Scanner, Hash)> {
    let name = file_name(first);
    let file = dir.open_read(&name).map_err(Error::io("open", &name))?;
    let (header, len) = WalHeader::read(&*file)
        .map_err(Error::io("read", &name))?
        .map_err(|what| Error::damaged(&name, 0, what))?;
    match header.body {
        Body::Spool {
            stream: found,
            head,
        } if found == stream && header.first == first => {
            Ok((Scanner::new(file, Salt::Spool(stream), len), head))
        }
        _ => Err(Error::damaged(
            &name,
            8,
            "its header belongs to another place",
        )),
    }
}

fn seal_head(header: &FrameHeader) -> Hash {
    match header.seal {
        Seal::Spool { head, .. } => head,
        Seal::Log { .. } => Hash::ZERO,
    }
}

const CHECK_BYTES: usize = 4;
