//! Records from auditd's dispatcher, one per line in its `string` format: from standard input as
//! a plugin of auditd 3 and 4, or from the socket of its `af_unix` plugin.

use std::io::{ErrorKind, Read, Stdin};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_sys::wait::set_nonblocking;

use super::{SLICE_BYTES, Sink, Source, Taken};
use crate::agent::lines::Lines;
use crate::payload::GapReason;

/// Lines from standard input; its end is auditd's.
pub(crate) struct PluginLines {
    input: Stdin,
    lines: Lines,
    buffer: Vec<u8>,
}

impl PluginLines {
    pub(crate) fn new(prefix: &'static [u8]) -> Result<Self> {
        let input = std::io::stdin();
        set_nonblocking(input.as_fd())?;
        Ok(Self {
            input,
            lines: Lines::new(prefix),
            buffer: vec![0; SLICE_BYTES],
        })
    }
}

impl Source for PluginLines {
    fn take(&mut self, sink: &mut Sink<'_>) -> Result<Taken> {
        match rustix::io::read(&self.input, &mut self.buffer) {
            Ok(0) => {
                sink.last_line(&mut self.lines);
                Ok(Taken::Ended)
            }
            Ok(got) => {
                sink.lines(&mut self.lines, &self.buffer[..got]);
                Ok(Taken::Something)
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(Taken::Nothing),
            Err(errno) => Err(errno).context("cannot read what auditd sends"),
        }
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        vec![self.input.as_fd()]
    }
}

/// Lines from the socket of auditd's `af_unix` plugin, connected again whenever it ends.
pub(crate) struct SocketLines {
    path: PathBuf,
    lines: Lines,
    buffer: Vec<u8>,
    socket: Option<UnixStream>,
    retry_at: Instant,
    /// Set once entries have come: what is missed before is nobody's promise.
    was_connected: bool,
    complained: bool,
}

impl SocketLines {
    pub(crate) fn new(path: &Path, prefix: &'static [u8]) -> Self {
        Self {
            path: path.to_owned(),
            lines: Lines::new(prefix),
            buffer: vec![0; SLICE_BYTES],
            socket: None,
            retry_at: Instant::now(),
            was_connected: false,
            complained: false,
        }
    }

    fn connect(&mut self, sink: &mut Sink<'_>) -> Taken {
        if Instant::now() < self.retry_at {
            return Taken::Nothing;
        }
        self.retry_at = Instant::now() + RETRY_EVERY;
        let connected = UnixStream::connect(&self.path).and_then(|socket| {
            socket.set_nonblocking(true)?;
            Ok(socket)
        });
        match connected {
            Ok(socket) => {
                tracing::info!(path = %self.path.display(), "connected");
                if self.was_connected {
                    let detail = "auditd's socket was closed for a while";
                    sink.gap(GapReason::Disconnected, None, detail);
                }
                self.socket = Some(socket);
                self.was_connected = true;
                self.complained = false;
                Taken::Something
            }
            Err(error) => {
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::warn!(path = %self.path.display(), %error, "cannot connect; trying again");
                }
                Taken::Nothing
            }
        }
    }
}

impl Source for SocketLines {
    fn take(&mut self, sink: &mut Sink<'_>) -> Result<Taken> {
        let Some(socket) = &mut self.socket else {
            return Ok(self.connect(sink));
        };
        match socket.read(&mut self.buffer) {
            Ok(0) => {
                tracing::warn!(path = %self.path.display(), "auditd closed its socket");
                sink.last_line(&mut self.lines);
                self.socket = None;
                Ok(Taken::Something)
            }
            Ok(got) => {
                sink.lines(&mut self.lines, &self.buffer[..got]);
                Ok(Taken::Something)
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(Taken::Nothing)
            }
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "cannot read auditd's socket");
                sink.last_line(&mut self.lines);
                self.socket = None;
                Ok(Taken::Something)
            }
        }
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.socket.iter().map(AsFd::as_fd).collect()
    }
}

/// The text of the file that makes this program a plugin of auditd, for its `plugins.d`.
pub(crate) fn plugin_text(program: &Path, config: &Path) -> String {
    // auditd 3.0 takes at most two arguments.
    format!(
        "# Indelible as a plugin of auditd 3 or 4: save as /etc/audit/plugins.d/indelible.conf\n\
         active = yes\n\
         direction = out\n\
         path = {}\n\
         type = always\n\
         args = agent --config={}\n\
         format = string\n",
        program.display(),
        config.display(),
    )
}

/// How often the socket is tried.
const RETRY_EVERY: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_file_has_two_arguments() {
        let text = plugin_text(Path::new("/usr/bin/indelible"), Path::new("/etc/i.toml"));
        assert!(text.contains("\npath = /usr/bin/indelible\n"), "{text}");
        assert!(
            text.contains("\nargs = agent --config=/etc/i.toml\n"),
            "{text}"
        );
    }
}
