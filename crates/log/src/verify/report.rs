//! What verification found.

use super::mark::Mark;
use crate::entry::StreamId;
use crate::note::Checkpoint;

/// The outcome of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries that are whole and in place, those that were verified before included.
    pub entries: u64,
    /// Entries at the beginning of a log that retention removed, as the log declares.
    pub removed: u64,
    /// Entries whose payload was erased, as the log declares.
    pub erased: u64,
    /// Index of the first entry that was read: 0, or where the mark of an earlier verification is.
    pub first: u64,
    /// The newest checkpoint whose signature and root hold. None in a spool.
    pub checkpoint: Option<Checkpoint>,
    /// Each time that the log was restarted from an older copy, as it declares, the newest first.
    pub restarts: Vec<Restart>,
    /// Known checkpoints that a restart gave up, each with where from: they are of what was lost.
    pub given_up: Vec<(String, Checkpoint)>,
    /// Those of the named witnesses that have cosigned the newest cosigned checkpoint.
    pub cosigned_by: Vec<String>,
    /// Whether files came or went while they were read: a writer sealed a segment.
    pub moved: bool,
    /// Where the next verification can go on; none where something is broken, and in a spool.
    pub mark: Option<Mark>,
    /// What is broken, at most [`PROBLEMS_MAX`] of it.
    pub problems: Vec<Problem>,
    /// Problems beyond those in the list.
    pub more_problems: u64,
    /// What stands behind the last whole frame, above everything that was durable; of a spool
    /// with several streams the first one found.
    pub torn_tail: Option<TornTail>,
    /// Recorded gaps, at most [`PROBLEMS_MAX`] of them.
    pub gaps: Vec<Gap>,
    /// Gaps beyond those in the list.
    pub more_gaps: u64,
    /// Segments whose block index is missing: it proves nothing, and searches read all of them.
    pub unindexed: u64,
    /// Files that are not part of the format: they prove and disprove nothing.
    pub unknown_files: Vec<String>,
}

/// The outcome in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is as it was written.
    Intact,
    /// As it was written, with a torn tail that nobody was told to be durable, recorded gaps, declared
    /// restarts, or segments without their index.
    IntactWithTailOrGaps,
    /// Something was changed, removed or is missing.
    Broken,
}

impl Report {
    /// The outcome in a word.
    pub fn verdict(&self) -> Verdict {
        if !self.problems.is_empty() {
            Verdict::Broken
        } else if self.torn_tail.is_some()
            || !self.gaps.is_empty()
            || !self.restarts.is_empty()
            || self.unindexed > 0
        {
            Verdict::IntactWithTailOrGaps
        } else {
            Verdict::Intact
        }
    }

    /// Adds a problem, up to [`PROBLEMS_MAX`].
    pub fn problem(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }

    /// Adds what another part of the same store or spool showed.
    pub fn merge(&mut self, other: Self) {
        self.entries += other.entries;
        self.removed += other.removed;
        self.erased += other.erased;
        other
            .problems
            .into_iter()
            .for_each(|problem| self.problem(problem));
        self.more_problems += other.more_problems;
        self.torn_tail = self.torn_tail.take().or(other.torn_tail);
        other.gaps.into_iter().for_each(|gap| self.gap(gap));
        self.more_gaps += other.more_gaps;
        self.unindexed += other.unindexed;
        self.unknown_files.extend(other.unknown_files);
    }

    pub(super) fn gap(&mut self, gap: Gap) {
        if self.gaps.len() < PROBLEMS_MAX {
            self.gaps.push(gap);
        } else {
            self.more_gaps += 1;
        }
    }
}

/// A declared restart of a log that was restored from an older copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// Leaf index of the entry that declares it.
    pub entry: u64,
    /// Entries that are as they were; what had been signed of more is given up.
    pub kept: u64,
    /// When it was declared, ns since 1970; none where the entry was not read.
    pub time_ns: Option<u64>,
    /// The key that signs from then on.
    pub key: String,
}

/// Something that is broken, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// Leaf index of the entry, where one can be named.
    pub entry: Option<u64>,
    /// Its stream.
    pub stream: Option<StreamId>,
    /// Its sequence number.
    pub sequence: Option<u64>,
    /// Its capture time, ns since 1970.
    pub time_ns: Option<u64>,
    /// Path inside the store.
    pub file: String,
    /// Offset in the file, bytes: of the entry, frame, block or field.
    pub offset: u64,
    /// For a person.
    pub detail: String,
}

impl Problem {
    /// A problem that belongs to no entry.
    pub fn new(kind: ProblemKind, file: &str, offset: u64, detail: impl Into<String>) -> Self {
        Self {
            kind,
            entry: None,
            stream: None,
            sequence: None,
            time_ns: None,
            file: file.to_owned(),
            offset,
            detail: detail.into(),
        }
    }
}

/// Kinds of problems; the names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// A file that must be there is not.
    FileMissing,
    /// A key that cannot be read, or two that do not belong together.
    Key,
    /// A checkpoint that cannot be read or is not signed by the log's key.
    Checkpoint,
    /// A checkpoint that is not of these entries.
    Root,
    /// The store holds fewer entries than a checkpoint says.
    Truncated,
    /// The header of a file.
    FileHeader,
    /// A frame of a write-ahead file.
    Frame,
    /// A block of a segment.
    Block,
    /// An entry whose bytes are not those that were written.
    Entry,
    /// An entry out of its stream's sequence.
    Sequence,
    /// A chain head that is not that of the entries.
    Chain,
    /// The stream table of a write-ahead header.
    Streams,
    /// A tile that is not that of the entries.
    Tile,
    /// Entries that were removed, or a payload that was erased, without a declaration in the log.
    Undeclared,
    /// A checkpoint that too few witnesses have cosigned.
    Cosignature,
    /// A block index that is not what the entries give.
    Index,
    /// A host head that is not signed by its host, or does not say where its stream stands.
    HostHead,
}

impl ProblemKind {
    /// The kind as one word for machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FileMissing => "file-missing",
            Self::Key => "key",
            Self::Checkpoint => "checkpoint",
            Self::Root => "root",
            Self::Truncated => "truncated",
            Self::FileHeader => "file-header",
            Self::Frame => "frame",
            Self::Block => "block",
            Self::Entry => "entry",
            Self::Sequence => "sequence",
            Self::Chain => "chain",
            Self::Streams => "streams",
            Self::Tile => "tile",
            Self::Undeclared => "undeclared",
            Self::Cosignature => "cosignature",
            Self::Index => "index",
            Self::HostHead => "host-head",
        }
    }
}

/// Bytes behind the last whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Path inside the store.
    pub file: String,
    /// Where it begins.
    pub offset: u64,
    /// Its length.
    pub len_bytes: u64,
}

/// An entry of kind 6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Leaf index; the sequence number in a spool.
    pub entry: u64,
    /// Stream that it is recorded in.
    pub stream: StreamId,
    /// Sequence number.
    pub sequence: u64,
    /// Capture time, ns since 1970.
    pub time_ns: u64,
    /// The payload: one JSON object, as docs/formats.md describes it.
    pub payload: Vec<u8>,
}

/// Length of the lists of a report.
pub const PROBLEMS_MAX: usize = 1_000;
