//! When to send PING and when to give the peer up.
//!
//! A side that has sent nothing for 10 s sends PING, so that the peer hears of it even while it
//! does not read (a collector that waits for its disk pauses reading). A side that has heard
//! nothing for 30 s, though it was reading, ends the connection.

use std::time::Duration;

use crate::limits::{KEEPALIVE, SILENCE_MAX};

/// Times of the last traffic in both directions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Liveness {
    heard_at: Duration,
    sent_at: Duration,
}

/// What a timer means for the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pulse {
    Fine,
    PingDue,
    Dead,
}

impl Liveness {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            heard_at: now,
            sent_at: now,
        }
    }

    pub(super) fn heard(&mut self, now: Duration) {
        self.heard_at = now;
    }

    pub(super) fn sent(&mut self, now: Duration) {
        self.sent_at = now;
    }

    /// `reading`: silence counts only while we read.
    pub(super) fn deadline(&self, reading: bool) -> Duration {
        let keepalive_at = self.sent_at + KEEPALIVE;
        match reading {
            true => keepalive_at.min(self.heard_at + SILENCE_MAX),
            false => keepalive_at,
        }
    }

    pub(super) fn pulse(&self, now: Duration, reading: bool) -> Pulse {
        if reading && now >= self.heard_at + SILENCE_MAX {
            Pulse::Dead
        } else if now >= self.sent_at + KEEPALIVE {
            Pulse::PingDue
        } else {
            Pulse::Fine
        }
    }
}
