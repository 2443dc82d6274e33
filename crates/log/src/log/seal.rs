//! Sealing: turning a full write-ahead file into a segment and its tiles.
//!
//! Everything is written under temporary names, synced, renamed and the folders synced before the
//! write-ahead file goes. A crash in between leaves the write-ahead file, and sealing starts over.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::block::{Entries, Packer};
use crate::dir::{Dir, File, TEMPORARY};
use crate::entry::EntryRef;
use crate::error::{Error, Result};
use crate::hash::{Hash, check};
use crate::index::{self, Builder, Terms};
use crate::limits::{BLOCK_ENTRIES, SEGMENT_ENTRIES, UNSEALED_FILES_MAX};
use crate::segment;
use crate::tile::{TILE_WIDTH, Tile};
use crate::wal::frame::{Salt, split_framed};
use crate::wal::header::WalHeader;
use crate::wal::scan::{Scanner, Step};

use super::files::{SEGMENTS, TILES, WAL, wal_path};
use super::open::Sealing;
use super::tree::{HotSegment, Tree};

/// The queue of full write-ahead files, and the thread that works on it.
#[derive(Debug)]
pub(super) struct Sealer {
    dir: Arc<dyn Dir>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    terms: Option<Arc<dyn Terms>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Arc<Job>>,
    /// All segments below this number are sealed.
    sealed: u64,
    failed: Option<Error>,
    stop: bool,
}

/// A segment to be sealed.
#[derive(Debug)]
struct Job {
    number: u64,
    /// Its hashes, as they were committed.
    hashes: HotSegment,
    /// Tiles of level 2 and above that this segment completes.
    upper: Vec<(Tile, Vec<Hash>)>,
}

impl Sealer {
    pub(super) fn new(
        dir: Arc<dyn Dir>,
        sealing: Sealing,
        terms: Option<Arc<dyn Terms>>,
        sealed: u64,
    ) -> Self {
        let state = State {
            queue: VecDeque::new(),
            sealed,
            failed: None,
            stop: false,
        };
        let shared = Arc::new(Shared {
            terms,
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let thread = match sealing {
            Sealing::Inline => None,
            Sealing::Background(begin) => {
                let (dir, shared) = (dir.clone(), shared.clone());
                let work = move || {
                    begin();
                    shared.work(&*dir);
                };
                // Without a thread, sealing happens inside commits.
                std::thread::Builder::new()
                    .name("seal".to_owned())
                    .spawn(work)
                    .ok()
            }
        };
        Self {
            dir,
            shared,
            thread,
        }
    }

    /// Puts a full segment into the queue; the tree holds all of it.
    pub(super) fn queue(&self, number: u64, tree: &Tree) {
        let mut upper = Vec::new();
        let mut nodes = number + 1;
        for level in 2.. {
            if !nodes.is_multiple_of(TILE_WIDTH) {
                break;
            }
            nodes /= TILE_WIDTH;
            let tile = Tile::full(level, nodes - 1);
            upper.push((tile, tree.upper_tile(tile).to_vec()));
        }
        let hashes = tree
            .hot_segment(number, BLOCK_ENTRIES.ilog2())
            .expect("an unsealed segment is in memory");
        let job = Job {
            number,
            hashes,
            upper,
        };
        self.shared.lock().queue.push_back(Arc::new(job));
        self.shared.changed.notify_all();
    }

    /// Waits until no more files wait than may, before another one is filled.
    pub(super) fn wait_for_room(&self) -> Result<()> {
        self.wait_until(UNSEALED_FILES_MAX)
    }

    /// Waits until nothing waits any more; answers the number of sealed segments.
    pub(super) fn finish(&self) -> Result<u64> {
        self.wait_until(0)?;
        Ok(self.shared.lock().sealed)
    }

    /// Answers the number of sealed segments, without waiting for a thread. A full disk is left
    /// for [`Sealer::wait_for_room`] to report.
    pub(super) fn settle(&self) -> Result<u64> {
        if self.thread.is_none() {
            match self.wait_until(0) {
                Ok(()) | Err(Error::NoSpace { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut state = self.shared.lock();
        match state.failed.take() {
            Some(error @ Error::NoSpace { .. }) => state.failed = Some(error),
            Some(error) => return Err(error),
            None => {}
        }
        Ok(state.sealed)
    }

    fn wait_until(&self, waiting_max: usize) -> Result<()> {
        let mut state = self.shared.lock();
        // What failed for want of space is tried again, now that somebody needs it.
        if state.queue.len() > waiting_max && matches!(state.failed, Some(Error::NoSpace { .. })) {
            state.failed = None;
            self.shared.changed.notify_all();
        }
        while state.queue.len() > waiting_max {
            if let Some(error) = state.failed.take() {
                return Err(error);
            }
            if self.thread.is_none() {
                drop(state);
                self.shared.work_once(&*self.dir);
                state = self.shared.lock();
            } else {
                state = self
                    .shared
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
        Ok(())
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been printed, and there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements that change it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, dir: &dyn Dir) {
        loop {
            let mut state = self.lock();
            while !state.stop && (state.queue.is_empty() || state.failed.is_some()) {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            if state.stop {
                return;
            }
            drop(state);
            self.work_once(dir);
        }
    }

    /// Seals the first segment of the queue.
    fn work_once(&self, dir: &dyn Dir) {
        let Some(job) = self.lock().queue.front().cloned() else {
            return;
        };
        let result = seal(dir, self.terms.as_deref(), &job);
        let mut state = self.lock();
        match result {
            Ok(()) => {
                state.queue.pop_front();
                state.sealed = job.number + 1;
            }
            Err(error) => state.failed = Some(error),
        }
        drop(state);
        self.changed.notify_all();
    }
}

fn seal(dir: &dyn Dir, terms: Option<&dyn Terms>, job: &Job) -> Result<()> {
    let first = job.number * SEGMENT_ENTRIES;
    let wal = wal_path(first);
    let segment = segment::path(first);
    let temporary = format!("{segment}{TEMPORARY}");
    let file = dir
        .create(&temporary)
        .map_err(Error::io("create", &temporary))?;
    file.append(&segment::file_header(first))
        .map_err(Error::io("write", &temporary))?;
    let mut index = terms.map(|terms| Builder::new(terms, first));
    write_blocks(dir, &wal, job, &*file, &temporary, index.as_mut())?;
    sync(&*file, &temporary)?;
    write_tile(dir, Tile::full(1, job.number), &job.hashes.tile_roots)?;
    for (tile, hashes) in &job.upper {
        write_tile(dir, *tile, hashes)?;
    }
    if let Some(index) = index.and_then(Builder::finish) {
        write_index(dir, first, &index)?;
    }
    dir.rename(&temporary, &segment)
        .map_err(Error::io("rename", &temporary))?;
    dir.sync_dir(SEGMENTS)
        .map_err(Error::io("sync", SEGMENTS))?;
    dir.unlink(&wal).map_err(Error::io("remove", &wal))?;
    dir.sync_dir(WAL).map_err(Error::io("sync", WAL))
}

/// Reads a full write-ahead file back and writes its blocks. That the entries are those that were
/// committed is held to the checksums of the frames and to the check beside each entry: hashing them
/// again would cost a good part of sealing.
fn write_blocks(
    dir: &dyn Dir,
    wal: &str,
    job: &Job,
    out: &dyn File,
    out_path: &str,
    mut indexed: Option<&mut Builder<'_>>,
) -> Result<()> {
    let first = job.number * SEGMENT_ENTRIES;
    let file = dir.open_read(wal).map_err(Error::io("open", wal))?;
    let header = WalHeader::read(&*file).map_err(Error::io("read", wal))?;
    let (_, header_len) = header.map_err(|what| Error::damaged(wal, 0, what))?;
    let mut scanner = Scanner::new(file, Salt::Log, header_len);
    let (mut block, mut packer) = (Entries::default(), Packer::default());
    let mut leaves = job.hashes.leaves.iter();
    let mut blocks = job
        .hashes
        .leaves
        .chunks_exact(BLOCK_ENTRIES as usize)
        .zip(&job.hashes.block_roots)
        .zip((first..).step_by(BLOCK_ENTRIES as usize));
    loop {
        let (offset, header) = match scanner.step().map_err(Error::io("read", wal))? {
            Step::Frame { offset, header } => (offset, header),
            Step::End => break,
            Step::Broken { offset, what } => return Err(Error::damaged(wal, offset, what)),
        };
        for part in split_framed(&scanner.payload()[header.openings_len()..]) {
            let (_, entry, stored) = part.map_err(|what| Error::damaged(wal, offset, what))?;
            if leaves.next().map(check) != Some(stored) {
                return Err(Error::damaged(wal, offset, NOT_COMMITTED));
            }
            if let Some(indexed) = &mut indexed {
                let parsed = EntryRef::parse(entry)
                    .map_err(|error| Error::damaged(wal, offset, error.to_string()))?;
                indexed.push(&parsed);
            }
            block.push(entry);
            if block.len() as u64 == BLOCK_ENTRIES
                && let Some(((leaves, root), block_first)) = blocks.next()
            {
                let packed = packer.pack(block_first, &block, leaves, *root);
                out.append(packed).map_err(Error::io("write", out_path))?;
                block.clear();
            }
        }
    }
    match leaves.next() {
        None => Ok(()),
        Some(_) => Err(Error::damaged(wal, scanner.offset(), NOT_COMMITTED)),
    }
}

/// Puts an index in place; the name is made durable with the segment's.
fn write_index(dir: &dyn Dir, first: u64, bytes: &[u8]) -> Result<()> {
    let path = index::path(first);
    let temporary = format!("{path}{TEMPORARY}");
    let file = dir
        .create(&temporary)
        .map_err(Error::io("create", &temporary))?;
    file.append(bytes).map_err(Error::io("write", &temporary))?;
    sync(&*file, &temporary)?;
    dir.rename(&temporary, &path)
        .map_err(Error::io("rename", &temporary))
}

const NOT_COMMITTED: &str = "its entries are not those that were committed";

fn write_tile(dir: &dyn Dir, tile: Tile, hashes: &[Hash]) -> Result<()> {
    let path = tile.path();
    let temporary = format!("{TILES}/{}-{}{TEMPORARY}", tile.level, tile.index);
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
    let file = dir
        .create(&temporary)
        .map_err(Error::io("create", &temporary))?;
    file.append(&bytes)
        .map_err(Error::io("write", &temporary))?;
    sync(&*file, &temporary)?;
    let folders: Vec<&str> = path
        .char_indices()
        .filter(|(_, char)| *char == '/')
        .map(|(at, _)| &path[..at])
        .collect();
    for folder in &folders[1..] {
        dir.create_dir(folder)
            .map_err(Error::io("create", *folder))?;
    }
    dir.rename(&temporary, &path)
        .map_err(Error::io("rename", &temporary))?;
    folders
        .iter()
        .try_for_each(|folder| dir.sync_dir(folder).map_err(Error::io("sync", *folder)))
}

/// A sync that fails is never a matter of space alone: what it leaves is unknown.
fn sync(file: &dyn File, path: &str) -> Result<()> {
    file.sync_data().map_err(|source| Error::Io {
        action: "sync",
        path: path.to_owned(),
        source,
    })
}
