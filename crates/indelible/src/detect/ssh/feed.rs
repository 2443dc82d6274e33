//! One sequence of lines and records, in its own order, one item ahead.

use std::collections::VecDeque;
use std::ops::Range;

use anyhow::Result;
use indelible_detect::ssh::journal::Entry;
use indelible_detect::ssh::line::{self, Line};
use indelible_detect::ssh::{Calendar, Channel, Engine, LineId, audit};
use indelible_record::{Assembler, Event, Record, Settings};

/// A sequence: an item that is due, and the next one on demand.
pub(super) trait Feed {
    /// When the item that is due was written, ms since 1970; `None` after the last one.
    fn time_ms(&self) -> Option<u64>;
    /// Gives the item that is due.
    fn give(&mut self, engine: &mut Engine);
    /// Goes to the next item.
    ///
    /// # Errors
    /// A source that cannot be read.
    fn advance(&mut self) -> Result<()>;
}

/// The item that is due: bytes, and what was found in them.
pub(super) struct Due {
    channel: Channel,
    bytes: Vec<u8>,
    at: LineId,
    /// The source says that the line is not whole.
    is_cut: bool,
    /// The source is a log of sshd's messages alone.
    is_bare: bool,
    /// Time of the item; of one without a time, that of the item before.
    time_ms: u64,
    what: What,
    assembler: Assembler,
    events: VecDeque<Event>,
}

enum What {
    /// Nothing yet, or nothing of interest.
    Nothing,
    /// A line of sshd, its parts as offsets.
    Line {
        time_ms: Option<u64>,
        host: Range<usize>,
        pid: Option<u32>,
        text: Range<usize>,
    },
    Journal(Box<Entry>),
    Audit,
}

impl Due {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            channel,
            bytes: Vec::new(),
            at: LineId::default(),
            is_cut: false,
            is_bare: false,
            time_ms: 0,
            what: What::Nothing,
            assembler: Assembler::new(Settings::FILE),
            events: VecDeque::new(),
        }
    }

    pub(super) fn set_channel(&mut self, channel: Channel) {
        self.channel = channel;
    }

    pub(super) fn set_cut(&mut self, is_cut: bool) {
        self.is_cut = is_cut;
    }

    pub(super) fn set_bare(&mut self, is_bare: bool) {
        self.is_bare = is_bare;
    }

    pub(super) fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// The buffer to read the next line into, emptied.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        self.bytes.clear();
        &mut self.bytes
    }

    /// Looks at what was read into the buffer; whether it is of interest.
    pub(super) fn look(&mut self, at: LineId, calendar: &Calendar<'_>) -> bool {
        self.at = at;
        self.what = self.find(calendar);
        !matches!(self.what, What::Nothing) || !self.events.is_empty()
    }

    fn find(&mut self, calendar: &Calendar<'_>) -> What {
        let bytes = &self.bytes[..];
        if self.is_bare {
            return What::Line {
                time_ms: None,
                host: 0..0,
                pid: None,
                text: 0..line::bare(bytes).text.len(),
            };
        }
        match bytes {
            [b'{', ..] => return self.journal(Entry::from_json),
            [b't', b'y', b'p', b'e', b'=', ..] | [b'n', b'o', b'd', b'e', b'=', ..] => {
                return self.audit();
            }
            _ => {}
        }
        let Some(line) = line::parse(bytes, calendar) else {
            return What::Nothing;
        };
        let range = |part: &[u8]| {
            let start = part.as_ptr() as usize - bytes.as_ptr() as usize;
            start..start + part.len()
        };
        let found = What::Line {
            time_ms: line.time_ms,
            host: if line.host.is_empty() {
                0..0
            } else {
                range(line.host)
            },
            pid: line.pid,
            text: if line.text.is_empty() {
                0..0
            } else {
                range(line.text)
            },
        };
        self.time_ms = line.time_ms.unwrap_or(self.time_ms);
        found
    }

    /// Looks at the buffer as an entry of the journal.
    pub(super) fn look_journal(
        &mut self,
        at: LineId,
        read: impl Fn(&[u8]) -> Option<Entry>,
    ) -> bool {
        self.at = at;
        self.what = self.journal(read);
        !matches!(self.what, What::Nothing)
    }

    fn journal(&mut self, read: impl Fn(&[u8]) -> Option<Entry>) -> What {
        // Parsing JSON costs; other programs' entries are spared it.
        if memchr::memmem::find(&self.bytes, b"sshd").is_none() {
            return What::Nothing;
        }
        match read(&self.bytes).filter(|entry| entry.line().is_some()) {
            Some(entry) => {
                self.time_ms = entry.time_ms.unwrap_or(self.time_ms);
                What::Journal(Box::new(entry))
            }
            None => What::Nothing,
        }
    }

    fn audit(&mut self) -> What {
        let record = Record::parse(&self.bytes);
        let Some(stamp) = record.stamp() else {
            return What::Nothing;
        };
        if audit::is_of_command(record.record_type()) {
            self.events.extend(self.assembler.push(0, &record));
            if !self.events.is_empty() {
                self.time_ms = self.time_ms.max(stamp.ms());
            }
            return What::Nothing;
        }
        if audit::read(&record).is_none() {
            return What::Nothing;
        }
        self.time_ms = stamp.ms();
        What::Audit
    }

    /// The last events; whether there are any.
    pub(super) fn finish(&mut self) -> bool {
        self.what = What::Nothing;
        self.events.extend(self.assembler.finish());
        !self.events.is_empty()
    }

    pub(super) fn give(&mut self, engine: &mut Engine) {
        match &self.what {
            What::Nothing => {}
            What::Line {
                time_ms,
                host,
                pid,
                text,
            } => {
                let line = Line {
                    time_ms: *time_ms,
                    host: &self.bytes[host.clone()],
                    pid: *pid,
                    text: &self.bytes[text.clone()],
                    line_bytes: if self.is_cut {
                        usize::MAX
                    } else {
                        self.bytes.len()
                    },
                };
                engine.line(self.at, self.channel, &line);
            }
            What::Journal(entry) => {
                if let Some(line) = entry.line() {
                    engine.line(self.at, self.channel, &line);
                }
            }
            What::Audit => {
                engine.audit(self.at, &Record::parse(&self.bytes));
            }
        }
        self.events.drain(..).for_each(|event| engine.event(&event));
    }
}
