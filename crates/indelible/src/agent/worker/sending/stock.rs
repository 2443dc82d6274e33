//! What there is to send: the streams of the spool, and how far the current collector has them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use anyhow::Result;
use indelible_log::{Hash, StreamId};
use indelible_sys::host::Host;
use indelible_wire::native::{Sender, StreamId as WireStreamId, Supply};

use super::sites::Sites;
use crate::agent::layout::{Layout, Room};
use crate::agent::spooled::SpooledStreams;
use crate::agent::watch::SpoolWatch;

/// The streams, for one collector.
pub(super) struct Stock {
    layout: Layout,
    is_selected: bool,
    spool: SpooledStreams,
    watch: SpoolWatch,
    discovered_at: Option<Instant>,
    /// What the collector has receipts for.
    released: BTreeMap<StreamId, u64>,
}

impl Stock {
    /// `is_selected` says that a selection is sent instead of capture's own streams.
    ///
    /// # Errors
    /// A spool that cannot be read or watched.
    pub(super) fn open(layout: &Layout, host: &Host, is_selected: bool) -> Result<Self> {
        let rooms = rooms(layout, is_selected);
        let folders = rooms.iter().map(Room::streams).collect();
        Ok(Self {
            layout: layout.clone(),
            is_selected,
            spool: SpooledStreams::open(rooms, host)?,
            watch: SpoolWatch::start(folders)?,
            discovered_at: None,
            released: BTreeMap::new(),
        })
    }

    /// Begins anew, for another collector.
    ///
    /// # Errors
    /// A spool that cannot be read.
    pub(super) fn begin_anew(&mut self, host: &Host) -> Result<()> {
        let rooms = rooms(&self.layout, self.is_selected);
        self.spool = SpooledStreams::open(rooms, host)?;
        self.released.clear();
        self.discovered_at = None;
        Ok(())
    }

    /// Waits for the spool to grow.
    pub(super) async fn grown(&self) {
        self.watch.changed().await;
    }

    /// Tells the sender what can be read now.
    ///
    /// # Errors
    /// A position that cannot be kept, or what the sender refuses.
    pub(super) fn offer(
        &mut self,
        now: Duration,
        sites: &mut Sites,
        sender: &mut Sender,
    ) -> Result<()> {
        let is_due = self
            .discovered_at
            .is_none_or(|at| at.elapsed() >= DISCOVER_EVERY);
        if self.watch.take_appeared() || is_due {
            self.discovered_at = Some(Instant::now());
            self.discover(sites)?;
        }
        for (id, spooled) in self.spool.spans() {
            match spooled {
                Ok(spooled) => {
                    if let Entry::Vacant(new) = self.released.entry(id) {
                        new.insert(spooled.released);
                        sites.passed(id, spooled.released)?;
                    }
                    sender.stream_available(now, spooled)?;
                }
                Err(error) => {
                    tracing::error!(stream = %id, "cannot read the spool: {error:#}");
                    sender.unreadable(WireStreamId(id.0));
                }
            }
        }
        Ok(())
    }

    fn discover(&mut self, sites: &mut Sites) -> Result<()> {
        let (layout, is_selected) = (&self.layout, self.is_selected);
        self.spool.discover(|id, oldest| {
            if !is_selected && layout.selection().join(id.to_string()).exists() {
                // What was selected of it stands in another stream.
                return Ok(None);
            }
            sites.position(layout, id, oldest)
        })
    }

    /// Puts the current collector back to where the spool begins, in all streams.
    ///
    /// # Errors
    /// A stream that cannot be read, a position that cannot be kept.
    pub(super) fn rewind(&self, sites: &mut Sites) -> Result<()> {
        for (stream, oldest) in self.spool.begins()? {
            sites.rewind(&self.layout, stream, oldest)?;
        }
        Ok(())
    }

    /// Where a stream began when it was found.
    pub(super) fn begins(&self, stream: StreamId) -> Option<u64> {
        self.spool.oldest(stream)
    }

    /// Whether no other stream says that it goes on after this one.
    pub(super) fn is_last(&self, stream: StreamId) -> bool {
        self.spool.is_last(stream)
    }

    /// Gives the sender the batch that it needs.
    pub(super) fn supply(
        &mut self,
        now: Duration,
        stream: WireStreamId,
        first: u64,
        sender: &mut Sender,
    ) {
        match self.spool.batch(StreamId(stream.0), first) {
            Ok(batch) => {
                let supply = Supply {
                    stream,
                    first,
                    entries: batch.entries,
                    head_before: batch.head_before.0,
                    head_after: batch.head_after.0,
                    raw: &batch.raw,
                };
                sender.batch(now, &supply);
                // What was just handed over may not be all: reading ahead tells.
                for (_, spooled) in self.spool.spans() {
                    if let Ok(spooled) = spooled
                        && spooled.span.stream == stream
                    {
                        // Known streams are never refused.
                        let _ = sender.stream_available(now, spooled);
                    }
                }
            }
            Err(error) => {
                tracing::error!(%stream, first, "cannot read the spool: {error:#}");
                sender.unreadable(stream);
            }
        }
    }

    /// Notes a receipt; true where a stream can be read on.
    pub(super) fn release(&mut self, stream: StreamId, next: u64) -> bool {
        self.released.insert(stream, next);
        self.spool.pass(stream, next)
    }

    /// Whether the chain of a stream stood at `head` before entry `next`.
    pub(super) fn stood_at(&self, stream: StreamId, next: u64, head: &[u8; 32]) -> bool {
        let before: Result<Hash> = self.spool.head_before(stream, next);
        before.is_ok_and(|before| before.0 == *head)
    }

    pub(super) fn is_drained(&self) -> bool {
        self.spool
            .ends()
            .all(|(id, next)| next <= self.released.get(&id).copied().unwrap_or(0))
    }

    /// Entries without a receipt, as far as the spool was read.
    pub(super) fn unsent(&self) -> u64 {
        let released = |id| self.released.get(&id).copied().unwrap_or(0);
        let ends = self.spool.ends();
        ends.map(|(id, next)| next.saturating_sub(released(id)))
            .sum()
    }
}

/// What is sent: with a selection, that instead of capture's own streams.
fn rooms(layout: &Layout, is_selected: bool) -> Vec<Room> {
    let mut rooms = layout.present_rooms();
    if is_selected {
        rooms.retain(Room::is_optional);
        rooms.push(layout.selected());
    }
    rooms
}

/// How often streams are looked for without a sign of a new one.
const DISCOVER_EVERY: Duration = Duration::from_secs(1);
