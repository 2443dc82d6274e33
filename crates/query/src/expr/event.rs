//! An event as a subject: its typed names, and every field of its records.

use std::borrow::Cow;

use indelible_record::{
    Arch, Event, Field, Kind, Part, Quote, Record, RecordType, SocketAddress, UNSET,
};
use memchr::memmem;

use super::compile::{Naming, Type};
use super::error::{CompileError, Suggestion};
use super::names;
use super::subject::{Subject, Value, decimal};

/// The names of an event: docs/where.md lists them.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventNaming;

/// A field of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventField {
    /// What only messages have.
    Absent,
    /// Every decoded value, and the text of each record.
    Any,
    /// Labels of the rules that caught the event.
    Key,
    /// Text that the event has once, by the records' own name.
    First(&'static str),
    /// A number that the event has once, by the records' own name; −1 of an id is 2³² − 1.
    Number(&'static str, Type),
    /// Names in PATH records.
    Path,
    /// Working directory.
    Cwd,
    /// Arguments of an `execve`, each.
    Argument,
    /// Arguments joined by blanks, or the kernel's copy.
    CommandLine,
    /// `tty` or `terminal`.
    Terminal,
    /// The host.
    Node,
    /// Types of the records.
    Type,
    /// The text of each record after its stamp.
    Message,
    /// Addresses in SOCKADDR records and `addr` fields.
    Address,
    /// Ports in SOCKADDR records.
    Port,
    /// Whether what was tried was done.
    Success,
    /// Architecture.
    Arch,
    /// System call.
    Syscall,
    /// Milliseconds since 1970.
    Time,
    /// The event's number since boot.
    Serial,
    /// A field by its name in the records, in any of them.
    Raw(Box<[u8]>),
}

impl Naming for EventNaming {
    type Field = EventField;

    fn field(&self, name: &str) -> Result<(EventField, Type), CompileError> {
        if let Some((_, field, field_type)) = names::TYPED.iter().find(|entry| entry.0 == name) {
            return Ok((field.clone(), *field_type));
        }
        let raw = match name.strip_prefix(names::RAW_PREFIX) {
            Some(raw) if !raw.is_empty() => raw,
            _ if names::is_known(name) => name,
            _ => {
                return Err(CompileError::Field {
                    name: name.to_owned(),
                    suggestion: names::nearest(name).map_or(Suggestion::Raw, Suggestion::Name),
                });
            }
        };
        Ok((EventField::Raw(raw.as_bytes().into()), Type::Raw))
    }
}

type Test<'t> = &'t mut dyn FnMut(Value<'_>) -> bool;

impl Subject for Event {
    type Field = EventField;

    fn any(&self, field: &EventField, test: Test<'_>) -> bool {
        match field {
            EventField::Absent => false,
            EventField::Any => self.records().any(|record| any_value(&record, test)),
            EventField::Key => self.records().any(|record| keys(&record, test)),
            EventField::First(name) => self
                .value(name)
                .is_some_and(|value| test(Value::Text(&value))),
            EventField::Number(name, field_type) => {
                number(self, name, *field_type).is_some_and(|number| test(Value::Number(number)))
            }
            EventField::Path => of_type(self, RecordType::PATH).any(|record| {
                record
                    .get("name")
                    .filter(|field| !field.is_null())
                    .is_some_and(|field| test(Value::Text(&field.decoded(RecordType::PATH))))
            }),
            EventField::Cwd => self.cwd().is_some_and(|cwd| test(Value::Text(&cwd))),
            EventField::Argument => self.argv().is_some_and(|argv| {
                let mut arguments = argv.arguments.iter();
                arguments.any(|argument| test(Value::Text(argument)))
            }),
            EventField::CommandLine => self
                .command_line()
                .is_some_and(|line| test(Value::Text(&line))),
            EventField::Terminal => self
                .terminal()
                .is_some_and(|terminal| test(Value::Text(&terminal))),
            EventField::Node => self.node().is_some_and(|node| test(Value::Text(node))),
            EventField::Type => self.records().any(|record| record_type(&record, test)),
            EventField::Message => self
                .records()
                .any(|record| test(Value::Text(record.body()))),
            EventField::Address => self.records().any(|record| addresses(&record, test)),
            EventField::Port => of_type(self, RecordType::SOCKADDR)
                .filter_map(|record| port(&socket_address(&record)?))
                .any(|port| test(Value::Number(i64::from(port)))),
            EventField::Success => ["success", "res", "result"]
                .iter()
                .find_map(|name| truth(&self.value(name)?))
                .is_some_and(|truth| test(Value::Bool(truth))),
            EventField::Arch => self.arch().is_some_and(|arch| {
                test(match Arch::from_audit(arch).map(arch_name) {
                    Some(name) => Value::Named(i64::from(arch), name.as_bytes()),
                    None => Value::Number(i64::from(arch)),
                })
            }),
            EventField::Syscall => syscall(self, test),
            EventField::Time => self.stamp().is_some_and(|stamp| {
                test(Value::Number(i64::try_from(stamp.ms()).unwrap_or(i64::MAX)))
            }),
            EventField::Serial => self
                .stamp()
                .is_some_and(|stamp| test(Value::Number(i64::from(stamp.serial)))),
            EventField::Raw(name) => self.records().any(|record| raw(&record, name, test)),
        }
    }
}

fn of_type(event: &Event, record_type: RecordType) -> impl Iterator<Item = Record<'_>> {
    event
        .records()
        .filter(move |record| record.record_type() == record_type)
}

fn keys(record: &Record<'_>, test: Test<'_>) -> bool {
    // Most records have no key, and it stands last: one search spares the tokeniser.
    if memmem::find(record.body(), b"key=").is_none() {
        return false;
    }
    let key = record.get("key").filter(|field| !field.is_null());
    key.is_some_and(|field| {
        let joined = field.decoded(record.record_type());
        let mut keys = joined.split(|byte| *byte == KEY_SEPARATOR);
        keys.any(|key| test(Value::Text(key)))
    })
}

/// A number that no quotes hide, as the kernel writes it: what is found here is also found by its
/// bytes (`name=number`).
fn number(event: &Event, name: &str, field_type: Type) -> Option<i64> {
    let (_, field) = event.field(name)?;
    let number = plain_decimal(&field)?;
    match (field_type, number) {
        (Type::Id, -1) => Some(i64::from(UNSET)),
        _ => Some(number),
    }
}

fn plain_decimal(field: &Field<'_>) -> Option<i64> {
    let is_padded = matches!(field.value, [b'0', _, ..] | [b'-', b'0', ..]);
    (field.quote == Quote::None && !is_padded).then(|| decimal(field.value))?
}

fn record_type(record: &Record<'_>, test: Test<'_>) -> bool {
    let number = record.record_type();
    match number.name() {
        Some(name) => test(Value::Named(i64::from(number.0), name.as_bytes())),
        None => {
            let name = record.type_name();
            test(Value::Named(i64::from(number.0), name.as_bytes()))
        }
    }
}

fn socket_address(record: &Record<'_>) -> Option<SocketAddress> {
    /// `sockaddr_in6`, the longest that has an address.
    const BYTES_MAX: usize = 28;
    let digits = record.get("saddr")?.value;
    let digits = &digits[..digits.len().min(2 * BYTES_MAX)];
    let nibble = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let mut bytes = [0; BYTES_MAX];
    let mut length = 0;
    for pair in digits.chunks_exact(2) {
        bytes[length] = nibble(pair[0])? << 4 | nibble(pair[1])?;
        length += 1;
    }
    SocketAddress::read(&bytes[..length])
}

fn port(address: &SocketAddress) -> Option<u16> {
    match address {
        SocketAddress::Inet { port, .. } | SocketAddress::Inet6 { port, .. } => Some(*port),
        _ => None,
    }
}

fn addresses(record: &Record<'_>, test: Test<'_>) -> bool {
    if record.record_type() == RecordType::SOCKADDR {
        return match socket_address(record) {
            Some(SocketAddress::Inet { address, .. }) => test(Value::Address(address.into())),
            Some(SocketAddress::Inet6 { address, .. }) => {
                test(Value::Address(address.to_canonical()))
            }
            _ => false,
        };
    }
    if memmem::find(record.body(), b"addr=").is_none() {
        return false;
    }
    let field = record.get("addr").filter(|field| !field.is_null());
    field.is_some_and(|field| test(Value::Text(field.value)))
}

fn truth(value: &[u8]) -> Option<bool> {
    let is = |word: &str| value.eq_ignore_ascii_case(word.as_bytes());
    if is("yes") || is("success") || is("1") {
        return Some(true);
    }
    (is("no") || is("failed") || is("0")).then_some(false)
}

/// The name of an architecture, as `uname -m` and audit's tools write it.
fn arch_name(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "x86_64",
        Arch::I386 => "i386",
        Arch::Aarch64 => "aarch64",
        Arch::Arm => "arm",
        Arch::Riscv64 => "riscv64",
        Arch::S390x => "s390x",
        Arch::Ppc64 => "ppc64",
        Arch::Ppc64le => "ppc64le",
    }
}

fn syscall(event: &Event, test: Test<'_>) -> bool {
    let Some(number) = number(event, "syscall", Type::Number) else {
        return false;
    };
    let name = event
        .arch()
        .and_then(Arch::from_audit)
        .and_then(|arch| arch.syscall_name(u32::try_from(number).ok()?));
    test(match name {
        Some(name) => Value::Named(number, name.as_bytes()),
        None => Value::Number(number),
    })
}

/// Fields of this name in the kernel's text, in a program's, and in what auditd resolved.
fn raw(record: &Record<'_>, name: &[u8], test: Test<'_>) -> bool {
    record
        .fields()
        .filter(|field| field.name == name && !field.is_null())
        .any(|field| field_value(record, &field, test))
}

fn field_value(record: &Record<'_>, field: &Field<'_>, test: Test<'_>) -> bool {
    let record_type = record.record_type();
    if field.part == Part::Enriched {
        return test(Value::Text(field.value));
    }
    if let Kind::Argument(_) = Kind::of(record_type, field) {
        return test(match hexadecimal(field.value) {
            Some(number) => Value::Named(number, field.value),
            None => Value::Text(field.value),
        });
    }
    match field.decoded(record_type) {
        Cow::Borrowed(value) => test(Value::Text(value)),
        Cow::Owned(value) => test(Value::Text(&value)),
    }
}

/// A syscall argument: 64 bits, of which the highest is the sign.
fn hexadecimal(digits: &[u8]) -> Option<i64> {
    let is_number = matches!(digits.len(), 1..=16) && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = is_number.then(|| std::str::from_utf8(digits).ok())??;
    Some(u64::from_str_radix(digits, 16).ok()?.cast_signed())
}

fn any_value(record: &Record<'_>, test: Test<'_>) -> bool {
    record
        .fields()
        .filter(|field| !field.is_null())
        .any(|field| field_value(record, &field, test))
        || test(Value::Text(record.body()))
}

/// Joins the keys of one rule: `AUDIT_KEY_SEPARATOR` of the rule format.
const KEY_SEPARATOR: u8 = 1;
