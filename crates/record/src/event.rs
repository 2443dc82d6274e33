//! An event: the records that share node, time and serial.
//!
//! The records are kept as their bytes, one after the other, with their frames; what the accessors
//! return is read from them when it is asked for. The accessors look at the kernel's own fields
//! before those that a program put into `msg='…'`.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::execve::Argv;
use crate::field::{Field, Part, Token};
use crate::number::{decimal, hexadecimal, signed};
use crate::record::{Frame, Record};
use crate::record_type::RecordType;
use crate::stamp::Stamp;

/// The value of a uid, auid or session that is not set: 2³² − 1.
pub const UNSET: u32 = u32::MAX;

/// What an event lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The record has no stamp, so it cannot be told what belongs to it.
    Stamp,
    /// There are records that only accompany a syscall, and no SYSCALL or URINGOP.
    Syscall,
    /// Fewer PATH records than the SYSCALL record's `items`.
    Paths {
        /// PATH records that are there.
        have: u64,
        /// PATH records that the kernel announced.
        expected: u64,
    },
    /// Fewer arguments than the EXECVE record's `argc`.
    Arguments {
        /// Arguments that are there.
        have: u64,
        /// Arguments that the kernel announced.
        expected: u64,
    },
    /// No PROCTITLE and no EOE, although this node writes them.
    End,
    /// A record was longer than the limit and was cut.
    Cut,
    /// The event outgrew the limits, or was pushed out by others before it was whole.
    Evicted,
}

impl Missing {
    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Missing::Stamp => "stamp",
            Missing::Syscall => "syscall",
            Missing::Paths { .. } => "paths",
            Missing::Arguments { .. } => "arguments",
            Missing::End => "end",
            Missing::Cut => "cut",
            Missing::Evicted => "evicted",
        }
    }
}

/// Records of one event, in order of arrival.
#[derive(Clone, Debug, Default)]
pub struct Event {
    bytes: Vec<u8>,
    frames: Vec<Placed>,
    stamp: Option<Stamp>,
    pub(crate) missing: Vec<Missing>,
}

/// A record's end in the event's bytes, and its frame.
#[derive(Clone, Copy, Debug)]
struct Placed {
    end: usize,
    frame: Frame,
}

impl Event {
    /// An event without records yet.
    pub(crate) fn new(stamp: Option<Stamp>) -> Event {
        Event {
            stamp,
            ..Event::default()
        }
    }

    /// Makes it an event without records again; what it allocated stays.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
        self.missing.clear();
        self.stamp = None;
    }

    pub(crate) fn set_stamp(&mut self, stamp: Option<Stamp>) {
        self.stamp = stamp;
    }

    pub(crate) fn push(&mut self, record: &Record<'_>) {
        if self.bytes.is_empty() {
            // Five records of an open are about 1 KiB, enriched.
            self.bytes.reserve(1024);
            self.frames.reserve(5);
        }
        self.bytes.extend_from_slice(record.raw());
        self.frames.push(Placed {
            end: self.bytes.len(),
            frame: record.frame(),
        });
    }

    /// Bytes of all records.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The records, in order of arrival.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = Record<'_>> + ExactSizeIterator {
        (0..self.frames.len()).map(|index| {
            let start = match index {
                0 => 0,
                _ => self.frames[index - 1].end,
            };
            let placed = self.frames[index];
            Record::with_frame(&self.bytes[start..placed.end], placed.frame)
        })
    }

    /// The first record of a type.
    pub fn record(&self, record_type: RecordType) -> Option<Record<'_>> {
        self.records()
            .find(|record| record.record_type() == record_type)
    }

    /// Time and serial; none for a line without them.
    pub fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    /// The host in the records' `node=` prefix.
    pub fn node(&self) -> Option<&[u8]> {
        self.records().next().and_then(|record| record.node())
    }

    /// Whether nothing is known to be missing.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// What is known to be missing.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// Takes note that something is missing of which the records tell nothing; once.
    pub fn lacks(&mut self, missing: Missing) {
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    /// The type that names the event: SYSCALL's companions do not, so that an `execve` which
    /// SELinux denied is an AVC event, and an `open` is a SYSCALL event.
    pub fn record_type(&self) -> RecordType {
        let names = |record: &Record<'_>| {
            let record_type = record.record_type();
            !record_type.needs_syscall() && record_type != RecordType::EOE
        };
        self.records()
            .find(names)
            .or_else(|| self.records().next())
            .map_or(RecordType(0), |record| record.record_type())
    }

    /// The labels of the rules that caught the event (`-k`), each once.
    pub fn keys(&self) -> Vec<Cow<'_, [u8]>> {
        let mut keys: Vec<Cow<'_, [u8]>> = Vec::new();
        for record in self.records() {
            let Some(field) = key_of(&record) else {
                continue;
            };
            match field.decoded(record.record_type()) {
                Cow::Borrowed(key) => {
                    for key in key.split(|&byte| byte == KEY_SEPARATOR) {
                        if !keys.iter().any(|known| **known == *key) {
                            keys.push(Cow::Borrowed(key));
                        }
                    }
                }
                Cow::Owned(joined) => {
                    for key in joined.split(|&byte| byte == KEY_SEPARATOR) {
                        if !keys.iter().any(|known| **known == *key) {
                            keys.push(Cow::Owned(key.to_vec()));
                        }
                    }
                }
            }
        }
        keys
    }

    /// The first field of this name: in the kernel's text of any record, else in a program's.
    /// SYSCALL's fields come first, whatever the order of the records.
    pub fn field(&self, name: &str) -> Option<(Record<'_>, Field<'_>)> {
        let syscall = self
            .records()
            .position(|record| record.record_type() == RecordType::SYSCALL);
        let others = self.records().enumerate();
        let others = others.filter(|(index, _)| Some(*index) != syscall);
        let ordered = syscall
            .and_then(|index| self.records().nth(index))
            .into_iter()
            .chain(others.map(|(_, record)| record));
        let mut in_message = None;
        for record in ordered {
            for field in record.fields() {
                match field.part {
                    Part::Enriched => break,
                    _ if !field.is(name) => {}
                    Part::Body => return Some((record, field)),
                    Part::Message => in_message = in_message.or(Some((record, field))),
                }
            }
        }
        in_message
    }

    /// The decoded value of [`Event::field`], unless it is null.
    pub fn value(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let (record, field) = self.field(name)?;
        (!field.is_null()).then(|| field.decoded(record.record_type()))
    }

    fn number(&self, name: &str) -> Option<u32> {
        let (_, field) = self.field(name)?;
        match signed(field.value)? {
            -1 => Some(UNSET),
            number => u32::try_from(number).ok(),
        }
    }

    /// The uid that logged in, before su and sudo; [`UNSET`] for daemons.
    pub fn auid(&self) -> Option<u32> {
        self.number("auid")
    }

    /// Real uid of the process.
    pub fn uid(&self) -> Option<u32> {
        self.number("uid")
    }

    /// Effective uid.
    pub fn euid(&self) -> Option<u32> {
        self.number("euid")
    }

    /// Real gid.
    pub fn gid(&self) -> Option<u32> {
        self.number("gid")
    }

    /// Effective gid.
    pub fn egid(&self) -> Option<u32> {
        self.number("egid")
    }

    /// Process id.
    pub fn pid(&self) -> Option<u32> {
        self.number("pid")
    }

    /// Process id of the parent.
    pub fn ppid(&self) -> Option<u32> {
        self.number("ppid")
    }

    /// Login session; [`UNSET`] for daemons.
    pub fn session(&self) -> Option<u32> {
        self.number("ses")
    }

    /// `AUDIT_ARCH_*` of the syscall.
    pub fn arch(&self) -> Option<u32> {
        let (_, field) = self.field("arch")?;
        u32::try_from(hexadecimal(field.value)?).ok()
    }

    /// Syscall number, in the numbering of [`Event::arch`].
    pub fn syscall(&self) -> Option<u32> {
        self.number("syscall")
    }

    /// What a syscall returned: negative errno, or the result.
    pub fn exit(&self) -> Option<i64> {
        signed(self.field("exit")?.1.value)
    }

    /// Whether what was tried was done: `success` of a syscall, `res` or `result` of the rest.
    pub fn success(&self) -> Option<bool> {
        ["success", "res", "result"]
            .iter()
            .find_map(|name| self.value(name).and_then(|value| truth(&value)))
    }

    /// Name of the task (at most 15 bytes).
    pub fn comm(&self) -> Option<Cow<'_, [u8]>> {
        self.value("comm")
    }

    /// Path of the program.
    pub fn exe(&self) -> Option<Cow<'_, [u8]>> {
        self.value("exe")
    }

    /// Terminal.
    pub fn terminal(&self) -> Option<Cow<'_, [u8]>> {
        self.value("tty").or_else(|| self.value("terminal"))
    }

    /// Working directory.
    pub fn cwd(&self) -> Option<Cow<'_, [u8]>> {
        let record = self.record(RecordType::CWD)?;
        record
            .get("cwd")
            .map(|field| field.decoded(RecordType::CWD))
    }

    /// The PATH records, in order of their `item`.
    pub fn paths(&self) -> Vec<Path<'_>> {
        let mut paths: Vec<Path<'_>> = self
            .records()
            .filter(|record| record.record_type() == RecordType::PATH)
            .map(Path::of)
            .collect();
        paths.sort_by_key(|path| path.item);
        paths
    }

    /// Arguments of an `execve`.
    pub fn argv(&self) -> Option<Argv> {
        self.record(RecordType::EXECVE)?;
        Some(Argv::of(self.records()))
    }

    /// The command line: `argv` joined by blanks, or else the kernel's copy (128 bytes at most).
    pub fn command_line(&self) -> Option<Vec<u8>> {
        if let Some(argv) = self.argv() {
            return Some(argv.arguments.join(&b' '));
        }
        let mut title = self.value("proctitle")?.into_owned();
        title
            .iter_mut()
            .filter(|byte| **byte == 0)
            .for_each(|byte| *byte = b' ');
        Some(title)
    }

    /// The bytes of a `struct sockaddr`.
    pub fn sockaddr(&self) -> Option<Vec<u8>> {
        let record = self.record(RecordType::SOCKADDR)?;
        let mut bytes = Vec::new();
        crate::number::decode_hex(record.get("saddr")?.value, &mut bytes).then_some(bytes)
    }
}

/// A PATH record: one inode that a syscall looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path<'a> {
    /// Its number in the event, from 0.
    pub item: u32,
    /// The name as the program gave it; none where there was none.
    pub name: Option<Cow<'a, [u8]>>,
    /// Inode number.
    pub inode: Option<u64>,
    /// Device, `major:minor` in hexadecimal.
    pub dev: Option<&'a [u8]>,
    /// Type and permissions, `st_mode`.
    pub mode: Option<u32>,
    /// Owner.
    pub ouid: Option<u32>,
    /// Group.
    pub ogid: Option<u32>,
    /// `NORMAL`, `PARENT`, `CREATE`, `DELETE` or `UNKNOWN`.
    pub nametype: Option<&'a [u8]>,
}

impl<'a> Path<'a> {
    fn of(record: Record<'a>) -> Path<'a> {
        let mut path = Path {
            item: 0,
            name: None,
            inode: None,
            dev: None,
            mode: None,
            ouid: None,
            ogid: None,
            nametype: None,
        };
        let narrow = |value: u64| u32::try_from(value).ok();
        for field in record.fields().filter(|field| field.part == Part::Body) {
            match field.name {
                b"item" => path.item = decimal(field.value).and_then(narrow).unwrap_or(UNSET),
                b"name" if !field.is_null() => path.name = Some(field.decoded(RecordType::PATH)),
                b"inode" => path.inode = decimal(field.value),
                b"dev" => path.dev = Some(field.value),
                b"mode" => path.mode = crate::number::octal(field.value).and_then(narrow),
                b"ouid" => path.ouid = decimal(field.value).and_then(narrow),
                b"ogid" => path.ogid = decimal(field.value).and_then(narrow),
                b"nametype" | b"objtype" => path.nametype = Some(field.value),
                _ => {}
            }
        }
        path
    }
}

/// Joins the keys of one rule: `AUDIT_KEY_SEPARATOR` of the rule format.
pub(crate) const KEY_SEPARATOR: u8 = 1;

/// The record's `key`, unless null.
pub(crate) fn key_of<'a>(record: &Record<'a>) -> Option<Field<'a>> {
    // Most records have none, and the key stands last: one search spares the tokeniser.
    if record.record_type().needs_syscall() {
        return None;
    }
    let body = record.body();
    let found = KEY.find(body)?;
    let field = if begins_field(body, found) && KEY.find(&body[found + 1..]).is_none() {
        let mut tokens = record.tokens();
        tokens.seek(record.body_offset() + found);
        match tokens.next() {
            Some(Token::Field(field)) => Some(field),
            _ => None,
        }
    } else {
        record.get("key")
    };
    field.filter(|field| !field.is_null())
}

/// Whether a field that is called as the text at `at` says begins there for certain: not within a
/// value, a message or braces, and not as the second word of a name.
fn begins_field(body: &[u8], at: usize) -> bool {
    let before = &body[..at];
    let is_outside = match memchr::memrchr(b'"', before) {
        // A value that holds what is looked for has opened behind a name and not closed yet.
        Some(quote) => quote > 0 && before[quote - 1] != b'=',
        None => true,
    };
    is_outside
        && before.ends_with(b" ")
        && !before.ends_with(b"old ")
        && !before.ends_with(b"new ")
        && memchr::memchr2(b'\'', b'{', before).is_none()
}

/// Made once: making a searcher takes longer than searching a record.
static KEY: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"key="));

/// `yes`, `success`, `1` and their opposites.
pub(crate) fn truth(value: &[u8]) -> Option<bool> {
    let lower = value.to_ascii_lowercase();
    match lower.as_slice() {
        b"yes" | b"success" | b"1" => Some(true),
        b"no" | b"failed" | b"0" => Some(false),
        _ => None,
    }
}
