//! A collector's log.

use std::collections::BTreeMap;

use indelible_wire::native::{
    Append, AppendResult, Checkpoint, Growth, Hash, LeafRange, NakReason, StreamId, StreamState,
    Verdict, batch,
};

use super::{chain, sha256};

/// Entries of all streams. What is above `committed` does not survive a crash.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) leaves: Vec<Leaf>,
    /// Root before leaf `i`; one more than leaves.
    roots: Vec<Hash>,
    pub(crate) streams: BTreeMap<StreamId, LogStream>,
    pub(crate) committed: usize,
}

#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) stream: StreamId,
    pub(crate) sequence: u64,
    pub(crate) entry: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct LogStream {
    peer: String,
    /// Head before entry `i`.
    heads: Vec<Hash>,
    /// Leaf index of entry `i`.
    pub(crate) leaves: Vec<u64>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            leaves: Vec::new(),
            roots: vec![sha256(&[])],
            streams: BTreeMap::new(),
            committed: 0,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// Commits everything.
    pub(crate) fn commit(&mut self) -> Checkpoint {
        self.committed = self.leaves.len();
        self.checkpoint()
    }

    /// The newest durable checkpoint.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        match self.committed {
            0 => Checkpoint::NONE,
            size => Checkpoint {
                size: size as u64,
                root: self.roots[size],
                signature: sign(size as u64, &self.roots[size]),
            },
        }
    }

    /// Loses what is not committed.
    pub(crate) fn crash(&mut self) {
        self.cut(self.committed);
    }

    /// Cuts the log back, committed or not: a restored backup, or an operator's crime.
    pub(crate) fn cut(&mut self, size: usize) {
        for leaf in self.leaves.drain(size..).rev() {
            let stream = self
                .streams
                .get_mut(&leaf.stream)
                .expect("leaf has a stream");
            stream.heads.pop();
            stream.leaves.pop();
            if stream.leaves.is_empty() {
                self.streams.remove(&leaf.stream);
            }
        }
        self.roots.truncate(size + 1);
        self.committed = self.committed.min(size);
    }

    /// Alters one leaf and makes every root after it fit.
    pub(crate) fn rewrite(&mut self, index: usize) {
        self.leaves[index].entry.push(b'!');
        self.roots.truncate(index + 1);
        for at in index..self.leaves.len() {
            let root = chain(&self.roots[at], &self.leaves[at].entry);
            self.roots.push(root);
        }
    }

    /// Forgets the last entry of a stream, but not its leaf.
    pub(crate) fn forget_last(&mut self, stream: StreamId) {
        let state = self.streams.get_mut(&stream).expect("stream is stored");
        state.heads.pop();
        state.leaves.pop();
    }

    /// The entries of one stream, in the order of the log.
    pub(crate) fn entries_of(&self, stream: StreamId) -> Vec<Vec<u8>> {
        let of_stream = |leaf: &&Leaf| leaf.stream == stream;
        self.leaves
            .iter()
            .filter(of_stream)
            .map(|leaf| leaf.entry.clone())
            .collect()
    }

    pub(crate) fn state(&self, stream: StreamId) -> Option<StreamState> {
        let state = self.streams.get(&stream)?;
        Some(StreamState {
            next: state.leaves.len() as u64,
            head: *state.heads.last().expect("there is a head before entry 0"),
            peer: state.peer.clone(),
            log_size: self.size(),
        })
    }

    /// Sequence number below which everything of a stream is durable.
    pub(crate) fn durable_next(&self, stream: StreamId) -> u64 {
        self.streams.get(&stream).map_or(0, |state| {
            state
                .leaves
                .partition_point(|leaf| *leaf < self.committed as u64) as u64
        })
    }

    /// Rule 4 of docs/protocol.md.
    pub(crate) fn append(&mut self, peer: &str, append: &Append) -> AppendResult {
        let stream = append.stream;
        let fresh = LogStream {
            peer: peer.to_owned(),
            heads: vec![[0; 32]],
            leaves: Vec::new(),
        };
        let known = self.streams.get(&stream).unwrap_or(&fresh);
        let next = known.leaves.len() as u64;
        if append.first > next {
            return refused(NakReason::Later);
        }
        let mut head = known.heads[append.first as usize];
        if head != append.head_before {
            return refused(NakReason::Fork);
        }
        let (mut heads, mut entries) = (Vec::new(), Vec::new());
        for (sequence, entry) in (append.first..).zip(batch::entries(&append.raw)) {
            head = chain(&head, entry);
            match known.heads.get(sequence as usize + 1) {
                Some(stored) if *stored != head => return refused(NakReason::Fork),
                Some(_) => {}
                None => {
                    heads.push(head);
                    entries.push((sequence, entry.to_vec()));
                }
            }
        }
        if head != append.head_after {
            return refused(NakReason::Poison);
        }
        let first = self.size();
        let count = entries.len() as u32;
        let state = self.streams.entry(stream).or_insert(fresh);
        state.heads.extend(heads);
        for (sequence, entry) in entries {
            state.leaves.push(self.leaves.len() as u64);
            let root = chain(&self.roots[self.leaves.len()], &entry);
            self.roots.push(root);
            self.leaves.push(Leaf {
                stream,
                sequence,
                entry,
            });
        }
        AppendResult::Accepted {
            next: append.first + u64::from(append.entries),
            leaves: (count > 0).then_some(LeafRange { first, count }),
            log_size: self.size(),
        }
    }

    /// Only a log that has the old root can make the proof that the old root verifies.
    pub(crate) fn proof(&self, old_size: u64, new_size: u64) -> Vec<Hash> {
        let (old, new) = (old_size as usize, new_size as usize);
        vec![sha256(&[b"proof", &self.roots[old], &self.roots[new]])]
    }
}

/// What an agent that trusts the key makes of a checkpoint.
pub(crate) fn verify(old: &Checkpoint, growth: &Growth) -> Verdict {
    let new = &growth.checkpoint;
    if new.signature != sign(new.size, &new.root) {
        return Verdict::BadSignature;
    }
    let proof = sha256(&[b"proof", &old.root, &new.root]);
    match old.size {
        0 => Verdict::Good,
        size if size >= new.size => Verdict::Good,
        _ if growth.proof == [proof] => Verdict::Good,
        _ => Verdict::Inconsistent,
    }
}

fn sign(size: u64, root: &Hash) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&sha256(&[b"key", &size.to_be_bytes(), root]));
    signature
}

fn refused(reason: NakReason) -> AppendResult {
    AppendResult::Refused {
        reason,
        detail: format!("{reason:?}"),
    }
}
