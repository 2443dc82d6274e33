//! Where each stream of a log stands, and what a batch may do to it (docs/protocol.md, rule 4).

use std::collections::{BTreeMap, VecDeque};

use crate::entry::StreamId;
use crate::hash::Hash;
use crate::limits::{HEADS_KEPT, PEER_BYTES_MAX, STREAMS_MAX};
use crate::wal::header::StreamRow;

use super::batch::Batch;

/// Where a stream durably stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// The stream.
    pub id: StreamId,
    /// The peer that opened it; empty for streams of the collector itself.
    pub peer: String,
    /// Sequence number of the next entry.
    pub next: u64,
    /// Chain head before it.
    pub head: Hash,
}

/// Why a batch was not taken, as in docs/protocol.md.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason:?}: {detail}")]
pub struct Refused {
    /// The reason, which says what the sender should do.
    pub reason: Reason,
    /// For a person.
    pub detail: String,
}

/// The reasons of a NAK, with their numbers on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// Not now, or not from here: ask for the position again.
    Later = 1,
    /// The entries can never be taken.
    Poison = 2,
    /// The chain is not the one that is stored.
    Fork = 3,
    /// The stream belongs to another peer.
    Denied = 4,
}

/// All streams of a log.
#[derive(Debug, Default)]
pub(super) struct Streams(BTreeMap<StreamId, Stream>);

#[derive(Debug, Default)]
struct Stream {
    peer: String,
    /// Position and head, batches that are not committed included.
    next: u64,
    head: Hash,
    /// The same as of the last commit. A stream that has none yet is at 0.
    durable: (u64, Hash),
    /// Heads at recent batch boundaries, oldest first.
    recent: VecDeque<(u64, Hash)>,
}

impl Streams {
    pub(super) fn from_rows(rows: Vec<StreamRow>) -> Self {
        let stream = |row: StreamRow| {
            let (next, head) = (row.next, row.head);
            let durable = (next, head);
            let recent = VecDeque::from([durable]);
            (
                row.id,
                Stream {
                    peer: row.peer,
                    next,
                    head,
                    durable,
                    recent,
                },
            )
        };
        Self(rows.into_iter().map(stream).collect())
    }

    /// The table that goes into a write-ahead header.
    pub(super) fn to_rows(&self) -> Vec<StreamRow> {
        let row = |(id, stream): (&StreamId, &Stream)| StreamRow {
            id: *id,
            next: stream.next,
            head: stream.head,
            peer: stream.peer.clone(),
        };
        self.0.iter().map(row).collect()
    }

    pub(super) fn durable(&self, id: StreamId) -> Option<StreamState> {
        let stream = self.0.get(&id)?;
        let (next, head) = stream.durable;
        Some(StreamState {
            id,
            peer: stream.peer.clone(),
            next,
            head,
        })
    }

    pub(super) fn all_durable(&self) -> impl Iterator<Item = StreamState> {
        self.0.keys().filter_map(|id| self.durable(*id))
    }

    /// Says from which sequence number on the batch is new; its end where it is known whole.
    pub(super) fn judge(&self, batch: &Batch, peer: &str) -> Result<u64, Refused> {
        if peer.len() > PEER_BYTES_MAX {
            return refuse(Reason::Denied, "the peer's name is too long");
        }
        let opening = Stream {
            peer: peer.to_owned(),
            ..Stream::default()
        };
        let known = self.0.get(&batch.stream());
        if known.is_none() && self.0.len() >= STREAMS_MAX {
            return refuse(Reason::Denied, "the log holds as many streams as it can");
        }
        let stream = known.unwrap_or(&opening);
        if stream.peer != peer {
            return refuse(Reason::Denied, "the stream belongs to another peer");
        }
        if batch.first() > stream.next {
            return refuse(Reason::Later, format!("entry {} is due", stream.next));
        }
        match stream.head_at(batch.first()) {
            Some(head) if head == batch.head_before() => {}
            Some(_) => {
                return refuse(
                    Reason::Fork,
                    format!("another head is stored before entry {}", batch.first()),
                );
            }
            None => return refuse(Reason::Later, "the range was stored long ago"),
        }
        let compared = batch.end().min(stream.next);
        match stream.head_at(compared) {
            Some(head) if head == batch.head_at(compared) => Ok(compared),
            Some(_) => refuse(
                Reason::Fork,
                format!("another head is stored before entry {compared}"),
            ),
            None => refuse(Reason::Later, "the range ends inside a stored batch"),
        }
    }

    /// Moves a stream, creating it where `peer` opens it.
    pub(super) fn advance(&mut self, id: StreamId, peer: &str, next: u64, head: Hash) {
        let opening = || Stream {
            peer: peer.to_owned(),
            ..Stream::default()
        };
        let stream = self.0.entry(id).or_insert_with(opening);
        (stream.next, stream.head) = (next, head);
    }

    /// Remembers the stream's position as a batch boundary.
    pub(super) fn mark(&mut self, id: StreamId) {
        if let Some(stream) = self.0.get_mut(&id) {
            if stream.recent.len() == HEADS_KEPT {
                stream.recent.pop_front();
            }
            stream.recent.push_back((stream.next, stream.head));
        }
    }

    /// Notes that all of a stream is durable.
    pub(super) fn settle(&mut self, id: StreamId) {
        if let Some(stream) = self.0.get_mut(&id) {
            stream.durable = (stream.next, stream.head);
        }
    }

    /// Where a stream stands, not committed batches included.
    pub(super) fn position(&self, id: StreamId) -> Option<(u64, Hash)> {
        self.0.get(&id).map(|stream| (stream.next, stream.head))
    }
}

impl Stream {
    fn head_at(&self, sequence: u64) -> Option<Hash> {
        if sequence == self.next {
            return Some(self.head);
        }
        if sequence == 0 {
            return Some(Hash::ZERO);
        }
        self.recent
            .iter()
            .find(|(at, _)| *at == sequence)
            .map(|(_, head)| *head)
    }
}

fn refuse<T>(reason: Reason, detail: impl Into<String>) -> Result<T, Refused> {
    Err(Refused {
        reason,
        detail: detail.into(),
    })
}
