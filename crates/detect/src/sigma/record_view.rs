//! A record as rules of service auditd see it: its fields by the records' own names, decoded.
//!
//! The names that any rule asks for are numbered when rules are compiled; a record is then read
//! once, into a slot for each number.

use std::borrow::Cow;
use std::cell::RefCell;

use indelible_query::expr::{CompileError, Naming, Subject, Type, Value};
use indelible_record::{Part, Record, RecordType};

use super::scene::{decoded, every, syscall_name};
use super::selection::ANY;

/// The names that rules ask for, each with its slot.
#[derive(Debug)]
pub(super) struct RecordNames {
    /// By a hash of the name.
    buckets: Vec<Vec<(Box<[u8]>, u16)>>,
    count: u16,
    /// Slots of names that are made where the record lacks them.
    record_type: Option<u16>,
    syscall: Option<u16>,
}

/// A field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RecordField {
    Slot(u16),
    /// Every value.
    Any,
}

impl RecordNames {
    pub(super) fn new() -> RecordNames {
        RecordNames {
            buckets: vec![Vec::new(); BUCKETS],
            count: 0,
            record_type: None,
            syscall: None,
        }
    }

    fn slot(&self, name: &[u8]) -> Option<u16> {
        let bucket = &self.buckets[hash(name)];
        let found = bucket.iter().find(|entry| *entry.0 == *name)?;
        Some(found.1)
    }

    fn add(&mut self, name: &[u8]) -> Option<u16> {
        if let Some(slot) = self.slot(name) {
            return Some(slot);
        }
        let slot = self.count;
        self.count = self.count.checked_add(1)?;
        self.buckets[hash(name)].push((name.into(), slot));
        match name {
            b"type" => self.record_type = Some(slot),
            b"SYSCALL" => self.syscall = Some(slot),
            _ => {}
        }
        Some(slot)
    }
}

/// Names are short, and most differ in their length and ends.
#[inline]
fn hash(name: &[u8]) -> usize {
    let (first, last) = match name {
        [] => (0, 0),
        [first, .., last] => (*first, *last),
        [only] => (*only, 0),
    };
    (usize::from(first) * 7 + usize::from(last) * 31 + name.len() * 3) % BUCKETS
}

const BUCKETS: usize = 256;

/// Numbers names while rules are compiled.
pub(super) struct RecordNaming(pub(super) RefCell<RecordNames>);

impl Naming for RecordNaming {
    type Field = RecordField;

    fn field(&self, name: &str) -> Result<(RecordField, Type), CompileError> {
        if name == ANY {
            return Ok((RecordField::Any, Type::Raw));
        }
        let plain = name.strip_prefix("raw.").unwrap_or(name);
        match self.0.borrow_mut().add(plain.as_bytes()) {
            Some(slot) => Ok((RecordField::Slot(slot), Type::Raw)),
            None => Err(CompileError::Field {
                name: name.to_owned(),
                suggestion: indelible_query::expr::Suggestion::None,
            }),
        }
    }
}

/// A record whose fields are in their slots.
pub(super) struct SeenRecord<'e> {
    record: Record<'e>,
    slots: Vec<Option<Cow<'e, [u8]>>>,
}

impl<'e> SeenRecord<'e> {
    pub(super) fn of(record: Record<'e>, names: &RecordNames) -> SeenRecord<'e> {
        let mut slots = vec![None; usize::from(names.count)];
        let (mut arch, mut number) = (&b""[..], &b""[..]);
        for field in record.fields() {
            match field.name {
                b"arch" => arch = field.value,
                b"syscall" => number = field.value,
                _ => {}
            }
            if let Some(slot) = names.slot(field.name)
                && let value @ None = &mut slots[usize::from(slot)]
                && !field.is_null()
                // An upper-case name in the record's own text would pretend to be a resolved one.
                && (field.part == Part::Enriched || !field.name.first().is_some_and(u8::is_ascii_uppercase))
            {
                *value = Some(decoded(&record, &field));
            }
        }
        if let Some(slot) = names.record_type {
            slots[usize::from(slot)] = Some(match record.record_type().name() {
                Some(name) => Cow::Borrowed(name.as_bytes()),
                None => Cow::Owned(record.type_name().into_bytes()),
            });
        }
        if let Some(slot) = names.syscall
            && record.record_type() == RecordType::SYSCALL
            && let value @ None = &mut slots[usize::from(slot)]
        {
            *value = syscall_name(arch, number).map(|name| Cow::Borrowed(name.as_bytes()));
        }
        SeenRecord { record, slots }
    }

    fn slot(&self, slot: u16) -> Option<&[u8]> {
        self.slots.get(usize::from(slot))?.as_deref()
    }
}

impl Subject for SeenRecord<'_> {
    type Field = RecordField;

    #[inline]
    fn any(&self, field: &RecordField, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        match field {
            RecordField::Slot(slot) => self
                .slot(*slot)
                .is_some_and(|value| test(Value::Text(value))),
            RecordField::Any => every(&self.record, test),
        }
    }
}
