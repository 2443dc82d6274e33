//! The journal, through `journalctl --output=json --follow`: one object per line, with a cursor to
//! read on from.

use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_sys::wait::set_nonblocking;
use rustix::io::Errno;

use super::position::{Position, journal_cursor};
use super::{SLICE_BYTES, Sink, Source, Taken};
use crate::agent::lines::Lines;

/// A running journalctl, started again when it ends.
pub(crate) struct Journal {
    cursor: Option<String>,
    lines: Lines,
    buffer: Vec<u8>,
    child: Option<(Child, ChildStdout)>,
    retry_at: Instant,
    complained: bool,
}

impl Journal {
    /// Reads on behind a cursor, or from the beginning of this boot.
    pub(crate) fn new(position: Option<Position>) -> Self {
        let cursor = match position {
            Some(Position::Journal { cursor }) => Some(cursor),
            _ => None,
        };
        Self {
            cursor,
            lines: Lines::new(b""),
            buffer: vec![0; SLICE_BYTES],
            child: None,
            retry_at: Instant::now(),
            complained: false,
        }
    }

    fn start(&mut self) -> Taken {
        if Instant::now() < self.retry_at {
            return Taken::Nothing;
        }
        self.retry_at = Instant::now() + RETRY_EVERY;
        let mut command = Command::new("journalctl");
        command.args([
            "--output=json",
            "--follow",
            "--no-pager",
            "--all",
            "--quiet",
        ]);
        match &self.cursor {
            Some(cursor) => command.arg("--after-cursor").arg(cursor),
            None => command.args(["--boot", "--lines=all"]),
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let started = command
            .spawn()
            .map_err(anyhow::Error::from)
            .and_then(|mut child| {
                let output = child.stdout.take().context("journalctl has no output")?;
                set_nonblocking(output.as_fd())?;
                Ok((child, output))
            });
        match started {
            Ok(started) => {
                self.complained = false;
                self.child = Some(started);
                Taken::Something
            }
            Err(error) => {
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::warn!("cannot read the journal: {error:#}");
                }
                Taken::Nothing
            }
        }
    }

    fn end(&mut self) {
        // Half a line is read again after the cursor.
        self.lines.restart();
        if let Some((mut child, _)) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Source for Journal {
    fn take(&mut self, sink: &mut Sink<'_>) -> Result<Taken> {
        let Some((_, output)) = &self.child else {
            return Ok(self.start());
        };
        match rustix::io::read(output, &mut self.buffer) {
            Ok(0) => {
                tracing::warn!("journalctl ended; starting it again");
                self.end();
                Ok(Taken::Nothing)
            }
            Ok(got) => {
                let cursor = &mut self.cursor;
                self.lines.feed(&self.buffer[..got], |line| {
                    // An object that was cut has its cursor at the beginning, too far for JSON.
                    *cursor = journal_cursor(line.payload).or(cursor.take());
                    sink.line(line);
                });
                Ok(Taken::Something)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(Taken::Nothing),
            Err(errno) => Err(errno).context("cannot read journalctl's output"),
        }
    }

    fn position(&self) -> Option<Position> {
        let cursor = self.cursor.clone()?;
        Some(Position::Journal { cursor })
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.child
            .iter()
            .map(|(_, output)| output.as_fd())
            .collect()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.end();
    }
}

/// How often journalctl is started.
const RETRY_EVERY: Duration = Duration::from_secs(1);
