//! RELP: the sans-IO client decides, this file performs.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indelible_wire::relp::{Client, ClientAction};

use super::Exit;
use crate::agent::outputs::batch::Batch;
use crate::agent::outputs::connection::Connection;
use crate::agent::outputs::limits::RELP_WINDOW;

/// A session over a connection.
#[derive(Debug)]
pub(super) struct Session {
    connection: Connection,
    client: Client,
    began: Instant,
    received: Vec<u8>,
    answered: u64,
}

impl Session {
    /// Greets the server.
    pub(super) fn over(connection: Connection) -> Result<Self> {
        let mut session = Self {
            connection,
            client: Client::new(Duration::ZERO, RELP_WINDOW),
            began: Instant::now(),
            received: Vec::new(),
            answered: 0,
        };
        while session.client.room() == 0 {
            session.settle(ANSWER_WAIT)?;
        }
        Ok(session)
    }

    fn transmit(&mut self) -> Result<()> {
        while let Some(bytes) = self.client.transmit() {
            self.connection.write(&bytes)?;
        }
        Ok(())
    }
}

impl Exit for Session {
    fn send(&mut self, batch: &Batch) -> Result<()> {
        for message in batch.messages() {
            while !self.client.send(self.began.elapsed(), message) {
                self.settle(ANSWER_WAIT)?;
            }
        }
        self.settle(Duration::ZERO)
    }

    fn settle(&mut self, wait: Duration) -> Result<()> {
        self.transmit()?;
        self.received.clear();
        let wait = if self.client.unanswered() > 0 || self.client.room() == 0 {
            wait
        } else {
            Duration::ZERO
        };
        if self.connection.read(wait, &mut self.received)? {
            self.client.received(&self.received);
        }
        self.client.timer(self.began.elapsed());
        while let Some(action) = self.client.poll() {
            match action {
                ClientAction::Answered(messages) => self.answered += messages as u64,
                ClientAction::Disconnect { why } => bail!("{why}"),
            }
        }
        Ok(())
    }

    fn taken(&self) -> u64 {
        self.answered
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.connection.descriptor())
    }
}

impl Drop for Session {
    /// Says goodbye where nothing is open.
    fn drop(&mut self) {
        self.client.shut_down(self.began.elapsed());
        let _ = self.transmit();
    }
}

/// One wait for an answer; the client itself knows when it was too long.
const ANSWER_WAIT: Duration = Duration::from_millis(500);
