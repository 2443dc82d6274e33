//! One boot of one host: its serials, its kernel's counter of lost records, and whether it is heard.

use indelible_log::{EntryRef, Kind};
use indelible_record::{Assembler, Record, RecordType, Settings, stamp};
use serde::{Deserialize, Serialize};

use super::note::Note;
use super::serials::Serials;
use crate::payload::{Gap, GapReason, HostHead};

/// What is known of a boot.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Boot {
    /// What the machine calls itself.
    pub(super) host: String,
    /// The name in its certificate.
    #[serde(default)]
    pub(super) peer: Option<String>,
    pub(super) boot_id: String,
    serials: Serials,
    lost: Lost,
    /// When it was heard last, ns since 1970 by the collector's clock.
    pub(super) heard_ns: u64,
    /// Since when it has been silent, where that was told.
    pub(super) silent_since_ns: Option<u64>,
    /// Of a host whose records do not come from its kernel: its heads alone are heard.
    #[serde(default)]
    pub(super) of_heads: bool,
    #[serde(skip)]
    events: Events,
}

/// The kernel's `lost`, held to what the host itself recorded as lost.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Lost {
    counter: Option<u32>,
    rise: u64,
    /// By gap entries of the host's, and of ours.
    told: u64,
    /// What was untold at the head before.
    untold: u64,
}

/// Events being put together, to find those that lack records. Not kept over a restart: an event
/// that arrives across one is not judged.
#[derive(Debug)]
struct Events {
    /// The first serial that is judged: records of those before it were read by somebody else.
    from: Option<u32>,
    assembler: Assembler,
    line: Vec<u8>,
    incomplete: Vec<u32>,
    told_ms: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            from: None,
            assembler: Assembler::new(Settings::ACCOUNT),
            line: Vec::new(),
            incomplete: Vec::new(),
            told_ms: 0,
        }
    }
}

impl Events {
    /// Whether all records of an event come by here. `due` is the serial that was due before this
    /// record came.
    fn is_whole(&mut self, serial: u32, due: u32) -> bool {
        let from = *self.from.get_or_insert(due);
        serial.wrapping_sub(from) < 1 << 31
    }
}

impl Boot {
    pub(super) fn new(host: &str, peer: Option<&str>, boot_id: &str) -> Self {
        Self {
            host: host.to_owned(),
            peer: peer.map(str::to_owned),
            boot_id: boot_id.to_owned(),
            ..Self::default()
        }
    }

    /// Takes an entry of capture's in. `judged` is whether its events are put together.
    pub(super) fn enter(&mut self, entry: &EntryRef<'_>, judged: bool, notes: &mut Vec<Note>) {
        match entry.header().kind {
            Kind::Audit => self.record(entry, judged, notes),
            Kind::HostHead => {
                let head = serde_json::from_slice::<HostHead>(entry.payload());
                if let Some(kernel) = head.ok().and_then(|head| head.kernel) {
                    self.counted(kernel.lost, notes);
                }
            }
            Kind::Gap => {
                let gap = serde_json::from_slice::<Gap>(entry.payload());
                if let Ok(gap) = gap
                    && gap.reason == GapReason::KernelLost
                {
                    self.lost.told += gap.count.unwrap_or(0);
                }
            }
            _ => {}
        }
    }

    fn record(&mut self, entry: &EntryRef<'_>, judged: bool, notes: &mut Vec<Note>) {
        let Some((kind, text)) = entry.audit() else {
            return;
        };
        let Some(stamp) = stamp(text) else { return };
        let due = self.serials.due().unwrap_or(stamp.serial);
        for hole in self.serials.note(stamp.serial, stamp.ms()) {
            let (first, last) = (hole.first.into(), hole.last.into());
            notes.push(Note::serial_hole(self, first, last, hole.count()));
        }
        if judged && self.events.is_whole(stamp.serial, due) {
            self.assemble(kind, text, stamp.ms(), notes);
        }
    }

    fn assemble(&mut self, kind: u16, text: &[u8], now_ms: u64, notes: &mut Vec<Note>) {
        let events = &mut self.events;
        events.line.clear();
        if kind != 0 {
            events.line.extend_from_slice(b"type=");
            let name = RecordType(kind).to_string();
            events.line.extend_from_slice(name.as_bytes());
            events.line.extend_from_slice(b" msg=");
        }
        events.line.extend_from_slice(text);
        let record = Record::parse(&events.line);
        for event in events.assembler.push(0, &record) {
            if !event.is_complete()
                && let Some(stamp) = event.stamp()
            {
                events.incomplete.push(stamp.serial);
            }
        }
        let due = now_ms >= events.told_ms + TOLD_EVERY_MS;
        let full = events.incomplete.len() >= INCOMPLETE_MAX;
        if !events.incomplete.is_empty() && (due || full) {
            events.told_ms = now_ms;
            let serials = std::mem::take(&mut events.incomplete);
            notes.push(Note::incomplete(self, &serials));
        }
    }

    fn counted(&mut self, counter: u32, notes: &mut Vec<Note>) {
        let lost = &mut self.lost;
        // A smaller one was reset: by a root user, or it wrapped.
        let rise = lost
            .counter
            .map_or(0, |before| counter.saturating_sub(before));
        lost.counter = Some(counter);
        lost.rise += u64::from(rise);
        let untold = lost.rise.saturating_sub(lost.told);
        // The host's own gap entry may come right behind the head: it has until the next one.
        let count = untold.min(lost.untold);
        lost.untold = untold - count;
        if count > 0 {
            lost.told += count;
            notes.push(Note::lost(self, count));
        }
    }
}

/// How often incomplete events of a host are told.
const TOLD_EVERY_MS: u64 = 10_000;
/// Incomplete events after which they are told at once.
const INCOMPLETE_MAX: usize = 1_000;
