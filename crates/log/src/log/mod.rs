//! A collector's log: one writer that appends batches, commits them and answers with receipts.
//!
//! ```text
//! Batch::prepare (any thread) ─▶ append (memory) ─▶ commit: write, one fdatasync, sign
//! ```
//!
//! What is acknowledged is what [`Log::commit`] has answered for. A sync that fails is never
//! tried again: the log answers [`Error::Poisoned`] until it is opened anew, which reads back
//! what the disk really has.

mod batch;
mod files;
mod local;
mod open;
mod pending;
mod replay;
mod rotate;
mod seal;
mod streams;
mod tree;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use batch::{Batch, BatchError};
pub use local::{LOCAL_PEER, LocalStream};
pub use open::{OpenReport, Options, Sealing};
pub use rotate::Rotation;
pub use streams::{Reason, Refused, StreamState};

use crate::dir::{Dir, Lock, replace};
use crate::entry::StreamId;
use crate::error::{Error, Result};
use crate::hash::Hash;
use crate::index::{self, Terms};
use crate::limits::{PENDING_BYTES_MAX, SEGMENT_ENTRIES};
use crate::merkle;
use crate::note::{Checkpoint, SigningKey, VerifierKey};
use crate::retention::{Erasure, Plan};
use crate::wal::header::{Body, WalHeader};

use files::ActiveFile;
use pending::Pending;
use seal::Sealer;
use streams::Streams;
use tree::Tree;

/// The one writer of a store.
#[derive(Debug)]
pub struct Log {
    dir: Arc<dyn Dir>,
    key: SigningKey,
    /// What checkpoints verify with: the key's, and those before it.
    keys: VerifierKey,
    tree: Tree,
    streams: Streams,
    /// Streams that moved since the last commit.
    moved: BTreeSet<StreamId>,
    pending: Pending,
    active: ActiveFile,
    sealer: Sealer,
    /// The newest checkpoint, over all that is durable.
    checkpoint: Checkpoint,
    poisoned: bool,
    terms: Option<Arc<dyn Terms>>,
    _lock: Box<dyn Lock>,
}

/// What became of an accepted batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The stream's next sequence number after the batch.
    pub next: u64,
    /// Leaf index of the first entry that was new.
    pub first_leaf: u64,
    /// Entries that were new; the others were stored before.
    pub entries: u32,
}

/// A group of batches made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Signed over everything appended so far.
    pub checkpoint: Checkpoint,
    /// Entries that this commit made durable.
    pub entries: u64,
}

impl Log {
    /// Opens a store as its one writer, creating it where the folder is empty: finds the end,
    /// cuts a torn tail, checks the tree against the newest durable checkpoint.
    ///
    /// # Errors
    /// [`Error::Locked`] beside another writer, [`Error::RolledBack`] where the store is older
    /// than `options.known_checkpoint` or another history, damage, and those of the disk.
    pub fn open(dir: Arc<dyn Dir>, options: &Options) -> Result<(Self, OpenReport)> {
        open::open(dir, options)
    }

    /// Takes a batch into memory. It is stored when the next [`Log::commit`] has answered.
    ///
    /// # Errors
    /// The answer for a NAK. A poisoned log refuses everything with "later".
    pub fn append(&mut self, batch: &Batch, peer: &str) -> Result<Appended, Refused> {
        let later = |detail: &str| Refused {
            reason: Reason::Later,
            detail: detail.to_owned(),
        };
        if self.poisoned {
            return Err(later("the log cannot write"));
        }
        if self.pending.len_bytes() > PENDING_BYTES_MAX {
            return Err(later("too much waits to be written"));
        }
        let fresh = self.streams.judge(batch, peer)?;
        let first_leaf = self.tree.size();
        let mut from = (fresh - batch.first()) as usize;
        while from < batch.leaves().len() {
            from = self.append_run(batch, from, peer);
        }
        if fresh < batch.end() {
            self.streams.mark(batch.stream());
            self.moved.insert(batch.stream());
        }
        let entries = (batch.end() - fresh) as u32;
        Ok(Appended {
            next: batch.end(),
            first_leaf,
            entries,
        })
    }

    /// Appends what of the batch fits into the frame and segment at hand.
    fn append_run(&mut self, batch: &Batch, from: usize, peer: &str) -> usize {
        let index = self.tree.size();
        let opens = batch.first() + from as u64 == 0;
        let room = self.pending.room(index, opens.then_some(peer));
        let segment_room = (SEGMENT_ENTRIES - index % SEGMENT_ENTRIES) as usize;
        let take = batch.fitting(from, room).min(segment_room);
        let to = from + take;
        let opening = opens.then_some((batch.stream(), peer));
        self.pending
            .push(index, batch.framed(from, to), take as u32, opening);
        batch.leaves()[from..to]
            .iter()
            .for_each(|leaf| self.tree.push(*leaf));
        let next = batch.first() + to as u64;
        self.streams
            .advance(batch.stream(), peer, next, batch.head_at(next));
        if take == segment_room {
            let first = self.tree.size();
            let header = WalHeader {
                first,
                body: Body::Log(self.streams.to_rows()),
            };
            self.pending.begin_file(first, header.encode());
        }
        to
    }

    /// Makes durable what was appended and signs a checkpoint over it: per file that is touched
    /// one run of writes and one `fdatasync`.
    ///
    /// # Errors
    /// [`Error::NoSpace`] leaves everything as it was, to be tried again. Any other error poisons
    /// the log.
    pub fn commit(&mut self) -> Result<Commit> {
        self.check()?;
        let room = self.sealer.wait_for_room();
        self.guard(room)?;
        let written = self.write_pending();
        self.guard(written)?;
        let before = self.checkpoint.size;
        let size = self.tree.size();
        if size > before {
            let root = self.tree.root(size);
            let root = self.guard(root)?;
            self.checkpoint = self.key.sign(size, root);
            std::mem::take(&mut self.moved)
                .into_iter()
                .for_each(|id| self.streams.settle(id));
        }
        let sealed = self.sealer.settle();
        let sealed = self.guard(sealed)?;
        self.tree.cool(sealed);
        Ok(Commit {
            checkpoint: self.checkpoint,
            entries: size - before,
        })
    }

    /// Writes and syncs the pending frames, file by file.
    fn write_pending(&mut self) -> Result<()> {
        while let Some(group) = self.pending.front_mut() {
            if let Some(header) = &group.header {
                let created = ActiveFile::create(&*self.dir, group.first, header);
                match created {
                    Ok(file) => self.active = file,
                    // Nothing that was appended needs the file yet.
                    Err(Error::NoSpace { .. }) if group.frames.is_empty() => return Ok(()),
                    Err(error) => return Err(error),
                }
                group.header = None;
                let full = group.first / SEGMENT_ENTRIES - 1;
                self.sealer.queue(full, &self.tree);
            }
            if !group.frames.is_empty() {
                self.active.write(&mut group.frames, &self.checkpoint)?;
            }
            if !self.pending.finish_front() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Puts the newest checkpoint into the file `checkpoint`.
    ///
    /// # Errors
    /// [`Error::NoSpace`] leaves the file as it was. Any other error poisons the log.
    pub fn publish(&mut self) -> Result<Checkpoint> {
        self.check()?;
        let note = self.checkpoint.to_note(&self.keys);
        let replaced = replace(&*self.dir, "", files::CHECKPOINT, note.as_bytes())
            .map_err(Error::io("write", files::CHECKPOINT));
        self.guard(replaced)?;
        Ok(self.checkpoint)
    }

    /// The newest checkpoint: its entries are durable.
    pub fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// The key that checkpoints verify with, and those that they did before.
    pub fn verifier(&self) -> &VerifierKey {
        &self.keys
    }

    /// Where a stream durably stands; `None` for one that the log has never seen.
    pub fn stream(&self, id: StreamId) -> Option<StreamState> {
        self.streams.durable(id)
    }

    /// Where all streams durably stand.
    pub fn streams(&self) -> impl Iterator<Item = StreamState> {
        self.streams.all_durable()
    }

    /// The proof that the tree of `new` entries continues that of `old` entries.
    ///
    /// # Errors
    /// Sizes beyond the newest checkpoint; what reading older segments can bring.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>> {
        self.check_size(new)?;
        merkle::consistency(&self.tree, old, new)
    }

    /// The proof that entry `index` is in the tree of `size` entries.
    ///
    /// # Errors
    /// Sizes beyond the newest checkpoint; what reading older segments can bring.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>> {
        self.check_size(size)?;
        merkle::inclusion(&self.tree, index, size)
    }

    /// The root of the first `size` entries.
    ///
    /// # Errors
    /// Sizes beyond the newest checkpoint; what reading older segments can bring.
    pub fn root(&self, size: u64) -> Result<Hash> {
        self.check_size(size)?;
        self.tree.root(size)
    }

    /// Removes the oldest segment. What [`Plan::declared`] gives must be in the log, durably.
    ///
    /// # Errors
    /// [`Error::NoSpace`] leaves the segment. Any other error poisons the log.
    pub fn remove(&mut self, plan: &Plan) -> Result<()> {
        self.check()?;
        let removed = plan.execute(&*self.dir);
        self.guard(removed)
    }

    /// Erases the payload of an entry. What [`Erasure::declared`] gives must be in the log, durably.
    ///
    /// # Errors
    /// [`Error::NoSpace`] leaves the entry. Any other error poisons the log.
    pub fn erase(&mut self, erasure: &Erasure) -> Result<()> {
        self.check()?;
        let erased = erasure.execute(&*self.dir);
        self.guard(erased)?;
        let Some(terms) = &self.terms else {
            return Ok(());
        };
        let indexed = index::rebuild_one(&*self.dir, &**terms, erasure.first());
        self.guard(indexed)
    }

    /// Commits and publishes what is left and waits for sealing to end.
    ///
    /// # Errors
    /// Those of [`Log::commit`] and [`Log::publish`].
    pub fn close(mut self) -> Result<Checkpoint> {
        self.commit()?;
        self.publish()?;
        let finished = self.sealer.finish();
        self.guard(finished)?;
        Ok(self.checkpoint)
    }

    /// Waits until all full write-ahead files are sealed.
    ///
    /// # Errors
    /// [`Error::NoSpace`] leaves them for the next commit. Any other error poisons the log.
    pub fn seal_all(&mut self) -> Result<()> {
        self.check()?;
        let finished = self.sealer.finish();
        let sealed = self.guard(finished)?;
        self.tree.cool(sealed);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if self.poisoned {
            Err(Error::Poisoned)
        } else {
            Ok(())
        }
    }

    fn check_size(&self, size: u64) -> Result<()> {
        let to = self.checkpoint.size;
        if size <= to {
            Ok(())
        } else {
            Err(Error::OutOfRange {
                wanted: size,
                from: 0,
                to,
            })
        }
    }

    /// Poisons the log on any error but a full disk.
    fn guard<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            self.poisoned |= !matches!(error, Error::NoSpace { .. });
        }
        result
    }
}
