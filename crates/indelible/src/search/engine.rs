//! The engine: from sources to the events that a filter means, given to some work on any core, and
//! the parts that come of it, in the order of the log, to one sink.
//!
//! ```text
//! sources ─ feed ─▶ pieces ─ scan ─┐               ┌─ matches? work.event ─▶ part ─┐
//!                   (every core)   ├─ join, order ─┤  (every core)                 ├─▶ sink
//!                                  ┘ (this thread) └─ batches of events            ┘ (this thread)
//! ```
//!
//! Whoever prints, counts or detects implements [`Work`]. For printing a part is bytes, for a
//! report a partial table that the sink adds to the whole one. Events come by time and serial, as
//! ausearch prints them, and with all of their records; put one after the other, the parts tell the
//! same as one thread would. What is one event, and in which order they come, is
//! `indelible_query::scan`'s.
//!
//! Memory is bounded whatever the source's size: by the pieces ahead, the reach of an event, and the
//! batches under way (`limits.rs`, and those of the query crate).

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};
use indelible_log::block::Sieve;
use indelible_query::criteria::{Filter, Window};
use indelible_query::scan::{Gathered, Joiner, Piece, Reach, Scanned, Scanner};
use indelible_query::terms::Wants;
use indelible_record::{Event, Heads, Record};

use super::Source;
use super::damage::{Damages, PieceDamage};
use super::entries::Read;
use super::feed::{Feed, Place};
use super::limits::{BATCH_BYTES, BATCH_PIECES_MAX};
use super::piece::{Load, PieceText, read_lines};
use super::workers::{Batch, Job, Jobs, is_enough};

/// What to do with the events that match.
pub(crate) trait Work: Sync {
    /// What comes of a run of events.
    type Part: Send;

    /// A part before its first event.
    fn part(&self) -> Self::Part;

    /// Takes an event that matches. The events of a part come in order, on one thread; parts are
    /// worked on by several threads at once.
    fn event(&self, event: &Event, part: &mut Self::Part);

    /// Whether nobody wants more: asked now and then, for those who hear of it elsewhere than in the sink.
    fn is_over(&self) -> bool {
        false
    }
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// How long an event waits for more records before a later one is given out: ausearch's
    /// `--eoe-timeout`, in milliseconds of the log's own time.
    pub(crate) timeout_ms: u64,
    /// Whether damaged lines are reported on standard error.
    pub(crate) reports_damage: bool,
    /// Whether lines are counted, which takes another look at each byte.
    pub(crate) counts_lines: bool,
    /// Whether messages of a store or a spool are events, too: for work that knows them.
    pub(crate) messages: bool,
    /// Says nothing on standard error: what there is to say stands in [`Seen::notes`].
    pub(crate) is_quiet: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout_ms: indelible_record::limits::EVENT_TIMEOUT_MS,
            reports_damage: true,
            counts_lines: false,
            messages: false,
            is_quiet: false,
        }
    }
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Events that matched.
    pub(crate) events: u64,
    /// Events that were put together and asked whether they match.
    pub(crate) asked: u64,
    /// Pieces of the sources that were scanned, and those in which an event could be.
    pub(crate) pieces: u64,
    pub(crate) pieces_hit: u64,
    /// Their bytes, and their lines where [`Settings::counts_lines`] is set.
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    /// What there is to say of the sources; empty where it was said on standard error.
    pub(crate) notes: Vec<String>,
}

/// Gives the events of the sources that match to the work, and the parts to the sink, until it
/// breaks off. Damaged lines are reported on standard error when all is done, if that is asked for:
/// once per kind, with the place of the first.
///
/// # Errors
/// A source that cannot be read, and what the sink returns.
pub(crate) fn run<W: Work>(
    sources: &[Source],
    filter: &dyn Filter,
    work: &W,
    mut sink: impl FnMut(W::Part) -> Result<ControlFlow<()>>,
    settings: Settings,
) -> Result<Seen> {
    if let [Source::Collector(collector)] = sources {
        return collector.search(filter, work, sink, settings);
    }
    let needles = filter.needles();
    let (wants, window) = (filter.wants(), filter.window());
    let mut scanner = Scanner::new(needles.as_ref(), window);
    let is_asked = !matches!(wants, Wants::Anything) || window != Window::ALL;
    // Of a store only some blocks are read then.
    if is_asked
        && sources
            .iter()
            .any(|source| matches!(source, Source::Store(_)))
    {
        scanner = scanner.sparse();
    }
    let shared = Shared {
        feed: Mutex::new(Feed::new(sources, settings.messages, wants, window)),
        jobs: Jobs::default(),
        scanner,
        sieve: needles
            .as_ref()
            .and_then(|needles| Sieve::needles(needles.iter())),
        filter,
        work,
        counts_lines: settings.counts_lines,
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let (results, taken) = mpsc::channel();
        for _ in 0..threads {
            let results = results.clone();
            let shared = &shared;
            scope.spawn(move || shared.work(&results));
        }
        drop(results);
        // A sink that panics must not leave the threads waiting.
        let _end = EndOnPanic(&shared.jobs);
        let mut pass = Pass {
            shared: &shared,
            settings,
            sink: &mut sink,
            scanned: BTreeMap::new(),
            next_piece: 0,
            pieces: None,
            source: None,
            batch: Vec::new(),
            batch_bytes: 0,
            batch_pieces: 0,
            batches: 0,
            made: BTreeMap::new(),
            next_part: 0,
            damages: Damages::default(),
            seen: Seen::default(),
        };
        let end = pass.run(&taken);
        shared.jobs.end();
        end?;
        let mut notes = match settings.reports_damage {
            true => pass.damages.lines(),
            false => Vec::new(),
        };
        if pass.is_over() {
            notes.extend(shared.erased());
        }
        if settings.is_quiet {
            pass.seen.notes = notes;
        } else {
            notes.iter().for_each(|note| eprintln!("{note}"));
        }
        Ok(pass.seen)
    })
}

/// What the threads share.
struct Shared<'a, W> {
    feed: Mutex<Feed>,
    jobs: Jobs,
    scanner: Scanner,
    /// The needles once more, for blocks of stores.
    sieve: Option<Sieve>,
    filter: &'a dyn Filter,
    work: &'a W,
    counts_lines: bool,
}

/// What comes of a job.
enum Done<P> {
    Scanned(Box<ScannedPiece>),
    /// So many pieces there were.
    Fed(u64),
    Made {
        number: u64,
        events: u64,
        asked: u64,
        part: Option<P>,
    },
    Failed(anyhow::Error),
}

/// A piece, and what belongs to it.
struct ScannedPiece {
    number: u64,
    source: usize,
    ends_events: bool,
    place: Place,
    damage: PieceDamage,
    /// What was looked through; nothing of a block that cannot match.
    bytes: u64,
    lines: u64,
    is_read: bool,
    piece: Piece<PieceText>,
}

impl<W: Work> Shared<'_, W> {
    /// What there is to say of entries that were erased.
    fn erased(&self) -> Option<String> {
        let feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        let what = match feed.erased() {
            0 => return None,
            1 => "1 entry of this store was erased".to_owned(),
            count => format!("{count} entries of this store were erased"),
        };
        Some(format!("{what}; its log says by whom and why"))
    }

    /// Works until there are no more jobs.
    fn work(&self, results: &Sender<Done<W::Part>>) {
        // Whoever waits for a job must hear of a panic here.
        let end = EndOnPanic(&self.jobs);
        let mut buffer = Vec::new();
        let mut event = Event::default();
        while let Some(job) = self.jobs.next() {
            let done = match job {
                Job::Scan => self.scan(&mut buffer).unwrap_or_else(Done::Failed),
                Job::Make(batch) => self.make(&batch, &mut event),
            };
            if results.send(done).is_err() {
                break;
            }
        }
        drop(end);
    }

    fn scan(&self, buffer: &mut Vec<u8>) -> Result<Done<W::Part>> {
        let ticket = {
            let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
            let ticket = feed.next();
            let number = feed.given();
            drop(feed);
            let load = ticket.as_ref().ok().and_then(Option::as_ref);
            let load = load.map(|ticket| &ticket.load);
            self.jobs
                .taken(load.is_none(), load.is_none_or(Load::is_read));
            match ticket? {
                Some(ticket) => ticket,
                None => return Ok(Done::Fed(number)),
            }
        };
        let mut place = ticket.place;
        let is_read = ticket.load.is_read();
        let lines_of = |text: &[u8]| match self.counts_lines {
            true => memchr::memchr_iter(b'\n', text).count() as u64,
            false => 0,
        };
        let mut lines = 0;
        let mut looked_through = None;
        let (at, end, text, scanned, damage) = match ticket.load {
            Load::Far(bytes, latest_sec) => {
                looked_through = Some(0);
                let scanned = Scanned::skipped(latest_sec, None);
                let text = PieceText::of(Arc::default());
                let end = ticket.at + bytes;
                (ticket.at, end, text, scanned, PieceDamage::default())
            }
            Load::Near(block) => {
                looked_through = Some(0);
                let scanned = Scanned::skipped(block.last_sec, block.last_waiting);
                let text = PieceText::of_block(block);
                (ticket.at, ticket.end, text, scanned, PieceDamage::default())
            }
            Load::Wanted(block) => {
                let mut text = PieceText::of_block(block.clone());
                let (scanned, damage) = match block.read(self.sieve.as_ref())? {
                    Read::Excerpt(excerpt) => {
                        looked_through = Some(block.bytes);
                        lines = excerpt.lines();
                        let scanned = self.scanner.scan_excerpt(excerpt);
                        (scanned, PieceDamage::default())
                    }
                    Read::Whole(bytes) => {
                        looked_through = Some(bytes.len() as u64);
                        let scanned = self.scanner.scan(&bytes);
                        lines = lines_of(&bytes);
                        let damage = PieceDamage::of(&scanned.damage, &bytes);
                        if scanned.is_hit() {
                            text.hold(Arc::new(bytes));
                        }
                        (scanned, damage)
                    }
                };
                (ticket.at, ticket.end, text, scanned, damage)
            }
            Load::Held(bytes) => {
                let scanned = self.scanner.scan(&bytes);
                lines = lines_of(&bytes);
                let damage = PieceDamage::of(&scanned.damage, &bytes);
                let end = ticket.at + bytes.len() as u64;
                (ticket.at, end, PieceText::of(bytes), scanned, damage)
            }
            Load::File { file, from, to } => {
                let first = read_lines(&file, from, to, buffer)
                    .with_context(|| format!("cannot read {}", place.path.display()))?;
                let scanned = self.scanner.scan(buffer);
                lines = lines_of(buffer);
                let damage = PieceDamage::of(&scanned.damage, buffer);
                place.offset = first;
                let at = ticket.at - from + first;
                let end = first + buffer.len() as u64;
                let mut text = PieceText::of_file(file, first, end);
                if scanned.is_hit() {
                    text.hold(Arc::new(std::mem::take(buffer)));
                }
                (at, ticket.at - from + end, text, scanned, damage)
            }
        };
        Ok(Done::Scanned(Box::new(ScannedPiece {
            number: ticket.number,
            source: ticket.source,
            ends_events: ticket.ends_events,
            place,
            damage,
            bytes: looked_through.unwrap_or(end - at),
            lines,
            is_read,
            piece: Piece {
                at,
                end,
                text,
                scanned,
            },
        })))
    }

    /// Makes a part of the events that match.
    fn make(&self, batch: &Batch, event: &mut Event) -> Done<W::Part> {
        let mut part = None;
        let (mut events, mut asked) = (0, 0);
        for gathered in &batch.events {
            let mut heads = Heads::default();
            let records = gathered.lines();
            let mut records = records
                .map(|line| Record::parse_next(line, &mut heads))
                .peekable();
            while records.peek().is_some() {
                event.gather(&mut records, batch.ends_events);
                asked += 1;
                if self.filter.matches(event) {
                    events += 1;
                    let part = part.get_or_insert_with(|| self.work.part());
                    self.work.event(event, part);
                }
            }
        }
        Done::Made {
            number: batch.number,
            events,
            asked,
            part,
        }
    }
}

/// Ends the jobs of all threads when one of them panics.
struct EndOnPanic<'a>(&'a Jobs);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end();
        }
    }
}

/// The side of a pass that keeps the order: one thread.
struct Pass<'a, W: Work, S> {
    shared: &'a Shared<'a, W>,
    settings: Settings,
    sink: &'a mut S,
    /// Pieces that wait for those before them.
    scanned: BTreeMap<u64, Box<ScannedPiece>>,
    next_piece: u64,
    /// How many there are, once that is known.
    pieces: Option<u64>,
    source: Option<JoinedSource>,
    /// Events for the next batch.
    batch: Vec<Gathered>,
    batch_bytes: usize,
    /// Pieces since the batch was begun: each of its events holds the text of one.
    batch_pieces: usize,
    batches: u64,
    /// Parts that wait for those before them.
    made: BTreeMap<u64, Option<W::Part>>,
    next_part: u64,
    damages: Damages,
    seen: Seen,
}

/// The source whose pieces are being joined.
struct JoinedSource {
    number: usize,
    ends_events: bool,
    joiner: Joiner<PieceText>,
}

impl<W: Work, S: FnMut(W::Part) -> Result<ControlFlow<()>>> Pass<'_, W, S> {
    fn run(&mut self, done: &Receiver<Done<W::Part>>) -> Result<()> {
        while !self.is_over() && !self.shared.work.is_over() {
            let Ok(done) = done.recv() else {
                bail!("a thread of the search died");
            };
            match done {
                Done::Failed(error) => return Err(error),
                Done::Fed(pieces) => self.pieces = Some(pieces),
                Done::Scanned(piece) => {
                    self.scanned.insert(piece.number, piece);
                }
                Done::Made {
                    number,
                    events,
                    asked,
                    part,
                } => {
                    self.seen.events += events;
                    self.seen.asked += asked;
                    self.made.insert(number, part);
                    if self.give()?.is_break() {
                        return Ok(());
                    }
                }
            }
            self.join()?;
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.pieces == Some(self.next_piece)
            && self.source.is_none()
            && self.next_part == self.batches
    }

    /// Gives the parts whose turn it is to the sink.
    fn give(&mut self) -> Result<ControlFlow<()>> {
        while let Some(part) = self.made.remove(&self.next_part) {
            self.next_part += 1;
            if let Some(part) = part
                && (self.sink)(part)?.is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Joins the pieces whose turn it is, as long as not too many events wait to be worked on.
    fn join(&mut self) -> Result<()> {
        while !is_enough(self.batches - self.next_part)
            && let Some(scanned) = self.scanned.remove(&self.next_piece)
        {
            self.next_piece += 1;
            self.damages.add(&scanned.place, scanned.damage);
            self.seen.pieces += u64::from(scanned.bytes > 0);
            self.seen.pieces_hit += u64::from(scanned.piece.scanned.is_hit());
            self.seen.bytes += scanned.bytes;
            self.seen.lines += scanned.lines;
            if self.source.as_ref().map(|source| source.number) != Some(scanned.source) {
                self.end_source()?;
                let scanner = &self.shared.scanner;
                let timeout_ms = self.settings.timeout_ms;
                let ends_events = scanned.ends_events;
                self.source = Some(JoinedSource {
                    number: scanned.source,
                    ends_events,
                    joiner: Joiner::new(scanner, Reach::USUAL, timeout_ms, ends_events),
                });
            }
            if let Some(source) = &mut self.source {
                let shown = || format!("cannot read {} again", scanned.place.path.display());
                source.joiner.push(scanned.piece).with_context(shown)?;
            }
            self.drain();
            self.batch_pieces += 1;
            if self.batch_pieces >= BATCH_PIECES_MAX {
                self.send();
            }
            if scanned.is_read {
                self.shared.jobs.joined();
            }
        }
        if self.pieces == Some(self.next_piece) {
            self.end_source()?;
        }
        Ok(())
    }

    fn end_source(&mut self) -> Result<()> {
        if let Some(source) = &mut self.source {
            source.joiner.end().context("cannot read the log again")?;
            self.drain();
            self.send();
            self.source = None;
        }
        Ok(())
    }

    /// Takes the events that are ready to their batches.
    fn drain(&mut self) {
        while let Some(event) = self.source.as_mut().and_then(|source| source.joiner.take()) {
            self.batch_bytes += event.bytes();
            self.batch.push(event);
            if self.batch_bytes >= BATCH_BYTES {
                self.send();
            }
        }
    }

    fn send(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        self.batch_bytes = 0;
        self.batch_pieces = 0;
        self.shared.jobs.add(Batch {
            number: self.batches,
            ends_events: self
                .source
                .as_ref()
                .is_some_and(|source| source.ends_events),
            events: std::mem::take(&mut self.batch),
        });
        self.batches += 1;
    }
}
