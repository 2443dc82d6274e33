//! A record: one message of the kernel's audit socket, or one line of a file that carries it.
//!
//! Parsing finds the record's frame (node, type, stamp, where the text begins and ends) and leaves
//! the fields to an iterator, so that whoever needs two fields pays for two. It cannot fail: a line
//! in which nothing is recognised is a record of type 0 without a stamp whose text is the line.
//!
//! ```
//! use indelible_record::{Record, RecordType};
//!
//! let record = Record::parse(b"type=CWD msg=audit(1700000000.123:45): cwd=\"/root\"");
//! assert_eq!(record.record_type(), RecordType::CWD);
//! assert_eq!(record.get("cwd").unwrap().value, b"/root");
//! ```

use std::ops::Range;

use memchr::memrchr;

use crate::field::{self, Field, Part, Quote, Token, Tokens};
use crate::head::Heads;
use crate::record_type::RecordType;
use crate::stamp::{self, Stamp};

/// The byte between a record and the names that auditd appended to it (`log_format = ENRICHED`).
pub const ENRICHED_SEPARATOR: u8 = 0x1d;

/// One record over borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    raw: &'a [u8],
    frame: Frame,
}

/// Where the parts of a record stand, as offsets into its bytes.
///
/// ```text
/// node=h1 type=CWD msg=audit(1700000000.123:45): cwd="/"<0x1D>…
///      node     name   start                     body       tail
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    record_type: RecordType,
    kernel: bool,
    stamp: Option<Stamp>,
    node: (u32, u32),
    name: (u32, u32),
    start: u32,
    body: u32,
    body_end: u32,
    tail: u32,
}

/// A part of a record that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// Where it stands in [`Record::raw`].
    pub span: Range<usize>,
    /// What is wrong with it.
    pub why: Why,
}

/// Why a part of a record was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The line has no `audit(time:serial)`.
    NoStamp,
    /// The line names no type, or one that is neither a known name nor a number.
    NoType,
    /// Words that are not `name=value`.
    Text,
    /// A quote or brace that nothing closes.
    Open,
}

impl<'a> Record<'a> {
    /// A line of audit.log, of an audisp plugin's input, of syslog or printk. One newline at the
    /// end is not part of the record.
    pub fn parse(line: &'a [u8]) -> Record<'a> {
        let raw = one_line(line);
        let Some(found) = stamp::find(raw) else {
            return Record::without_stamp(raw);
        };
        let head = &raw[..found.start];
        let head = head.strip_suffix(b"msg=").unwrap_or(head);
        let name = type_name(head);
        Record::framed(raw, node(head), name, None, Some(found))
    }

    /// [`Record::parse`] for lines that follow each other.
    pub fn parse_next(line: &'a [u8], heads: &mut Heads<'a>) -> Record<'a> {
        let raw = one_line(line);
        match heads.read(raw) {
            Some(head) => {
                let (node, name, found) = head.frame();
                Record::framed(raw, node, name, None, Some(found))
            }
            None => Record::parse(raw),
        }
    }

    /// A message as the kernel hands it out: its type, and text from `audit(` on.
    pub fn from_kernel(record_type: u16, text: &'a [u8]) -> Record<'a> {
        let raw = &text[..text.len().min(u32::MAX as usize - 1)];
        let found = stamp::find(raw).filter(|found| found.start == 0);
        Record::framed(raw, (0, 0), (0, 0), Some(RecordType(record_type)), found)
    }

    fn without_stamp(raw: &'a [u8]) -> Record<'a> {
        let (node, name) = (node(raw), type_name(raw));
        let body = node.1.max(name.1) as usize;
        Record {
            raw,
            frame: Frame::new(raw, None, node, name, None, body),
        }
    }

    fn framed(
        raw: &'a [u8],
        node: (u32, u32),
        name: (u32, u32),
        kernel_type: Option<RecordType>,
        found: Option<stamp::Found>,
    ) -> Record<'a> {
        let body = found.map_or(0, |found| body_start(raw, found.close));
        Record {
            raw,
            frame: Frame::new(raw, kernel_type, node, name, found, body),
        }
    }

    /// The record again from its bytes and the frame that was found in them.
    pub(crate) fn with_frame(raw: &'a [u8], frame: Frame) -> Record<'a> {
        Record { raw, frame }
    }

    pub(crate) fn frame(&self) -> Frame {
        self.frame
    }

    /// The exact bytes: a line without its newline, or a kernel message.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether the bytes are a kernel message, without node and type in them.
    pub fn is_kernel(&self) -> bool {
        self.frame.kernel
    }

    /// The type; 0 where the line names none.
    pub fn record_type(&self) -> RecordType {
        self.frame.record_type
    }

    /// The type's name: as its number is called, or else as the line has it.
    pub fn type_name(&self) -> String {
        let mut name = Vec::new();
        self.push_type_name(&mut name);
        String::from_utf8_lossy(&name).into_owned()
    }

    /// Appends [`Record::type_name`]. A name that no program writes is given as its number, so
    /// what is appended is always plain ASCII.
    pub(crate) fn push_type_name(&self, out: &mut Vec<u8>) {
        let (start, end) = self.frame.name;
        let name = &self.raw[start as usize..end as usize];
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_[]-".contains(byte);
        if let Some(name) = self.frame.record_type.name() {
            out.extend_from_slice(name.as_bytes());
        } else if !name.is_empty() && name.iter().all(is_plain) {
            out.extend_from_slice(name);
        } else {
            out.extend_from_slice(self.frame.record_type.to_string().as_bytes());
        }
    }

    /// The host in a `node=` prefix.
    pub fn node(&self) -> Option<&'a [u8]> {
        let (start, end) = self.frame.node;
        (end > 0).then(|| &self.raw[start as usize..end as usize])
    }

    /// Time and serial.
    pub fn stamp(&self) -> Option<Stamp> {
        self.frame.stamp
    }

    /// The text after the stamp, without what auditd appended.
    pub fn body(&self) -> &'a [u8] {
        &self.raw[self.frame.body as usize..self.frame.body_end as usize]
    }

    /// What auditd appended after 0x1D; empty where the record is not enriched.
    pub fn enriched(&self) -> &'a [u8] {
        &self.raw[self.frame.tail as usize..]
    }

    /// Whether the record ends in the separator of the ENRICHED format, even with nothing after it.
    pub fn is_enriched(&self) -> bool {
        self.frame.body_end != self.frame.tail
    }

    /// What stands before the stamp: `node=… type=… msg=`, or a syslog header.
    pub fn head(&self) -> &'a [u8] {
        &self.raw[..self.frame.start as usize]
    }

    /// Offset of the text after the stamp; offsets of fields count from the same zero.
    pub fn body_offset(&self) -> usize {
        self.frame.body as usize
    }

    /// Fields and other words, in order.
    #[inline]
    pub fn tokens(&self) -> Tokens<'a> {
        Tokens::new(
            self.raw,
            self.frame.body as usize,
            self.frame.body_end as usize,
            self.frame.tail as usize,
        )
    }

    /// The fields, in order, those of `msg='…'` and of the enriched part among them.
    #[inline]
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        self.tokens().filter_map(|token| match token {
            Token::Field(field) => Some(field),
            Token::Text { .. } => None,
        })
    }

    /// The fields from the one on whose name begins at an offset of the body; none where that a field
    /// begins there is not certain before all that stands before it was read.
    pub fn fields_from(&self, at: usize) -> Option<impl Iterator<Item = Field<'a>> + use<'a>> {
        let before = self.body().get(..at)?;
        if !field::is_between(before) {
            return None;
        }
        let mut tokens = self.tokens();
        tokens.seek(self.body_offset() + at);
        Some(tokens.filter_map(|token| match token {
            Token::Field(field) => Some(field),
            Token::Text { .. } => None,
        }))
    }

    /// The first field of this name that is not in the enriched part.
    pub fn get(&self, name: &str) -> Option<Field<'a>> {
        self.fields()
            .take_while(|field| field.part != Part::Enriched)
            .find(|field| field.is(name))
    }

    /// What auditd resolved for the field `name`: the value under its upper-case name.
    pub fn get_enriched(&self, name: &[u8]) -> Option<&'a [u8]> {
        let field = self
            .enriched_fields()
            .find(|field| same_upper(field.name, name))?;
        Some(field.value)
    }

    /// The fields that auditd appended.
    pub(crate) fn enriched_fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let end = self.raw.len();
        Tokens::new(self.raw, end, end, self.frame.tail as usize).filter_map(|token| match token {
            Token::Field(field) => Some(field),
            Token::Text { .. } => None,
        })
    }

    /// What was not understood, with positions. Everything else is in a field, a separator, or the
    /// record's frame.
    pub fn not_understood(&self) -> Vec<NotUnderstood> {
        let mut found = Vec::new();
        let mut add = |span, why| found.push(NotUnderstood { span, why });
        let (name_start, name_end) = self.frame.name;
        if self.frame.stamp.is_none() {
            add(0..self.frame.body as usize, Why::NoStamp);
        }
        if !self.frame.kernel && self.frame.record_type == RecordType(0) {
            add(name_start as usize..name_end as usize, Why::NoType);
        }
        for token in self.tokens() {
            match token {
                Token::Text { start, end } => add(start..end, Why::Text),
                Token::Field(field) if field.quote == Quote::Open => {
                    add(field.value_start..field.end, Why::Open);
                }
                Token::Field(_) => {}
            }
        }
        found
    }
}

impl Frame {
    /// The frame of a record whose text begins at `body`.
    fn new(
        raw: &[u8],
        kernel_type: Option<RecordType>,
        node: (u32, u32),
        name: (u32, u32),
        found: Option<stamp::Found>,
        body: usize,
    ) -> Frame {
        let tail = tail_start(raw, body);
        Frame {
            record_type: kernel_type.unwrap_or_else(|| {
                RecordType::from_name(&raw[name.0 as usize..name.1 as usize]).unwrap_or_default()
            }),
            kernel: kernel_type.is_some(),
            stamp: found.map(|found| found.stamp),
            node,
            name,
            start: found.map_or(0, |found| found.start as u32),
            body: body as u32,
            body_end: tail.map_or(raw.len(), |tail| tail - 1) as u32,
            tail: tail.unwrap_or(raw.len()) as u32,
        }
    }
}

/// A line without its newline. Offsets are u32: what it has beyond 4 GiB stays unread.
fn one_line(line: &[u8]) -> &[u8] {
    let raw = line.strip_suffix(b"\n").unwrap_or(line);
    &raw[..raw.len().min(u32::MAX as usize - 1)]
}

/// Whether `enriched` is `name` in upper case.
pub(crate) fn same_upper(enriched: &[u8], name: &[u8]) -> bool {
    enriched.len() == name.len()
        && std::iter::zip(enriched, name).all(|(upper, byte)| *upper == byte.to_ascii_uppercase())
}

/// The value of a leading `node=`.
fn node(head: &[u8]) -> (u32, u32) {
    const NODE: &[u8] = b"node=";
    // Relays put their own header before it: "audispd: node=h1 type=…".
    let at = if head.starts_with(NODE) {
        Some(0)
    } else if head.starts_with(b"type=") {
        None
    } else {
        memchr::memmem::find(
            &head[..head.len().min(crate::limits::PREFIX_BYTES_MAX)],
            b" node=",
        )
        .map(|at| at + 1)
    };
    at.map_or((0, 0), |at| word(head, at + NODE.len()))
}

/// The value of `type=`, the last one before the stamp.
fn type_name(head: &[u8]) -> (u32, u32) {
    const TYPE: &[u8] = b"type=";
    let head = &head[..head.len().min(crate::limits::PREFIX_BYTES_MAX)];
    let at = if head.starts_with(TYPE) {
        Some(0)
    } else {
        memchr::memmem::rfind(head, b" type=").map(|at| at + 1)
    };
    at.map_or((0, 0), |at| word(head, at + TYPE.len()))
}

/// The word from `start` up to a blank.
fn word(text: &[u8], start: usize) -> (u32, u32) {
    let length = memchr::memchr(b' ', &text[start..]).unwrap_or(text.len() - start);
    (start as u32, (start + length) as u32)
}

/// Where the text begins: after `)`, an optional blank, `:` and blanks.
fn body_start(raw: &[u8], close: usize) -> usize {
    let rest = &raw[close + 1..];
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    raw.len() - rest.strip_prefix(b" ").unwrap_or(rest).len()
}

/// Where the enriched part begins, after its separator.
///
/// Text that a program sent may hold the separator, to smuggle in names. The kernel closes such
/// text with a quote, and auditd's part never ends in one, so a tail that does is none.
fn tail_start(raw: &[u8], body: usize) -> Option<usize> {
    let at = body + memrchr(ENRICHED_SEPARATOR, &raw[body..])?;
    let closes_message = raw.ends_with(b"'") && memchr::memchr(b'\'', &raw[body..at]).is_some();
    (!closes_message).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get<'a>(record: &Record<'a>, name: &str) -> &'a [u8] {
        record.get(name).map_or(b"-", |field| field.value)
    }

    #[test]
    fn lines() {
        let line =
            b"node=h1 type=PATH msg=audit(1700000000.123:45): item=0 ouid=0\x1dOUID=\"root\"\n";
        let record = Record::parse(line);
        assert_eq!(record.node(), Some(&b"h1"[..]));
        assert_eq!(record.record_type(), RecordType::PATH);
        assert_eq!(record.stamp().unwrap().serial, 45);
        assert_eq!(record.body(), b"item=0 ouid=0");
        assert_eq!(record.get_enriched(b"ouid"), Some(&b"root"[..]));
        assert_eq!(record.raw(), &line[..line.len() - 1]);
        assert!(record.not_understood().is_empty());
    }

    #[test]
    fn kernel_messages() {
        let record = Record::from_kernel(1300, b"audit(1.002:3): arch=c000003e syscall=257");
        assert_eq!(record.record_type(), RecordType::SYSCALL);
        assert_eq!(get(&record, "syscall"), b"257");
        assert_eq!(record.type_name(), "SYSCALL");
        assert!(record.is_kernel() && record.not_understood().is_empty());
    }

    #[test]
    fn syslog_and_printk() {
        for line in [
            "<13>Nov 14 22:13:20 h2 audispd: node=h1 type=CWD msg=audit(1.002:3): cwd=\"/\"",
            "Nov 14 kernel: [1.2] audit: type=1307 audit(1.002:3): cwd=\"/\"",
        ] {
            let record = Record::parse(line.as_bytes());
            assert_eq!(record.record_type(), RecordType::CWD, "{line}");
            assert_eq!(get(&record, "cwd"), b"/", "{line}");
            assert_eq!(record.node().is_some(), line.contains("node="), "{line}");
        }
    }

    #[test]
    fn smuggled_separator() {
        let record =
            Record::parse(b"type=USER msg=audit(1.002:3): uid=1 msg='a=1\x1dUID=\"root\"'");
        assert_eq!(record.get_enriched(b"uid"), None);
        assert!(!record.is_enriched());
    }

    #[test]
    fn separator_before_the_text() {
        let record = Record::parse(b"type=CWD\x1dx y=1 node=a\x1db c=d");
        assert_eq!(record.stamp(), None);
        assert!(
            record
                .fields()
                .all(|field| field.start >= record.body_offset())
        );
    }

    #[test]
    fn damage_has_places() {
        let why = |line: &str| -> Vec<Why> {
            let record = Record::parse(line.as_bytes());
            record
                .not_understood()
                .iter()
                .map(|part| part.why)
                .collect()
        };
        assert_eq!(why("garbage"), [Why::NoStamp, Why::NoType, Why::Text]);
        assert_eq!(why("type=NEW msg=audit(1.002:3): a=1"), [Why::NoType]);
        assert_eq!(why("type=CWD msg=audit(1.002:3): cwd=\"/"), [Why::Open]);
        assert_eq!(why("type=CWD msg=audit(1.002:3): a b=1"), [Why::Text]);
    }
}
