//! Interpreted records again: what stands in a record as it stood in an earlier one is shown as it
//! was shown then.
//!
//! In a log most records differ from the last one of their type in a few values. The bytes are
//! compared, which is many times as fast as reading them; only fields that differ are read and
//! interpreted. What comes out is the same, byte for byte; a record for which that is not certain
//! (free text, messages of programs, other names in the enriched part, another syscall) is
//! interpreted afresh.

use crate::field::{Field, Part, Token};
use crate::interpret::{Context, Interpreter, Kind, Names};
use crate::limits::{REPLAY_BYTES_MAX, REPLAY_RECORDS_MAX};
use crate::record::Record;
use crate::record_type::RecordType;
use crate::write::interpreted::push_value;
use crate::write::lines::escape_controls;
use crate::write::time::Clock;

/// Interpreted records that later ones are compared with. For one source of names, one place on earth,
/// and one thread.
#[derive(Debug, Default)]
pub struct Interpreted {
    pub(super) bodies: Bodies,
    pub(super) clock: Clock,
}

/// The texts of records.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    models: Vec<Model>,
    /// The one that gives way to the next, once all places are taken.
    oldest: usize,
}

/// A record whose body is `name=value`, one blank, `name=value` and so on, and what it was shown as.
#[derive(Debug)]
struct Model {
    record_type: RecordType,
    context: Context,
    body: Vec<u8>,
    enriched: Vec<u8>,
    places: Vec<Place>,
    /// A blank after each value, the last one too.
    shown: Vec<u8>,
}

/// Where a field stands in a model's body, and where what it is shown as ends.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    value_start: usize,
    end: usize,
    shown_end: usize,
    kind: Kind,
    /// Of the interpreter, before the field.
    cursor: usize,
}

impl Bodies {
    /// Appends the record's body in words, or appends nothing and says no.
    pub(super) fn push_body(
        &mut self,
        record: &Record<'_>,
        names: &dyn Names,
        out: &mut Vec<u8>,
    ) -> bool {
        let found = self.models.iter().position(|model| {
            model.record_type == record.record_type() && is_same(&model.enriched, record.enriched())
        });
        let start = out.len();
        if let Some(found) = found
            && self.models[found].push_body(record, names, out)
        {
            return true;
        }
        out.truncate(start);
        let Some(model) = Model::of(record, names) else {
            return false;
        };
        out.extend_from_slice(&model.shown);
        match found {
            Some(found) => self.models[found] = model,
            None if self.models.len() < REPLAY_RECORDS_MAX => self.models.push(model),
            None => {
                self.models[self.oldest] = model;
                self.oldest = (self.oldest + 1) % REPLAY_RECORDS_MAX;
            }
        }
        true
    }
}

impl Model {
    /// Interprets a record that has the shape of a model.
    fn of(record: &Record<'_>, names: &dyn Names) -> Option<Model> {
        let (raw, body) = (record.raw(), record.body_offset());
        let body_end = body + record.body().len();
        if raw.len() - body > REPLAY_BYTES_MAX {
            return None;
        }
        let interpreter = Interpreter::new(record, names);
        let (mut places, mut shown) = (Vec::new(), Vec::new());
        let mut at = body;
        for token in record.tokens() {
            let Token::Field(field) = token else {
                return None;
            };
            if field.part == Part::Enriched {
                break;
            }
            let kind = interpreter.kind(&field);
            let is_plain = field.start == at && ends_well(&field, raw, body_end);
            if !is_plain || field.part != Part::Body || field.name == b"msg" {
                return None;
            }
            // Typed characters have an end of their own.
            if kind == Kind::TtyData {
                return None;
            }
            let cursor = interpreter.cursor();
            shown.extend_from_slice(&raw[field.start..field.value_start]);
            push_value(&interpreter, kind, &field, raw, &mut shown);
            shown.push(b' ');
            places.push(Place {
                start: field.start - body,
                value_start: field.value_start - body,
                end: field.end - body,
                shown_end: shown.len(),
                kind,
                cursor,
            });
            at = field.end + 1;
        }
        if at != body_end + 1 || shown.iter().any(|byte| *byte < b' ') {
            return None;
        }
        Some(Model {
            record_type: record.record_type(),
            context: interpreter.context(),
            body: record.body().to_vec(),
            enriched: record.enriched().to_vec(),
            places,
            shown,
        })
    }

    /// Appends the body of a record like this one; no, and something appended, where it is not.
    fn push_body(&self, record: &Record<'_>, names: &dyn Names, out: &mut Vec<u8>) -> bool {
        let (raw, body, offset) = (record.raw(), record.body(), record.body_offset());
        let body_end = offset + body.len();
        let interpreter = Interpreter::with_context(self.context, record, names);
        let mut tokens = record.tokens();
        let (mut index, mut at, mut shown) = (0, 0, 0);
        while let Some(first) = self.places.get(index) {
            let (known, new) = (&self.body[first.start..], &body[at..]);
            let equal = common(known, new);
            let until = first.start + equal;
            if equal == known.len() && equal == new.len() {
                out.extend_from_slice(&self.shown[shown..]);
                return true;
            }
            // A value is the same if the blank behind it is.
            let rest = &self.places[index..];
            let same = rest.iter().take_while(|place| place.end < until).count();
            let Some(place) = rest.get(same) else {
                return false;
            };
            if same > 0 {
                let end = rest[same - 1].shown_end;
                out.extend_from_slice(&self.shown[shown..end]);
            }
            // The field is the same up to its `=`.
            if place.value_start > until || place.value_start == place.start {
                return false;
            }
            let start = offset + at + place.start - first.start;
            let field = tokens.field_at(start, start + place.value_start - 1 - place.start);
            let is_last = index + same + 1 == self.places.len();
            let is_like = ends_well(&field, raw, body_end)
                && is_last == (field.end == body_end)
                && !self.context.explains_others(place.kind);
            if !is_like {
                return false;
            }
            let start = out.len();
            if place.kind.is_verbatim() && !place.kind.is_encoded() {
                out.extend_from_slice(&raw[field.start..field.end]);
            } else {
                interpreter.set_cursor(place.cursor);
                out.extend_from_slice(&raw[field.start..field.value_start]);
                push_value(&interpreter, place.kind, &field, raw, out);
            }
            escape_controls(start, out);
            out.push(b' ');
            shown = place.shown_end;
            index += same + 1;
            at = field.end + 1 - offset;
        }
        true
    }
}

/// Whether behind the field stands a blank and another one, or nothing.
fn ends_well(field: &Field<'_>, raw: &[u8], body_end: usize) -> bool {
    field.end == body_end || field.end + 1 < body_end && raw[field.end] == b' '
}

/// Whether both are the same: without a call, which takes longer than to compare what is short.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && common(a, b) == a.len()
}

/// How many bytes are the same at the start of both.
fn common(a: &[u8], b: &[u8]) -> usize {
    let mut same = 0;
    for (a, b) in std::iter::zip(a.chunks_exact(8), b.chunks_exact(8)) {
        let differs = word(a) ^ word(b);
        if differs != 0 {
            return same + crate::scan::first(differs);
        }
        same += 8;
    }
    let rest = std::iter::zip(&a[same..], &b[same..]);
    same + rest.take_while(|(a, b)| a == b).count()
}

fn word(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
