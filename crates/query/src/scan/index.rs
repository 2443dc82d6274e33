//! A piece of a log by its events: which lines belong to which.

use std::sync::Arc;

use indelible_record::{Folded, Stamp, limits};
use memchr::memchr;

use super::damage::{Damage, DamageKind};
use super::excerpt::{Excerpt, Left};
use super::line::{self, Glances, Key, Keyed, Role};
use super::needle::Finder;
use crate::criteria::{Needles, Window};
use crate::limits::LINE_BYTES_MAX;

/// Looks through pieces of a log, on any number of threads.
#[derive(Debug)]
pub struct Scanner {
    finder: Option<Finder>,
    window: Window,
    is_sparse: bool,
}

/// What a [`Scanner`] found in a piece.
#[derive(Debug, Default)]
pub struct Scanned {
    /// The damaged lines, by their offset in the piece.
    pub damage: Damage,
    /// Whether a line holds a needle, or none are looked for.
    pub(super) hit: bool,
    /// The lines by event; without hits nobody may ever ask.
    pub(super) index: Option<Index>,
    /// The text that the index is of, where that is an excerpt: other events have lines in the piece
    /// that are not in the index.
    pub(super) excerpt: Option<Arc<Vec<u8>>>,
    /// Latest second of the stamps since the last event began.
    pub(super) last_sec: u64,
    /// The last stamp of an event that waits for its end.
    pub(super) last_waiting: Option<Stamp>,
}

impl Scanned {
    /// Of a piece that nobody looked through: its latest time and the last stamp of an event that
    /// waits for its end there.
    pub fn skipped(last_sec: u64, last_waiting: Option<Stamp>) -> Self {
        Self {
            last_sec,
            last_waiting,
            ..Self::default()
        }
    }

    /// Whether an event can be in the piece that is looked for.
    pub fn is_hit(&self) -> bool {
        self.hit
    }
}

/// The lines of a piece by event. Lines of one event are chained, in order.
#[derive(Debug, Default)]
pub(super) struct Index {
    lines: Vec<Line>,
    /// In order of their first lines.
    pub(super) groups: Vec<Group>,
    /// Latest second of the stamps since the last of these began.
    pub(super) last_sec: u64,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    at: u32,
    len: u32,
    /// The event's next line in this piece, or [`LAST`].
    next: u32,
}

/// Lines of one event in one piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) key: Key,
    /// Number of the first line, for [`Index::lines`].
    pub(super) first: u32,
    last: u32,
    /// Offset of the first line in the piece.
    pub(super) first_at: u32,
    /// Offset of the last line in the piece.
    pub(super) last_at: u32,
    /// Latest second of the stamps since the event before this one began: how far the log's time
    /// was when this one did.
    pub(super) before_sec: u64,
    /// The last stamp before of an event that waits for its end.
    pub(super) waiting: Option<Stamp>,
    pub(super) facts: Facts,
}

/// What is known of an event's lines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    pub(super) hit: bool,
    pub(super) syscall: bool,
    pub(super) companion: bool,
    pub(super) title: bool,
    pub(super) end: bool,
    /// Another record than EOE.
    pub(super) other_than_end: bool,
    /// The first line is an event of its own.
    pub(super) single: bool,
    pub(super) paths: u32,
    pub(super) items: u32,
    pub(super) lines: u32,
    pub(super) bytes: u32,
}

impl Scanner {
    /// A scanner for lines with one of the needles, or for all, of events in the window.
    pub fn new(needles: Option<&Needles>, window: Window) -> Self {
        Self {
            finder: needles.map(Finder::new),
            window,
            is_sparse: needles.is_some(),
        }
    }

    /// Some pieces are not looked through, because nothing that is looked for begins there.
    #[must_use]
    pub fn sparse(mut self) -> Self {
        self.is_sparse = true;
        self
    }

    /// Whether only some lines are looked for.
    pub(super) fn is_sparse(&self) -> bool {
        self.is_sparse
    }

    /// Looks through a piece: whole lines, less than 4 GiB.
    pub fn scan(&self, text: &[u8]) -> Scanned {
        let mut scanned = Scanned::default();
        match &self.finder {
            None => {
                scanned.hit = true;
                scanned.index = Some(self.index(text, None, &mut scanned));
            }
            Some(finder) => {
                let hits = finder.find(text);
                if hits.is_empty() {
                    self.check(text, &mut scanned);
                } else {
                    let index = self.index(text, Some(&hits), &mut scanned);
                    scanned.hit = index.groups.iter().any(|group| group.facts.hit);
                    scanned.index = Some(index);
                }
            }
        }
        scanned
    }

    /// Looks through an excerpt of a piece: of those events that have lines with needles all lines are
    /// there, and no line is damaged.
    pub fn scan_excerpt(&self, excerpt: Excerpt) -> Scanned {
        let mut scanned = Scanned::default();
        let hits = self
            .finder
            .as_ref()
            .map(|finder| finder.find(excerpt.text()));
        let mut hits = Hits::new(hits.as_deref());
        let builder = Builder::of_excerpt(
            &excerpt,
            |at, line| hits.is_in(at, line),
            |key| self.window.holds(Some(key.stamp)),
        );
        let last_sec = builder.now_sec;
        scanned.last_waiting = builder.waiting;
        let index = builder.finish();
        // Each group has taken the time before it; without a hit nobody asks the groups.
        let before = index.groups.iter().map(|group| group.before_sec);
        scanned.last_sec = before.fold(last_sec, u64::max);
        scanned.hit = index.groups.iter().any(|group| group.facts.hit);
        if scanned.hit {
            scanned.index = Some(index);
            scanned.excerpt = Some(Arc::new(excerpt.into_text()));
        }
        scanned
    }

    /// Only counts damage and finds the last stamps.
    fn check(&self, text: &[u8], scanned: &mut Scanned) {
        for_lines(text, |at, line| {
            let stamp = indelible_record::stamp(line);
            if let Some(stamp) = stamp {
                scanned.last_sec = scanned.last_sec.max(stamp.sec);
            }
            note_damage(line, at, stamp.is_some(), &mut scanned.damage);
        });
        let mut from_the_end = text.rsplit(|byte| *byte == b'\n').filter_map(line::glance);
        let last = from_the_end.find(|(_, role)| *role != Role::Single);
        scanned.last_waiting = last.map(|(key, _)| key.stamp);
    }

    fn index(&self, text: &[u8], hits: Option<&[u32]>, scanned: &mut Scanned) -> Index {
        let mut builder = Builder::new(text.len());
        let mut hits = Hits::new(hits);
        let mut glances = Glances::default();
        for_lines(text, |at, line| {
            let hit = hits.is_in(at, line);
            let seen = glances.at(line);
            note_damage(line, at, seen.is_some(), &mut scanned.damage);
            let Some((key, role)) = seen else {
                return;
            };
            builder.see(key, role, At::here(at), line, hit, |key| {
                self.window.holds(Some(key.stamp))
            });
        });
        scanned.last_sec = builder.now_sec;
        scanned.last_waiting = builder.waiting;
        builder.finish()
    }
}

impl Index {
    /// The events of `text` whose key is `wanted`.
    pub(super) fn of(text: &[u8], wanted: impl Fn(&Key) -> bool) -> Self {
        let mut builder = Builder::new(0);
        let mut glances = Glances::default();
        for_lines(text, |at, line| {
            if let Some((key, role)) = glances.at(line) {
                builder.see(key, role, At::here(at), line, false, &wanted);
            }
        });
        builder.finish()
    }

    /// The same of an excerpt.
    pub(super) fn of_excerpt(excerpt: &Excerpt, wanted: impl Fn(&Key) -> bool) -> Self {
        Builder::of_excerpt(excerpt, |_, _| false, wanted).finish()
    }

    /// Each line of a group as a group of its own.
    pub(super) fn apart(&self, group: &Group, text: &[u8]) -> Vec<Group> {
        let mut apart = Vec::new();
        let mut number = group.first;
        let first_at = self.lines.get(number as usize).map_or(0, |line| line.at);
        while let Some(line) = self.lines.get(number as usize) {
            let bytes = &text[line.at as usize..][..line.len as usize];
            let role = line::glance(bytes).map_or(Role::Other, |(_, role)| role);
            let mut facts = Facts {
                single: role == Role::Single,
                ..Facts::default()
            };
            facts.add(role, bytes, group.facts.hit);
            apart.push(Group {
                first: number,
                last: number,
                first_at: group.first_at + (line.at - first_at),
                last_at: group.first_at + (line.at - first_at),
                facts,
                ..*group
            });
            number = line.next;
        }
        apart
    }

    /// The lines from number `first` on, of one event.
    pub(super) fn lines<'a>(
        &'a self,
        first: u32,
        text: &'a [u8],
    ) -> impl Iterator<Item = &'a [u8]> {
        let mut next = first;
        std::iter::from_fn(move || {
            let line = self.lines.get(next as usize)?;
            next = line.next;
            Some(&text[line.at as usize..][..line.len as usize])
        })
    }
}

/// Offsets of needles, ascending; none where every line is a hit.
struct Hits<'h>(Option<std::iter::Peekable<std::iter::Copied<std::slice::Iter<'h, u32>>>>);

impl<'h> Hits<'h> {
    fn new(offsets: Option<&'h [u32]>) -> Self {
        Self(offsets.map(|offsets| offsets.iter().copied().peekable()))
    }

    /// Whether one is in a line, which stands behind those that were asked for before.
    fn is_in(&mut self, at: usize, line: &[u8]) -> bool {
        let Some(offsets) = &mut self.0 else {
            return true;
        };
        let end = at + line.len();
        let mut is_hit = false;
        while offsets.next_if(|found| (*found as usize) < end).is_some() {
            is_hit = true;
        }
        is_hit
    }
}

/// Where a line stands.
#[derive(Clone, Copy)]
struct At {
    /// In the text.
    text: u32,
    /// In the piece, of which the text may be an excerpt.
    place: u32,
}

impl At {
    fn here(at: usize) -> Self {
        Self {
            text: at as u32,
            place: at as u32,
        }
    }
}

/// Puts lines to their groups.
struct Builder {
    index: Index,
    /// Groups by key.
    open: Keyed<u32>,
    /// The group of the line before: mostly it is that of the next, too.
    latest: Option<(Key, u32)>,
    now_sec: u64,
    waiting: Option<Stamp>,
}

impl Builder {
    fn new(text_bytes: usize) -> Self {
        let lines = text_bytes / LINE_BYTES_USUAL;
        Self {
            index: Index {
                lines: Vec::with_capacity(lines),
                groups: Vec::with_capacity(lines / 4),
                last_sec: 0,
            },
            open: Keyed::with_capacity_and_hasher(lines / 4, Folded::default()),
            latest: None,
            now_sec: 0,
            waiting: None,
        }
    }

    fn of_excerpt(
        excerpt: &Excerpt,
        mut is_hit: impl FnMut(usize, &[u8]) -> bool,
        wanted: impl Fn(&Key) -> bool,
    ) -> Self {
        let text = excerpt.text();
        let mut builder = Self::new(text.len());
        let mut kept = excerpt.kept.iter();
        let mut glances = Glances::default();
        for_lines(text, |at, line| {
            let Some((kept, (key, role))) = kept.next().zip(glances.at(line)) else {
                return;
            };
            builder.pass(&kept.left);
            let hit = is_hit(at, line);
            let at = At {
                text: at as u32,
                place: kept.place,
            };
            builder.see(key, role, at, line, hit, &wanted);
        });
        builder.pass(&excerpt.rest);
        builder
    }

    fn finish(self) -> Index {
        Index {
            last_sec: self.now_sec,
            ..self.index
        }
    }

    /// Passes over lines that were left out.
    fn pass(&mut self, left: &Left) {
        self.now_sec = self.now_sec.max(left.latest_sec);
        self.waiting = left.waiting.or(self.waiting);
    }

    fn see(
        &mut self,
        key: Key,
        role: Role,
        at: At,
        line: &[u8],
        hit: bool,
        wanted: impl Fn(&Key) -> bool,
    ) {
        if wanted(&key) {
            self.add(key, role, at, line, hit);
        }
        self.now_sec = self.now_sec.max(key.stamp.sec);
        if role != Role::Single {
            self.waiting = Some(key.stamp);
        }
    }

    fn add(&mut self, key: Key, role: Role, at: At, line: &[u8], hit: bool) {
        let number = self.index.lines.len() as u32;
        self.index.lines.push(Line {
            at: at.text,
            len: line.len() as u32,
            next: LAST,
        });
        let known = match self.latest {
            Some((latest, group)) if latest == key => Some(group),
            _ => self.open.get(&key).copied(),
        };
        let group = match known {
            Some(group) => group,
            None => {
                let group = self.index.groups.len() as u32;
                self.index.groups.push(Group {
                    key,
                    first: number,
                    last: number,
                    first_at: at.place,
                    last_at: at.place,
                    before_sec: std::mem::take(&mut self.now_sec),
                    waiting: self.waiting,
                    facts: Facts {
                        single: role == Role::Single,
                        ..Facts::default()
                    },
                });
                if role != Role::Single {
                    self.open.insert(key, group);
                }
                group
            }
        };
        let entry = &mut self.index.groups[group as usize];
        if entry.last != number {
            self.index.lines[entry.last as usize].next = number;
            entry.last = number;
            entry.last_at = at.place;
        }
        self.latest = (!entry.facts.single).then_some((key, group));
        entry.facts.add(role, line, hit);
    }
}

impl Facts {
    fn add(&mut self, role: Role, line: &[u8], hit: bool) {
        self.hit |= hit;
        self.lines += 1;
        self.bytes = self.bytes.saturating_add(line.len() as u32);
        self.other_than_end |= role != Role::End;
        match role {
            Role::Syscall => {
                self.syscall = true;
                self.items = line::items(line);
            }
            Role::Path => {
                self.companion = true;
                self.paths += 1;
            }
            Role::Title => {
                self.companion = true;
                self.title = true;
            }
            Role::End => self.end = true,
            Role::Companion => self.companion = true,
            Role::Single | Role::Other => {}
        }
    }

    /// Whether an event has room for these lines beside those that it has.
    pub(super) fn has_room(&self, more: &Facts) -> bool {
        self.lines + more.lines <= limits::EVENT_RECORDS_MAX as u32
            && u64::from(self.bytes) + u64::from(more.bytes) <= limits::EVENT_BYTES_MAX as u64
    }

    /// Adds what is known of lines that come after these.
    pub(super) fn join(&mut self, later: &Facts) {
        self.hit |= later.hit;
        self.syscall |= later.syscall;
        self.companion |= later.companion;
        self.title |= later.title;
        self.end |= later.end;
        self.other_than_end |= later.other_than_end;
        self.paths += later.paths;
        if later.syscall {
            self.items = later.items;
        }
        self.lines += later.lines;
        self.bytes = self.bytes.saturating_add(later.bytes);
    }

    /// Whether all is there that the lines announce.
    pub(super) fn is_whole(&self, ends_events: bool) -> bool {
        self.single
            || self.other_than_end
                && (self.syscall || !self.companion)
                && self.paths >= self.items
                && (!self.syscall || self.title || self.end || !ends_events)
    }
}

fn for_lines<'t>(text: &'t [u8], mut take: impl FnMut(usize, &'t [u8])) {
    let mut at = 0;
    while at < text.len() {
        let len = memchr(b'\n', &text[at..]).unwrap_or(text.len() - at);
        if len > 0 {
            take(at, &text[at..at + len]);
        }
        at += len + 1;
    }
}

fn note_damage(line: &[u8], at: usize, has_stamp: bool, damage: &mut Damage) {
    if line.len() >= LINE_BYTES_MAX {
        damage.note(DamageKind::TooLong, at as u64);
    } else if !has_stamp && line.iter().any(|byte| !byte.is_ascii_whitespace()) {
        damage.note(DamageKind::NoStamp, at as u64);
    }
}

/// No next line.
const LAST: u32 = u32::MAX;
/// What is reserved for; an enriched line has about 350.
const LINE_BYTES_USUAL: usize = 256;
