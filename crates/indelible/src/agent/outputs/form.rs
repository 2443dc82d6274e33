//! Entries as messages: what each form makes of each kind of entry.
//!
//! | kind | RFC 5424 and 3164 | `audit` | `ndjson` |
//! |---|---|---|---|
//! | audit record | app `audit`, its line as text | its line | part of its event |
//! | syslog message | its own header, what is missing filled in | as received | an object |
//! | journal entry | its fields as header | its message | an object |
//! | line of a file | app: the file's name | as read | an object |
//! | gap, finding, context, operator action | app `indelible`, the JSON object | the JSON object | an object |
//!
//! Heads, openings and time marks are of use only where the chain is, and are not sent. Secrets are
//! masked in all forms.

use indelible_detect::ssh::journal::Entry as JournalEntry;
use indelible_log::entry::{CUT_BY_US, EntryRef};
use indelible_log::limits::CUT_TRAILER_BYTES;
use indelible_log::{Header, Kind};
use indelible_query::mask::Masks;
use indelible_record::{Record, write};
use indelible_wire::syslog::{Form, Message, Priority, Selector, Stamp, Structured, push_element};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::feed::Origin;
use crate::config::outputs::OutputFormat;

/// What a form needs to know.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) format: OutputFormat,
    pub(super) facility: u8,
    /// Whether stream and sequence number are told.
    pub(super) identity: bool,
    pub(super) select: Option<Selector>,
    pub(super) masks: Masks,
    /// This host's, for times without a zone.
    pub(super) zone: TimeZone,
}

impl Shape {
    /// Appends an entry as one message; nothing where it is not sent or not selected. Audit records
    /// are not looked at as events.
    pub(super) fn push(&self, entry: &EntryRef<'_>, origin: &Origin, out: &mut Vec<u8>) {
        let header = entry.header();
        match header.kind {
            Kind::Audit => {
                let mut line = Vec::new();
                self.push_record_line(entry, &mut line);
                self.push_record(&line, Some(&header), origin, out);
            }
            Kind::Syslog => {
                let (_, raw) = entry.syslog().unwrap_or((None, entry.payload()));
                self.push_syslog(raw, entry, origin, out);
            }
            Kind::Journal => self.push_journal(uncut(entry), entry, origin, out),
            Kind::FileLine => self.push_file_line(uncut(entry), entry, origin, out),
            Kind::Gap | Kind::Finding | Kind::Context | Kind::Operator => {
                self.push_own(entry, origin, out);
            }
            Kind::HostHead | Kind::StreamOpened | Kind::TimeMark => {}
        }
    }

    /// Appends the record as auditd's log has it, without its secrets.
    pub(super) fn push_record_line(&self, entry: &EntryRef<'_>, out: &mut Vec<u8>) {
        let Some((record_type, text)) = entry.audit() else {
            return;
        };
        if record_type == 0 {
            out.extend_from_slice(&self.masks.record(text));
            return;
        }
        let name = Record::from_kernel(record_type, b"").type_name();
        out.extend_from_slice(b"type=");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b" msg=");
        out.extend_from_slice(&self.masks.kernel_record(record_type, text));
    }

    /// Appends a record's line, masked already, as a message. Of a record in an event its entry is
    /// not known any more.
    pub(super) fn push_record(
        &self,
        line: &[u8],
        header: Option<&Header>,
        origin: &Origin,
        out: &mut Vec<u8>,
    ) {
        let record = Record::parse(line);
        let captured_ns = header.map_or(0, |header| header.time_ns);
        let ns = record
            .stamp()
            .map_or(captured_ns, |stamp| stamp.ms().saturating_mul(1_000_000));
        let name = record.type_name();
        let message = Message {
            form: Form::Rfc5424,
            priority: Priority::new(self.facility * 8 + INFO),
            stamp: Some(self.stamp(ns)),
            host: some(record.node().unwrap_or(origin.host.as_bytes())),
            app: Some(b"audit"),
            pid: None,
            message_id: Some(name.as_bytes()),
            structured: None,
            text: line,
        };
        self.write(&message, header, line, out);
    }

    fn push_syslog(&self, raw: &[u8], entry: &EntryRef<'_>, origin: &Origin, out: &mut Vec<u8>) {
        let masked = self.masks.text(raw);
        let mut message = Message::parse(&masked);
        if !self.selects(message.priority) {
            return;
        }
        let received_ns = entry.header().time_ns;
        let offset = self.offset_minutes(received_ns);
        let made_ns = message
            .stamp
            .and_then(|stamp| stamp.unix_ns(received_ns, offset));
        message.stamp = Some(self.stamp(made_ns.unwrap_or(received_ns)));
        message.host = message.host.or(some(origin.host.as_bytes()));
        self.write(&message, Some(&entry.header()), &masked, out);
    }

    fn push_journal(&self, raw: &[u8], entry: &EntryRef<'_>, origin: &Origin, out: &mut Vec<u8>) {
        let parsed = match raw {
            [b'{', ..] => JournalEntry::from_json(raw),
            _ => Some(JournalEntry::from_export(raw)),
        };
        let Some(journal) = parsed.filter(|entry| !entry.message().is_empty()) else {
            // Bytes in which nothing is recognised are text.
            return self.push_file_line(raw, entry, origin, out);
        };
        let facility = journal.facility.unwrap_or(DAEMON);
        let priority = Priority::new(
            facility
                .saturating_mul(8)
                .saturating_add(journal.severity.unwrap_or(INFO)),
        );
        if !self.selects(priority) {
            return;
        }
        let text = self.masks.text(journal.message());
        let pid = journal.process().map(|pid| pid.to_string());
        let message = Message {
            form: Form::Rfc5424,
            priority,
            stamp: Some(self.stamp(entry.header().time_ns)),
            host: some(&journal.host).or(some(origin.host.as_bytes())),
            app: some(journal.program()),
            pid: pid.as_deref().map(str::as_bytes),
            message_id: None,
            structured: None,
            text: &text,
        };
        self.write(&message, Some(&entry.header()), &text, out);
    }

    fn push_file_line(
        &self,
        line: &[u8],
        entry: &EntryRef<'_>,
        origin: &Origin,
        out: &mut Vec<u8>,
    ) {
        let priority = Priority::new(self.facility * 8 + INFO);
        if !self.selects(priority) {
            return;
        }
        let text = self.masks.text(line);
        let source = origin.source.rsplit('/').next().unwrap_or_default();
        let message = Message {
            form: Form::Rfc5424,
            priority,
            stamp: Some(self.stamp(entry.header().time_ns)),
            host: some(origin.host.as_bytes()),
            app: some(source.as_bytes()),
            pid: None,
            message_id: None,
            structured: None,
            text: &text,
        };
        self.write(&message, Some(&entry.header()), &text, out);
    }

    fn push_own(&self, entry: &EntryRef<'_>, origin: &Origin, out: &mut Vec<u8>) {
        let (severity, name): (u8, &[u8]) = match entry.header().kind {
            Kind::Gap => (WARNING, b"gap"),
            Kind::Finding => (WARNING, b"finding"),
            Kind::Context => (INFO, b"context"),
            _ => (INFO, b"operator"),
        };
        let text = self.masks.text(entry.payload());
        let message = Message {
            form: Form::Rfc5424,
            priority: Priority::new(self.facility * 8 + severity),
            stamp: Some(self.stamp(entry.header().time_ns)),
            host: some(origin.host.as_bytes()),
            app: Some(b"indelible"),
            pid: None,
            message_id: Some(name),
            structured: None,
            text: &text,
        };
        self.write(&message, Some(&entry.header()), &text, out);
    }

    fn write(
        &self,
        message: &Message<'_>,
        header: Option<&Header>,
        line: &[u8],
        out: &mut Vec<u8>,
    ) {
        match (self.format, header) {
            (OutputFormat::Rfc5424, Some(header)) if self.identity => {
                let mut element = Vec::new();
                push_identity(header, &mut element);
                element.extend_from_slice(message.structured.map_or(b"", |data| data.raw()));
                let structured = Structured::split(&element).map(|(structured, _)| structured);
                Message {
                    structured,
                    ..*message
                }
                .push_rfc5424(out);
            }
            (OutputFormat::Rfc5424, _) => message.push_rfc5424(out),
            (OutputFormat::Rfc3164, _) => {
                let local = message.stamp.map(|stamp| Stamp {
                    nanosecond: 0,
                    ..stamp
                });
                Message {
                    stamp: local,
                    ..*message
                }
                .push_rfc3164(out);
            }
            (OutputFormat::Ndjson, Some(header)) => push_object(message, header, line, out),
            (OutputFormat::Audit | OutputFormat::Ndjson, _) => out.extend_from_slice(line),
        }
    }

    fn selects(&self, priority: Option<Priority>) -> bool {
        let priority = priority.unwrap_or(Priority::DEFAULT);
        self.select.is_none_or(|select| select.matches(priority))
    }

    fn stamp(&self, ns: u64) -> Stamp {
        let stamp = Stamp::of_unix_ns(ns, self.offset_minutes(ns));
        Stamp {
            // RFC 5424 has six digits.
            nanosecond: stamp.nanosecond / 1_000 * 1_000,
            ..stamp
        }
    }

    fn offset_minutes(&self, ns: u64) -> i16 {
        let seconds = i64::try_from(ns / 1_000_000_000).unwrap_or(0);
        let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        i16::try_from(self.zone.to_offset(time).seconds() / 60).unwrap_or(0)
    }
}

/// The payload without what stands behind one that was cut.
fn uncut<'e>(entry: &EntryRef<'e>) -> &'e [u8] {
    let payload = entry.payload();
    match entry.header().flags & CUT_BY_US {
        0 => payload,
        _ => &payload[..payload.len().saturating_sub(CUT_TRAILER_BYTES)],
    }
}

fn some(bytes: &[u8]) -> Option<&[u8]> {
    (!bytes.is_empty()).then_some(bytes)
}

/// `[entry@32473 stream="…" sequence="…"]`: 32473 is the enterprise number of examples (RFC 5612).
fn push_identity(header: &Header, out: &mut Vec<u8>) {
    let (stream, sequence) = (header.stream.to_string(), header.sequence.to_string());
    push_element(
        out,
        "entry@32473",
        &[
            ("stream", stream.as_bytes()),
            ("sequence", sequence.as_bytes()),
        ],
    );
}

/// An object in the form of an event (docs/schemas/event.json), without its line feed.
fn push_object(message: &Message<'_>, header: &Header, raw: &[u8], out: &mut Vec<u8>) {
    let ms = header.time_ns / 1_000_000;
    let stamp = indelible_record::Stamp {
        sec: ms / 1000,
        milli: (ms % 1000) as u16,
        serial: 0,
    };
    out.extend_from_slice(b"{\"time\":\"");
    write::push_rfc3339(stamp, out);
    out.extend_from_slice(b"\",\"serial\":null,\"node\":");
    match message.host {
        Some(host) => write::push_json_string(host, out),
        None => out.extend_from_slice(b"null"),
    }
    let name = match header.kind {
        Kind::Syslog => "SYSLOG",
        Kind::Journal => "JOURNAL",
        Kind::FileLine => "FILE",
        Kind::Gap => "GAP",
        Kind::Finding => "FINDING",
        Kind::Context => "CONTEXT",
        _ => "OPERATOR",
    };
    out.extend_from_slice(b",\"keys\":[],\"complete\":true,\"records\":[{\"type\":\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\",\"fields\":{");
    let mut separator = "";
    for (field, value) in [
        ("app", message.app),
        ("pid", message.pid),
        ("message", Some(message.text)),
    ] {
        if let Some(value) = value {
            out.extend_from_slice(format!("{separator}\"{field}\":").as_bytes());
            write::push_json_string(value, out);
            separator = ",";
        }
    }
    out.extend_from_slice(b"},\"interpreted\":{},\"raw\":");
    write::push_json_string(raw, out);
    out.extend_from_slice(b"}]}");
}

const INFO: u8 = 6;
const WARNING: u8 = 4;
const DAEMON: u8 = 3;

#[cfg(test)]
mod tests {
    use indelible_log::{StreamId, entry};

    use super::*;

    fn shape(format: OutputFormat) -> Shape {
        Shape {
            format,
            facility: 10,
            identity: false,
            select: None,
            masks: Masks::standard(),
            zone: TimeZone::UTC,
        }
    }

    fn check(shape: &Shape, kind: Kind, payload: &[u8], expect: &str) {
        let header = Header {
            kind,
            flags: 0,
            stream: StreamId([7; 16]),
            sequence: 3,
            time_ns: 1_700_000_000_123_456_789,
        };
        let mut bytes = Vec::new();
        entry::push(&mut bytes, &header, payload);
        let origin = Origin {
            host: "web1".into(),
            source: "file:/var/log/a.log".into(),
        };
        let mut out = Vec::new();
        shape.push(&EntryRef::parse(&bytes[2..]).unwrap(), &origin, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expect);
    }

    const CWD: &[u8] = b"\x05\x1baudit(1700000000.123:45): cwd=\"/\"";

    #[test]
    fn rfc5424() {
        let shape = shape(OutputFormat::Rfc5424);
        check(
            &shape,
            Kind::Audit,
            CWD,
            "<86>1 2023-11-14T22:13:20.123000Z web1 audit - CWD - type=CWD msg=audit(1700000000.123:45): cwd=\"/\"",
        );
        check(
            &shape,
            Kind::Syslog,
            b"<34>Nov 14 22:13:20 su[3]: token=abc",
            "<34>1 2023-11-14T22:13:20Z web1 su 3 - - token=****",
        );
        check(
            &shape,
            Kind::FileLine,
            b"GET /",
            "<86>1 2023-11-14T22:13:20.123456Z web1 a.log - - - GET /",
        );
        check(
            &shape,
            Kind::Journal,
            br#"{"_HOSTNAME":"h","SYSLOG_IDENTIFIER":"su","_PID":"7","PRIORITY":"5","SYSLOG_FACILITY":"10","MESSAGE":"m"}"#,
            "<85>1 2023-11-14T22:13:20.123456Z h su 7 - - m",
        );
        check(
            &shape,
            Kind::Gap,
            b"{\"v\":1}",
            "<84>1 2023-11-14T22:13:20.123456Z web1 indelible - gap - {\"v\":1}",
        );
        check(&shape, Kind::HostHead, b"{}", "");
        let shape = Shape {
            identity: true,
            ..shape
        };
        check(
            &shape,
            Kind::FileLine,
            b"x",
            "<86>1 2023-11-14T22:13:20.123456Z web1 a.log - - [entry@32473 stream=\"07070707070707070707070707070707\" sequence=\"3\"] x",
        );
    }

    #[test]
    fn other_forms() {
        check(
            &shape(OutputFormat::Rfc3164),
            Kind::Audit,
            CWD,
            "<86>Nov 14 22:13:20 web1 audit: type=CWD msg=audit(1700000000.123:45): cwd=\"/\"",
        );
        check(
            &shape(OutputFormat::Audit),
            Kind::Audit,
            CWD,
            "type=CWD msg=audit(1700000000.123:45): cwd=\"/\"",
        );
        check(&shape(OutputFormat::Audit), Kind::Syslog, b"<34>x", "<34>x");
        check(
            &shape(OutputFormat::Ndjson),
            Kind::FileLine,
            b"x",
            r#"{"time":"2023-11-14T22:13:20.123Z","serial":null,"node":"web1","keys":[],"complete":true,"records":[{"type":"FILE","fields":{"app":"a.log","message":"x"},"interpreted":{},"raw":"x"}]}"#,
        );
        let selected = Shape {
            select: Some(Selector::parse("auth.*").unwrap()),
            ..shape(OutputFormat::Audit)
        };
        check(&selected, Kind::Syslog, b"<34>x", "<34>x");
        check(&selected, Kind::Syslog, b"<13>x", "");
    }
}
