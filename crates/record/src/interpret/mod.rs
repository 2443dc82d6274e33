//! Interpretation: what a value means, in words.
//!
//! The kind of a field ([`Kind`]) says which decoder reads it; what a decoder needs to know of the
//! record besides (architecture, syscall, earlier arguments) stands in [`Context`]. Names of users
//! and groups come first from the record itself (ENRICHED), then from whom the caller appoints
//! ([`Names`]); this crate asks no system. A value that a decoder cannot read stays as it is.

mod argument;
mod flags;
mod kind;
mod local;
mod sockaddr;
mod tty;
mod value;

use std::borrow::Cow;
use std::cell::Cell;

pub use kind::Kind;
pub use sockaddr::{SocketAddress, UnixName};
pub(crate) use tty::push_keys;

use argument::Argument;

use crate::arch::Arch;
use crate::field::{Field, Part, Token, Tokens};
use crate::limits::ENRICHED_FIELDS_MAX;
use crate::number::{decimal, hexadecimal};
use crate::record::Record;
use crate::record_type::RecordType;

/// Error numbers of Linux with their names, ascending; asm-generic/errno.h.
pub fn errnos() -> &'static [(u64, &'static str)] {
    crate::tables::constants::ERRNOS
}

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

/// Interprets the fields of one record.
pub struct Interpreter<'r, 'n> {
    context: Context,
    /// What auditd appended.
    enriched: &'r [u8],
    /// Where in it the name after the last one that was found stands: auditd appends them in the
    /// order of the fields.
    cursor: Cell<usize>,
    names: &'n dyn Names,
}

impl<'r, 'n> Interpreter<'r, 'n> {
    /// An interpreter for the fields of `record`.
    pub fn new(record: &Record<'r>, names: &'n dyn Names) -> Interpreter<'r, 'n> {
        Interpreter {
            context: Context::of(record),
            enriched: record.enriched(),
            cursor: Cell::new(0),
            names,
        }
    }

    /// The same for a record with the context of another one.
    pub(crate) fn with_context(
        context: Context,
        record: &Record<'r>,
        names: &'n dyn Names,
    ) -> Interpreter<'r, 'n> {
        Interpreter {
            context,
            enriched: record.enriched(),
            cursor: Cell::new(0),
            names,
        }
    }

    pub(crate) fn context(&self) -> Context {
        self.context
    }

    /// Where the next name is looked for first; what a field means can depend on it where the
    /// enriched part has a name twice.
    pub(crate) fn cursor(&self) -> usize {
        self.cursor.get()
    }

    pub(crate) fn set_cursor(&self, cursor: usize) {
        self.cursor.set(cursor);
    }

    /// Appends what the field means, and says whether that is more than its decoded value; if it
    /// is not, appends nothing.
    pub fn interpret(&self, field: &Field<'_>, out: &mut Vec<u8>) -> bool {
        self.interpret_as(self.kind(field), field, out)
    }

    /// The kind of a field of this record.
    pub(crate) fn kind(&self, field: &Field<'_>) -> Kind {
        Kind::of(self.context.record_type, field)
    }

    /// [`Interpreter::interpret`] for one who knows the kind already.
    pub(crate) fn interpret_as(&self, kind: Kind, field: &Field<'_>, out: &mut Vec<u8>) -> bool {
        if kind.is_verbatim() || field.part == Part::Enriched {
            return false;
        }
        // Numbers that mean the same everywhere we read ourselves: auditd's tables may be older.
        let is_local = match kind {
            Kind::Uid | Kind::Gid => true,
            Kind::Syscall => self.context.syscall_name.is_none(),
            _ => false,
        };
        if is_local && let Some(resolved) = self.resolved(field.name) {
            out.extend_from_slice(resolved);
            return true;
        }
        value::interpret(kind, &self.context, field, self.names, out)
    }

    /// What auditd resolved when it wrote the record.
    fn resolved(&self, name: &[u8]) -> Option<&'r [u8]> {
        let cursor = self.cursor.get();
        self.resolved_between(cursor, self.enriched.len(), name)
            .or_else(|| self.resolved_between(0, cursor, name))
    }

    fn resolved_between(&self, start: usize, end: usize, name: &[u8]) -> Option<&'r [u8]> {
        for token in Tokens::enriched(self.enriched, start).take(ENRICHED_FIELDS_MAX) {
            let Token::Field(field) = token else {
                continue;
            };
            if field.start >= end {
                return None;
            }
            if crate::record::same_upper(field.name, name) {
                self.cursor.set(field.end);
                return Some(field.value);
            }
        }
        None
    }
}

/// What some fields of a record say about others: its architecture, its syscall, and that one's
/// arguments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context {
    record_type: RecordType,
    /// `AUDIT_ARCH_*`, include/uapi/linux/audit.h; 0 where the record has none.
    arch: u32,
    syscall: Option<u32>,
    /// The name of the syscall, where its architecture is known.
    syscall_name: Option<&'static str>,
    arguments: [u64; 4],
    /// What the arguments are.
    argument_kinds: [Argument; 4],
}

impl Context {
    fn of(record: &Record<'_>) -> Context {
        let mut context = Context {
            record_type: record.record_type(),
            ..Context::default()
        };
        if matches!(
            context.record_type,
            RecordType::SYSCALL | RecordType::SECCOMP | RecordType::URINGOP
        ) {
            context.read(record);
            context.syscall_name = context
                .known_arch()
                .zip(context.syscall)
                .and_then(|(arch, syscall)| arch.syscall_name(syscall));
            context.argument_kinds = argument::kinds(context.syscall_name);
        }
        context
    }

    /// Whether other fields can mean something else when the value of such a one changes.
    pub(crate) fn explains_others(&self, kind: Kind) -> bool {
        match kind {
            Kind::Arch | Kind::Syscall => true,
            // Whoever looks at another argument looks at one that is more than a number; but for
            // ipc, whose first one tells which call is meant.
            Kind::Argument(index) => {
                self.argument_kinds[usize::from(index)] != Argument::Hex
                    || self.syscall_name == Some("ipc")
            }
            _ => false,
        }
    }

    /// The architecture of the record, if its syscalls are known.
    fn known_arch(&self) -> Option<Arch> {
        Arch::from_audit(self.arch)
    }

    /// Reads up to the last argument; what follows explains nothing.
    fn read(&mut self, record: &Record<'_>) {
        let fields = record.fields().take_while(|field| field.part == Part::Body);
        for field in fields {
            match field.name {
                b"arch" => self.arch = hexadecimal(field.value).unwrap_or_default() as u32,
                b"syscall" => {
                    self.syscall = decimal(field.value).and_then(|n| u32::try_from(n).ok());
                }
                [b'a', digit @ b'0'..=b'3'] => {
                    self.arguments[usize::from(digit - b'0')] =
                        hexadecimal(field.value).unwrap_or_default();
                    if *digit == b'3' {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}
