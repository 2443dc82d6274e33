//! The assembler: `(now, record) → events`.
//!
//! Records of several events arrive interleaved, out of order, and not all of them. An event is
//! closed when
//!
//! - its type makes it whole by itself (a program's message, a daemon's own record), or
//! - EOE or PROCTITLE, the kernel's last records, has come and nothing is known to be missing, or
//! - nothing new has come for the timeout, or
//! - a limit pushes it out.
//!
//! What is then missing is written on it. Nothing is dropped but EOE records of events already
//! closed, and those are counted.
//!
//! Live, time is the caller's clock. On files it is *stream time*: the newest stamp seen, where
//! each node's clock is aligned with the others' at its first record, so that hosts whose clocks
//! differ do not time each other out. A syscall is stamped when it starts and written when it
//! returns, so stamps far behind are usual and move nothing.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::arch::Arch;
use crate::event::{Event, Missing};
use crate::execve;
use crate::limits;
use crate::number::decimal;
use crate::record::Record;
use crate::record_type::RecordType;
use crate::stamp::Stamp;

/// What time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The stamps of the records themselves: for files. `now_ms` is not looked at.
    Stream,
    /// The caller's `now_ms`: for a stream that is being written.
    Live,
}

/// In which order events come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they are closed: one that waits holds up no other.
    Completion,
    /// By time and serial, as ausearch prints: each is held until nothing older is to be expected,
    /// which is the timeout after its own stamp. What comes later still is given out at once.
    Time,
}

/// How an [`Assembler`] works. The limits are at their maxima by default.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// What time is.
    pub clock: Clock,
    /// In which order events come out.
    pub order: Order,
    /// How long an event waits for more records.
    pub timeout_ms: u64,
    /// Events held at once.
    pub pending_events_max: usize,
    /// Bytes of records held at once.
    pub pending_bytes_max: usize,
}

impl Settings {
    /// For files: stream time, order of time.
    pub const FILE: Settings = Settings {
        clock: Clock::Stream,
        order: Order::Time,
        timeout_ms: limits::EVENT_TIMEOUT_MS,
        pending_events_max: limits::PENDING_EVENTS_MAX,
        pending_bytes_max: limits::PENDING_BYTES_MAX,
    };

    /// For what is being written: the clock, order of completion.
    pub const LIVE: Settings = Settings {
        clock: Clock::Live,
        order: Order::Completion,
        ..Settings::FILE
    };
}

/// What an assembler has seen and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records taken.
    pub records: u64,
    /// Events given out.
    pub events: u64,
    /// Of these, with something missing.
    pub incomplete: u64,
    /// Of these, pushed out by a limit.
    pub evicted: u64,
    /// Records cut at the limit.
    pub cut: u64,
    /// EOE records of events that were closed before, or never seen.
    pub ends_alone: u64,
    /// Records without a stamp.
    pub stampless: u64,
}

/// Puts records together to events.
#[derive(Debug)]
pub struct Assembler {
    settings: Settings,
    nodes: Nodes,
    /// Open events in order of arrival; the first has the number `first`.
    slots: VecDeque<Slot>,
    first: u64,
    open: HashMap<Key, u64>,
    /// The event of the previous record: mostly it is that of the next, too.
    latest: Option<(Key, u64)>,
    held_bytes: usize,
    now_ms: u64,
    /// Closed events that wait for their turn, by stamp and number.
    closed: BTreeMap<(Option<Stamp>, u64), Event>,
    closed_count: u64,
    newest_ms: u64,
    ready: VecDeque<Event>,
    counters: Counters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    node: u32,
    stamp: Stamp,
}

#[derive(Debug)]
enum Slot {
    Open(Box<Open>),
    /// Closed already.
    Gone,
}

/// An event that waits for records, and what it knows of them.
#[derive(Debug)]
struct Open {
    key: Key,
    event: Event,
    seen_ms: u64,
    syscall: bool,
    needs_syscall: bool,
    proctitle: bool,
    end: bool,
    paths: u64,
    paths_expected: u64,
    arguments: u64,
    arguments_expected: u64,
    cut: bool,
}

impl Assembler {
    /// An assembler without records.
    pub fn new(settings: Settings) -> Assembler {
        Assembler {
            settings,
            nodes: Nodes::default(),
            slots: VecDeque::new(),
            first: 0,
            open: HashMap::new(),
            latest: None,
            held_bytes: 0,
            now_ms: 0,
            closed: BTreeMap::new(),
            closed_count: 0,
            newest_ms: 0,
            ready: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Takes a record; returns the events that are closed by it. Those not read from the iterator
    /// come with the next call.
    pub fn push(&mut self, now_ms: u64, record: &Record<'_>) -> Ready<'_> {
        self.counters.records += 1;
        let Some(stamp) = record.stamp() else {
            self.counters.stampless += 1;
            self.alone(None, record);
            self.release(self.settings.timeout_ms);
            return Ready(&mut self.ready);
        };
        if self.nodes.is_full(record.node()) {
            self.close_all();
            self.nodes = Nodes::default();
        }
        let node = self.nodes.number(record.node());
        self.now_ms = match self.settings.clock {
            Clock::Live => self.now_ms.max(now_ms),
            Clock::Stream => self
                .now_ms
                .max(self.nodes.aligned_ms(node, stamp, self.now_ms)),
        };
        self.newest_ms = self.newest_ms.max(stamp.ms());
        let key = Key { node, stamp };
        match self.find(key) {
            Some(number) => self.add(number, record),
            None if record.record_type() == RecordType::EOE => self.counters.ends_alone += 1,
            None if record.record_type().is_single() => self.alone(Some(stamp), record),
            None => {
                let number = self.start(key);
                self.add(number, record);
            }
        }
        self.expire();
        self.evict();
        self.release(self.settings.timeout_ms);
        Ready(&mut self.ready)
    }

    /// Lets time pass without a record: for live streams, so that the last event of a burst comes
    /// out when its timeout is over.
    pub fn tick(&mut self, now_ms: u64) -> Ready<'_> {
        if self.settings.clock == Clock::Live {
            self.now_ms = self.now_ms.max(now_ms);
        }
        self.expire();
        if self.slots.is_empty() {
            self.release(0);
        }
        Ready(&mut self.ready)
    }

    /// Closes what is open: the end of the input.
    pub fn finish(&mut self) -> Ready<'_> {
        self.close_all();
        while let Some((_, event)) = self.closed.pop_first() {
            self.give(event);
        }
        Ready(&mut self.ready)
    }

    /// What has been seen and done so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Events that are held: open ones, and closed ones that wait for their turn.
    pub fn held_events(&self) -> usize {
        self.slots.len() + self.closed.len()
    }

    /// Bytes of the records that are held.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    fn find(&self, key: Key) -> Option<u64> {
        match self.latest {
            Some((latest, number)) if latest == key => Some(number),
            _ => self.open.get(&key).copied(),
        }
    }

    fn start(&mut self, key: Key) -> u64 {
        let number = self.first + self.slots.len() as u64;
        self.slots
            .push_back(Slot::Open(Box::new(Open::new(key, self.now_ms))));
        self.open.insert(key, number);
        number
    }

    /// Adds a record to an open event, and closes it if that makes it whole.
    fn add(&mut self, number: u64, record: &Record<'_>) {
        let index = (number - self.first) as usize;
        let Slot::Open(open) = &mut self.slots[index] else {
            // `open` and `latest` name open slots only.
            return;
        };
        self.latest = Some((open.key, number));
        let before = open.event.bytes();
        open.add(record, self.now_ms);
        self.held_bytes += open.event.bytes() - before;
        self.counters.cut += u64::from(record.raw().len() > limits::RECORD_BYTES_MAX);
        self.nodes.note(open.key.node, record.record_type());
        if open.is_full() {
            self.close(index, true);
        } else if (open.end || open.proctitle) && open.is_whole() {
            self.close(index, false);
        }
    }

    /// A record that is an event by itself.
    fn alone(&mut self, stamp: Option<Stamp>, record: &Record<'_>) {
        let mut event = Event::new(stamp);
        if stamp.is_none() {
            event.missing.push(Missing::Stamp);
        }
        if push_cut(&mut event, record) {
            event.missing.push(Missing::Cut);
            self.counters.cut += 1;
        }
        self.held_bytes += event.bytes();
        self.queue(event);
    }

    /// Closes the event in a slot.
    fn close(&mut self, index: usize, evicted: bool) {
        let Slot::Open(open) = std::mem::replace(&mut self.slots[index], Slot::Gone) else {
            return;
        };
        self.open.remove(&open.key);
        self.latest = None;
        self.counters.evicted += u64::from(evicted);
        let event = open.into_event(&self.nodes, evicted);
        self.queue(event);
        while matches!(self.slots.front(), Some(Slot::Gone)) {
            self.first += 1;
            self.slots.pop_front();
        }
    }

    /// Takes a closed event, whose bytes are counted already, to its turn.
    fn queue(&mut self, event: Event) {
        match self.settings.order {
            Order::Completion => self.give(event),
            Order::Time => {
                self.closed_count += 1;
                self.closed
                    .insert((event.stamp(), self.closed_count), event);
            }
        }
    }

    /// Gives out the closed events that are older than `age_ms`.
    fn release(&mut self, age_ms: u64) {
        let until_ms = self.newest_ms.saturating_sub(age_ms);
        while let Some((key, _)) = self.closed.first_key_value() {
            let due = key
                .0
                .is_none_or(|stamp| stamp.ms() < until_ms || age_ms == 0);
            if !due && self.closed.len() <= self.settings.pending_events_max {
                break;
            }
            if let Some((_, event)) = self.closed.pop_first() {
                self.give(event);
            }
        }
    }

    fn give(&mut self, event: Event) {
        self.held_bytes -= event.bytes();
        self.counters.events += 1;
        self.counters.incomplete += u64::from(!event.is_complete());
        self.ready.push_back(event);
    }

    /// Closes the events at the front whose time is over. `seen_ms` rises from front to back but
    /// for events that still grow, and those may hold up others a little.
    fn expire(&mut self) {
        while let Some(Slot::Open(open)) = self.slots.front() {
            if self.now_ms - open.seen_ms <= self.settings.timeout_ms {
                break;
            }
            self.close(0, false);
        }
    }

    /// Gives out closed events, and closes open ones at the front, until the limits hold. Gone
    /// events behind an open one count as well: they take memory.
    fn evict(&mut self) {
        while self.slots.len() > self.settings.pending_events_max {
            self.close(0, true);
        }
        while self.held_bytes > self.settings.pending_bytes_max {
            if let Some((_, event)) = self.closed.pop_first() {
                self.give(event);
            } else if self.slots.is_empty() {
                break;
            } else {
                self.close(0, true);
            }
        }
    }

    fn close_all(&mut self) {
        while let Some(Slot::Open(_)) = self.slots.front() {
            self.close(0, false);
        }
    }
}

/// Events that are closed; see [`Assembler::push`].
#[derive(Debug)]
pub struct Ready<'a>(&'a mut VecDeque<Event>);

impl Iterator for Ready<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.0.pop_front()
    }
}

impl Open {
    fn new(key: Key, now_ms: u64) -> Open {
        Open {
            key,
            event: Event::new(Some(key.stamp)),
            seen_ms: now_ms,
            syscall: false,
            needs_syscall: false,
            proctitle: false,
            end: false,
            paths: 0,
            paths_expected: 0,
            arguments: 0,
            arguments_expected: 0,
            cut: false,
        }
    }

    fn add(&mut self, record: &Record<'_>, now_ms: u64) {
        self.seen_ms = now_ms;
        let number = |name: &[u8]| number_of(record, name).unwrap_or_default();
        match record.record_type() {
            RecordType::SYSCALL | RecordType::URINGOP => {
                self.syscall = true;
                self.paths_expected = number(b"items=");
            }
            RecordType::PATH => self.paths += 1,
            RecordType::PROCTITLE => self.proctitle = true,
            RecordType::EOE => self.end = true,
            RecordType::EXECVE => {
                self.arguments_expected = self.arguments_expected.max(number(b"argc="));
                self.arguments += execve::arguments_begun(record);
            }
            _ => {}
        }
        self.needs_syscall |= record.record_type().needs_syscall();
        self.cut |= push_cut(&mut self.event, record);
    }

    fn is_full(&self) -> bool {
        self.event.records().len() >= limits::EVENT_RECORDS_MAX
            || self.event.bytes() >= limits::EVENT_BYTES_MAX
    }

    /// Whether PATH records lack. The kernel counts the parent directories of message queues among
    /// the items, and hides them.
    fn lacks_paths(&self) -> bool {
        self.paths < self.paths_expected && !is_message_queue(&self.event)
    }

    /// Whether all is there that the records announce.
    fn is_whole(&self) -> bool {
        (self.syscall || !self.needs_syscall)
            && !self.lacks_paths()
            && self.arguments >= self.arguments_expected
    }

    fn into_event(self, nodes: &Nodes, evicted: bool) -> Event {
        let lacks_paths = self.lacks_paths();
        let mut event = self.event;
        let missing = &mut event.missing;
        if self.needs_syscall && !self.syscall {
            missing.push(Missing::Syscall);
        }
        if lacks_paths {
            missing.push(Missing::Paths {
                have: self.paths,
                expected: self.paths_expected,
            });
        }
        if self.arguments < self.arguments_expected {
            missing.push(Missing::Arguments {
                have: self.arguments,
                expected: self.arguments_expected,
            });
        }
        if self.syscall && !self.end && !self.proctitle && nodes.ends_events(self.key.node) {
            missing.push(Missing::End);
        }
        if self.cut {
            missing.push(Missing::Cut);
        }
        if evicted {
            missing.push(Missing::Evicted);
        }
        event
    }
}

/// Appends a record, cut at the limit; says whether it was cut.
fn push_cut(event: &mut Event, record: &Record<'_>) -> bool {
    let raw = record.raw();
    if raw.len() <= limits::RECORD_BYTES_MAX {
        event.push(record);
        return false;
    }
    let kept = &raw[..limits::RECORD_BYTES_MAX];
    let cut = match record.is_kernel() {
        true => Record::from_kernel(record.record_type().0, kept),
        false => Record::parse(kept),
    };
    event.push(&cut);
    true
}

/// The decimal after `name` in the kernel's text, without reading the fields before it. The
/// kernel quotes no blank inside a value, so a name behind a blank is one.
fn number_of(record: &Record<'_>, name: &[u8]) -> Option<u64> {
    let body = record.body();
    let at = memchr::memmem::find_iter(body, name)
        .find(|at| at.checked_sub(1).is_none_or(|before| body[before] == b' '))?;
    let rest = &body[at + name.len()..];
    let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    decimal(&rest[..end])
}

/// Whether the syscall opens or removes a message queue.
fn is_message_queue(event: &Event) -> bool {
    let name = || Arch::from_audit(event.arch()?)?.syscall_name(event.syscall()?);
    matches!(name(), Some("mq_open" | "mq_unlink"))
}

/// The nodes seen, by number.
#[derive(Debug, Default)]
struct Nodes {
    numbers: HashMap<Vec<u8>, u32>,
    known: Vec<Node>,
    latest: Option<(Vec<u8>, u32)>,
}

#[derive(Debug, Default)]
struct Node {
    /// What to add to the node's clock to get stream time, in milliseconds.
    offset_ms: Option<i64>,
    /// Whether a PROCTITLE or EOE has been seen, so that one can be missed.
    ends_events: bool,
}

impl Nodes {
    fn is_full(&self, name: Option<&[u8]>) -> bool {
        self.known.len() >= limits::NODES_MAX
            && !self.numbers.contains_key(name.unwrap_or_default())
    }

    /// The number of a node; records without one have the empty name.
    fn number(&mut self, name: Option<&[u8]>) -> u32 {
        let name = name.unwrap_or_default();
        if let Some((latest, number)) = &self.latest
            && latest == name
        {
            return *number;
        }
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None => {
                let number = self.known.len() as u32;
                self.numbers.insert(name.to_vec(), number);
                self.known.push(Node::default());
                number
            }
        };
        self.latest = Some((name.to_vec(), number));
        number
    }

    /// The stamp's time on the common clock.
    fn aligned_ms(&mut self, node: u32, stamp: Stamp, now_ms: u64) -> u64 {
        let node = &mut self.known[node as usize];
        let ms = i64::try_from(stamp.ms()).unwrap_or(i64::MAX);
        let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
        let offset = *node.offset_ms.get_or_insert(now_ms.saturating_sub(ms));
        u64::try_from(ms.saturating_add(offset)).unwrap_or_default()
    }

    fn note(&mut self, node: u32, record_type: RecordType) {
        if matches!(record_type, RecordType::PROCTITLE | RecordType::EOE) {
            self.known[node as usize].ends_events = true;
        }
    }

    fn ends_events(&self, node: u32) -> bool {
        self.known[node as usize].ends_events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes lines `TYPE milli serial text`, and shows each event that comes out as
    /// `serial:records:missing`.
    fn run(settings: Settings, lines: &[&str]) -> Vec<String> {
        let mut assembler = Assembler::new(settings);
        let mut shown = Vec::new();
        let mut show = |event: Event| {
            let missing: Vec<&str> = event.missing().iter().map(|m| m.name()).collect();
            let serial = event.stamp().map_or(0, |stamp| stamp.serial);
            shown.push(format!(
                "{serial}:{}:{}",
                event.records().len(),
                missing.join("+")
            ));
        };
        for line in lines {
            let mut parts = line.splitn(4, ' ');
            let mut part = || parts.next().unwrap_or_default();
            let (name, ms, serial) = (part(), part(), part());
            let ms: u64 = ms.parse().expect("milliseconds");
            let record = format!(
                "type={name} msg=audit({}.{:03}:{serial}): {}",
                ms / 1000,
                ms % 1000,
                part()
            );
            assembler
                .push(ms, &Record::parse(record.as_bytes()))
                .for_each(&mut show);
        }
        assembler.finish().for_each(&mut show);
        assert_eq!(assembler.held_bytes(), 0);
        assert_eq!(assembler.held_events(), 0);
        shown
    }

    fn check(lines: &[&str], expect: &[&str]) {
        assert_eq!(run(Settings::FILE, lines), expect, "{lines:?}");
    }

    #[test]
    fn whole_events() {
        check(
            &[
                "SYSCALL 1 1 items=1",
                "CWD 1 1",
                "PATH 1 1",
                "PROCTITLE 1 1",
            ],
            &["1:4:"],
        );
        check(&["SYSCALL 1 1 items=0", "EOE 1 1"], &["1:2:"]);
        check(&["USER_LOGIN 1 1", "USER_END 1 2"], &["1:1:", "2:1:"]);
        check(
            &["AVC 1 1", "SYSCALL 1 1 items=0", "PROCTITLE 1 1", "EOE 1 1"],
            &["1:3:"],
        );
        check(&["AVC 1 1"], &["1:1:"]);
    }

    #[test]
    fn interleaved_and_out_of_order() {
        check(
            &[
                "SYSCALL 1 1 items=1",
                "SYSCALL 1 2 items=0",
                "PROCTITLE 1 2",
                "USER_CMD 1 3",
                "PROCTITLE 1 1",
                "PATH 1 1",
            ],
            &["1:3:", "2:2:", "3:1:"],
        );
        let completion = Settings {
            order: Order::Completion,
            ..Settings::FILE
        };
        let lines = [
            "SYSCALL 1 1 items=0",
            "SYSCALL 1 2 items=0",
            "EOE 1 2",
            "USER 1 3",
            "EOE 1 1",
        ];
        assert_eq!(run(completion, &lines), ["2:2:", "3:1:", "1:2:"]);
    }

    #[test]
    fn missing_parts() {
        check(
            &["SYSCALL 1 1 items=2", "PATH 1 1", "PROCTITLE 1 1"],
            &["1:3:paths"],
        );
        check(&["PATH 1 1", "PROCTITLE 1 1"], &["1:2:syscall"]);
        check(
            &[
                "SYSCALL 1 1 items=0",
                "EXECVE 1 1 argc=2 a0=\"x\"",
                "EOE 1 1",
            ],
            &["1:3:arguments"],
        );
        check(
            &["SYSCALL 1 1 items=0", "SYSCALL 1 2 items=0", "EOE 1 2"],
            &["1:1:end", "2:2:"],
        );
        // A kernel without PROCTITLE, in a file without EOE: nothing tells that something lacks.
        check(&["SYSCALL 1 1 items=0"], &["1:1:"]);
        check(&["SYSCALL 1 1 items=99999999999"], &["1:1:paths"]);
    }

    #[test]
    fn serial_wraps_and_repeats() {
        check(
            &[
                "SYSCALL 1 4294967295 items=0",
                "SYSCALL 2 0 items=0",
                "EOE 1 4294967295",
                "EOE 2 0",
                "SYSCALL 3 0 items=0",
                "EOE 3 0",
            ],
            &["4294967295:2:", "0:2:", "0:2:"],
        );
    }

    #[test]
    fn stream_time_closes() {
        check(
            &[
                "SYSCALL 1 1 items=1",
                "SYSCALL 2500 2 items=0",
                "PATH 1 1",
                "EOE 2500 2",
            ],
            &["1:1:paths", "1:1:syscall", "2:2:"],
        );
        // A syscall that slept is stamped long before it is written.
        check(
            &[
                "SYSCALL 90000 2 items=0",
                "SYSCALL 1 1 items=0",
                "EOE 1 1",
                "EOE 90000 2",
            ],
            &["1:2:", "2:2:"],
        );
    }

    #[test]
    fn nodes_with_different_clocks() {
        let line = |node: &str, ms: u64, text: &str| {
            format!("node={node} type={text} msg=audit(1700000{ms:03}.000:1): items=0")
        };
        let mut assembler = Assembler::new(Settings::FILE);
        let mut events = 0;
        for text in [
            line("a", 900, "SYSCALL"),
            line("b", 100, "SYSCALL"),
            line("a", 900, "EOE"),
            line("b", 100, "EOE"),
        ] {
            events += assembler
                .push(0, &Record::parse(text.as_bytes()))
                .inspect(|event| assert!(event.is_complete() && event.records().len() == 2))
                .count();
        }
        events += assembler.finish().count();
        assert_eq!(events, 2);
    }

    #[test]
    fn live_clock_ticks() {
        let mut assembler = Assembler::new(Settings::LIVE);
        let record = Record::from_kernel(1300, b"audit(1.000:1): items=0");
        assert_eq!(assembler.push(5_000, &record).count(), 0);
        assert_eq!(assembler.tick(7_000).count(), 0);
        assert_eq!(assembler.tick(7_001).count(), 1);
    }

    #[test]
    fn limits_push_out_the_oldest() {
        let settings = Settings {
            pending_events_max: 2,
            ..Settings::FILE
        };
        let lines = ["AVC 1 1", "AVC 1 2", "AVC 1 3"];
        assert_eq!(run(settings, &lines), ["1:1:evicted", "2:1:", "3:1:"]);
        let settings = Settings {
            pending_bytes_max: 50,
            ..Settings::FILE
        };
        assert_eq!(
            run(settings, &lines),
            ["1:1:evicted", "2:1:evicted", "3:1:"]
        );
    }

    #[test]
    fn ends_without_events_are_counted() {
        let mut assembler = Assembler::new(Settings::FILE);
        assert_eq!(
            assembler
                .push(0, &Record::parse(b"type=EOE msg=audit(1.000:1): "))
                .count(),
            0
        );
        assert_eq!(assembler.push(0, &Record::parse(b"rubbish")).count(), 1);
        let counters = assembler.counters();
        assert_eq!(
            (counters.ends_alone, counters.stampless, counters.incomplete),
            (1, 1, 1)
        );
    }
}
