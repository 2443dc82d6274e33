//! What a connection has begun and not finished: bounded in time, and in memory over all
//! connections.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep_until;

use super::Shared;
use super::limits::{READ_BYTES, UNFINISHED_BYTES_FREE, UNFINISHED_MAX};
use super::streams::PeerStream;

/// One connection's unfinished message.
#[derive(Debug)]
pub(super) struct Unfinished {
    memory: Arc<Semaphore>,
    /// The peer's part of it.
    peer_memory: Arc<Semaphore>,
    held: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
    since: Option<Instant>,
    /// Read of it since `since`.
    bytes: usize,
}

/// Where a connection stands after a read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) read_bytes: usize,
    /// Messages that the read completed.
    pub(super) messages: usize,
    /// A message has begun and not ended.
    pub(super) is_inside: bool,
    /// What is held of it.
    pub(super) held_bytes: usize,
}

impl Unfinished {
    pub(super) fn new(shared: &Shared, peer: &PeerStream) -> Self {
        Self {
            memory: shared.unfinished.clone(),
            peer_memory: peer.unfinished.clone(),
            held: None,
            since: None,
            bytes: 0,
        }
    }

    /// Notes a read.
    ///
    /// # Errors
    /// The peer's connections, or all connections, together hold too much.
    pub(super) fn note(&mut self, progress: Progress) -> Result<()> {
        self.bytes += progress.read_bytes;
        if progress.messages > 0 || self.bytes >= READ_BYTES || !progress.is_inside {
            (self.since, self.bytes) = (None, 0);
        }
        if progress.is_inside && self.since.is_none() {
            self.since = Some(Instant::now());
        }
        if progress.held_bytes <= UNFINISHED_BYTES_FREE {
            self.held = None;
        } else if self.held.is_none() {
            // What a connection can hold, so that it need not be counted with each read.
            let permits = READ_BYTES as u32;
            let peer = self.peer_memory.clone().try_acquire_many_owned(permits);
            let peer = peer.context("the peer holds too many unfinished messages")?;
            let all = self.memory.clone().try_acquire_many_owned(permits);
            let all = all.context("too many connections hold unfinished messages")?;
            self.held = Some((peer, all));
        }
        Ok(())
    }

    /// Returns when the message has taken too long.
    pub(super) async fn expired(&self) {
        match self.since {
            Some(since) => sleep_until((since + UNFINISHED_MAX).into()).await,
            None => std::future::pending().await,
        }
    }
}
