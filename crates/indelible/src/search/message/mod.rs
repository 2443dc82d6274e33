//! Messages: the entries of a store that are no audit records, which a search finds, too.
//!
//! ```text
//! entry ─ push_line ─▶ a line among those of the audit log ─ engine ─▶ Event of one record
//!                                                                         │ Message::of
//!                                                    Asked::matches ◀─────┴─────▶ write
//! ```
//!
//! The engine knows lines of an audit log. A message becomes such a line, marked so that nothing in
//! an audit record can pass for one ([`indelible_query::scan::MESSAGE`]), under the time at which it
//! was captured: what a sender says of the time is its own word. So order, limits, `--follow` and the
//! search for needles are those of audit events.
//!
//! ```text
//! MARK type=SYSLOG msg=audit(1700000000.123:45): pid=230 ‖ app ‖ node ‖ source ‖ address ‖ c ‖ raw ‖ text
//! ```
//!
//! `‖` is the byte 2; in the fields line feeds and the bytes 1 and 2 are escaped. The serial
//! tells messages of one millisecond apart. `pid=`, `app` and (of a journal's entry) `text` repeat what the raw bytes
//! say, so that needles find them there.

mod asked;
mod fields;
pub(crate) mod terms;
mod view;
pub(super) mod write;

use std::borrow::Cow;

use indelible_log::entry::{CUT_BY_SOURCE, CUT_BY_US};
use indelible_log::limits::CUT_TRAILER_BYTES;
use indelible_log::{EntryRef, Kind};
use indelible_query::scan::MESSAGE;
use indelible_record::{Event, Stamp};

pub(crate) use asked::{Asked, Selection};
use view::View;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Syslog,
    Journal,
    File,
    /// What a detection says.
    Finding,
}

/// Where a stream comes from, as its first entry says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// The host, or the peer as its receiver knows it; empty for a stream that many share.
    pub(super) host: String,
    /// `syslog-udp`, `file:PATH`, …
    pub(super) source: String,
}

/// A message as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message<'e> {
    pub(super) class: Class,
    /// When it was captured; the serial only tells messages apart.
    pub(super) stamp: Stamp,
    /// Host or peer that it came from, as the receiver knows it; the address where it knows no more.
    pub(super) node: Cow<'e, [u8]>,
    pub(super) source: Cow<'e, [u8]>,
    /// Address and port of the sender, where the entry has them.
    pub(super) address: Cow<'e, [u8]>,
    /// The bytes are only the beginning.
    pub(super) is_cut: bool,
    /// The bytes as received.
    pub(super) raw: Cow<'e, [u8]>,
}

impl Class {
    fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Syslog => Some(Self::Syslog),
            Kind::Journal => Some(Self::Journal),
            Kind::FileLine => Some(Self::File),
            Kind::Finding => Some(Self::Finding),
            _ => None,
        }
    }

    /// The name, in place of a record type's.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Syslog => "SYSLOG",
            Self::Journal => "JOURNAL",
            Self::File => "FILE",
            Self::Finding => "FINDING",
        }
    }

    fn by_name(name: &[u8]) -> Option<Self> {
        [Self::Syslog, Self::Journal, Self::File, Self::Finding]
            .into_iter()
            .find(|class| class.name().as_bytes() == name)
    }
}

/// Appends the line of an entry, if it is a message. `number` tells those of one millisecond apart: a
/// store gives the leaf index.
pub(super) fn push_line(
    entry: &EntryRef<'_>,
    origin: &Origin,
    number: u32,
    text: &mut Vec<u8>,
) -> bool {
    let Some(message) = Message::of_entry(entry, origin, number) else {
        return false;
    };
    message.push_line(text);
    true
}

impl<'e> Message<'e> {
    fn of_entry(entry: &EntryRef<'e>, origin: &'e Origin, number: u32) -> Option<Self> {
        let header = entry.header();
        let class = Class::of(header.kind)?;
        let (address, raw) = entry.syslog().unwrap_or_else(|| {
            let payload = entry.payload();
            let kept = match header.flags & CUT_BY_US {
                0 => payload.len(),
                _ => payload.len().saturating_sub(CUT_TRAILER_BYTES),
            };
            (None, &payload[..kept])
        });
        let address = address.unwrap_or_default();
        let node = match origin.host.as_bytes() {
            b"" => without_port(address),
            host => host,
        };
        let ms = header.time_ns / 1_000_000;
        Some(Self {
            class,
            stamp: Stamp {
                sec: ms / 1000,
                milli: (ms % 1000) as u16,
                serial: number,
            },
            node: node.into(),
            source: origin.source.as_bytes().into(),
            address: address.into(),
            is_cut: header.flags & (CUT_BY_US | CUT_BY_SOURCE) != 0,
            raw: raw.into(),
        })
    }

    fn push_line(&self, out: &mut Vec<u8>) {
        let view = self.view();
        let Stamp { sec, milli, serial } = self.stamp;
        let name = self.class.name();
        out.extend_from_slice(MESSAGE);
        out.extend_from_slice(
            format!("type={name} msg=audit({sec}.{milli:03}:{serial}): ").as_bytes(),
        );
        if let Some(pid) = view.pid() {
            out.extend_from_slice(format!("pid={pid}").as_bytes());
        }
        let cut: &[u8] = if self.is_cut { b"c" } else { b"" };
        // The text of others is part of the raw bytes.
        let text: &[u8] = match self.class {
            Class::Journal | Class::Finding => &view.text,
            Class::Syslog | Class::File => b"",
        };
        let app = view.app.as_deref().unwrap_or_default();
        for field in [
            app,
            &self.node,
            &self.source,
            &self.address,
            cut,
            &self.raw,
            text,
        ] {
            out.push(SEPARATOR);
            escape(field, out);
        }
        out.push(b'\n');
    }

    /// The message whose line became this event. To be asked only of what came from a store.
    pub(super) fn of(event: &'e Event) -> Option<Self> {
        let line = event.records().next()?.raw().strip_prefix(MESSAGE)?;
        let name = line.strip_prefix(b"type=")?;
        let class = Class::by_name(&name[..memchr::memchr(b' ', name)?])?;
        let mut fields = line.split(|byte| *byte == SEPARATOR).skip(2);
        let mut field = || fields.next().map(unescaped);
        Some(Self {
            class,
            stamp: event.stamp()?,
            node: field()?,
            source: field()?,
            address: field()?,
            is_cut: !field()?.is_empty(),
            raw: field()?,
        })
    }

    /// What the message says of itself.
    fn view(&self) -> View<'_> {
        View::of(self.class, &self.raw)
    }
}

/// `127.0.0.1` of `127.0.0.1:514`, `::1` of `[::1]:514`.
fn without_port(address: &[u8]) -> &[u8] {
    let host = memchr::memrchr(b':', address).map_or(address, |colon| &address[..colon]);
    host.strip_prefix(b"[")
        .and_then(|host| host.strip_suffix(b"]"))
        .unwrap_or(host)
}

/// Appends a field as it stands in a line.
fn escape(field: &[u8], out: &mut Vec<u8>) {
    for byte in field {
        match byte {
            b'\n' => out.extend_from_slice(&[ESCAPE, b'n']),
            &ESCAPE => out.extend_from_slice(&[ESCAPE, b'a']),
            &SEPARATOR => out.extend_from_slice(&[ESCAPE, b'b']),
            byte => out.push(*byte),
        }
    }
}

fn unescaped(field: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(ESCAPE, field).is_none() {
        return field.into();
    }
    let mut out = Vec::with_capacity(field.len());
    let mut bytes = field.iter();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            &ESCAPE => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'b') => SEPARATOR,
                _ => ESCAPE,
            },
            byte => *byte,
        });
    }
    out.into()
}

const ESCAPE: u8 = 1;
const SEPARATOR: u8 = 2;

#[cfg(test)]
mod tests {
    use indelible_log::{Header, StreamId, entry};
    use indelible_record::Record;

    use super::*;

    fn entry(kind: Kind, flags: u16, time_ns: u64, payload: &[u8]) -> Vec<u8> {
        let header = Header {
            kind,
            flags,
            stream: StreamId([7; 16]),
            sequence: 3,
            time_ns,
        };
        let mut bytes = Vec::new();
        entry::push(&mut bytes, &header, payload);
        bytes.split_off(2)
    }

    /// Any bytes come back, in one line.
    #[test]
    fn messages_come_back_from_their_lines() {
        let every: Vec<u8> = (0..=255).chain([1, b'n', 2, 1, 1, b'\n']).collect();
        let origin = Origin {
            host: String::new(),
            source: "syslog-udp".into(),
        };
        let with_address = [b"[::1]:514 ", &every[..]].concat();
        for (kind, flags, payload, address, node) in [
            (
                Kind::Syslog,
                4,
                &with_address,
                &b"[::1]:514"[..],
                &b"::1"[..],
            ),
            (Kind::FileLine, 1, &every, b"", b""),
            (Kind::Journal, 0, &every, b"", b""),
        ] {
            for time_ns in [0, 1_700_000_000_123_456_789, u64::MAX] {
                let bytes = entry(kind, flags, time_ns, payload);
                let parsed = EntryRef::parse(&bytes).expect("an entry");
                let mut line = Vec::new();
                assert!(push_line(&parsed, &origin, 9, &mut line));
                assert_eq!(memchr::memchr_iter(b'\n', &line).count(), 1);
                let mut event = Event::default();
                event.gather(&mut std::iter::once(Record::parse(&line)), true);
                let message = Message::of(&event).expect("a message");
                assert_eq!(&message.raw[..], &every[..]);
                assert_eq!(message.stamp.ms(), time_ns / 1_000_000);
                assert_eq!((&*message.address, &*message.node), (address, node));
                assert_eq!(message.is_cut, flags == 1);
            }
        }
        let audit = entry(Kind::Audit, 0, 0, b"\0\0text");
        let audit = EntryRef::parse(&audit).expect("an entry");
        assert!(!push_line(&audit, &origin, 9, &mut Vec::new()));
    }
}
