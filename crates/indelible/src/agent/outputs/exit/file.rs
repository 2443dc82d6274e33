//! Lines appended to a file, and lines on standard output.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_wire::syslog::{Framing, framing};

use super::Exit;
use crate::agent::outputs::batch::Batch;

/// A file, opened anew where its name stands for another one: rotation by renaming needs no signal.
#[derive(Debug)]
pub(super) struct AppendedFile {
    path: PathBuf,
    file: File,
    lines: Vec<u8>,
    written: u64,
    synced: u64,
    /// When it was last synced and its name was looked at.
    looked_at: Instant,
}

impl AppendedFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut opened = Self {
            path: path.to_owned(),
            file: open(path)?,
            lines: Vec::new(),
            written: 0,
            synced: 0,
            looked_at: Instant::now(),
        };
        opened.end_line()?;
        Ok(opened)
    }

    /// Ends a line that a crash left without its end, so that the next one begins by itself.
    fn end_line(&mut self) -> Result<()> {
        use std::os::unix::fs::FileExt;
        let shown = || format!("cannot look at {}", self.path.display());
        let metadata = self.file.metadata().with_context(shown)?;
        let mut last = [0];
        if metadata.is_file() && metadata.len() > 0 {
            self.file
                .read_exact_at(&mut last, metadata.len() - 1)
                .with_context(shown)?;
            if last != *b"\n" {
                self.file.write_all(b"\n").with_context(shown)?;
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        let shown = || format!("cannot sync {}", self.path.display());
        match rustix::fs::fdatasync(&self.file) {
            // A pipe or a device has nothing to sync.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(errno) => return Err(errno).with_context(shown),
        }
        self.synced = self.written;
        self.looked_at = Instant::now();
        let ours = self.file.metadata().with_context(shown)?;
        let named = std::fs::metadata(&self.path);
        let is_other = named.map_or(true, |named| {
            (named.dev(), named.ino()) != (ours.dev(), ours.ino())
        });
        if is_other {
            self.file = open(&self.path)?;
        }
        Ok(())
    }
}

impl Exit for AppendedFile {
    fn send(&mut self, batch: &Batch) -> Result<()> {
        push_lines(batch, &mut self.lines);
        let before = self.file.metadata().map(|metadata| metadata.len());
        if let Err(error) = self.file.write_all(&self.lines) {
            // Half a line would stand before the next.
            if let Ok(before) = before {
                let _ = self.file.set_len(before);
            }
            return Err(error).with_context(|| format!("cannot write {}", self.path.display()));
        }
        self.written += batch.len() as u64;
        if self.looked_at.elapsed() >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(())
    }

    fn settle(&mut self, _: Duration) -> Result<()> {
        if self.synced < self.written || self.looked_at.elapsed() >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(())
    }

    fn taken(&self) -> u64 {
        self.synced
    }
}

fn open(path: &Path) -> Result<File> {
    let mut options = File::options();
    options
        .create(true)
        .read(true)
        .append(true)
        .mode(0o640)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

fn push_lines(batch: &Batch, lines: &mut Vec<u8>) {
    lines.clear();
    for message in batch.messages() {
        framing::push(lines, Framing::Lines, message);
    }
}

/// Standard output of the process.
#[derive(Debug, Default)]
pub(super) struct StandardOutput {
    lines: Vec<u8>,
    written: u64,
}

impl Exit for StandardOutput {
    fn send(&mut self, batch: &Batch) -> Result<()> {
        push_lines(batch, &mut self.lines);
        let mut output = io::stdout().lock();
        output
            .write_all(&self.lines)
            .and_then(|()| output.flush())
            .context("cannot write to standard output")?;
        self.written += batch.len() as u64;
        Ok(())
    }

    fn settle(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }

    fn taken(&self) -> u64 {
        self.written
    }
}

/// How often the file is synced while more and more is written.
const SYNC_EVERY: Duration = Duration::from_millis(500);
