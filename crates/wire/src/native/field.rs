//! Fields of message bodies: big-endian integers, counted lists, bounded text.

use super::{Checkpoint, Growth, Hash, MessageKind, Position, Span, StreamId};
use crate::WireError;
use crate::limits::PROOF_HASHES_MAX;

/// Reads the fields of one body from front to back.
pub(super) struct Fields<'a> {
    kind: MessageKind,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(kind: MessageKind, body: &'a [u8]) -> Self {
        Self { kind, rest: body }
    }

    /// The error that names a field of this message.
    pub(super) fn invalid(&self, field: &'static str) -> WireError {
        WireError::Field {
            kind: self.kind,
            field,
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (field, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(WireError::Short(self.kind))?;
        self.rest = rest;
        Ok(*field)
    }

    pub(super) fn u8(&mut self) -> Result<u8, WireError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn hash(&mut self) -> Result<Hash, WireError> {
        self.array()
    }

    pub(super) fn id(&mut self) -> Result<[u8; 16], WireError> {
        self.array()
    }

    pub(super) fn stream(&mut self) -> Result<StreamId, WireError> {
        self.array().map(StreamId)
    }

    pub(super) fn text(
        &mut self,
        bytes_max: usize,
        field: &'static str,
    ) -> Result<String, WireError> {
        let length = usize::from(self.u16()?);
        if length > bytes_max {
            return Err(self.invalid(field));
        }
        let (text, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(WireError::Short(self.kind))?;
        let text = std::str::from_utf8(text).map_err(|_| self.invalid(field))?;
        self.rest = rest;
        Ok(text.to_owned())
    }

    /// A u16 count and that many items. The count is checked before anything is allocated, and
    /// the allocation grows with what was read, never with what was promised.
    pub(super) fn list<T>(
        &mut self,
        count_max: usize,
        field: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let count = usize::from(self.u16()?);
        if count > count_max {
            return Err(self.invalid(field));
        }
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    pub(super) fn span(&mut self) -> Result<Span, WireError> {
        let span = Span {
            stream: self.stream()?,
            oldest: self.u64()?,
            next: self.u64()?,
        };
        if span.oldest > span.next {
            return Err(self.invalid("oldest sequence"));
        }
        Ok(span)
    }

    pub(super) fn position(&mut self) -> Result<Position, WireError> {
        let position = Position {
            stream: self.stream()?,
            next: self.u64()?,
            head: self.hash()?,
        };
        if position.next == 0 && position.head != [0; 32] {
            return Err(self.invalid("chain head"));
        }
        Ok(position)
    }

    pub(super) fn checkpoint(&mut self) -> Result<Checkpoint, WireError> {
        let checkpoint = Checkpoint {
            size: self.u64()?,
            root: self.hash()?,
            signature: self.array()?,
        };
        if checkpoint.size == 0 && !checkpoint.is_none() {
            return Err(self.invalid("checkpoint"));
        }
        Ok(checkpoint)
    }

    pub(super) fn growth(&mut self) -> Result<Growth, WireError> {
        let old_size = self.u64()?;
        let checkpoint = self.checkpoint()?;
        let count = usize::from(self.u8()?);
        if count > PROOF_HASHES_MAX {
            return Err(self.invalid("proof"));
        }
        let mut proof = Vec::with_capacity(count);
        for _ in 0..count {
            proof.push(self.hash()?);
        }
        Ok(Growth {
            old_size,
            checkpoint,
            proof,
        })
    }

    /// Everything that is left.
    pub(super) fn remainder(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Refuses a body that goes on.
    pub(super) fn end(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(WireError::Trailing {
                kind: self.kind,
                bytes,
            }),
        }
    }
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str, bytes_max: usize) {
    let text = &text[..text.floor_char_boundary(bytes_max)];
    put_count(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_list<T>(out: &mut Vec<u8>, items: &[T], mut put: impl FnMut(&mut Vec<u8>, &T)) {
    put_count(out, items.len());
    for item in items {
        put(out, item);
    }
}

pub(super) fn put_span(out: &mut Vec<u8>, span: &Span) {
    out.extend_from_slice(&span.stream.0);
    out.extend_from_slice(&span.oldest.to_be_bytes());
    out.extend_from_slice(&span.next.to_be_bytes());
}

pub(super) fn put_position(out: &mut Vec<u8>, position: &Position) {
    out.extend_from_slice(&position.stream.0);
    out.extend_from_slice(&position.next.to_be_bytes());
    out.extend_from_slice(&position.head);
}

pub(super) fn put_checkpoint(out: &mut Vec<u8>, checkpoint: &Checkpoint) {
    out.extend_from_slice(&checkpoint.size.to_be_bytes());
    out.extend_from_slice(&checkpoint.root);
    out.extend_from_slice(&checkpoint.signature);
}

pub(super) fn put_growth(out: &mut Vec<u8>, growth: &Growth) {
    out.extend_from_slice(&growth.old_size.to_be_bytes());
    put_checkpoint(out, &growth.checkpoint);
    let count = u8::try_from(growth.proof.len()).expect("invariant: a proof has at most 63 hashes");
    out.push(count);
    growth
        .proof
        .iter()
        .for_each(|hash| out.extend_from_slice(hash));
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    let count = u16::try_from(count).expect("invariant: limits.rs keeps every count below 65,536");
    out.extend_from_slice(&count.to_be_bytes());
}
