//! What the stream and its room keep on the disk: removing, rolling, releasing, and the account of what
//! found no room.

use anyhow::{Context, Result};
use indelible_log::Kind;
use indelible_sys::clock::realtime_ns;

use super::{SourceStream, WAITING_BYTES_MAX};
use crate::payload::{Gap, GapReason};

impl SourceStream {
    /// Removes what may be removed where the spool has grown to its limits; false where it must not
    /// grow any more.
    pub(super) fn made_room(&mut self) -> Result<bool> {
        let id = self.id();
        self.keeper.look(id);
        while self
            .keeper
            .is_over(self.spool.len_bytes() + self.pending.len() as u64)
        {
            if self.keeper.remove_oldest(false)?.is_some() {
                continue;
            }
            if self.blocks() {
                // The last frame may go beyond the limit: one that is longer than it would wait for ever.
                return Ok(!self.is_at_limit());
            }
            let Some(removed) = self.keeper.remove_oldest(true)? else {
                if self.spool.len_bytes() < ROLL_BYTES_MIN {
                    return Ok(false);
                }
                // The stream itself is all there is: it becomes the one that can be removed.
                self.roll()?;
                continue;
            };
            let detail = format!(
                "stream {} was removed to make room: its last {} entries, up to {}, were not yet sent",
                removed.stream, removed.unsent, removed.next
            );
            let mut gap = Gap::new(GapReason::Dropped, Some(removed.unsent), detail);
            gap.keys = removed.keys.into_keys();
            self.dropped_ever += removed.unsent;
            self.keeper.recorded(self.id(), removed.unsent);
            self.push_json(Kind::Gap, &gap, realtime_ns());
        }
        if !self.blocks() && self.spool.len_bytes() >= self.keeper.limits().roll_bytes() {
            self.roll()?;
        }
        Ok(true)
    }

    /// Ends the stream and begins the next, so that the oldest can be removed by itself.
    fn roll(&mut self) -> Result<()> {
        self.spool
            .sync_handle()
            .sync()
            .context("cannot sync the spool")?;
        self.begin_anew()?;
        self.keeper.look_again();
        let id = self.id();
        self.keeper.look(id);
        Ok(())
    }

    /// Records how many entries were dropped since the last call, once there is room again.
    pub(crate) fn account_for_drops(&mut self, now_ns: u64) -> Result<()> {
        if self.dropped.entries > 0 && !self.suspended && self.pending.len() < WAITING_BYTES_MAX {
            self.write()?;
            if self.stuck.is_none() {
                let dropped = std::mem::take(&mut self.dropped);
                let detail = "the spool could not be written, or was suspended";
                self.keeper.recorded(self.spool.stream(), dropped.entries);
                let mut gap = Gap::new(GapReason::Dropped, Some(dropped.entries), detail);
                gap.keys = dropped.into_keys();
                self.push_json(Kind::Gap, &gap, now_ns);
            }
        }
        self.write()
    }

    /// Removes files that the worker released, but for the local history.
    pub(crate) fn release(&mut self, sequence: u64) -> Result<()> {
        // A position beyond the end can only be a mistake: it releases nothing.
        if sequence > self.spool.next() {
            return Ok(());
        }
        let released = match self.needs_room() && sequence == self.spool.next() {
            // Only a file that is not written any more can be removed.
            true => self.spool.rotate(),
            false => Ok(()),
        };
        if let Err(error) = released.and_then(|()| self.spool.release(sequence)) {
            // A disk that takes nothing may not let go either.
            tracing::warn!("cannot remove released spool files: {error}");
        }
        let id = self.id();
        self.keeper.look(id);
        self.keeper.trim_history(self.spool.len_bytes())
    }

    /// Ends the stream and begins the next where the worker has turned to another collector since the
    /// last call: a log takes a stream from its first entry on. True where it did.
    pub(crate) fn follow_turn(&mut self, turned: u64) -> Result<bool> {
        let before = *self.turned.get_or_insert(turned);
        if before == turned || self.stuck.is_some() || !self.pending.is_empty() {
            return Ok(false);
        }
        self.roll()?;
        Ok(true)
    }
}

/// A stream smaller than this is not worth removing.
const ROLL_BYTES_MIN: u64 = 64 << 10;
