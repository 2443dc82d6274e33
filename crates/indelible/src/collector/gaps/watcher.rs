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
mod tests {
    use indelible_log::{Header, StreamId, entry};

    use super::*;
    use crate::payload::{Edge, GapReason, to_bytes};

    const SECOND: u64 = 1_000_000_000;
    const T0: u64 = 1_700_000_000 * SECOND;

    /// A host's stream and the collector's own, and the watcher that reads them.
    struct Site {
        watcher: Watcher,
        next: [u64; 3],
    }

    impl Site {
        fn new() -> Self {
            let mut site = Self {
                watcher: Watcher::new(0),
                next: [0; 3],
            };
            site.open(1, "kernel", "null");
            site
        }

        /// A host with a certificate.
        fn of_peer(peer: &str) -> Self {
            let mut site = Self {
                watcher: Watcher::new(0),
                next: [0; 3],
            };
            site.watcher.peers.note(StreamId([1; 16]), peer);
            site.open(1, "kernel", "null");
            site
        }

        fn open(&mut self, stream: u8, source: &str, predecessor: &str) {
            let opened = format!(
                r#"{{"v":1,"source":"{source}","machine_id":"aa","boot_id":"bb","host":"h","predecessor":{predecessor}}}"#
            );
            self.put(stream, Kind::StreamOpened, T0, opened.as_bytes(), Some(T0));
        }

        fn put(
            &mut self,
            stream: u8,
            kind: Kind,
            time_ns: u64,
            payload: &[u8],
            now: Option<u64>,
        ) -> Vec<Note> {
            let header = Header {
                kind,
                flags: 0,
                stream: StreamId([stream; 16]),
                sequence: self.next[usize::from(stream)],
                time_ns,
            };
            self.next[usize::from(stream)] += 1;
            let mut bytes = Vec::new();
            entry::push(&mut bytes, &header, payload);
            self.watcher
                .enter(&EntryRef::parse(&bytes[2..]).unwrap(), now)
        }

        fn record(&mut self, second: u64, serial: u32) -> Vec<Note> {
            self.part(1112, second, serial)
        }

        fn part(&mut self, kind: u16, second: u64, serial: u32) -> Vec<Note> {
            let seconds = T0 / SECOND + second;
            let mut payload = kind.to_be_bytes().to_vec();
            let text = format!("audit({seconds}.000:{serial}): pid=1 items=0");
            payload.extend_from_slice(text.as_bytes());
            let now = T0 + second * SECOND;
            self.put(1, Kind::Audit, now, &payload, Some(now))
        }

        fn mark(&mut self, second: u64) -> Vec<Note> {
            let mark = TimeMark::new(T0 + second * SECOND, 0);
            self.put(0, Kind::TimeMark, 0, &to_bytes(&mark), None)
        }

        fn lost(&mut self, counter: u32) -> Vec<Note> {
            let head = format!(
                r#"{{"v":1,"boot_id":"bb","next":0,"head":"","kernel":{{"lost":{counter},"backlog":0,"backlog_limit":0,"backlog_wait_time_actual":null,"rate_limit":0,"failure":1,"enabled":1,"audit_pid":1}},"records":null,"congestion":0,"dropped":0,"rules":null,"checkpoint":null}}"#
            );
            let notes = self.put(1, Kind::HostHead, T0, head.as_bytes(), Some(T0));
            // It is not signed: that is what another test is for.
            let unsigned = |note: &Note| note.gap.reason != GapReason::EpochBreak;
            notes.into_iter().filter(unsigned).collect()
        }
    }

    fn reasons(notes: &[Note]) -> Vec<GapReason> {
        notes.iter().map(|note| note.gap.reason).collect()
    }

    #[test]
    fn a_host_is_who_its_certificate_says() {
        for (peer, called) in [("h", "h"), ("h.example", "h.example (it calls itself h)")] {
            let mut site = Site::of_peer(peer);
            assert_eq!(site.record(1, 5), []);
            let [silence] = &site.mark(10)[..] else {
                panic!("one note");
            };
            let about = silence.gap.about.as_ref().unwrap();
            let finding = silence.finding.as_ref().unwrap();
            assert_eq!(about.peer.as_deref(), Some(peer));
            assert_eq!(finding.peer.as_deref(), Some(peer));
            // As before: what the machine calls itself.
            assert_eq!(
                (&about.host, &finding.host),
                (&Some("h".into()), &Some("h".into()))
            );
            assert_eq!(finding.why, format!("host {called} is silent"));
        }
    }

    #[test]
    fn holes_in_serials() {
        let mut site = Site::new();
        assert_eq!(site.record(0, 10), []);
        assert_eq!(site.record(0, 14), []);
        let notes = site.record(5, 15);
        assert_eq!(reasons(&notes), [GapReason::SerialHole]);
        let gap = &notes[0].gap;
        assert_eq!(
            (&gap.from, &gap.to, gap.count),
            (&Some(Edge::Number(11)), &Some(Edge::Number(13)), Some(3))
        );
        assert_eq!(
            notes[0].finding.as_ref().unwrap().host.as_deref(),
            Some("h")
        );
        // After a crash it is found again, and is in the log already.
        let mut again = Site::new();
        again.watcher.already_told(gap);
        again.record(0, 10);
        again.record(0, 14);
        assert_eq!(again.record(5, 15), []);
    }

    #[test]
    fn what_was_there_before_the_first_start_is_not_told() {
        let mut site = Site::new();
        site.watcher.silent_below = 5;
        site.record(0, 10);
        site.record(0, 14);
        assert_eq!(site.record(5, 15), []);
        site.record(5, 17);
        assert_eq!(reasons(&site.record(9, 18)), [GapReason::SerialHole]);
    }

    #[test]
    fn heads_are_heard_where_no_kernel_is() {
        let mut site = Site::new();
        let head = |site: &mut Site, second: u64| {
            let now = T0 + second * SECOND;
            site.put(2, Kind::HostHead, now, b"{}", Some(now))
        };
        // Another process's heads say nothing of capture.
        site.open(2, "journal", "null");
        site.mark(0);
        site.record(1, 10);
        head(&mut site, 4);
        assert_eq!(reasons(&site.mark(5)), [GapReason::Silence]);

        let mut site = Site::new();
        site.watcher = Watcher::new(0);
        site.next = [0; 3];
        site.open(2, "file", "null");
        site.mark(0);
        head(&mut site, 1);
        assert_eq!(site.mark(4), []);
        assert_eq!(reasons(&site.mark(5)), [GapReason::Silence]);
        let over = head(&mut site, 9);
        assert!(reasons(&over).contains(&GapReason::Silence));
    }

    #[test]
    fn silence_begins_and_ends() {
        let mut site = Site::new();
        site.mark(0);
        site.record(1, 10);
        assert_eq!(site.mark(4), []);
        let notes = site.mark(5);
        assert_eq!(reasons(&notes), [GapReason::Silence]);
        assert_eq!(notes[0].gap.from, Some(Edge::time(T0 + SECOND)));
        assert_eq!(
            (notes[0].gap.to.is_some(), notes[0].finding.is_some()),
            (false, true)
        );
        assert_eq!(site.mark(9), []);
        let notes = site.record(20, 11);
        assert_eq!(reasons(&notes), [GapReason::Silence]);
        assert_eq!(notes[0].gap.to, Some(Edge::time(T0 + 20 * SECOND)));
        // A collector that was away blames nobody.
        site.watcher.resume(T0 + 1_000 * SECOND);
        assert_eq!(site.watcher.waited(T0 + 1_050 * SECOND), []);
        assert_eq!(
            reasons(&site.watcher.waited(T0 + 1_070 * SECOND)),
            [GapReason::Silence]
        );
    }

    #[test]
    fn an_event_across_a_restart_is_not_judged() {
        let (syscall, path, end) = (1300, 1302, 1320);
        let mut site = Site::new();
        assert_eq!(site.part(syscall, 0, 10), []);
        site.watcher = Watcher::parse(&to_bytes(&site.watcher)).unwrap();
        assert_eq!(site.part(path, 0, 10), []);
        assert_eq!(site.part(end, 0, 10), []);
        assert_eq!(site.part(syscall, 60, 11), []);
        assert_eq!(site.part(end, 60, 11), []);
        // The next ones are.
        let mut notes = site.part(path, 61, 12);
        notes.extend(site.part(end, 61, 12));
        notes.extend(site.part(syscall, 140, 13));
        notes.extend(site.part(end, 140, 13));
        assert_eq!(reasons(&notes), [GapReason::Incomplete]);
    }

    #[test]
    fn losses_that_the_host_did_not_tell() {
        let mut site = Site::new();
        assert_eq!(site.lost(5), []);
        assert_eq!(site.lost(9), []);
        let told = to_bytes(&Gap::new(GapReason::KernelLost, Some(4), ""));
        site.put(1, Kind::Gap, T0, &told, Some(T0));
        assert_eq!(site.lost(9), []);
        assert_eq!(site.lost(12), []);
        let notes = site.lost(12);
        assert_eq!(
            (reasons(&notes), notes[0].gap.count),
            (vec![GapReason::KernelLost], Some(3))
        );
        assert_eq!(site.lost(12), []);
        assert_eq!(site.lost(0), []);
    }

    #[test]
    fn streams_that_should_be_longer() {
        let mut site = Site::new();
        site.record(0, 1);
        let before = format!(r#"{{"id":"{}","next":7,"head":""}}"#, StreamId([1; 16]));
        site.mark(1);
        site.open(2, "kernel", &before);
        site.watcher.hosts.clear();
        assert_eq!(site.mark(50), []);
        let notes = site.mark(70);
        assert_eq!(reasons(&notes), [GapReason::SequenceHole]);
        let gap = &notes[0].gap;
        assert_eq!(
            (&gap.from, &gap.to, gap.count),
            (&Some(Edge::Number(2)), &Some(Edge::Number(6)), Some(5))
        );
        assert_eq!(site.mark(200), []);
    }

    #[test]
    fn clocks_that_were_set() {
        let step = [GapReason::ClockStep];
        let mut site = Site::new();
        site.record(10, 1);
        let at = |second: u64| T0 + second * SECOND;
        // Back, by a host.
        let notes = site.put(1, Kind::Gap, at(2), b"{}", Some(at(11)));
        assert_eq!(reasons(&notes)[..1], step);
        // Forward, while it was arriving as it was captured.
        let mut site = Site::new();
        site.record(10, 1);
        let notes = site.put(1, Kind::Gap, at(3_600), b"{}", Some(at(11)));
        assert_eq!(reasons(&notes)[..1], step);
        // What comes late is not set back.
        assert_eq!(
            site.put(1, Kind::Gap, at(3_601), b"{}", Some(at(9_000)))[..].len(),
            0
        );
        // The collector's own, by a day.
        let mut site = Site::new();
        site.mark(100_000);
        site.watcher.hosts.clear();
        let notes = site.mark(13_600);
        assert_eq!(reasons(&notes), step);
        assert!(
            notes[0].gap.detail.contains("back by 86400000 ms"),
            "{:?}",
            notes[0].gap
        );
    }

    #[test]
    fn a_head_that_nobody_vouches_for() {
        let mut site = Site::new();
        let notes = site.put(1, Kind::HostHead, T0, b"{\"v\":1}", Some(T0));
        assert_eq!(reasons(&notes), [GapReason::EpochBreak]);
        assert_eq!(notes[0].entries().count(), 2);
    }

    #[test]
    fn the_state_comes_back() {
        let mut site = Site::new();
        site.record(0, 10);
        site.record(0, 14);
        let text = to_bytes(&site.watcher);
        let mut again = Watcher::parse(&text).unwrap();
        assert_eq!(again.next, site.watcher.next);
        std::mem::swap(&mut again, &mut site.watcher);
        assert_eq!(reasons(&site.record(5, 15)), [GapReason::SerialHole]);
        for bad in [&b""[..], b"{}", b"{\"v\":2}"] {
            assert!(Watcher::parse(bad).is_none());
        }
    }
}
