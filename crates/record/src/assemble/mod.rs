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

mod gather;
mod key;
mod nodes;
mod open;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::{HashMap, VecDeque};

use crate::event::{Event, Missing};
use crate::fold::Folded;
use crate::limits;
use crate::record::Record;
use crate::record_type::RecordType;
use crate::stamp::Stamp;
use key::Key;
use nodes::Nodes;
use open::{Open, push_cut};
use turns::Turns;

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

    /// For an account of what is missing: patient, since what comes late is not.
    pub const ACCOUNT: Settings = Settings {
        order: Order::Completion,
        timeout_ms: limits::ACCOUNT_TIMEOUT_MS,
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
    open: HashMap<Key, u64, Folded>,
    /// The event of the previous record: mostly it is that of the next, too.
    latest: Option<(Key, u64)>,
    held_bytes: usize,
    now_ms: u64,
    closed: Turns,
    /// Boxes of events that were closed, to be used again.
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    spare: Vec<Box<Open>>,
    newest_ms: u64,
    ready: VecDeque<Event>,
    counters: Counters,
}

#[derive(Debug)]
enum Slot {
    Open(Box<Open>),
    /// Closed already.
    Gone,
}

impl Assembler {
    /// An assembler without records.
    pub fn new(settings: Settings) -> Assembler {
        Assembler {
            settings,
            nodes: Nodes::default(),
            slots: VecDeque::new(),
            first: 0,
            open: HashMap::default(),
            latest: None,
            held_bytes: 0,
            now_ms: 0,
            closed: Turns::default(),
            spare: Vec::new(),
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
        while let Some(event) = self.closed.pop() {
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
        let mut open = self.spare.pop().unwrap_or_default();
        open.begin(key, self.now_ms);
        self.slots.push_back(Slot::Open(open));
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
        let before = open.bytes();
        open.add(record, self.now_ms);
        self.held_bytes += open.bytes() - before;
        self.counters.cut += u64::from(record.raw().len() > limits::RECORD_BYTES_MAX);
        self.nodes.note(open.key.node, record.record_type());
        if open.is_full() {
            self.close(index, true);
        } else if open.is_over() {
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
        let Slot::Open(mut open) = std::mem::replace(&mut self.slots[index], Slot::Gone) else {
            return;
        };
        self.open.remove(&open.key);
        self.latest = None;
        self.counters.evicted += u64::from(evicted);
        let ends_events = self.nodes.ends_events(open.key.node);
        let event = open.take(ends_events, evicted);
        if self.spare.len() < limits::SPARE_EVENTS_MAX {
            self.spare.push(open);
        }
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
            Order::Time => self.closed.insert(event),
        }
    }

    /// Gives out the closed events that are older than `age_ms`.
    fn release(&mut self, age_ms: u64) {
        let until_ms = self.newest_ms.saturating_sub(age_ms);
        while let Some(stamp) = self.closed.first() {
            let due = stamp.is_none_or(|stamp| stamp.ms() < until_ms || age_ms == 0);
            if !due && self.closed.len() <= self.settings.pending_events_max {
                break;
            }
            if let Some(event) = self.closed.pop() {
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
            if let Some(event) = self.closed.pop() {
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
