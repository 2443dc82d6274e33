//! Syslog over TCP and TLS (RFC 6587, RFC 5425). The protocol has no answers: what the kernel took
//! while the connection stood counts as taken.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use anyhow::Result;
use indelible_wire::syslog::{Framing, framing};

use super::Exit;
use crate::agent::outputs::batch::Batch;
use crate::agent::outputs::connection::Connection;

/// A connection with its framing.
#[derive(Debug)]
pub(super) struct Messages {
    connection: Connection,
    framing: Framing,
    frames: Vec<u8>,
    sent: u64,
}

impl Messages {
    pub(super) fn over(connection: Connection, framing: Framing) -> Self {
        Self {
            connection,
            framing,
            frames: Vec::new(),
            sent: 0,
        }
    }
}

impl Exit for Messages {
    fn send(&mut self, batch: &Batch) -> Result<()> {
        // A peer that closed must be noticed before more is written, not after.
        self.settle(Duration::ZERO)?;
        self.frames.clear();
        for message in batch.messages() {
            framing::push(&mut self.frames, self.framing, message);
        }
        self.connection.write(&self.frames)?;
        self.sent += batch.len() as u64;
        Ok(())
    }

    fn settle(&mut self, wait: Duration) -> Result<()> {
        // Receivers of syslog say nothing; what they say anyhow is passed over.
        let mut said = Vec::new();
        self.connection.read(wait, &mut said)?;
        Ok(())
    }

    fn taken(&self) -> u64 {
        self.sent
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.connection.descriptor())
    }
}
