//! Joins the lines of an event from all the pieces that hold some, and gives the events out in
//! order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::sync::Arc;

use indelible_record::Stamp;

use super::excerpt::Excerpt;
use super::index::{Facts, Group, Index, Scanned, Scanner};
use super::line::{Key, Keyed};
use super::order::Order;
use crate::limits;

/// How far lines of one event may be apart, in bytes of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// From one line to the next. No piece is longer.
    pub near: u64,
    /// From the first line to the last, where what is found near is no whole event.
    pub far: u64,
    /// How much log an event waits through at most for older ones.
    pub hold: u64,
}

impl Reach {
    /// The usual one.
    pub const USUAL: Reach = Reach {
        near: limits::NEAR_BYTES,
        far: limits::FAR_BYTES,
        hold: limits::HOLD_BYTES,
    };
}

/// The text of a piece: held, or to be read again.
pub trait Text {
    /// The same bytes each time.
    ///
    /// # Errors
    /// Those of the source.
    fn bytes(&self) -> io::Result<Arc<Vec<u8>>>;

    /// Whether a line of an event with this stamp can be among them: to tell that needs no bytes.
    fn may_hold(&self, _stamp: Stamp) -> bool {
        true
    }

    /// The lines of the events with these stamps, without those of others; none where it is not known
    /// which these are without the bytes.
    ///
    /// # Errors
    /// Those of the source.
    fn excerpt(&self, _stamps: &[Stamp]) -> io::Result<Option<Excerpt>> {
        Ok(None)
    }

    /// The bytes will hardly be asked for again: what can be read again need not be held.
    fn release(&mut self) {}
}

/// A piece that was scanned.
#[derive(Debug)]
pub struct Piece<T> {
    /// Offset of its first byte in the log.
    pub at: u64,
    /// Offset of the byte after it.
    pub end: u64,
    /// The text, and what was found in it.
    pub text: T,
    /// What [`Scanner::scan`] said of the text.
    pub scanned: Scanned,
}

/// The lines of one event.
#[derive(Debug)]
pub struct Gathered {
    parts: Parts,
    bytes: u32,
}

/// Lines of one event in all pieces that have some: mostly in one.
#[derive(Debug, Default)]
struct Parts {
    first: Option<Part>,
    more: Vec<Part>,
}

impl Parts {
    fn push(&mut self, part: Part) {
        match &self.first {
            None => self.first = Some(part),
            Some(_) => self.more.push(part),
        }
    }

    fn append(&mut self, mut others: Parts) {
        others.first.into_iter().for_each(|part| self.push(part));
        self.more.append(&mut others.more);
    }

    fn iter(&self) -> impl Iterator<Item = &Part> {
        self.first.iter().chain(&self.more)
    }
}

/// Events by an offset, which mostly come in its order.
#[derive(Debug, Default)]
struct Queue {
    /// Offset and number, those that came in order.
    ascending: VecDeque<(u64, u64)>,
    others: BinaryHeap<Reverse<(u64, u64)>>,
}

impl Queue {
    fn push(&mut self, at: u64, number: u64) {
        match self.ascending.back() {
            Some(last) if *last > (at, number) => self.others.push(Reverse((at, number))),
            _ => self.ascending.push_back((at, number)),
        }
    }

    /// The one with the smallest offset, if that is so.
    fn pop_if(&mut self, is_so: impl Fn(u64) -> bool) -> Option<(u64, u64)> {
        let (first, other) = (self.ascending.front(), self.others.peek());
        match (first, other) {
            (Some(first), other) if other.is_none_or(|Reverse(other)| first < other) => {
                is_so(first.0).then(|| self.ascending.pop_front()).flatten()
            }
            (_, Some(Reverse((at, _)))) => {
                let other = is_so(*at).then(|| self.others.pop()).flatten();
                other.map(|Reverse(other)| other)
            }
            _ => None,
        }
    }
}

/// Lines of one event in one piece.
#[derive(Clone, Debug)]
struct Part {
    piece: Arc<Loaded>,
    first: u32,
    lines: u32,
}

#[derive(Debug)]
struct Loaded {
    bytes: Arc<Vec<u8>>,
    index: Index,
}

/// Joins pieces, which come in the order of the log.
#[derive(Debug)]
pub struct Joiner<T> {
    reach: Reach,
    is_sparse: bool,
    ends_events: bool,
    /// Pieces that are not joined yet: a hit in the next one may want lines of theirs.
    ahead: VecDeque<Piece<T>>,
    /// Pieces that are joined and may be looked at again.
    behind: VecDeque<Behind<T>>,
    /// Keys of hits in `ahead` and in what is near before it, with the number of pieces.
    wanted: Keyed<u32>,
    look_backs: u32,
    /// Events by number; the first has the number `first`.
    slots: VecDeque<Slot>,
    first: u64,
    /// Events that grow.
    open: Keyed<u64>,
    /// Events that grew no more and are not whole.
    fragments: Keyed<u64>,
    /// When to look whether an event grows no more: by the offset of a last line.
    closing: Queue,
    /// The same for fragments, by the offset of a first line.
    expiring: Queue,
    order: Order,
    /// Latest second of the stamps that the order has not heard of.
    now_sec: u64,
    /// The last stamp of an event that waits for its end, in the pieces before.
    waiting: Option<Stamp>,
    out: VecDeque<u64>,
    ready: VecDeque<Gathered>,
}

#[derive(Debug)]
struct Behind<T> {
    at: u64,
    end: u64,
    text: T,
    /// In order.
    hits: Vec<Key>,
    /// Whether what is read now is not near it any more.
    is_passed: bool,
}

#[derive(Debug)]
struct Slot {
    key: Key,
    parts: Parts,
    first_at: u64,
    last_at: u64,
    facts: Facts,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Fragment,
    Done,
    /// Part of another.
    Merged,
    /// Given out.
    Gone,
}

impl Gathered {
    /// The event's lines, in the order of the log, without their newlines.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().flat_map(|part| {
            let lines = part.piece.index.lines(part.first, &part.piece.bytes);
            lines.take(part.lines as usize)
        })
    }

    /// Length of the lines, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes as usize
    }
}

impl<T: Text> Joiner<T> {
    /// A joiner for what `scanner` finds. `timeout_ms` is how long an event waits for older ones, in
    /// the log's own time; `ends_events` says whether the log has PROCTITLE or EOE records, so that
    /// an event without is not whole.
    pub fn new(scanner: &Scanner, reach: Reach, timeout_ms: u64, ends_events: bool) -> Self {
        Self {
            reach,
            is_sparse: scanner.is_sparse(),
            ends_events,
            ahead: VecDeque::new(),
            behind: VecDeque::new(),
            wanted: Keyed::default(),
            look_backs: 0,
            slots: VecDeque::new(),
            first: 0,
            open: Keyed::default(),
            fragments: Keyed::default(),
            closing: Queue::default(),
            expiring: Queue::default(),
            order: Order::new(timeout_ms, reach.hold),
            now_sec: 0,
            waiting: None,
            out: VecDeque::new(),
            ready: VecDeque::new(),
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// Those of texts that are looked at again.
    pub fn push(&mut self, piece: Piece<T>) -> io::Result<()> {
        if !self.is_sparse {
            return self.join(piece);
        }
        for key in hits(&piece.scanned) {
            *self.wanted.entry(key).or_default() += 1;
        }
        let end = piece.end;
        self.ahead.push_back(piece);
        while let Some(first) = self.ahead.front()
            && first.end + self.reach.near <= end
            && let Some(first) = self.ahead.pop_front()
        {
            self.join(first)?;
        }
        Ok(())
    }

    /// The log ends here: what is held comes out.
    ///
    /// # Errors
    /// Those of texts that are looked at again.
    pub fn end(&mut self) -> io::Result<()> {
        while let Some(piece) = self.ahead.pop_front() {
            self.join(piece)?;
        }
        self.expire(u64::MAX);
        while let Some(slot) = self.order.pop() {
            self.out.push_back(slot);
        }
        self.emit();
        self.behind.clear();
        self.wanted.clear();
        Ok(())
    }

    /// The next event, as soon as it is whole and its turn.
    pub fn take(&mut self) -> Option<Gathered> {
        self.ready.pop_front()
    }

    fn join(&mut self, mut piece: Piece<T>) -> io::Result<()> {
        let mut hits: Vec<Key> = match self.is_sparse {
            true => hits(&piece.scanned).collect(),
            false => Vec::new(),
        };
        hits.sort_unstable();
        let index = match (piece.scanned.index.take(), piece.scanned.excerpt.take()) {
            (Some(index), None) => Some((piece.text.bytes()?, index)),
            (Some(index), Some(text)) => match self.wanted_of(&piece.text, &hits)? {
                None => Some((text, index)),
                Some((text, mut index)) => {
                    for group in &mut index.groups {
                        group.facts.hit = hits.binary_search(&group.key).is_ok();
                    }
                    piece.scanned.last_sec = index.last_sec;
                    Some((text, index))
                }
            },
            (None, _) => self.wanted_of(&piece.text, &[])?,
        };
        if let Some((bytes, index)) = index {
            let loaded = Arc::new(Loaded { bytes, index });
            for group in &loaded.index.groups {
                self.now_sec = self.now_sec.max(group.before_sec);
                if self.is_sparse && !group.facts.hit && !self.is_wanted(&group.key) {
                    continue;
                }
                let at = piece.at + u64::from(group.first_at);
                self.expire(at);
                let now_sec = std::mem::take(&mut self.now_sec);
                self.order.advance(now_sec, at, &mut self.out);
                if self.is_fragment_of_old(group, at)? {
                    self.look_back(group.key, at)?;
                }
                self.add(&loaded, group, piece.at);
            }
        }
        self.expire(piece.end);
        let now_sec = std::mem::take(&mut self.now_sec).max(piece.scanned.last_sec);
        self.order.advance(now_sec, piece.end, &mut self.out);
        self.waiting = piece.scanned.last_waiting.or(self.waiting);
        self.limit();
        self.emit();
        if self.is_sparse {
            self.pass(piece, hits);
        }
        Ok(())
    }

    /// Keeps a joined piece as long as it may be looked at again.
    fn pass(&mut self, mut piece: Piece<T>, hits: Vec<Key>) {
        piece.text.release();
        let (near, far) = (self.reach.near, self.reach.far);
        let end = piece.end;
        self.behind.push_back(Behind {
            at: piece.at,
            end,
            text: piece.text,
            hits,
            is_passed: false,
        });
        for old in &mut self.behind {
            if old.is_passed || old.end + near >= end {
                continue;
            }
            old.is_passed = true;
            for key in &old.hits {
                if let Some(count) = self.wanted.get_mut(key) {
                    *count -= 1;
                    if *count == 0 {
                        self.wanted.remove(key);
                    }
                }
            }
        }
        let is_far = |old: &Behind<T>| old.is_passed && old.end + far < end;
        while self.behind.front().is_some_and(is_far) {
            self.behind.pop_front();
        }
    }

    /// The lines of wanted events, if a text may hold any of others than `hits`.
    fn wanted_of(&self, text: &T, hits: &[Key]) -> io::Result<Option<(Arc<Vec<u8>>, Index)>> {
        let is_wanted = |key: &Key| self.is_wanted(key);
        // Of so many one will be there.
        if self.wanted.len() + self.open.len() > limits::ASKED_FOR_MAX {
            let bytes = text.bytes()?;
            let index = Index::of(&bytes, is_wanted);
            return Ok(Some((bytes, index)));
        }
        let wanted = self
            .wanted
            .keys()
            .chain(self.open.keys())
            .chain(self.fragments.keys());
        let mut stamps: Vec<Stamp> = wanted
            .filter(|key| hits.binary_search(key).is_err() && text.may_hold(key.stamp))
            .map(|key| key.stamp)
            .collect();
        if stamps.is_empty() {
            return Ok(None);
        }
        stamps.extend(hits.iter().map(|key| key.stamp));
        lines_of(text, &stamps, is_wanted).map(Some)
    }

    fn is_wanted(&self, key: &Key) -> bool {
        self.wanted.contains_key(key)
            || self.open.contains_key(key)
            || self.fragments.contains_key(key)
    }

    fn slot(&mut self, number: u64) -> &mut Slot {
        &mut self.slots[(number - self.first) as usize]
    }

    /// Whether lines may lie before what is near, in pieces that were joined when nobody wanted
    /// them: where neither this piece nor the next have all of the event.
    fn is_fragment_of_old(&self, group: &Group, at: u64) -> io::Result<bool> {
        let key = group.key;
        if !self.is_sparse
            || self.look_backs >= limits::LOOK_BACKS_MAX
            || group.facts.is_whole(self.ends_events)
            || self.open.contains_key(&key)
            || self.fragments.contains_key(&key)
        {
            return Ok(false);
        }
        let mut facts = group.facts;
        for piece in &self.ahead {
            if piece.at > at + self.reach.near {
                break;
            }
            let mut join = |index: &Index| {
                let same = index.groups.iter().filter(|later| later.key == key);
                same.for_each(|later| facts.join(&later.facts));
            };
            match &piece.scanned.index {
                Some(index) if piece.scanned.excerpt.is_none() => join(index),
                _ if !piece.text.may_hold(key.stamp) => {}
                _ => join(&lines_of(&piece.text, &[key.stamp], |other| *other == key)?.1),
            }
        }
        // Where it was hit before, what lay around that was joined then.
        let was_hit = |old: &Behind<T>| old.hits.binary_search(&key).is_ok();
        Ok(!facts.is_whole(self.ends_events) && !self.behind.iter().any(was_hit))
    }

    /// Adds the lines of an event that lie before `at` in pieces that are joined already.
    fn look_back(&mut self, key: Key, at: u64) -> io::Result<()> {
        self.look_backs += 1;
        let from = at.saturating_sub(self.reach.far);
        let mut found = Vec::new();
        let may_hold = |old: &&Behind<T>| old.end > from && old.text.may_hold(key.stamp);
        for old in self.behind.iter().filter(may_hold) {
            let (bytes, index) = lines_of(&old.text, &[key.stamp], |other| *other == key)?;
            if !index.groups.is_empty() {
                found.push((old.at, Arc::new(Loaded { bytes, index })));
            }
        }
        for (piece_at, loaded) in found {
            for group in &loaded.index.groups {
                self.add(&loaded, group, piece_at);
            }
        }
        Ok(())
    }

    /// Adds lines to their event, or begins one.
    fn add(&mut self, loaded: &Arc<Loaded>, group: &Group, piece_at: u64) {
        let first_at = piece_at + u64::from(group.first_at);
        let last_at = piece_at + u64::from(group.last_at);
        let part = Part {
            piece: Arc::clone(loaded),
            first: group.first,
            lines: group.facts.lines,
        };
        if let Some(number) = self.open.get(&group.key).copied() {
            let Reach { near, far, .. } = self.reach;
            let slot = self.slot(number);
            if first_at.saturating_sub(slot.last_at) <= near {
                let fits = last_at.saturating_sub(slot.first_at) <= far
                    && slot.facts.has_room(&group.facts);
                if fits {
                    slot.parts.push(part);
                    slot.last_at = last_at;
                    slot.facts.join(&group.facts);
                    self.closing.push(last_at, number);
                    return;
                }
                if group.facts.lines > 1 {
                    self.add_lines(loaded, group, piece_at);
                    return;
                }
            }
            self.close(number);
        }
        if group.facts.lines > 1 && !Facts::default().has_room(&group.facts) {
            self.add_lines(loaded, group, piece_at);
            return;
        }
        let number = self.first + self.slots.len() as u64;
        let single = group.facts.single;
        self.slots.push_back(Slot {
            key: group.key,
            parts: Parts {
                first: Some(part),
                more: Vec::new(),
            },
            first_at,
            last_at,
            facts: group.facts,
            state: if single { State::Done } else { State::Open },
        });
        let older = single.then_some(group.waiting.or(self.waiting));
        self.order.insert(group.key.stamp, number, first_at, older);
        if !single {
            self.open.insert(group.key, number);
            self.closing.push(last_at, number);
        }
    }

    /// Adds lines one by one: those of which only some belong to the event that is open.
    fn add_lines(&mut self, loaded: &Arc<Loaded>, group: &Group, piece_at: u64) {
        for line in loaded.index.apart(group, &loaded.bytes) {
            self.add(loaded, &line, piece_at);
        }
    }

    /// Closes what grows no more when the log is at `at`, and gives up on fragments.
    fn expire(&mut self, at: u64) {
        let Reach { near, far, .. } = self.reach;
        let is_past = |last_at: u64| last_at.saturating_add(near) < at;
        while let Some((last_at, number)) = self.closing.pop_if(is_past) {
            // Gone from the front, or grown since.
            if number >= self.first
                && self.slot(number).state == State::Open
                && self.slot(number).last_at == last_at
            {
                self.close(number);
            }
        }
        // What is within reach of a fragment may be open for as long as what is near.
        let is_past = |first_at: u64| first_at.saturating_add(far + near) < at;
        while let Some((_, number)) = self.expiring.pop_if(is_past) {
            if number >= self.first && self.slot(number).state == State::Fragment {
                self.finish(number);
            }
        }
    }

    /// An event grows no more: it is done if it is whole, or else a fragment.
    fn close(&mut self, number: u64) {
        let (far, ends_events) = (self.reach.far, self.ends_events);
        let slot = self.slot(number);
        let key = slot.key;
        if slot.facts.is_whole(ends_events) {
            self.finish(number);
            return;
        }
        self.open.remove(&key);
        let (first_at, last_at) = (self.slot(number).first_at, self.slot(number).last_at);
        if let Some(before) = self.fragments.get(&key).copied() {
            if last_at.saturating_sub(self.slot(before).first_at) <= far {
                let slot = self.slot(number);
                slot.state = State::Merged;
                let (parts, facts) = (std::mem::take(&mut slot.parts), slot.facts);
                let before_slot = self.slot(before);
                before_slot.parts.append(parts);
                before_slot.facts.join(&facts);
                before_slot.last_at = last_at;
                if before_slot.facts.is_whole(ends_events) {
                    self.finish(before);
                }
                return;
            }
            self.finish(before);
        }
        self.slot(number).state = State::Fragment;
        self.fragments.insert(key, number);
        self.expiring.push(first_at, number);
    }

    /// An event has all that it will have.
    fn finish(&mut self, number: u64) {
        let slot = self.slot(number);
        let key = slot.key;
        slot.state = State::Done;
        for map in [&mut self.open, &mut self.fragments] {
            if map.get(&key) == Some(&number) {
                map.remove(&key);
            }
        }
    }

    /// Gives up on the oldest where too many are held.
    fn limit(&mut self) {
        while self.slots.len() > limits::HELD_EVENTS_MAX {
            if self.out.is_empty() {
                self.out.extend(self.order.pop());
            }
            let Some(number) = self.out.front().copied() else {
                break;
            };
            if matches!(self.slot(number).state, State::Open | State::Fragment) {
                self.finish(number);
            }
            self.emit();
        }
    }

    /// Moves events whose turn it is, and which are done, to those that can be fetched.
    fn emit(&mut self) {
        while let Some(number) = self.out.front().copied() {
            let slot = self.slot(number);
            match slot.state {
                State::Open | State::Fragment => break,
                State::Merged | State::Gone => slot.state = State::Gone,
                State::Done => {
                    slot.state = State::Gone;
                    let parts = std::mem::take(&mut slot.parts);
                    if slot.facts.hit && slot.facts.other_than_end {
                        let bytes = slot.facts.bytes;
                        self.ready.push_back(Gathered { parts, bytes });
                    }
                }
            }
            self.out.pop_front();
        }
        while self
            .slots
            .front()
            .is_some_and(|slot| slot.state == State::Gone)
        {
            self.slots.pop_front();
            self.first += 1;
        }
    }
}

/// The lines of a text that are of wanted events, all of which have one of these stamps.
fn lines_of<T: Text>(
    text: &T,
    stamps: &[Stamp],
    is_wanted: impl Fn(&Key) -> bool,
) -> io::Result<(Arc<Vec<u8>>, Index)> {
    Ok(match text.excerpt(stamps)? {
        Some(excerpt) => {
            let index = Index::of_excerpt(&excerpt, is_wanted);
            (Arc::new(excerpt.into_text()), index)
        }
        None => {
            let bytes = text.bytes()?;
            let index = Index::of(&bytes, is_wanted);
            (bytes, index)
        }
    })
}

/// Keys of the events that are looked for.
fn hits(scanned: &Scanned) -> impl Iterator<Item = Key> {
    let groups = scanned.index.iter().flat_map(|index| &index.groups);
    groups
        .filter(|group| group.facts.hit)
        .map(|group| group.key)
}
