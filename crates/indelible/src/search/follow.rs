//! Following: the events that come from now on, each as soon as it is whole.
//!
//! The folders of the sources are watched with inotify; what they tell is only that it is time to
//! look. Where they cannot be watched, and while an event waits for its other records, somebody looks
//! every [`LOOK_MS`] anyhow.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use indelible_log::dir::RealDir;
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, LogReader, StreamId, entry};
use indelible_query::criteria::{Filter, Window};
use indelible_query::limits::LINE_BYTES_MAX;
use indelible_query::scan::MESSAGE;
use indelible_record::{Assembler, Event, Record, Settings};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use super::engine::Work;
use super::entries::{self, Given, Lines, Rooms, StoreAt};
use super::{Source, files};

/// Gives the events that come from now on and match to the work, and a part for each to the sink,
/// until it breaks off. With `messages`, those of a store or a spool are events, too.
///
/// # Errors
/// A source that cannot be read, and what the sink returns.
pub(crate) fn follow<W: Work>(
    sources: &[Source],
    filter: &dyn Filter,
    work: &W,
    mut sink: impl FnMut(W::Part) -> Result<ControlFlow<()>>,
    messages: bool,
) -> Result<()> {
    if let [Source::Collector(collector)] = sources {
        return collector.follow(filter, work, sink, messages);
    }
    let watch = Watch::new();
    let mut tails: Vec<Box<dyn Tail>> = Vec::new();
    for source in sources {
        tails.push(match source {
            Source::Files(path) => Box::new(FileTail::new(path)?),
            Source::Store(at) => Box::new(StoreTail::new(at.path(), messages)?),
            Source::Stores(several) => Box::new(StoresTail::new(several, messages)?),
            Source::Spool(path) => Box::new(SpoolTail::new(path, messages)?),
            Source::Collector(collector) => bail!("{collector} is no source among others"),
        });
    }
    let begun = Instant::now();
    let now_ms = || u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut assemblers: Vec<Assembler> = tails
        .iter()
        .map(|_| Assembler::new(Settings::LIVE))
        .collect();
    let mut text = Vec::new();
    let mut alone = Event::default();
    let mut give = |event: &Event| -> Result<ControlFlow<()>> {
        if !filter.matches(event) {
            return Ok(ControlFlow::Continue(()));
        }
        let mut part = work.part();
        work.event(event, &mut part);
        sink(part)
    };
    while !work.is_over() {
        for (tail, assembler) in tails.iter_mut().zip(&mut assemblers) {
            tail.folders(&mut |folder| watch.add(folder));
            // More may have come while this was worked on.
            loop {
                text.clear();
                tail.read(&mut text)?;
                if text.is_empty() {
                    break;
                }
                for line in text.split(|byte| *byte == b'\n') {
                    let record = Record::parse(line);
                    if record.stamp().is_none() {
                        continue;
                    }
                    if messages && line.starts_with(MESSAGE) {
                        alone.gather(&mut std::iter::once(record), true);
                        if give(&alone)?.is_break() {
                            return Ok(());
                        }
                        continue;
                    }
                    for event in assembler.push(now_ms(), &record) {
                        if give(&event)?.is_break() {
                            return Ok(());
                        }
                    }
                }
            }
            for event in assembler.tick(now_ms()) {
                if give(&event)?.is_break() {
                    return Ok(());
                }
            }
        }
        let is_waiting = assemblers
            .iter()
            .any(|assembler| assembler.held_events() > 0);
        watch.wait(is_waiting)?;
    }
    Ok(())
}

/// The end of a source.
trait Tail {
    /// Appends the lines that are new, whole ones, or nothing.
    fn read(&mut self, text: &mut Vec<u8>) -> Result<()>;

    /// Gives the folders in which something happens when there is more.
    fn folders(&self, take: &mut dyn FnMut(&Path));
}

/// Tells when to look.
struct Watch {
    /// None where the kernel gives none.
    inotify: Option<OwnedFd>,
}

impl Watch {
    fn new() -> Self {
        Self {
            inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok(),
        }
    }

    /// Watches a folder; one that is watched already stays so.
    fn add(&self, folder: &Path) {
        if let Some(inotify) = &self.inotify {
            let flags = WatchFlags::MODIFY
                | WatchFlags::CREATE
                | WatchFlags::MOVED_TO
                | WatchFlags::CLOSE_WRITE;
            // What cannot be watched is looked at every now and then.
            let _ = inotify::add_watch(inotify, folder, flags);
        }
    }

    /// Waits until something happened, or it is time to look anyhow.
    fn wait(&self, is_waiting: bool) -> Result<()> {
        let timeout_ms = match (&self.inotify, is_waiting) {
            (Some(_), false) => LOOK_WATCHED_MS,
            _ => LOOK_MS,
        };
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: timeout_ms * 1_000_000,
        };
        let mut watched: Vec<PollFd<'_>> = self
            .inotify
            .iter()
            .map(|inotify| PollFd::new(inotify, PollFlags::IN))
            .collect();
        match poll(&mut watched, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the log"),
        }
        if let Some(inotify) = &self.inotify {
            let mut told = [0; 4096];
            while rustix::io::read(inotify, &mut told).is_ok_and(|read| read > 0) {}
        }
        Ok(())
    }
}

/// The end of audit.log, across its rotation.
struct FileTail {
    path: PathBuf,
    file: Option<File>,
    /// A line that is not ended yet.
    begun: Vec<u8>,
}

impl FileTail {
    fn new(path: &Path) -> Result<Self> {
        // Of a folder, the newest file grows.
        let path = files::in_order(path)?
            .pop()
            .unwrap_or_else(|| path.join("audit.log"));
        let mut tail = Self {
            path,
            file: None,
            begun: Vec::new(),
        };
        if let Some(mut file) = tail.open()? {
            file.seek(SeekFrom::End(0))?;
            tail.file = Some(file);
        }
        Ok(tail)
    }

    fn open(&self) -> Result<Option<File>> {
        match File::open(&self.path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(error).with_context(|| format!("cannot read {}", self.path.display()))
            }
        }
    }

    /// Whether the name stands for another file now.
    fn is_rotated(&self) -> Result<bool> {
        let Some(file) = &self.file else {
            return Ok(true);
        };
        let ours = file.metadata()?;
        Ok(fs::metadata(&self.path)
            .is_ok_and(|named| (named.dev(), named.ino()) != (ours.dev(), ours.ino())))
    }

    /// Reads what is new in the open file.
    fn read_on(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            if file.metadata()?.len() < file.stream_position()? {
                // Emptied in place.
                file.rewind()?;
                self.begun.clear();
            }
            file.take(READ_BYTES).read_to_end(&mut self.begun)?;
        }
        Ok(())
    }
}

impl Tail for FileTail {
    fn read(&mut self, text: &mut Vec<u8>) -> Result<()> {
        let shown = |path: &Path| format!("cannot read {}", path.display());
        // Asked before: what is then read was written before the next file was begun.
        let is_rotated = self.is_rotated().with_context(|| shown(&self.path))?;
        let known = self.begun.len();
        self.read_on().with_context(|| shown(&self.path))?;
        if is_rotated && self.begun.len() == known {
            if !self.begun.is_empty() {
                text.append(&mut self.begun);
                text.push(b'\n');
            }
            self.file = self.open()?;
            self.read_on().with_context(|| shown(&self.path))?;
        }
        if let Some(newline) = memchr::memrchr(b'\n', &self.begun) {
            let rest = self.begun.split_off(newline + 1);
            text.append(&mut self.begun);
            self.begun = rest;
        }
        if self.begun.len() > LINE_BYTES_MAX {
            // No record; its end will be none either.
            self.begun.clear();
        }
        Ok(())
    }

    fn folders(&self, take: &mut dyn FnMut(&Path)) {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => take(folder),
            _ => take(Path::new(".")),
        }
    }
}

/// The end of a store.
struct StoreTail {
    path: PathBuf,
    reader: LogReader,
    next: u64,
    lines: Lines,
}

impl StoreTail {
    fn new(path: &Path, messages: bool) -> Result<Self> {
        let shown = || format!("cannot read the store {}", path.display());
        let dir = RealDir::open(path).with_context(shown)?;
        let reader = LogReader::open(dir).with_context(shown)?;
        let mut lines = Lines::of_store(messages);
        let (_, next) = entries::segments(&reader, Window::ALL, &mut lines).with_context(shown)?;
        let mut tail = Self {
            path: path.to_owned(),
            reader,
            next,
            lines,
        };
        let end = tail.reader.end().with_context(shown)?;
        // The names of the hosts stand where their streams were opened.
        while tail.next < end && tail.part(|_| true, &mut Vec::new())? {}
        Ok(tail)
    }

    /// Appends the lines of the next part that are meant; no where there is none yet.
    fn part(
        &mut self,
        is_meant: impl FnMut(&EntryRef<'_>) -> bool,
        text: &mut Vec<u8>,
    ) -> Result<bool> {
        let shown = || format!("cannot read the store {}", self.path.display());
        let Some(part) = self.reader.part_at(self.next).with_context(shown)? else {
            return Ok(false);
        };
        let entries = self.reader.decode(&part).with_context(shown)?;
        self.lines
            .part(&entries, self.next, is_meant, text)
            .with_context(shown)?;
        self.next = part.end();
        Ok(true)
    }
}

impl Tail for StoreTail {
    fn read(&mut self, text: &mut Vec<u8>) -> Result<()> {
        while text.len() < LINE_BYTES_MAX && self.part(|_| true, text)? {}
        Ok(())
    }

    fn folders(&self, take: &mut dyn FnMut(&Path)) {
        take(&self.path.join("wal"));
    }
}

/// The ends of several stores that are one log: what comes to more than one is given once.
struct StoresTail {
    tails: Vec<StoreTail>,
    given: Given,
}

impl StoresTail {
    fn new(stores: &[StoreAt], messages: bool) -> Result<Self> {
        let tails = stores.iter().map(|at| StoreTail::new(at.path(), messages));
        Ok(Self {
            tails: tails.collect::<Result<_>>()?,
            given: Given::default(),
        })
    }
}

impl Tail for StoresTail {
    fn read(&mut self, text: &mut Vec<u8>) -> Result<()> {
        let Self { tails, given } = self;
        for tail in tails {
            let mut is_new = |entry: &EntryRef<'_>| {
                let header = entry.header();
                given.is_new(header.stream, header.sequence)
            };
            while text.len() < LINE_BYTES_MAX && tail.part(&mut is_new, text)? {}
        }
        Ok(())
    }

    fn folders(&self, take: &mut dyn FnMut(&Path)) {
        self.tails.iter().for_each(|tail| tail.folders(take));
    }
}

/// The ends of a spool's streams, of all its rooms.
struct SpoolTail {
    path: PathBuf,
    rooms: Rooms,
    readers: HashMap<StreamId, (PathBuf, SpoolReader)>,
    entries: Vec<u8>,
    lines: Lines,
}

impl SpoolTail {
    fn new(path: &Path, messages: bool) -> Result<Self> {
        let mut tail = Self {
            path: path.to_owned(),
            rooms: Rooms::at(path),
            readers: HashMap::new(),
            entries: Vec::new(),
            lines: Lines::of_spool(messages),
        };
        tail.open_new()?;
        let shown = || format!("cannot read the spool {}", tail.path.display());
        for (_, reader) in tail.readers.values_mut() {
            let (_, end) = reader.bounds().with_context(shown)?;
            reader.seek(end).with_context(shown)?;
        }
        Ok(tail)
    }

    /// Opens the streams that are there and not open yet.
    fn open_new(&mut self) -> Result<()> {
        let shown = || format!("cannot read the spool {}", self.path.display());
        for found in self.rooms.streams()? {
            // One whose folder is there and its first file not yet is opened later.
            if !self.readers.contains_key(&found.id)
                && let Some(reader) = found.open().with_context(shown)?
            {
                found.note_opening(&mut self.lines);
                self.readers.insert(found.id, (found.folder(), reader));
            }
        }
        Ok(())
    }
}

impl Tail for SpoolTail {
    fn read(&mut self, text: &mut Vec<u8>) -> Result<()> {
        self.open_new()?;
        let shown = || format!("cannot read the spool {}", self.path.display());
        for (_, reader) in self.readers.values_mut() {
            self.entries.clear();
            while self.entries.len() < LINE_BYTES_MAX
                && reader
                    .read(u32::MAX, LINE_BYTES_MAX, &mut self.entries)
                    .with_context(shown)?
                    .is_some()
            {}
            for entry in entry::split(&self.entries) {
                let entry = entry.and_then(EntryRef::parse).with_context(shown)?;
                self.lines.entry(&entry, text);
            }
        }
        Ok(())
    }

    fn folders(&self, take: &mut dyn FnMut(&Path)) {
        // A room may come later.
        take(&self.path);
        self.rooms.folders().for_each(|folder| take(&folder));
        self.readers.values().for_each(|(folder, _)| take(folder));
    }
}

/// How often somebody looks where nothing tells that there is more, or an event waits.
const LOOK_MS: i64 = 50;
/// How often somebody looks where inotify tells: for folders over the network, which do not.
const LOOK_WATCHED_MS: i64 = 900;
/// Bytes per read.
const READ_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(tail: &mut FileTail) -> String {
        let mut text = Vec::new();
        // A file that was rotated is left with the second look.
        tail.read(&mut text).expect("readable");
        tail.read(&mut text).expect("readable");
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn a_log_is_followed_across_its_rotation() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.log");
        fs::write(&path, "old\n").expect("written");
        let mut tail = FileTail::new(folder.path()).expect("a tail");
        assert_eq!(read(&mut tail), "");
        let mut file = File::options().append(true).open(&path).expect("open");
        file.write_all(b"one\ntw").expect("written");
        assert_eq!(read(&mut tail), "one\n");
        fs::rename(&path, folder.path().join("audit.log.1")).expect("renamed");
        file.write_all(b"o\nthree\n").expect("written");
        assert_eq!(read(&mut tail), "two\nthree\n");
        fs::write(&path, "four\n").expect("written");
        assert_eq!(read(&mut tail), "four\n");
        // emptied in place, as `copytruncate` does
        fs::write(&path, "5\n").expect("written");
        assert_eq!(read(&mut tail), "5\n");
        fs::remove_file(&path).expect("removed");
        assert_eq!(read(&mut tail), "");
    }
}
