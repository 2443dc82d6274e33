//! Bringing what is pending onto the disk, and opening a spool again whose write or sync failed.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::spool::SpoolWriter;
use indelible_log::{Error, Header, Kind, entry};

use super::past::begin;
use super::{PENDING_BYTES, SourceStream, Stuck, turned_at};
use crate::agent::opened::Opened;
use crate::payload::{self, Predecessor};

impl SourceStream {
    /// Writes what is pending as one frame, or keeps it for later where the disk takes nothing.
    pub(crate) fn write(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if let Some((why, retry_at)) = self.stuck {
            if Instant::now() < retry_at {
                return Ok(());
            }
            if why == Stuck::Failed && !self.reopened() {
                return Ok(());
            }
        }
        match self.made_room() {
            Ok(true) => {}
            Ok(false) => {
                self.is_stuck(Stuck::Full, "the spool has grown to its limit");
                return Ok(());
            }
            Err(error) => {
                self.is_stuck(Stuck::Full, &format!("{error:#}"));
                return Ok(());
            }
        }
        match self.spool.append(&self.pending) {
            Ok(_) => {
                if self.stuck.take().is_some() {
                    tracing::info!(stream = %self.id(), "the spool can be written again");
                }
                self.pending.clear();
                self.pending_entries = 0;
                self.pending.shrink_to(PENDING_BYTES);
                Ok(())
            }
            Err(Error::NoSpace { .. }) => {
                self.is_stuck(Stuck::Full, "the disk is full");
                Ok(())
            }
            Err(error @ Error::Entry { .. }) => Err(error).context("cannot write to the spool"),
            Err(error) => {
                self.is_stuck(Stuck::Failed, &error.to_string());
                Ok(())
            }
        }
    }

    fn is_stuck(&mut self, why: Stuck, detail: &str) {
        if self.stuck.is_none() {
            tracing::error!(stream = %self.id(), "{detail}; entries wait in memory");
        }
        self.stuck = Some((why, Instant::now() + RETRY_EVERY));
    }

    /// A sync failed, and what it was to make durable may be lost: the files are read again before
    /// anything more is written.
    pub(crate) fn sync_failed(&mut self, error: &dyn std::fmt::Display) {
        let detail = format!("cannot sync the spool ({error})");
        self.is_stuck(Stuck::Failed, &detail);
    }

    /// Reads again what the disk holds; false where that is not possible yet.
    fn reopened(&mut self) -> bool {
        match self.reopen() {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!("cannot open the spool again: {error:#}");
                self.is_stuck(Stuck::Failed, "the spool cannot be opened");
                false
            }
        }
    }

    fn reopen(&mut self) -> Result<()> {
        let (expected, id) = (self.spool.next(), self.id());
        let opened = SpoolWriter::open(&self.streams, id, self.keeper.limits().options());
        let lost = match opened {
            Ok((spool, _)) => {
                let lost = expected.saturating_sub(spool.next());
                self.spool = spool;
                self.generation += 1;
                lost
            }
            Err(Error::Damaged { .. }) => expected,
            Err(error) => return Err(error.into()),
        };
        if lost > 0 {
            self.dropped.add_unknown(lost);
            self.dropped_ever += lost;
            // The lost numbers may have been sent: they are not given out again.
            self.begin_anew()?;
        }
        Ok(())
    }

    /// Goes on in a new stream of the same source; what is pending goes with it.
    pub(super) fn begin_anew(&mut self) -> Result<()> {
        let before = Predecessor::new(self.id(), self.spool.next(), self.spool.head());
        let (spool, opened) = begin(
            &self.room,
            &self.streams,
            &self.source,
            &self.host,
            *self.keeper.limits(),
            Some(before),
            indelible_sys::clock::realtime_ns(),
        )?;
        let spool = match self.with_opening(spool, &opened) {
            Ok(spool) => spool,
            Err(error) => {
                // Nothing of it was ever told to anybody.
                let _ = std::fs::remove_file(&opened);
                return Err(error);
            }
        };
        let old = std::mem::replace(&mut self.spool, spool);
        self.room.wrote(old.stream());
        self.room.writes(self.id());
        self.turned = turned_at(&self.room, self.id());
        self.generation += 1;
        let (id, next) = (self.id(), self.spool.next());
        entry::renumber(&mut self.pending, id, next);
        Ok(())
    }

    /// Writes entry 0 of a stream that was just begun.
    fn with_opening(&self, mut spool: SpoolWriter, opened: &Path) -> Result<SpoolWriter> {
        let opened = Opened::load(opened)?;
        let mut frame = Vec::new();
        let header = Header {
            kind: Kind::StreamOpened,
            flags: 0,
            stream: spool.stream(),
            sequence: 0,
            time_ns: opened.time_ns,
        };
        entry::push(&mut frame, &header, &payload::to_bytes(&opened.opening));
        spool.append(&frame)?;
        spool.sync_handle().sync()?;
        Ok(spool)
    }
}

/// How often a disk that took nothing is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(250);
