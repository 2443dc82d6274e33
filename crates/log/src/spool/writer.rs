//! The one writer of a spooled stream.
//!
//! Appending and syncing are apart: [`SpoolWriter::append`] puts a batch into the page cache with
//! one write, and a [`SyncHandle`] in another thread makes durable what was written so far.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::dir::{Dir, File, TEMPORARY, rewrite};
use crate::entry::{EntryRef, StreamId, split};
use crate::error::{Error, Result};
use crate::hash::{Hash, chain_head};
use crate::limits::{FRAME_PAYLOAD_BYTES_MAX, SPOOL_FILE_BYTES};
use crate::wal::file_name;
use crate::wal::frame::{FrameBuilder, FrameHeader, Salt, Seal};
use crate::wal::header::{Body, WalHeader};
use crate::wal::scan::{Scanner, Step};

/// How a spool keeps its files.
#[derive(Clone, Copy, Debug)]
pub struct SpoolOptions {
    /// Size at which a file is rotated.
    pub file_bytes: u64,
    /// Bytes of released files that stay as local history.
    pub history_bytes: u64,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self {
            file_bytes: SPOOL_FILE_BYTES,
            history_bytes: 256 << 20,
        }
    }
}

/// What opening a spool found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoolReport {
    /// Bytes of a torn tail that were cut.
    pub cut_bytes: u64,
}

/// The one writer of a stream.
#[derive(Debug)]
pub struct SpoolWriter {
    dir: Arc<dyn Dir>,
    stream: StreamId,
    options: SpoolOptions,
    /// All files, oldest first; the last is being written.
    files: VecDeque<Span>,
    file: Arc<dyn File>,
    next: u64,
    head: Hash,
    frame: FrameBuilder,
    shared: Arc<Shared>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    first: u64,
    len: u64,
}

impl SpoolWriter {
    /// Opens the stream's folder below `streams`, creating it where there is none, and cuts a
    /// torn tail. The caller makes sure that there is no other writer, by a lock of its own.
    ///
    /// # Errors
    /// Besides those of the disk: damage below what was once synced. The files stay as they are;
    /// recording goes on in a new stream.
    pub fn open(
        streams: &Arc<dyn Dir>,
        stream: StreamId,
        options: SpoolOptions,
    ) -> Result<(Self, SpoolReport)> {
        let name = stream.to_string();
        streams
            .create_dir(&name)
            .map_err(Error::io("create", &name))?;
        streams.sync_dir("").map_err(Error::io("sync", "streams"))?;
        let dir = streams.subdir(&name);
        super::remove_temporary(&*dir)?;
        let mut files: VecDeque<Span> = super::files(&*dir)?
            .into_iter()
            .map(|(first, len)| Span { first, len })
            .collect();
        let tail = match files.back() {
            Some(newest) => recover(&*dir, stream, newest.first)?,
            None => {
                let (file, len) = create_file(&*dir, stream, 0, Hash::ZERO)?;
                files.push_back(Span { first: 0, len });
                Tail {
                    file,
                    next: 0,
                    head: Hash::ZERO,
                    len,
                    cut_bytes: 0,
                }
            }
        };
        files.back_mut().expect("a stream has a file").len = tail.len;
        let shared = Shared {
            current: Mutex::new((tail.file.clone(), tail.next)),
            synced: AtomicU64::new(tail.next),
            poisoned: AtomicBool::new(false),
        };
        let writer = Self {
            dir,
            stream,
            options,
            files,
            file: tail.file,
            next: tail.next,
            head: tail.head,
            frame: FrameBuilder::new(Salt::Spool(stream), tail.next),
            shared: Arc::new(shared),
        };
        Ok((
            writer,
            SpoolReport {
                cut_bytes: tail.cut_bytes,
            },
        ))
    }

    /// Appends a batch, `(u16 length ‖ entry)*`, as one frame in one write. It is durable when
    /// [`SyncHandle::sync`] has answered with its end or more.
    ///
    /// # Errors
    /// [`Error::Entry`] where an entry does not continue the stream, and nothing is written;
    /// [`Error::NoSpace`] with the spool as it was; [`Error::Poisoned`] after a failed sync.
    pub fn append(&mut self, entries: &[u8]) -> Result<Range<u64>> {
        self.shared.check()?;
        let first = self.next;
        self.frame.restart(first);
        let (mut next, mut head) = (self.next, self.head);
        for entry in split(entries) {
            let entry = entry
                .and_then(EntryRef::parse)
                .map_err(|error| Error::Entry {
                    sequence: next,
                    what: error.to_string(),
                })?;
            self.check_place(&entry, next)?;
            head = chain_head(&head, &self.frame.push_entry(entry.bytes()));
            next += 1;
        }
        if next == first {
            return Ok(first..first);
        }
        if self.frame.payload_len() > FRAME_PAYLOAD_BYTES_MAX {
            let what = "the batch is longer than one frame".to_owned();
            return Err(Error::Entry {
                sequence: first,
                what,
            });
        }
        self.rotate_if_full()?;
        self.write_frame(head)?;
        (self.next, self.head) = (next, head);
        self.shared.current().1 = next;
        Ok(first..next)
    }

    fn check_place(&self, entry: &EntryRef<'_>, sequence: u64) -> Result<()> {
        let header = entry.header();
        let what = if header.stream != self.stream {
            format!("it is of stream {}", header.stream)
        } else if header.sequence != sequence {
            format!("it has sequence number {}", header.sequence)
        } else {
            return Ok(());
        };
        Err(Error::Entry { sequence, what })
    }

    fn write_frame(&mut self, head: Hash) -> Result<()> {
        let span = self.files.back_mut().expect("a stream has a file");
        let synced = self.shared.synced.load(Ordering::Acquire);
        let bytes = self.frame.finish_spool(synced, head);
        if let Err(error) = self.file.append(bytes) {
            // Half a frame would stand between this one and the next.
            if self.file.truncate(span.len).is_err() {
                self.shared.poisoned.store(true, Ordering::Release);
            }
            return Err(Error::io("write", file_name(span.first))(error));
        }
        span.len += bytes.len() as u64;
        Ok(())
    }

    /// Begins a new file where the frame would make this one too long.
    fn rotate_if_full(&mut self) -> Result<()> {
        let span = self.files.back().expect("a stream has a file");
        let frame_bytes = self.frame.payload_len() as u64;
        if span.len + frame_bytes <= self.options.file_bytes {
            return Ok(());
        }
        self.rotate()
    }

    /// Begins a new file where this one has entries, so that it can be removed once they are
    /// released. It is synced before: only the newest file may have a torn tail.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn rotate(&mut self) -> Result<()> {
        let newest = self.files.back().expect("a stream has a file");
        if newest.first == self.next {
            return Ok(());
        }
        self.sync_handle().sync()?;
        let (file, len) = create_file(&*self.dir, self.stream, self.next, self.head)?;
        self.files.push_back(Span {
            first: self.next,
            len,
        });
        self.file = file.clone();
        *self.shared.current() = (file, self.next);
        Ok(())
    }

    /// Says that entries below `sequence` are not needed any more. Whole files below it are
    /// removed, oldest first, except for the newest `history_bytes` of them.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn release(&mut self, sequence: u64) -> Result<()> {
        let released = (1..self.files.len())
            .take_while(|at| self.files[*at].first <= sequence)
            .count();
        let mut bytes: u64 = self.files.iter().take(released).map(|span| span.len).sum();
        while bytes > self.options.history_bytes {
            let Some(span) = self.files.front().copied() else {
                break;
            };
            let name = file_name(span.first);
            self.dir.unlink(&name).map_err(Error::io("remove", &name))?;
            // Each by itself, so that a crash leaves no hole between the files.
            self.dir
                .sync_dir("")
                .map_err(Error::io("sync", "spool folder"))?;
            self.files.pop_front();
            bytes -= span.len;
        }
        Ok(())
    }

    /// The stream.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Sequence number of the next entry.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Chain head after the last entry.
    pub fn head(&self) -> Hash {
        self.head
    }

    /// First sequence number still on disk.
    pub fn oldest(&self) -> u64 {
        self.files.front().map_or(self.next, |span| span.first)
    }

    /// Bytes of all files of the stream.
    pub fn len_bytes(&self) -> u64 {
        self.files.iter().map(|span| span.len).sum()
    }

    /// A handle that makes durable what was written, from any thread.
    pub fn sync_handle(&self) -> SyncHandle {
        SyncHandle(self.shared.clone())
    }
}

/// Makes durable what a [`SpoolWriter`] has written.
#[derive(Clone, Debug)]
pub struct SyncHandle(Arc<Shared>);

impl SyncHandle {
    /// Syncs; entries below the answer are durable.
    ///
    /// # Errors
    /// A failed sync is final: the writer and all handles answer [`Error::Poisoned`] from then
    /// on, because the kernel may have dropped the pages that it could not write.
    pub fn sync(&self) -> Result<u64> {
        self.0.check()?;
        let (file, written) = self.0.current().clone();
        if written > self.0.synced.load(Ordering::Acquire) {
            if let Err(error) = file.sync_data() {
                self.0.poisoned.store(true, Ordering::Release);
                return Err(Error::io("sync", "spool file")(error));
            }
            self.0.synced.fetch_max(written, Ordering::AcqRel);
        }
        Ok(self.synced())
    }

    /// Entries below this are durable.
    pub fn synced(&self) -> u64 {
        self.0.synced.load(Ordering::Acquire)
    }
}

#[derive(Debug)]
struct Shared {
    /// The file being written, and the sequence number after its last entry. Files before it are
    /// synced.
    current: Mutex<(Arc<dyn File>, u64)>,
    synced: AtomicU64,
    poisoned: AtomicBool,
}

impl Shared {
    fn check(&self) -> Result<()> {
        if self.poisoned.load(Ordering::Acquire) {
            Err(Error::Poisoned)
        } else {
            Ok(())
        }
    }

    fn current(&self) -> MutexGuard<'_, (Arc<dyn File>, u64)> {
        // Nothing panics while it holds the lock, and each assignment leaves a whole value.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Tail {
    file: Arc<dyn File>,
    next: u64,
    head: Hash,
    len: u64,
    cut_bytes: u64,
}

/// Puts an empty file in place, header and name durable.
fn create_file(
    dir: &dyn Dir,
    stream: StreamId,
    first: u64,
    head: Hash,
) -> Result<(Arc<dyn File>, u64)> {
    let name = file_name(first);
    let temporary = format!("{name}{TEMPORARY}");
    let header = WalHeader {
        first,
        body: Body::Spool { stream, head },
    }
    .encode();
    let file = dir
        .create(&temporary)
        .map_err(Error::io("create", &temporary))?;
    file.append(&header)
        .map_err(Error::io("write", &temporary))?;
    file.sync_data().map_err(Error::io("sync", &temporary))?;
    dir.rename(&temporary, &name)
        .map_err(Error::io("rename", &temporary))?;
    dir.sync_dir("")
        .map_err(Error::io("sync", "spool folder"))?;
    Ok((file, header.len() as u64))
}

/// Finds the end of the newest file and cuts what is torn there.
fn recover(dir: &dyn Dir, stream: StreamId, first: u64) -> Result<Tail> {
    let name = file_name(first);
    let file = dir.open_append(&name).map_err(Error::io("open", &name))?;
    let (header, header_len) = WalHeader::read(&*file)
        .map_err(Error::io("read", &name))?
        .map_err(|what| Error::damaged(&name, 0, what))?;
    let Body::Spool {
        stream: found,
        head,
    } = header.body
    else {
        return Err(Error::damaged(&name, 8, "it is a file of a log"));
    };
    if found != stream || header.first != first {
        return Err(Error::damaged(
            &name,
            16,
            "its header belongs to another place",
        ));
    }
    let mut scanner = Scanner::new(file.clone(), Salt::Spool(stream), header_len);
    let (mut next, mut head) = (first, head);
    let broken = loop {
        match scanner.step().map_err(Error::io("read", &name))? {
            Step::Frame { offset, header } if header.first != next => {
                break Some((offset, "a frame does not continue the one before"));
            }
            Step::Frame { header, .. } => {
                next = header.end();
                if let Seal::Spool { head: after, .. } = header.seal {
                    head = after;
                }
            }
            Step::End => break None,
            Step::Broken { offset, what } => break Some((offset, what)),
        }
    };
    let mut tail = Tail {
        file,
        next,
        head,
        len: scanner.offset(),
        cut_bytes: 0,
    };
    if let Some((offset, what)) = broken {
        let synced = |header: &FrameHeader| match header.seal {
            Seal::Spool { synced, .. } => Some(synced),
            Seal::Log { .. } => None,
        };
        let synced = scanner.later(synced).map_err(Error::io("read", &name))?;
        if synced.is_some_and(|synced| synced > next) {
            return Err(Error::damaged(&name, offset, what));
        }
        let len = tail.file.len().map_err(Error::io("read", &name))?;
        tail.len = offset;
        tail.cut_bytes = len - offset;
    }
    // What was read may stand in the page cache alone, and after a sync that failed the system
    // does not know that it does: syncing again would prove nothing.
    tail.file =
        rewrite(dir, "", &name, &*tail.file, tail.len).map_err(Error::io("write", &name))?;
    Ok(tail)
}
