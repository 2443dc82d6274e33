//! The account of all entries read so far: where each stream stands, and the tree.
//!
//! What cannot be read is entered as unknown. Whatever depends on it is then not judged, so that
//! one flipped bit shows as one problem and not as everything above it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::entry::{ERASED, EntryRef, Kind, StreamId, stored_leaf};
use crate::hash::{Hash, chain_head};
use crate::limits::{BLOCK_ENTRIES, ENTRY_HEADER_BYTES, ERASED_MAX, SEGMENT_ENTRIES};
use crate::note::{Checkpoint, VerifierKey};
use crate::retention::declared::Declared;
use crate::tile::TILE_HEIGHT;

use super::inspect::Inspector;
use super::mark::Mark;
use super::report::{Gap, Problem, ProblemKind, Report, Restart};
use super::tree::Frontier;

#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) report: Report,
    /// Index of the next entry.
    next: u64,
    /// The tree of a log; a spool has none.
    tree: Option<Frontier>,
    unknown: Vec<Range<u64>>,
    pub(super) streams: BTreeMap<StreamId, Stream>,
    /// Streams that began since somebody took this.
    pub(super) begun: BTreeSet<StreamId>,
    /// Nodes of the newest segment: 256 of level 8, 16 of level 12.
    pub(super) level_1: Vec<Hash>,
    pub(super) block_roots: Vec<Hash>,
    /// Nodes of level 16, 24, 32, …
    pub(super) upper: Vec<Vec<Hash>>,
    /// Sizes at which a root is wanted, and the roots that were reached.
    pub(super) watched: BTreeSet<u64>,
    roots: BTreeMap<u64, Hash>,
    inspector: Option<Inspector>,
    /// What entries declare of the log itself.
    pub(super) declared: Vec<Said>,
    /// Entries whose payload is gone.
    pub(super) erased: Vec<Erased>,
    /// The checkpoint whose signature was checked last.
    pub(super) last_signed: Option<(Checkpoint, bool)>,
    /// How things stood where a mark may be set; its checkpoint is not known yet.
    draft: Option<Mark>,
}

/// An entry whose payload is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Erased {
    pub(super) index: u64,
    pub(super) leaf: Hash,
    /// The envelope as it was.
    pub(super) envelope: [u8; ENTRY_HEADER_BYTES],
    pub(super) file: String,
}

/// What an entry declares of the log itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) stream: StreamId,
    pub(super) time_ns: u64,
    pub(super) declared: Declared,
}

/// Where a stream stands; without a head after something unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) next: u64,
    pub(super) head: Option<Hash>,
    pub(super) peer: Option<String>,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) offset: u64,
}

impl Account {
    /// The account of a log, from its beginning or from a mark on.
    pub(super) fn of_log(inspector: Option<Inspector>, since: Option<&Mark>) -> Self {
        let mut account = Self {
            tree: Some(Frontier::default()),
            inspector,
            ..Self::default()
        };
        if let Some(mark) = since {
            account.next = mark.first();
            account.tree = Some(mark.tree());
            account.streams = mark.streams.iter().cloned().collect();
            account.report.first = mark.first();
        }
        account
    }

    /// The account of a spool's file, whose entries are named by their sequence numbers.
    pub(super) fn of_spool(first: u64, inspector: Option<Inspector>) -> Self {
        Self {
            next: first,
            inspector,
            ..Self::default()
        }
    }

    /// Index of the next entry.
    pub(super) fn size(&self) -> u64 {
        self.next
    }

    pub(super) fn problem(
        &mut self,
        kind: ProblemKind,
        file: &str,
        offset: u64,
        detail: impl Into<String>,
    ) {
        self.report
            .problem(Problem::new(kind, file, offset, detail));
    }

    /// Remembers how things stand, where the last whole segment below `size` ends here.
    pub(super) fn mark_at(&mut self, size: u64) {
        let segments = size / SEGMENT_ENTRIES;
        if self.next == segments * SEGMENT_ENTRIES
            && self.draft.is_none()
            && let Some(tree) = &self.tree
        {
            let streams = self
                .streams
                .iter()
                .map(|(id, stream)| (*id, stream.clone()));
            self.draft = Some(Mark {
                checkpoint: Checkpoint::NONE,
                segments,
                removed: self.report.removed,
                frontier: tree.stack().to_vec(),
                streams: streams.collect(),
            });
        }
    }

    /// Sets the mark for the next verification, if nothing is broken below `checkpoint`.
    pub(super) fn finish(&mut self, checkpoint: Checkpoint) {
        let verified = self.report.problems.is_empty() && self.report.checkpoint.is_some();
        if let Some(draft) = self.draft.take().filter(|_| verified) {
            self.report.mark = Some(Mark {
                checkpoint,
                ..draft
            });
        }
    }

    /// Enters an entry whose bytes are what was written.
    pub(super) fn take(&mut self, place: Place<'_>, bytes: &[u8], leaf: Hash) {
        let index = self.size();
        match EntryRef::parse(bytes) {
            Ok(entry) => self.follow(place, index, &entry, &leaf),
            Err(error) => {
                self.entry_problem(ProblemKind::Entry, place, index, bytes, &error.to_string());
            }
        }
        self.push(leaf);
    }

    /// Enters an entry of a segment as it is stored: also one whose payload was erased.
    pub(super) fn take_stored(&mut self, place: Place<'_>, bytes: &[u8]) -> Hash {
        let leaf = stored_leaf(bytes);
        let entry = EntryRef::parse_stored(bytes).ok();
        let Some(entry) = entry.filter(EntryRef::is_erased) else {
            self.take(place, bytes, leaf);
            return leaf;
        };
        let index = self.size();
        if self.erased.len() == ERASED_MAX {
            let detail = "there are more erased entries than can be held to their declarations";
            self.entry_problem(ProblemKind::Undeclared, place, index, &[], detail);
        } else if let Some(envelope) = bytes.first_chunk() {
            let mut envelope = *envelope;
            envelope[2] &= !((ERASED >> 8) as u8);
            self.erased.push(Erased {
                index,
                leaf,
                envelope,
                file: place.file.to_owned(),
            });
        }
        self.follow(place, index, &entry, &leaf);
        self.push(leaf);
        leaf
    }

    fn follow(&mut self, place: Place<'_>, index: u64, entry: &EntryRef<'_>, leaf: &Hash) {
        let header = entry.header();
        let lost = !self.unknown.is_empty();
        if header.sequence == 0 {
            self.begun.insert(header.stream);
        }
        let stream = self.streams.entry(header.stream).or_insert_with(|| Stream {
            head: Some(Hash::ZERO).filter(|_| !lost || header.sequence == 0),
            next: if lost { header.sequence } else { 0 },
            peer: None,
        });
        let due = stream.next;
        // Behind something unknown a stream may have moved on.
        let in_place = header.sequence == due || stream.head.is_none() && header.sequence > due;
        let head_before = stream.head;
        stream.head = match stream.head {
            Some(head) if header.sequence == due => Some(chain_head(&head, leaf)),
            _ => None,
        };
        stream.next = header.sequence.saturating_add(1);
        if !in_place {
            let detail = format!("entry {due} of the stream is due here");
            self.entry_problem(ProblemKind::Sequence, place, index, entry.bytes(), &detail);
        }
        if (header.sequence == 0) != (header.kind == Kind::StreamOpened) {
            let detail = "entry 0 of a stream opens it, and no other does";
            self.entry_problem(ProblemKind::Sequence, place, index, entry.bytes(), detail);
        }
        if let Some(inspector) = &self.inspector
            && !entry.is_erased()
        {
            let head_before = head_before.filter(|_| in_place);
            let said = inspector.inspect().entry(entry, head_before);
            if let Some(detail) = said {
                self.entry_problem(ProblemKind::HostHead, place, index, entry.bytes(), &detail);
            }
        }
        if header.kind == Kind::Operator
            && let Some(declared) = Declared::parse(entry.payload())
            && self.declared.len() < DECLARED_MAX
            && is_in_place(&declared, index)
        {
            self.declared.push(Said {
                stream: header.stream,
                time_ns: header.time_ns,
                declared,
            });
        }
        if header.kind == Kind::Gap {
            self.report.gap(Gap {
                entry: index,
                stream: header.stream,
                sequence: header.sequence,
                time_ns: header.time_ns,
                payload: entry.payload().to_vec(),
            });
        }
    }

    /// Reports an entry, with what can be read of its envelope.
    pub(super) fn entry_problem(
        &mut self,
        kind: ProblemKind,
        place: Place<'_>,
        index: u64,
        bytes: &[u8],
        detail: &str,
    ) {
        let mut problem = Problem::new(kind, place.file, place.offset, detail);
        problem.entry = Some(index);
        if let Ok(entry) = EntryRef::parse(bytes) {
            problem.stream = Some(entry.header().stream);
            problem.sequence = Some(entry.header().sequence);
            problem.time_ns = Some(entry.header().time_ns);
        }
        self.report.problem(problem);
    }

    /// Enters entries that cannot be read.
    pub(super) fn skip_to(&mut self, index: u64) {
        let from = self.size();
        if index <= from {
            return;
        }
        self.unknown.push(from..index);
        self.streams
            .values_mut()
            .for_each(|stream| stream.head = None);
        match self.tree {
            Some(_) => (from..index).for_each(|_| self.push(Hash::ZERO)),
            None => self.next = index,
        }
    }

    fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Enters 256 entries that were removed, by the root of their tile.
    pub(super) fn take_tile(&mut self, root: Hash) {
        self.push_subtree(TILE_HEIGHT, root);
    }

    fn push_subtree(&mut self, from: u32, root: Hash) {
        if self.next.is_multiple_of(SEGMENT_ENTRIES) {
            self.level_1.clear();
            self.block_roots.clear();
        }
        self.next += 1 << from;
        let Self {
            tree,
            level_1,
            block_roots,
            upper,
            ..
        } = self;
        let Some(tree) = tree else { return };
        tree.push_subtree(from, root, |level, node| match level {
            TILE_HEIGHT => level_1.push(node),
            BLOCK_LEVEL => block_roots.push(node),
            _ if level >= SEGMENT_LEVEL && level % TILE_HEIGHT == 0 => {
                let at = ((level - SEGMENT_LEVEL) / TILE_HEIGHT) as usize;
                if at == upper.len() {
                    upper.push(Vec::new());
                }
                upper[at].push(node);
            }
            _ => {}
        });
        self.note_root();
    }

    /// Notes the root where somebody will ask for it.
    pub(super) fn note_root(&mut self) {
        let size = self.size();
        if let Some(tree) = &self.tree
            && self.watched.contains(&size)
        {
            self.roots.insert(size, tree.root());
        }
    }

    /// Notes the root at a size inside the tile that comes next, from the subtrees in it that stand
    /// left of the size, largest first.
    pub(super) fn note_root_of(&mut self, size: u64, nodes: &[(u32, Hash)]) {
        if let Some(tree) = &self.tree {
            let mut tree = tree.clone();
            for (level, node) in nodes {
                tree.push_subtree(*level, *node, |_, _| {});
            }
            self.roots.insert(size, tree.root());
        }
    }

    /// Whether all entries of a range could be read.
    pub(super) fn known(&self, range: Range<u64>) -> bool {
        self.unknown
            .iter()
            .all(|unknown| unknown.end <= range.start || range.end <= unknown.start)
    }

    /// The root at a watched size, where all entries below could be read.
    pub(super) fn root(&self, size: u64) -> Option<Hash> {
        self.roots
            .get(&size)
            .copied()
            .filter(|_| self.known(0..size))
    }

    /// Notes the restarts of a log, as its keys have them, with the times of their declarations where
    /// those were read.
    pub(super) fn note_restarts(&mut self, key: &VerifierKey) {
        for one in key.successions() {
            let Some(kept) = one.given_up_beyond else {
                continue;
            };
            let said = |said: &&Said| said.declared.to_succession().as_ref() == Some(&one);
            let declaration = self.declared.iter().find(said);
            self.report.restarts.push(Restart {
                entry: one.until,
                kept,
                time_ns: declaration.map(|said| said.time_ns),
                key: one.key,
            });
        }
    }

    /// Entries that could be read.
    pub(super) fn readable(&self) -> u64 {
        let unknown: u64 = self
            .unknown
            .iter()
            .map(|range| range.end - range.start)
            .sum();
        self.size() - unknown
    }
}

/// Whether a declaration stands where it says.
fn is_in_place(declared: &Declared, index: u64) -> bool {
    let succession = declared.to_succession();
    succession.is_none_or(|one| index.checked_add(1) == Some(one.declared_size()))
}

/// Declarations that are remembered: one per removed segment, one per erased entry.
const DECLARED_MAX: usize = 2 * ERASED_MAX;
const BLOCK_LEVEL: u32 = BLOCK_ENTRIES.ilog2();
const SEGMENT_LEVEL: u32 = SEGMENT_ENTRIES.ilog2();
