//! What an entry of a log or a spool says of sshd.

use indelible_detect::ssh::journal::Entry;
use indelible_detect::ssh::{Calendar, Channel, Engine, LineId};
use indelible_log::entry::{CUT_BY_SOURCE, CUT_BY_US};
use indelible_log::{EntryRef, Kind};
use indelible_record::RecordType;

use super::feed::Due;
use super::files::Zone;

/// Looks at entries one by one.
pub(in crate::detect) struct EntryLook {
    channel: u32,
    zone: Zone,
    pub(super) due: Due,
}

impl EntryLook {
    /// The kinds of entries are places of their own: channels from this one on.
    pub(in crate::detect) fn new(channel: u32) -> Self {
        Self {
            channel,
            zone: Zone::system(),
            due: Due::new(Channel(channel)),
        }
    }

    /// Whether an entry of a host is of interest.
    pub(in crate::detect) fn entry(
        &mut self,
        at: LineId,
        entry: &EntryRef<'_>,
        host: &[u8],
    ) -> bool {
        let header = entry.header();
        let buffer = self.due.buffer();
        // Each kind of entry is a place of its own: the same connection may be in several.
        let mut place = 0;
        match header.kind {
            Kind::Audit => {
                let Some((kind, text)) = entry.audit() else {
                    return false;
                };
                if !host.is_empty() && !text.starts_with(b"node=") {
                    buffer.extend_from_slice(b"node=");
                    buffer.extend_from_slice(host);
                    buffer.push(b' ');
                }
                if kind != WHOLE_LINE {
                    buffer.extend_from_slice(b"type=");
                    buffer.extend_from_slice(RecordType(kind).to_string().as_bytes());
                    buffer.extend_from_slice(b" msg=");
                }
                buffer.extend_from_slice(text);
            }
            Kind::Journal => {
                buffer.extend_from_slice(entry.payload());
                self.due.set_channel(Channel(self.channel + 1));
                let read = |text: &[u8]| match text {
                    [b'{', ..] => Entry::from_json(text),
                    _ => Some(Entry::from_export(text)),
                };
                return self.due.look_journal(at, read);
            }
            kind => {
                // A receiver without connections puts the sender's address in front.
                let payload = entry.syslog().map_or(entry.payload(), |(_, text)| text);
                buffer.extend_from_slice(payload.strip_suffix(b"\n").unwrap_or(payload));
                place = if kind == Kind::Syslog { 2 } else { 3 };
            }
        }
        self.due.set_channel(Channel(self.channel + place));
        self.due
            .set_cut(header.flags & (CUT_BY_SOURCE | CUT_BY_US) != 0);
        let zone = &self.zone;
        let to_utc = |local_s| zone.to_utc(local_s);
        let captured_s = i64::try_from(header.time_ns / 1_000_000_000).unwrap_or(i64::MAX);
        let calendar = Calendar {
            newest_local_s: zone.to_local(captured_s),
            to_utc: &to_utc,
        };
        self.due.look(at, &calendar)
    }

    /// Gives what was looked at.
    pub(in crate::detect) fn give(&mut self, engine: &mut Engine) {
        self.due.give(engine);
    }
}

/// Type of a record that is a whole line of a log, as it was received.
const WHOLE_LINE: u16 = 0;
