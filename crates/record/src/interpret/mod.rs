//! Interpretation: what a value means, in words.
//!
//! The kind of a field ([`Kind`]) says which decoder reads it; what a decoder needs to know of the
//! record besides (architecture, syscall, earlier arguments) stands in [`Context`]. Names of users
//! and groups come first from the record itself (ENRICHED), then from whom the caller appoints
//! ([`Names`]); this crate asks no system. A value that a decoder cannot read stays as it is.

mod kind;
mod value;

use std::borrow::Cow;

pub use kind::Kind;

use crate::field::{Field, Part};
use crate::number::{decimal, hexadecimal};
use crate::record::Record;
use crate::record_type::RecordType;

/// Where names of users and groups come from that the record itself does not carry.
pub trait Names {
    /// The name of a user id.
    fn user(&self, uid: u32) -> Option<Cow<'_, str>>;
    /// The name of a group id.
    fn group(&self, gid: u32) -> Option<Cow<'_, str>>;
}

/// Knows no names: ids stay numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn user(&self, _uid: u32) -> Option<Cow<'_, str>> {
        None
    }

    fn group(&self, _gid: u32) -> Option<Cow<'_, str>> {
        None
    }
}

/// Interprets the fields of one record, in order.
pub struct Interpreter<'r, 'n> {
    context: Context,
    enriched: Vec<Field<'r>>,
    names: &'n dyn Names,
}

impl<'r, 'n> Interpreter<'r, 'n> {
    /// An interpreter at the record's first field.
    pub fn new(record: &Record<'r>, names: &'n dyn Names) -> Interpreter<'r, 'n> {
        let enriched = match record.enriched() {
            [] => Vec::new(),
            _ => record
                .fields()
                .filter(|field| field.part == Part::Enriched)
                .collect(),
        };
        Interpreter {
            context: Context::new(record.record_type()),
            enriched,
            names,
        }
    }

    /// Appends what the field means, and says whether that is more than its decoded value. Takes
    /// note of it for those that follow, so call it for each field of the record, in order.
    pub fn interpret(&mut self, field: &Field<'_>, out: &mut Vec<u8>) -> bool {
        self.context.observe(field);
        let kind = Kind::of(self.context.record_type, field);
        if kind == Kind::Plain || field.part == Part::Enriched {
            return false;
        }
        if let Some(resolved) = self.resolved(field.name) {
            out.extend_from_slice(resolved);
            return true;
        }
        value::interpret(kind, &self.context, field, self.names, out)
    }

    /// What auditd resolved when it wrote the record.
    fn resolved(&self, name: &[u8]) -> Option<&'r [u8]> {
        let same = |field: &&Field<'_>| {
            field.name.len() == name.len()
                && std::iter::zip(field.name, name)
                    .all(|(upper, byte)| *upper == byte.to_ascii_uppercase())
        };
        self.enriched.iter().find(same).map(|field| field.value)
    }
}

/// What the fields read so far say about the rest of their record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    pub(crate) record_type: RecordType,
    /// `AUDIT_ARCH_*`, include/uapi/linux/audit.h.
    pub(crate) arch: u32,
    pub(crate) syscall: Option<u32>,
    pub(crate) arguments: [u64; 4],
}

impl Context {
    /// The context of a record's first field.
    pub fn new(record_type: RecordType) -> Context {
        Context {
            record_type,
            ..Context::default()
        }
    }

    /// The context of a whole record, for one who wants a single field.
    pub fn of(record: &Record<'_>) -> Context {
        let mut context = Context::new(record.record_type());
        if context.is_wanted() {
            record.fields().for_each(|field| context.observe(&field));
        }
        context
    }

    fn is_wanted(&self) -> bool {
        matches!(
            self.record_type,
            RecordType::SYSCALL | RecordType::SECCOMP | RecordType::URINGOP
        )
    }

    /// Takes note of a field; call it for each, in order, before interpreting it.
    #[inline]
    pub fn observe(&mut self, field: &Field<'_>) {
        if !self.is_wanted() || field.part != Part::Body {
            return;
        }
        match field.name {
            b"arch" => self.arch = hexadecimal(field.value).unwrap_or_default() as u32,
            b"syscall" => self.syscall = decimal(field.value).and_then(|n| u32::try_from(n).ok()),
            [b'a', digit @ b'0'..=b'3'] => {
                self.arguments[usize::from(digit - b'0')] =
                    hexadecimal(field.value).unwrap_or_default();
            }
            _ => {}
        }
    }
}
