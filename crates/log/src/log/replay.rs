//! Reading back write-ahead files: streams, tree, and where the whole frames end.

use std::sync::Arc;

use crate::dir::{Dir, rewrite};
use crate::entry::{EntryRef, StreamId};
use crate::error::{Error, Result};
use crate::hash::{Hash, chain_head, check, leaf_hash};
use crate::limits::SEGMENT_ENTRIES;
use crate::note::{Checkpoint, VerifierKey};
use crate::wal::frame::{FrameHeader, Salt, parse_openings, split_framed};
use crate::wal::header::{Body, WalHeader};
use crate::wal::scan::{Scanner, Step, sealed_checkpoint};

use super::files::{ActiveFile, WAL, wal_path};
use super::rotate::Rotation;
use super::streams::Streams;
use super::tree::Tree;

pub(super) struct Replay {
    dir: Arc<dyn Dir>,
    verifier: VerifierKey,
    tree: Tree,
    streams: Option<Streams>,
    /// The newest checkpoint that a frame's seal holds.
    sealed: Checkpoint,
    newest: Option<Newest>,
    /// A new key that may be declared, and whether it is.
    rotation: Option<(Rotation, bool)>,
}

/// The file that was read last.
struct Newest {
    file: ActiveFile,
    /// What stands behind the last whole frame, if anything.
    broken: Option<&'static str>,
}

impl Replay {
    pub(super) fn new(dir: Arc<dyn Dir>, verifier: VerifierKey, tree: Tree) -> Self {
        Self {
            dir,
            verifier,
            tree,
            streams: None,
            sealed: Checkpoint::NONE,
            newest: None,
            rotation: None,
        }
    }

    /// Looks for the declaration of a new key.
    pub(super) fn look_for(&mut self, rotation: Option<Rotation>) {
        self.rotation = rotation.map(|rotation| (rotation, false));
    }

    /// The log's keys, with a new one that is declared.
    pub(super) fn newest_keys(&self) -> &VerifierKey {
        match &self.rotation {
            Some((rotation, true)) => &rotation.keys,
            _ => &self.verifier,
        }
    }

    /// The new key, and whether it is declared where it must be.
    pub(super) fn looked_for(&mut self) -> Option<(Rotation, bool)> {
        self.rotation.take()
    }

    /// Reads the file that begins at `first`; the files are given in order.
    pub(super) fn file(&mut self, first: u64) -> Result<()> {
        if let Some(newest) = &self.newest
            && self.tree.size() != first
        {
            let what = newest.broken.unwrap_or("it ends before its last entry");
            return Err(Error::damaged(&newest.file.path, newest.file.len, what));
        }
        let path = wal_path(first);
        let file = self
            .dir
            .open_append(&path)
            .map_err(Error::io("open", &path))?;
        let (header, len) = WalHeader::read(&*file)
            .map_err(Error::io("read", &path))?
            .map_err(|what| Error::damaged(&path, 0, what))?;
        self.enter(&path, first, header)?;
        let mut scanner = Scanner::new(file.clone(), Salt::Log, len);
        let broken = loop {
            match scanner.step().map_err(Error::io("read", &path))? {
                Step::Frame { offset, header } => {
                    self.frame(&header, scanner.payload())
                        .map_err(|what| Error::damaged(&path, offset, what))?;
                }
                Step::End => break None,
                Step::Broken { what, .. } => break Some(what),
            }
        };
        if broken.is_some() {
            self.look_behind(&scanner)
                .map_err(Error::io("read", &path))?;
        }
        let file = ActiveFile {
            path,
            file,
            len: scanner.offset(),
        };
        self.newest = Some(Newest { file, broken });
        Ok(())
    }

    /// Takes the stream table from the first header, and compares that of all others.
    fn enter(&mut self, path: &str, first: u64, header: WalHeader) -> Result<()> {
        let Body::Log(rows) = header.body else {
            return Err(Error::damaged(path, 8, "it is a file of a spool"));
        };
        if header.first != first {
            return Err(Error::damaged(
                path,
                16,
                "its header belongs to another place",
            ));
        }
        match &self.streams {
            None => self.streams = Some(Streams::from_rows(rows)),
            Some(streams) if streams.to_rows() == rows => {}
            Some(_) => {
                let what = "its streams do not continue the file before";
                return Err(Error::damaged(path, 24, what));
            }
        }
        Ok(())
    }

    /// Takes in a frame whose checksums hold. What does not fit together here was never written
    /// by a log, so it is damage and not a torn tail.
    fn frame(&mut self, header: &FrameHeader, payload: &[u8]) -> Result<(), &'static str> {
        let size = self.tree.size();
        if header.first != size || size / SEGMENT_ENTRIES != (header.end() - 1) / SEGMENT_ENTRIES {
            return Err("a frame does not continue the one before");
        }
        if let Some(checkpoint) = sealed_checkpoint(header) {
            self.seal(checkpoint)?;
        }
        let (openings, entries) = payload.split_at(header.openings_len());
        let streams = self
            .streams
            .as_mut()
            .expect("a file's header comes before its frames");
        let mut openings = parse_openings(openings)?.into_iter();
        let mut moved = None;
        for part in split_framed(entries) {
            let (_, bytes, stored_check) = part?;
            let entry = EntryRef::parse(bytes).map_err(|_| "an entry cannot be read")?;
            if let Some((rotation, is_declared)) = &mut self.rotation
                && rotation.declared_size() == self.tree.size() + 1
            {
                *is_declared = rotation.is_declared_by(&entry);
            }
            let entry = entry.header();
            let leaf = leaf_hash(bytes);
            if check(&leaf) != stored_check {
                return Err("an entry's check does not match");
            }
            let peer = match entry.sequence {
                0 => {
                    openings
                        .next()
                        .filter(|(id, _)| *id == entry.stream)
                        .ok_or(OPENING)?
                        .1
                }
                _ => String::new(),
            };
            follow(
                streams,
                &mut moved,
                entry.stream,
                entry.sequence,
                &leaf,
                &peer,
            )?;
            self.tree.push(leaf);
        }
        if let Some((id, _, _)) = moved {
            streams.mark(id);
            streams.settle(id);
        }
        let complete = openings.next().is_none() && self.tree.size() == header.end();
        if complete {
            Ok(())
        } else {
            Err("a frame's counts are wrong")
        }
    }

    /// Holds the tree to the checkpoint in a frame's seal.
    fn seal(&mut self, checkpoint: &Checkpoint) -> Result<(), &'static str> {
        if *checkpoint == self.sealed {
            return Ok(());
        }
        if checkpoint.size > self.tree.size() {
            return Err("a checkpoint is of more entries than stand before it");
        }
        let holds = match self.tree.root(checkpoint.size) {
            Ok(root) => root == checkpoint.root,
            // What it is of was removed, and it was never published.
            Err(error) => matches!(error, Error::Removed { .. }),
        };
        self.sealed = *checkpoint;
        if holds {
            Ok(())
        } else {
            Err("a checkpoint's root is not that of the entries before it")
        }
    }

    /// Looks for checkpoints in frames behind a broken one: they say that it was durable.
    fn look_behind(&mut self, scanner: &Scanner) -> std::io::Result<()> {
        let (size, verifier) = (self.tree.size(), &self.verifier);
        let later = scanner.later(|header| {
            let checkpoint = sealed_checkpoint(header)?;
            (checkpoint.size > size && verifier.verify(checkpoint)).then_some(checkpoint.size)
        })?;
        if let Some(size) = later {
            self.sealed.size = size;
        }
        Ok(())
    }

    /// Compares what was read with the published checkpoint and with the newest one in a seal;
    /// answers the size that is known to be durable.
    pub(super) fn hold_to(&self, published: &Checkpoint) -> Result<u64> {
        let durable = published.size.max(self.sealed.size);
        let newest = self
            .newest
            .as_ref()
            .expect("a store has a write-ahead file");
        if durable > self.tree.size() {
            let what = newest
                .broken
                .unwrap_or("entries that were durable are missing");
            return Err(Error::damaged(&newest.file.path, newest.file.len, what));
        }
        if self.sealed != Checkpoint::NONE && !self.verifier.verify(&self.sealed) {
            let what = "the newest checkpoint in it is not signed by the log's key";
            return Err(Error::damaged(&newest.file.path, 0, what));
        }
        if self.tree.root(published.size)? != published.root {
            let what = "the log does not continue the published checkpoint";
            return Err(Error::damaged(super::files::CHECKPOINT, 0, what));
        }
        Ok(durable)
    }

    /// Compares what was read with a checkpoint known from elsewhere, unless it was given up.
    pub(super) fn hold_to_known(&self, known: &Checkpoint) -> Result<()> {
        let found = self.tree.size();
        if self.newest_keys().gave_up(known).is_some() {
            return Ok(());
        }
        if known.size <= found && self.tree.root(known.size)? == known.root {
            return Ok(());
        }
        Err(Error::RolledBack {
            known: known.size,
            found,
        })
    }

    /// Cuts what stands behind the last whole frame and makes the rest durable; answers the bytes
    /// that were cut.
    ///
    /// What is above the published checkpoint may stand in the page cache alone, and after a sync
    /// that failed the system does not know that it does: syncing again would prove nothing. So
    /// the file is written anew and put in the place of the old one.
    pub(super) fn settle(&mut self, published: &Checkpoint) -> Result<u64> {
        let newest = self
            .newest
            .as_mut()
            .expect("a store has a write-ahead file");
        let ActiveFile { path, file, len } = &mut newest.file;
        let cut_bytes = file.len().map_err(Error::io("read", &*path))? - *len;
        if cut_bytes > 0 || self.tree.size() > published.size {
            *file = rewrite(&*self.dir, WAL, path, &**file, *len)
                .map_err(Error::io("write", &*path))?;
        }
        Ok(cut_bytes)
    }

    pub(super) fn finish(self) -> Result<(Tree, Streams, ActiveFile)> {
        let newest = self.newest.expect("a store has a write-ahead file");
        Ok((
            self.tree,
            self.streams.expect("a file has a header"),
            newest.file,
        ))
    }
}

/// Moves a stream by one entry. `moved` holds the stream at hand, so that a run of entries looks
/// it up once.
fn follow(
    streams: &mut Streams,
    moved: &mut Option<(StreamId, u64, Hash)>,
    id: StreamId,
    sequence: u64,
    leaf: &Hash,
    peer: &str,
) -> Result<(), &'static str> {
    let (next, head) = match moved {
        Some((last, next, head)) if *last == id => (*next, *head),
        _ => {
            if let Some((last, _, _)) = moved.take() {
                streams.mark(last);
                streams.settle(last);
            }
            streams.position(id).unwrap_or_default()
        }
    };
    if sequence != next {
        return Err("an entry is out of sequence");
    }
    let head = chain_head(&head, leaf);
    streams.advance(id, peer, next + 1, head);
    *moved = Some((id, next + 1, head));
    Ok(())
}

const OPENING: &str = "a stream begins without its peer's name";
