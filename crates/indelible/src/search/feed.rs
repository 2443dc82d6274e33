//! Sources, cut into pieces in their order. Whoever takes a piece reads it by itself where the source
//! can be read anywhere.

use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use indelible_query::criteria::Window;
use indelible_query::terms::Wants;
use memchr::memmem;

use super::entries::{Planned, Store};
use super::files::{self, Opened};
use super::limits::FILE_PIECE_BYTES;
use super::piece::{Load, read_lines};
use super::stream::{Cutter, Origin};
use super::{Source, entries};

/// A piece to be scanned.
pub(super) struct Ticket {
    /// How many were given out before it.
    pub(super) number: u64,
    /// Which source of [`Feed::new`].
    pub(super) source: usize,
    pub(super) load: Load,
    /// Where it begins in the log that all files of a source are; where it ends, if it is a block.
    pub(super) at: u64,
    pub(super) end: u64,
    pub(super) place: Place,
    /// Whether the source's records tell when an event is over.
    pub(super) ends_events: bool,
}

/// Where a piece stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The file, store or spool.
    pub(super) path: Arc<PathBuf>,
    /// Offset of the piece in it.
    pub(super) offset: u64,
    /// Number of the first line, from 0, where it is known without reading what lies before.
    pub(super) line: Option<u64>,
}

/// Gives out pieces.
pub(super) struct Feed {
    sources: VecDeque<(usize, Source)>,
    /// Files of the source that are not begun.
    files: VecDeque<PathBuf>,
    current: Option<Current>,
    source: usize,
    /// Bytes of the source's log before the current file.
    base: u64,
    /// None before the source's first piece.
    ends_events: Option<bool>,
    given: u64,
    /// Whether messages of a store or a spool are given, too.
    messages: bool,
    /// What is looked for, for those who need not read all.
    wants: Wants,
    window: Window,
    /// What each store counts of entries that were erased.
    erased: Vec<Arc<AtomicU64>>,
}

struct Current {
    path: Arc<PathBuf>,
    text: CurrentText,
}

enum CurrentText {
    File {
        file: Arc<File>,
        length: u64,
        next: u64,
    },
    Stream(Cutter),
    /// What can match of a store; the offset of what comes next.
    Store(Box<Store>, u64),
}

impl Feed {
    pub(super) fn new(sources: &[Source], messages: bool, wants: Wants, window: Window) -> Self {
        Self {
            sources: sources.iter().cloned().enumerate().collect(),
            files: VecDeque::new(),
            current: None,
            source: 0,
            base: 0,
            ends_events: None,
            given: 0,
            messages,
            wants,
            window,
            erased: Vec::new(),
        }
    }

    /// Entries met in stores whose payload was erased.
    pub(super) fn erased(&self) -> u64 {
        self.erased
            .iter()
            .map(|met| met.load(Ordering::Relaxed))
            .sum()
    }

    /// How many pieces were given out.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// The next piece, in order.
    ///
    /// # Errors
    /// A source that cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Ticket>> {
        loop {
            if let Some(ticket) = self.of_current()? {
                return Ok(Some(ticket));
            }
            if let Some(path) = self.files.pop_front() {
                self.current = Some(open(path)?);
            } else if let Some((number, source)) = self.sources.pop_front() {
                self.source = number;
                self.base = 0;
                self.ends_events = None;
                match source {
                    Source::Files(path) => self.files = files::in_order(&path)?.into(),
                    Source::Store(at) => {
                        let store = Store::open(&at, self.messages, &self.wants, self.window)?;
                        self.ends_events = store.ends_events();
                        self.erased.push(store.erased());
                        self.current = Some(Current {
                            path: Arc::new(at.path().to_owned()),
                            text: CurrentText::Store(Box::new(store), 0),
                        });
                    }
                    Source::Stores(several) => {
                        let shown = Source::Stores(several.clone()).to_string();
                        let (entries, erased) =
                            entries::of_stores(&several, self.messages, &self.wants, self.window)?;
                        self.erased.push(erased);
                        self.current =
                            Some(Current::stream(shown.into(), Origin::Entries(entries)));
                    }
                    // The engine asks it before there is a feed.
                    Source::Collector(collector) => bail!("{collector} is no source among others"),
                    Source::Spool(path) => {
                        let entries = entries::of_spool(&path, self.messages)?;
                        self.current = Some(Current::stream(path, Origin::Entries(entries)));
                    }
                }
            } else {
                return Ok(None);
            }
        }
    }

    fn of_current(&mut self) -> Result<Option<Ticket>> {
        let Some(current) = &mut self.current else {
            return Ok(None);
        };
        let shown = || format!("cannot read {}", current.path.display());
        let mut block_bytes = 0;
        let (load, offset, line) = match &mut current.text {
            CurrentText::File { file, length, next } => {
                if *next >= *length {
                    // A log that is being written may have grown meanwhile.
                    *length = file.metadata().with_context(shown)?.len();
                }
                let from = *next;
                let to = (*length).min(from + FILE_PIECE_BYTES);
                if from >= to {
                    self.base += from;
                    self.current = None;
                    return Ok(None);
                }
                *next = to;
                let file = Arc::clone(file);
                (
                    Load::File { file, from, to },
                    from,
                    (from == 0).then_some(0),
                )
            }
            CurrentText::Store(store, next) => {
                let offset = *next;
                let (load, bytes) = match store.next()? {
                    Some(Planned::Wanted(block, bytes)) => (Load::Wanted(block), bytes),
                    Some(Planned::Near(block, bytes)) => (Load::Near(block), bytes),
                    Some(Planned::Far(bytes, latest_sec)) => (Load::Far(bytes, latest_sec), bytes),
                    None => {
                        self.base += offset;
                        self.current = None;
                        return Ok(None);
                    }
                };
                *next += bytes;
                block_bytes = bytes;
                (load, offset, None)
            }
            CurrentText::Stream(cutter) => {
                let Some(block) = cutter.next().with_context(shown)? else {
                    self.base += cutter.offset();
                    self.current = None;
                    return Ok(None);
                };
                let load = Load::Held(Arc::new(block.text));
                (load, block.offset, Some(block.line))
            }
        };
        let ends_events = match self.ends_events {
            Some(known) => known,
            None => *self
                .ends_events
                .insert(ends_events(&load).with_context(shown)?),
        };
        let number = self.given;
        self.given += 1;
        Ok(Some(Ticket {
            number,
            source: self.source,
            load,
            at: self.base + offset,
            end: self.base + offset + block_bytes,
            place: Place {
                path: Arc::clone(&current.path),
                offset,
                line,
            },
            ends_events,
        }))
    }
}

fn open(path: PathBuf) -> Result<Current> {
    Ok(match files::open(&path)? {
        Opened::Plain(file, length) => Current {
            path: Arc::new(path),
            text: CurrentText::File {
                file: Arc::new(file),
                length,
                next: 0,
            },
        },
        Opened::Stream(reader) => Current::stream(path, Origin::Bytes(reader)),
    })
}

impl Current {
    fn stream(path: PathBuf, origin: Origin) -> Self {
        Self {
            path: Arc::new(path),
            text: CurrentText::Stream(Cutter::new(origin)),
        }
    }
}

/// Whether there are records that end events: the first lines tell.
fn ends_events(load: &Load) -> std::io::Result<bool> {
    let mut read = Vec::new();
    let text = match load {
        Load::File { file, from, to } => {
            read_lines(
                file,
                *from,
                (*to).min(from + SAMPLE_BYTES as u64),
                &mut read,
            )?;
            &read[..]
        }
        Load::Held(text) => &text[..text.len().min(SAMPLE_BYTES)],
        Load::Wanted(block) | Load::Near(block) => {
            read = block.text().map_err(std::io::Error::other)?;
            &read[..read.len().min(SAMPLE_BYTES)]
        }
        Load::Far(..) => &[],
    };
    let has = |name: &[u8]| memmem::find(text, name).is_some();
    Ok(has(b"type=PROCTITLE ") || has(b"type=EOE "))
}

/// What is looked at of a source's beginning.
const SAMPLE_BYTES: usize = 256 << 10;
