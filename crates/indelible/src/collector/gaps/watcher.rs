//! What is missing, found while the log is read: the state, and nothing that touches the world.

use std::collections::{BTreeMap, HashSet};

use indelible_log::head::HeadCheck;
use indelible_log::verify::Inspect;
use indelible_log::{EntryRef, Kind, StreamId};
use serde::{Deserialize, Serialize};

use super::boot::Boot;
use super::note::Note;
use crate::agent::selection::SOURCE as SELECTED;
use crate::collector::peers::Peers;
use crate::payload::{About, Gap, StreamOpened, TimeMark};

/// What is known of all hosts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Watcher {
    v: u8,
    /// Index of the next entry to be read.
    pub(super) next: u64,
    /// Nothing is told of what is below.
    silent_below: u64,
    /// The collector's clock at the last time mark, ns since 1970.
    mark_ns: u64,
    /// By machine id: a host's newest boot.
    hosts: BTreeMap<String, Boot>,
    streams: BTreeMap<String, Stream>,
    /// Streams that should be longer, by what a later one says.
    short: Vec<Short>,
    /// Who sends each stream.
    #[serde(skip)]
    pub(super) peers: Peers,
    #[serde(skip)]
    heads: HeadCheck,
    /// The stream of the entry before, and its text: mostly it is that of the next, too.
    #[serde(skip)]
    latest: Option<(StreamId, String)>,
    /// Gap entries of ours that are in the log already, beyond where this state was kept.
    #[serde(skip)]
    told: HashSet<String>,
}

/// A stream of an agent.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Stream {
    machine_id: String,
    boot_id: String,
    host: String,
    #[serde(default)]
    peer: Option<String>,
    of_capture: bool,
    /// Of capture's records, those that were selected for this collector.
    #[serde(default)]
    is_selected: bool,
    next: u64,
    /// Capture time of its newest entry.
    time_ns: u64,
    /// When the collector heard it last.
    heard_ns: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Short {
    stream: String,
    host: String,
    #[serde(default)]
    peer: Option<String>,
    boot_id: String,
    end: u64,
    since_ns: u64,
}

impl Watcher {
    /// A new one; of the entries below `size` it only learns.
    pub(super) fn new(size: u64) -> Self {
        Self {
            v: 1,
            silent_below: size,
            ..Self::default()
        }
    }

    /// Reads what was kept; nothing where it is of another form.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let watcher: Self = serde_json::from_slice(text).ok()?;
        (watcher.v == 1).then_some(watcher)
    }

    /// Whether nothing of what is below `size` is told.
    pub(super) fn is_silent_below(&self, size: u64) -> bool {
        self.silent_below >= size
    }

    /// A collector that was away has heard nobody: that is no silence of theirs.
    pub(super) fn resume(&mut self, now_ns: u64) {
        for boot in self.hosts.values_mut() {
            boot.heard_ns = boot
                .heard_ns
                .max(now_ns.saturating_add(RETURN_NS - SILENCE_NS));
        }
    }

    /// Remembers a gap entry of ours that is in the log already.
    pub(super) fn already_told(&mut self, gap: &Gap) {
        self.told.insert(key(gap));
    }

    /// Takes the entry at index `next` in. `now_ns` is the collector's clock where the entry has
    /// just come, and nothing where it came long ago.
    pub(super) fn enter(&mut self, entry: &EntryRef<'_>, now_ns: Option<u64>) -> Vec<Note> {
        let mut notes = Vec::new();
        let header = entry.header();
        let index = self.next;
        self.next += 1;
        match header.kind {
            Kind::StreamOpened => self.opened(entry),
            Kind::TimeMark => self.marked(entry, &mut notes),
            Kind::Syslog => return notes,
            _ => {}
        }
        let now_ns = now_ns.unwrap_or(self.mark_ns);
        let id = match self.latest.take() {
            Some((latest, id)) if latest == header.stream => id,
            _ => header.stream.to_string(),
        };
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.moved(entry, now_ns, &mut notes);
            if (stream.of_capture || stream.is_selected)
                && let Some(boot) = self.hosts.get_mut(&stream.machine_id)
                && boot.boot_id == stream.boot_id
            {
                heard(boot, now_ns, &mut notes);
                // What was left out makes holes, which the host's own gap entries account for later.
                if stream.of_capture || header.kind != Kind::Audit {
                    boot.enter(entry, index >= self.silent_below, &mut notes);
                }
            }
            if !stream.of_capture && header.kind == Kind::HostHead {
                head_heard(&mut self.hosts, stream, now_ns, &mut notes);
            }
            if matches!(header.kind, Kind::HostHead | Kind::Gap)
                && let Some(why) = self.heads.entry(entry, None)
            {
                let about = about(stream, Some(&id));
                notes.push(Note::epoch_break(about, header.sequence, &why));
            }
        }
        self.latest = Some((header.stream, id));
        self.news(index, notes)
    }

    /// What is to be told because time has passed and nothing more is in the log.
    pub(super) fn waited(&mut self, now_ns: u64) -> Vec<Note> {
        let mut notes = Vec::new();
        self.silences(now_ns, &mut notes);
        self.shorts(now_ns, &mut notes);
        self.news(self.next, notes)
    }

    /// The notes that are not in the log yet.
    fn news(&mut self, index: u64, mut notes: Vec<Note>) -> Vec<Note> {
        let told = &mut self.told;
        notes.retain(|note| index >= self.silent_below && !told.remove(&key(&note.gap)));
        notes
    }

    fn opened(&mut self, entry: &EntryRef<'_>) {
        let Ok(opened) = serde_json::from_slice::<StreamOpened>(entry.payload()) else {
            return;
        };
        // Receivers' streams and the collector's own are numbered by the collector itself.
        if opened.boot_id.is_empty() || opened.source == "collector" {
            return;
        }
        let source = opened.source.split(':').next().unwrap_or_default();
        let of_capture = matches!(source, "kernel" | "observe" | "audisp");
        let peer = self.peers.name(entry.header().stream);
        if let Some(before) = &opened.predecessor {
            let held = self.streams.get(&before.id).map_or(0, |stream| stream.next);
            if held < before.next && self.short.len() < SHORT_MAX {
                self.short.push(Short {
                    stream: before.id.clone(),
                    host: opened.host.clone(),
                    peer: peer.clone(),
                    boot_id: opened.boot_id.clone(),
                    end: before.next,
                    since_ns: self.mark_ns,
                });
            }
        }
        let is_selected = source == SELECTED;
        if of_capture || is_selected {
            let boot = self.hosts.entry(opened.machine_id.clone()).or_default();
            if boot.boot_id != opened.boot_id {
                *boot = Boot::new(&opened.host, peer.as_deref(), &opened.boot_id);
            }
            boot.of_heads = false;
        }
        if self.streams.len() >= STREAMS_KEPT_MAX {
            self.forget_the_oldest();
        }
        let stream = Stream {
            machine_id: opened.machine_id,
            boot_id: opened.boot_id,
            host: opened.host,
            peer,
            of_capture,
            is_selected,
            ..Stream::default()
        };
        self.streams
            .insert(entry.header().stream.to_string(), stream);
    }

    fn forget_the_oldest(&mut self) {
        let mut times: Vec<u64> = self
            .streams
            .values()
            .map(|stream| stream.heard_ns)
            .collect();
        let half = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(half);
        let median = *median;
        self.streams.retain(|_, stream| stream.heard_ns > median);
    }

    fn marked(&mut self, entry: &EntryRef<'_>, notes: &mut Vec<Note>) {
        let mark = serde_json::from_slice::<TimeMark>(entry.payload()).ok();
        let Some(now_ns) = mark.and_then(|mark| mark.time_ns.parse::<u64>().ok()) else {
            return;
        };
        if now_ns + CLOCK_STEP_NS < self.mark_ns {
            notes.push(Note::clock_step(About::default(), self.mark_ns, now_ns));
            // Its time goes on from there for everybody.
            for boot in self.hosts.values_mut() {
                boot.heard_ns = boot.heard_ns.min(now_ns);
            }
        }
        self.mark_ns = now_ns;
        self.silences(now_ns, notes);
        self.shorts(now_ns, notes);
    }

    fn silences(&mut self, now_ns: u64, notes: &mut Vec<Note>) {
        for boot in self.hosts.values_mut() {
            let silent = now_ns.saturating_sub(boot.heard_ns) > SILENCE_NS;
            if boot.heard_ns > 0 && silent && boot.silent_since_ns.is_none() {
                boot.silent_since_ns = Some(boot.heard_ns);
                notes.push(Note::silence(boot, boot.heard_ns, None));
            }
        }
    }

    fn shorts(&mut self, now_ns: u64, notes: &mut Vec<Note>) {
        let streams = &self.streams;
        self.short.retain(|short| {
            let held = streams.get(&short.stream).map_or(0, |stream| stream.next);
            if held >= short.end {
                return false;
            }
            let waited = now_ns.saturating_sub(short.since_ns) > SHORT_NS;
            if waited {
                let about = About {
                    peer: short.peer.clone(),
                    host: Some(short.host.clone()),
                    boot_id: Some(short.boot_id.clone()),
                    stream: Some(short.stream.clone()),
                };
                notes.push(Note::sequence_hole(about, held, short.end));
            }
            !waited
        });
    }
}

impl Stream {
    /// An entry came. Clocks that are set back show at once; clocks that are set forward where the
    /// stream was arriving as it was captured, and is now ahead of us.
    fn moved(&mut self, entry: &EntryRef<'_>, now_ns: u64, notes: &mut Vec<Note>) {
        let header = entry.header();
        let (before, time_ns) = (self.time_ns, header.time_ns);
        let was_live = before.abs_diff(self.heard_ns) < LIVE_NS;
        let ahead = time_ns > now_ns.saturating_add(LIVE_NS);
        let back = time_ns + CLOCK_STEP_NS < before;
        if self.of_capture
            && before > 0
            && (back || was_live && ahead && time_ns > before + LIVE_NS)
        {
            let id = header.stream.to_string();
            notes.push(Note::clock_step(about(self, Some(&id)), before, time_ns));
        }
        self.next = header.sequence + 1;
        self.time_ns = time_ns;
        self.heard_ns = now_ns;
    }
}

fn heard(boot: &mut Boot, now_ns: u64, notes: &mut Vec<Note>) {
    if let Some(since) = boot.silent_since_ns.take() {
        notes.push(Note::silence(boot, since, Some(now_ns)));
    }
    boot.heard_ns = now_ns;
}

/// A head in a stream that is not of the kernel's records. Where the host has such a stream too, only
/// that one counts: another process's heads must not hide that it has stopped.
fn head_heard(
    hosts: &mut BTreeMap<String, Boot>,
    stream: &Stream,
    now_ns: u64,
    notes: &mut Vec<Note>,
) {
    let boot = hosts.entry(stream.machine_id.clone()).or_default();
    let is_new = boot.boot_id.is_empty();
    if is_new || boot.of_heads && boot.boot_id != stream.boot_id {
        let silent_since_ns = boot.silent_since_ns;
        *boot = Boot::new(&stream.host, stream.peer.as_deref(), &stream.boot_id);
        boot.of_heads = true;
        boot.silent_since_ns = silent_since_ns;
    }
    if boot.of_heads {
        heard(boot, now_ns, notes);
    }
}

fn about(stream: &Stream, id: Option<&str>) -> About {
    About {
        peer: stream.peer.clone(),
        host: Some(stream.host.clone()),
        boot_id: Some(stream.boot_id.clone()),
        stream: id.map(str::to_owned),
    }
}

/// What tells two gaps apart. The end of a silence is when we looked, which is not the same twice.
fn key(gap: &Gap) -> String {
    format!(
        "{:?} {:?} {:?} {}",
        gap.reason,
        gap.about,
        gap.from,
        gap.to.is_some()
    )
}

/// Capture of a host that lives is heard each second.
const SILENCE_NS: u64 = 3_000_000_000;
/// How long hosts may take to come back after a start of the collector.
const RETURN_NS: u64 = 60_000_000_000;
/// How long a stream may take to reach the end that a later one states.
const SHORT_NS: u64 = 60_000_000_000;
/// An entry that is not older is arriving as it was captured.
const LIVE_NS: u64 = 3_000_000_000;
/// Clocks that go back by more than this were set.
const CLOCK_STEP_NS: u64 = 100_000_000;
/// Streams that should be longer and are waited for.
const SHORT_MAX: usize = 10_000;
/// Streams that are followed; beyond them the half that was heard least is forgotten.
const STREAMS_KEPT_MAX: usize = 65_536;

#[cfg(test)]
mod tests;
