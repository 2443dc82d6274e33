//! Where a source stands, durably, and moved on over what the stream holds beyond it.

use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, StreamId, entry};
use serde::{Deserialize, Serialize};

use super::super::layout::Room;
use super::super::opened::Opened;
use super::super::slots::Slots;
use super::super::source_stream::SourceStream;
use super::kmsg::record_number;

/// Where a source stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Position {
    /// In a file: all bytes before `offset` were taken.
    File {
        /// Which file.
        identity: Identity,
        /// Bytes.
        offset: u64,
    },
    /// Behind a record of the kernel's message ring.
    Kernel {
        /// Its number, once there is one.
        number: Option<u64>,
    },
    /// Behind the journal entry with this cursor.
    Journal {
        /// As journalctl prints it.
        cursor: String,
    },
}

/// What tells a file from others that have had, or will have, its name or its inode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Bytes at its beginning that `beginning` is the hash of, at most
    /// [`BEGINNING_BYTES_MAX`](super::rotation::BEGINNING_BYTES_MAX).
    pub(crate) beginning_bytes: u32,
    /// SHA-256, hexadecimal.
    pub(crate) beginning: String,
    /// When it was last written to, ns since 1970.
    pub(crate) modified_ns: u64,
}

/// The stored position of one stream.
#[derive(Debug)]
pub(super) struct PositionFile {
    room: Room,
    stream: StreamId,
    slots: Slots,
    sequence: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    v: u8,
    /// What the position says is in entries below this one.
    sequence: u64,
    position: Position,
}

impl PositionFile {
    /// Opens the file and answers where the source of entries of a kind stands after all that the
    /// stream holds.
    pub(super) fn open(
        room: &Room,
        stream: &SourceStream,
        kind: Kind,
    ) -> Result<(Self, Option<Position>)> {
        let path = room.position(stream.id());
        let (slots, stored) = Slots::open::<Stored>(&path)?;
        let mut file = Self {
            room: room.clone(),
            stream: stream.id(),
            slots,
            sequence: 0,
        };
        let folder = room.streams();
        let dir =
            RealDir::open(&folder).with_context(|| format!("cannot open {}", folder.display()))?;
        let position = match stored {
            Some(stored) => {
                file.sequence = stored.sequence;
                Some(stored.position)
            }
            None => before_stream(room, &dir, stream, kind).or_else(|| Position::before_all(kind)),
        };
        let Some(mut position) = position else {
            return Ok((file, None));
        };
        move_on(&mut position, &dir, stream.id(), file.sequence)
            .context("cannot read on from the stored position")?;
        Ok((file, Some(position).filter(Position::is_known)))
    }

    /// Stores a position in a stream durably. The entries below `sequence` must be durable.
    pub(super) fn store(
        &mut self,
        stream: StreamId,
        sequence: u64,
        position: Position,
    ) -> Result<()> {
        if stream != self.stream {
            // The source goes on in a new stream.
            self.slots = Slots::open::<Stored>(&self.room.position(stream))?.0;
            self.stream = stream;
        }
        self.slots.store(Stored {
            v: 1,
            sequence,
            position,
        })()?;
        self.sequence = sequence;
        Ok(())
    }

    /// Entries from here on are needed to read on.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// Where the stream before this one left its source: a boot does not change files or the journal.
fn before_stream(
    room: &Room,
    streams: &Arc<dyn Dir>,
    stream: &SourceStream,
    kind: Kind,
) -> Option<Position> {
    if kind == Kind::Syslog {
        // The kernel's messages begin anew.
        return None;
    }
    let opened = Opened::load(&room.opened(stream.id())).ok()?;
    let predecessor: StreamId = opened.opening.predecessor?.id.parse().ok()?;
    let stored: Stored = Slots::peek(&room.position(predecessor))?;
    let mut position = stored.position;
    if let Err(error) = move_on(&mut position, streams, predecessor, stored.sequence) {
        // What can be read of it has moved the position; the rest is read again.
        tracing::warn!(stream = %predecessor, "cannot read the stream before: {error:#}");
    }
    Some(position)
}

/// Moves a position over the entries from `sequence` to the end of the stream.
fn move_on(
    position: &mut Position,
    streams: &Arc<dyn Dir>,
    stream: StreamId,
    sequence: u64,
) -> Result<()> {
    let mut reader = SpoolReader::open(streams, stream)?;
    if reader.bounds()?.1 <= sequence {
        return Ok(());
    }
    reader.seek(sequence)?;
    let mut bytes = Vec::new();
    while reader.read(u32::MAX, READ_BYTES, &mut bytes)?.is_some() {
        for entry in entry::split(&bytes) {
            position.pass(&EntryRef::parse(entry?)?);
        }
        bytes.clear();
    }
    Ok(())
}

impl Position {
    /// Where a source stands that was killed before it stored a position: the stream alone tells.
    /// A file needs none: its position is stored before its first line is taken.
    fn before_all(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Journal => Some(Self::Journal {
                cursor: String::new(),
            }),
            Kind::Syslog => Some(Self::Kernel { number: None }),
            _ => None,
        }
    }

    fn is_known(&self) -> bool {
        match self {
            Self::File { .. } => true,
            Self::Kernel { number } => number.is_some(),
            Self::Journal { cursor } => !cursor.is_empty(),
        }
    }

    /// Moves behind what an entry was made of.
    fn pass(&mut self, entry: &EntryRef<'_>) {
        match (self, entry.header().kind) {
            (Self::File { offset, .. }, Kind::FileLine) => *offset += entry.original_len() + 1,
            // Two bytes of record type stand before the line.
            (Self::File { offset, .. }, Kind::Audit) => *offset += entry.original_len() - 2 + 1,
            (Self::Journal { cursor }, Kind::Journal) => {
                if let Some(passed) = journal_cursor(entry.payload()) {
                    *cursor = passed;
                }
            }
            (Self::Kernel { number }, Kind::Syslog) => {
                *number = record_number(entry.payload()).or(*number);
            }
            _ => {}
        }
    }
}

/// The cursor of an entry in journalctl's JSON.
pub(super) fn journal_cursor(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct WithCursor {
        #[serde(rename = "__CURSOR")]
        cursor: String,
    }
    Some(serde_json::from_slice::<WithCursor>(json).ok()?.cursor)
}

/// Bytes of entries per read.
const READ_BYTES: usize = 1 << 20;
