//! A store's events and messages with their leaf indexes, in the order in which they were complete.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_log::dir::Dir;
use indelible_log::{EntryRef, Kind, LogReader, StreamId};
use indelible_record::{Assembler, Event, Order, Record, RecordType, Settings, Stamp};
use jiff::{SignedDuration, Timestamp};

use super::Request;
use super::limits::CLOCK_HOURS;
use crate::payload::StreamOpened;
use crate::search::entries::Lines;

/// One row.
#[derive(Debug)]
pub(super) struct Exported {
    pub(super) host: String,
    /// Hexadecimal; empty where nobody knows.
    pub(super) boot: String,
    /// Of its entries, ascending.
    pub(super) leaves: Vec<u64>,
    /// ns since 1970: of the event, or when the message was captured.
    pub(super) time_ns: i64,
    pub(super) what: What,
}

/// What a row is of.
#[derive(Debug)]
pub(super) enum What {
    Event(Event),
    Message { kind: &'static str, raw: Vec<u8> },
}

/// Reads a store.
pub(super) struct Source {
    reader: LogReader,
    next: u64,
    size: u64,
    pub(super) first: u64,
    pub(super) erased: u64,
    lines: Lines,
    origins: HashMap<StreamId, Origin>,
    assembler: Assembler,
    waiting: HashMap<Option<Place>, VecDeque<Waiting>>,
    since_ns: i64,
    until_ns: i64,
    host: Option<String>,
    messages: bool,
    is_done: bool,
}

#[derive(Clone, Debug, Default)]
struct Origin {
    host: String,
    boot: String,
}

/// What the records of an event share.
type Place = (Vec<u8>, Stamp);

/// What is known of an event whose records are coming in.
#[derive(Debug)]
struct Waiting {
    origin: Origin,
    leaves: Vec<u64>,
    time_ns: i64,
}

impl Source {
    /// Opens a store for what lies below `size`.
    pub(super) fn open(dir: Arc<dyn Dir>, size: u64, request: &Request) -> Result<Self> {
        let reader = LogReader::open(dir)?;
        let first = reader.first()?;
        let carried = reader.carried_openings()?;
        let nanoseconds = |time: Option<Timestamp>, or: i64| {
            time.map_or(or, |time| i64::try_from(time.as_nanosecond()).unwrap_or(or))
        };
        let mut source = Self {
            next: first,
            first,
            size,
            erased: 0,
            reader,
            lines: Lines::of_store(false),
            origins: HashMap::new(),
            assembler: Assembler::new(Settings {
                order: Order::Completion,
                ..Settings::FILE
            }),
            waiting: HashMap::new(),
            since_ns: nanoseconds(request.since, i64::MIN),
            until_ns: nanoseconds(request.until, i64::MAX),
            host: request.host.clone(),
            messages: request.form.has_messages(),
            is_done: false,
        };
        for entry in carried {
            let entry = EntryRef::parse(&entry).context("an opening that was carried over")?;
            source.opened(&entry);
            source.lines.entry(&entry, &mut Vec::new());
        }
        Ok(source)
    }

    /// Takes note of a stream that begins.
    fn opened(&mut self, entry: &EntryRef<'_>) {
        if let Ok(opened) = serde_json::from_slice::<StreamOpened>(entry.payload()) {
            let origin = Origin {
                host: opened.host,
                boot: opened.boot_id,
            };
            self.origins.insert(entry.header().stream, origin);
        }
    }

    /// Reads on; no at the end.
    pub(super) fn fill(&mut self, rows: &mut Vec<Exported>) -> Result<bool> {
        if self.is_done {
            return Ok(false);
        }
        let part = match self.next < self.size {
            true => self.reader.part_at(self.next)?,
            false => None,
        };
        let Some(part) = part else {
            self.is_done = true;
            let events: Vec<Event> = self.assembler.finish().collect();
            events.into_iter().for_each(|event| self.event(event, rows));
            debug_assert!(self.waiting.is_empty(), "an event was not given");
            return Ok(true);
        };
        // Streams are opened in any block, so one that is skipped is still looked at for them.
        let may_match = self.may_match(self.reader.times(&part)?);
        let decoded = self.reader.decode(&part)?;
        self.erased += decoded.erased_from(self.next).count() as u64;
        for (index, bytes) in decoded.iter_from(self.next) {
            if index >= self.size {
                break;
            }
            let entry = EntryRef::parse(bytes).with_context(|| format!("entry {index}"))?;
            if may_match || entry.header().kind == Kind::StreamOpened {
                self.entry(index, &entry, rows);
            }
        }
        self.next = part.end();
        Ok(true)
    }

    fn may_match(&self, times: Option<(u64, u64)>) -> bool {
        let Some((first, last)) = times else {
            return true;
        };
        let hours = SignedDuration::from_hours(CLOCK_HOURS).as_nanos();
        i128::from(last) + hours >= i128::from(self.since_ns)
            && i128::from(first) - hours <= i128::from(self.until_ns)
    }

    fn entry(&mut self, index: u64, entry: &EntryRef<'_>, rows: &mut Vec<Exported>) {
        let header = entry.header();
        let time_ns = i64::try_from(header.time_ns).unwrap_or(i64::MAX);
        if header.kind == Kind::StreamOpened {
            self.opened(entry);
        }
        let origin = self
            .origins
            .get(&header.stream)
            .cloned()
            .unwrap_or_default();
        let mut line = Vec::new();
        self.lines.entry(entry, &mut line);
        if entry.audit().is_some() {
            line.pop();
            let record = Record::parse(&line);
            self.record(index, time_ns, origin, &record, rows);
        } else if self.messages
            && let Some((kind, raw)) = message(entry)
        {
            let row = Exported {
                host: origin.host,
                boot: origin.boot,
                leaves: vec![index],
                time_ns,
                what: What::Message {
                    kind,
                    raw: raw.to_vec(),
                },
            };
            self.give(row, rows);
        }
    }

    fn record(
        &mut self,
        index: u64,
        time_ns: i64,
        origin: Origin,
        record: &Record<'_>,
        rows: &mut Vec<Exported>,
    ) {
        let place = record
            .stamp()
            .map(|stamp| (record.node().unwrap_or_default().to_vec(), stamp));
        let has_place = place.is_some();
        if record.record_type() == RecordType::EOE && !self.waiting.contains_key(&place) {
            // Its event was complete without it: the assembler counts it, and gives nothing.
            let _ = self.assembler.push(0, record);
            return;
        }
        let waiting = self.waiting.entry(place).or_default();
        match waiting.back_mut().filter(|_| has_place) {
            Some(event) => event.leaves.push(index),
            None => waiting.push_back(Waiting {
                origin,
                leaves: vec![index],
                time_ns,
            }),
        }
        let events: Vec<Event> = self.assembler.push(0, record).collect();
        events.into_iter().for_each(|event| self.event(event, rows));
    }

    fn event(&mut self, event: Event, rows: &mut Vec<Exported>) {
        let place = event
            .stamp()
            .map(|stamp| (event.node().unwrap_or_default().to_vec(), stamp));
        let Some(waiting) = self.waiting.get_mut(&place) else {
            return;
        };
        let Some(known) = waiting.pop_front() else {
            return;
        };
        if waiting.is_empty() {
            self.waiting.remove(&place);
        }
        let time_ns = event.stamp().map_or(known.time_ns, |stamp| {
            let ms = i64::try_from(stamp.sec)
                .unwrap_or(i64::MAX / 1_000)
                .saturating_mul(1_000);
            ms.saturating_add(i64::from(stamp.milli))
                .saturating_mul(1_000_000)
        });
        let row = Exported {
            host: known.origin.host,
            boot: known.origin.boot,
            leaves: known.leaves,
            time_ns,
            what: What::Event(event),
        };
        self.give(row, rows);
    }

    fn give(&self, row: Exported, rows: &mut Vec<Exported>) {
        let of_host = self.host.as_ref().is_none_or(|host| *host == row.host);
        if of_host && (self.since_ns..=self.until_ns).contains(&row.time_ns) {
            rows.push(row);
        }
    }
}

/// The kind of a message, and what was received.
fn message<'a>(entry: &EntryRef<'a>) -> Option<(&'static str, &'a [u8])> {
    match entry.header().kind {
        Kind::Syslog => Some(("syslog", entry.syslog()?.1)),
        Kind::Journal => Some(("journal", entry.payload())),
        Kind::FileLine => Some(("file", entry.payload())),
        Kind::Finding => Some(("finding", entry.payload())),
        _ => None,
    }
}
