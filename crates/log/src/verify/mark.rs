//! Where a verification ended, for the next one to go on from.
//!
//! ```text
//! {"v":1,"key":<verifier key>,"checkpoint":<signed note>,"segments":<number>,"removed":<number>,
//!  "frontier":[<hash>…],"streams":[{"id","next","head","peer"}…]}
//! ```
//! The checkpoint is what was verified. The frontier is the roots of the complete subtrees over the
//! whole segments below it, largest first, and the streams are as they stood there: the next
//! verification reads on from the segment that the checkpoint ends in, and comes by its root.

use serde::{Deserialize, Serialize};

use super::account::Stream;
use super::tree::Frontier;
use crate::entry::StreamId;
use crate::hash::Hash;
use crate::limits::{MARK_BYTES_MAX, PEER_BYTES_MAX, SEGMENT_ENTRIES, STREAMS_MAX};
use crate::note::{Checkpoint, VerifierKey};

/// Where a verification ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What was verified.
    pub checkpoint: Checkpoint,
    /// Whole segments below it.
    pub(super) segments: u64,
    /// Entries that retention had removed.
    pub(super) removed: u64,
    pub(super) frontier: Vec<Hash>,
    pub(super) streams: Vec<(StreamId, Stream)>,
}

impl Mark {
    /// Index of the first entry that the next verification reads.
    pub fn first(&self) -> u64 {
        self.segments * SEGMENT_ENTRIES
    }

    /// The text of a file.
    ///
    /// # Panics
    /// Never: the structure has only string keys.
    pub fn to_text(&self, key: &VerifierKey) -> String {
        let rows = self.streams.iter().map(|(id, stream)| Row {
            id: id.to_string(),
            next: stream.next,
            head: stream.head.map(|head| head.to_string()),
            peer: stream.peer.clone(),
        });
        let form = Form {
            v: 1,
            key: key.to_text(),
            checkpoint: self.checkpoint.to_note(key),
            segments: self.segments,
            removed: self.removed,
            frontier: self.frontier.iter().map(Hash::to_string).collect(),
            streams: rows.collect(),
        };
        serde_json::to_string(&form).expect("only string keys") + "\n"
    }

    /// Reads a file; answers the key of the log, too.
    ///
    /// # Errors
    /// Text of another form, and a checkpoint that the key in it did not sign.
    pub fn parse(text: &str) -> Result<(Self, VerifierKey), MarkError> {
        if text.len() > MARK_BYTES_MAX {
            return Err(MarkError::Form);
        }
        let form: Form = serde_json::from_str(text).map_err(|_| MarkError::Form)?;
        let key = VerifierKey::parse(&form.key).map_err(|_| MarkError::Form)?;
        let checkpoint = key
            .open_note(&form.checkpoint)
            .map_err(|_| MarkError::Checkpoint)?;
        let frontier: Vec<Hash> = form
            .frontier
            .iter()
            .map(|text| hash(text))
            .collect::<Option<_>>()
            .ok_or(MarkError::Form)?;
        let first = form.segments.checked_mul(SEGMENT_ENTRIES);
        let fits = first.is_some_and(|first| {
            first <= checkpoint.size && first.count_ones() as usize == frontier.len()
        });
        if form.v != 1 || !fits || form.streams.len() > STREAMS_MAX {
            return Err(MarkError::Form);
        }
        let streams = form.streams.into_iter().map(Row::parse);
        let mark = Self {
            checkpoint,
            segments: form.segments,
            removed: form.removed,
            frontier,
            streams: streams.collect::<Option<_>>().ok_or(MarkError::Form)?,
        };
        Ok((mark, key))
    }

    /// The tree as it stood there.
    pub(super) fn tree(&self) -> Frontier {
        Frontier::of(self.first(), self.frontier.clone())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    v: u8,
    key: String,
    checkpoint: String,
    segments: u64,
    removed: u64,
    frontier: Vec<String>,
    streams: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    next: u64,
    head: Option<String>,
    peer: Option<String>,
}

impl Row {
    fn parse(self) -> Option<(StreamId, Stream)> {
        let head = match self.head {
            Some(text) => Some(hash(&text)?),
            None => None,
        };
        let peer = self.peer.filter(|peer| peer.len() <= PEER_BYTES_MAX);
        let next = self.next;
        Some((self.id.parse().ok()?, Stream { next, head, peer }))
    }
}

fn hash(text: &str) -> Option<Hash> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(Hash(bytes))
}

/// Why a file is no mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarkError {
    /// Not a file of this form.
    #[error("it does not say where a verification ended")]
    Form,
    /// The checkpoint is not one of this log.
    #[error("its checkpoint is not signed by the log's key")]
    Checkpoint,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::SigningKey;

    #[test]
    fn marks_come_back_and_others_are_refused() {
        let key = SigningKey::from_seed("log.example/mark", [7; 32]).unwrap();
        let mark = Mark {
            checkpoint: key.sign(200_000, Hash([5; 32])),
            segments: 3,
            removed: 65_536,
            frontier: vec![Hash([1; 32]), Hash([2; 32])],
            streams: vec![(
                StreamId([9; 16]),
                Stream {
                    next: 7,
                    head: Some(Hash([3; 32])),
                    peer: Some("a.example".into()),
                },
            )],
        };
        let text = mark.to_text(key.verifier());
        assert_eq!(Mark::parse(&text), Ok((mark, key.verifier().clone())));
        let other = SigningKey::from_seed("log.example/mark", [8; 32]).unwrap();
        let (ours, theirs) = (key.verifier().to_string(), other.verifier().to_string());
        let stranger = Mark::parse(&text.replace(&ours, &theirs));
        assert_eq!(stranger, Err(MarkError::Checkpoint));
        for (from, to) in [
            ("\"v\":1", "\"v\":2"),
            ("\"segments\":3", "\"segments\":4"),
            ("\"segments\":3", "\"segments\":2"),
            ("\"segments\":3", "\"segments\":18446744073709551615"),
            ("0909", "zz09"),
            ("0303", "+303"),
            ("{\"v\"", "{\"more\":1,\"v\""),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            let read = Mark::parse(&changed);
            assert_eq!(read, Err(MarkError::Form), "{changed}");
        }
    }
}
