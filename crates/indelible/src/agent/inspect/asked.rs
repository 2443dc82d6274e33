//! The worker's side: asks the helper, and does without where it does not run.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use indelible_sys::proc::Process;

use super::{ANSWER_BYTES_MAX, Inspected, Question};
use crate::agent::layout::Layout;

/// A connection to the helper, opened when it is first needed and again after a while where it broke.
#[derive(Debug)]
pub(crate) struct Inspector {
    socket: PathBuf,
    stream: Option<UnixStream>,
    /// When it may be tried to connect.
    due: Instant,
    told: bool,
}

impl Inspector {
    pub(crate) fn of(layout: &Layout) -> Self {
        Self {
            socket: layout.inspect_socket(),
            stream: None,
            due: Instant::now(),
            told: false,
        }
    }

    /// What the helper says of a process that runs now.
    pub(crate) fn ask(&mut self, pid: u32) -> Option<Inspected> {
        let start_ticks = Process { pid }.start_ticks().ok()?;
        let question = Question { pid, start_ticks };
        match self.answer(question) {
            Ok(answer) => answer,
            Err(error) => {
                if !self.told {
                    self.told = true;
                    tracing::warn!("processes are not inspected: {error}");
                }
                self.stream = None;
                self.due = Instant::now() + RETRY_EVERY;
                None
            }
        }
    }

    fn answer(&mut self, question: Question) -> io::Result<Option<Inspected>> {
        if self.stream.is_none() {
            if Instant::now() < self.due {
                return Ok(None);
            }
            let stream = UnixStream::connect(&self.socket)?;
            stream.set_read_timeout(Some(ANSWER_WAIT))?;
            stream.set_write_timeout(Some(ANSWER_WAIT))?;
            self.stream = Some(stream);
            self.told = false;
        }
        let Some(stream) = &mut self.stream else {
            return Ok(None);
        };
        stream.write_all(&question.to_bytes())?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > ANSWER_BYTES_MAX {
            return Err(io::Error::other(format!("an answer of {length} bytes")));
        }
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer)?;
        Ok(Some(serde_json::from_slice(&answer)?))
    }
}

/// How long an answer is waited for: a large program is hashed once, and its processes are described
/// without meanwhile.
const ANSWER_WAIT: Duration = Duration::from_millis(500);
/// How often a helper that does not answer is looked for.
const RETRY_EVERY: Duration = Duration::from_secs(5);
