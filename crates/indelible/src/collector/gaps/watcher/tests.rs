//! The watcher of gaps, fed with entries.

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
