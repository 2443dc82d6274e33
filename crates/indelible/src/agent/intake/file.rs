//! A log file, read line by line across rotation.
//!
//! The file that is open is read to its end before the next one: a renamed file stays open, of a
//! file that was copied and cut the rest is read from the copy. What cannot be found again becomes
//! a gap.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::position::{Identity, Position};
use super::rotation::{Sibling, siblings};
use super::{SLICE_BYTES, Sink, Source, Taken};
use crate::agent::lines::Lines;
use crate::payload::GapReason;

/// The lines of the log at a path.
pub(crate) struct FileLines {
    path: PathBuf,
    lines: Lines,
    /// How long a renamed file may still be written to after its successor.
    linger: Duration,
    /// Where an earlier run stopped, until the file is found again.
    stored: Option<(Identity, u64)>,
    open: Option<Open>,
    buffer: Vec<u8>,
    /// When the open file was first seen to have a successor and no more bytes.
    done_since: Option<Instant>,
    /// Said already that the file cannot be opened.
    complained: bool,
}

struct Open {
    file: File,
    identity: Identity,
    /// Bytes taken, those of a line that has not ended included.
    offset: u64,
}

impl FileLines {
    /// Reads on from where an earlier run stopped, or from the beginning.
    pub(crate) fn new(
        path: &Path,
        prefix: &'static [u8],
        linger: Duration,
        position: Option<Position>,
    ) -> Self {
        let stored = match position {
            Some(Position::File { identity, offset }) => Some((identity, offset)),
            _ => None,
        };
        Self {
            path: path.to_owned(),
            lines: Lines::new(prefix),
            linger,
            stored,
            open: None,
            buffer: vec![0; SLICE_BYTES],
            done_since: None,
            complained: false,
        }
    }

    /// Opens the file to read on from: where an earlier run stopped, else the log itself.
    fn begin(&mut self, sink: &mut Sink<'_>) -> Result<Taken> {
        if let Some((identity, offset)) = self.stored.take() {
            if let Some(open) = find(&siblings(&self.path), &identity, offset)? {
                tracing::info!(path = %self.path.display(), offset, "reading on");
                self.open = Some(open);
                return Ok(Taken::Turned);
            }
            sink.gap(
                GapReason::FileLost,
                None,
                "the file that was being read is gone; its lines after the last entry are missing",
            );
            // Whatever was written to after it is newer.
            let newer = siblings(&self.path)
                .into_iter()
                .find(|sibling| sibling.modified_ns >= identity.modified_ns);
            if let Some(newer) = newer {
                self.open = open(&newer)?;
                return Ok(Taken::Turned);
            }
        }
        match File::open(&self.path) {
            Ok(file) => {
                self.complained = false;
                self.open = Some(Open::at_beginning(file)?);
                Ok(Taken::Turned)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::warn!(path = %self.path.display(), %error, "cannot open the log; waiting");
                }
                Ok(Taken::Nothing)
            }
        }
    }

    /// What to do at the end of the open file.
    fn at_end(&mut self, sink: &mut Sink<'_>) -> Result<Taken> {
        let Some(open) = &self.open else {
            return Ok(Taken::Nothing);
        };
        let shown = || format!("cannot look at {}", self.path.display());
        let len = open.file.metadata().with_context(shown)?.len();
        if len < open.offset || !open.identity.begins(&open.file).with_context(shown)? {
            return self.was_cut(sink);
        }
        let Ok(named) = std::fs::metadata(&self.path) else {
            // Between two renames, or removed: what stays open can still grow.
            return Ok(Taken::Nothing);
        };
        if open.identity.is_inode(named.dev(), named.ino()) {
            self.done_since = None;
            return Ok(Taken::Nothing);
        }
        let siblings = siblings(&self.path);
        let next = successor(&siblings, &open.identity);
        let is_log = next.is_none_or(|next| next.path == self.path);
        if is_log && named.len() == 0 {
            // Its writer may not have turned to the new file yet.
            return Ok(Taken::Nothing);
        }
        let since = *self.done_since.get_or_insert_with(Instant::now);
        if is_log && since.elapsed() < self.linger {
            return Ok(Taken::Nothing);
        }
        // Once more: the last bytes may have come between the read and the look at the names.
        if self.read(sink)? {
            return Ok(Taken::Something);
        }
        self.done_since = None;
        sink.last_line(&mut self.lines);
        self.open = match next {
            Some(next) => open_or_gone(next)?,
            None => None,
        };
        Ok(Taken::Turned)
    }

    /// The file is shorter than what was taken, or begins otherwise: its rest is in a copy, or lost.
    fn was_cut(&mut self, sink: &mut Sink<'_>) -> Result<Taken> {
        let Some(cut) = self.open.take() else {
            return Ok(Taken::Nothing);
        };
        let from = cut.offset - self.lines.waiting_bytes();
        self.lines.restart();
        let copies: Vec<Sibling> = siblings(&self.path)
            .into_iter()
            .filter(|sibling| !cut.identity.is_inode(sibling.device, sibling.inode))
            .collect();
        if cut.identity.beginning_bytes > 0
            && let Some(copy) = find(&copies, &cut.identity, from)?
        {
            tracing::info!(path = %self.path.display(), "cut after a copy; reading the copy's rest");
            self.open = Some(copy);
            return Ok(Taken::Turned);
        }
        sink.gap(
            GapReason::FileLost,
            None,
            "the file was cut or overwritten; lines between the last entry and the cut may be missing",
        );
        Ok(Taken::Turned)
    }

    /// Takes the next bytes of the open file; false at its end.
    fn read(&mut self, sink: &mut Sink<'_>) -> Result<bool> {
        let Some(open) = &mut self.open else {
            return Ok(false);
        };
        let read = open.file.read_at(&mut self.buffer, open.offset);
        let got = match read {
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", self.path.display()));
            }
        };
        if got == 0 {
            return Ok(false);
        }
        if open.offset < super::rotation::BEGINNING_BYTES_MAX as u64 || self.done_since.is_some() {
            open.identity.grow(&open.file)?;
        }
        open.offset += got as u64;
        sink.lines(&mut self.lines, &self.buffer[..got]);
        self.done_since = None;
        Ok(true)
    }
}

impl Source for FileLines {
    fn take(&mut self, sink: &mut Sink<'_>) -> Result<Taken> {
        if self.open.is_none() {
            return self.begin(sink);
        }
        // A file that was cut and has grown beyond where we stand begins otherwise.
        if let Some(open) = &self.open
            && !open.identity.begins(&open.file)?
        {
            return self.was_cut(sink);
        }
        if self.read(sink)? {
            return Ok(Taken::Something);
        }
        self.at_end(sink)
    }

    fn position(&self) -> Option<Position> {
        if let Some((identity, offset)) = &self.stored {
            return Some(Position::File {
                identity: identity.clone(),
                offset: *offset,
            });
        }
        let open = self.open.as_ref()?;
        Some(Position::File {
            identity: open.identity.clone(),
            offset: open.offset - self.lines.waiting_bytes(),
        })
    }
}

impl Open {
    fn at_beginning(file: File) -> Result<Self> {
        Ok(Self {
            identity: Identity::of(&file).context("cannot look at a log")?,
            file,
            offset: 0,
        })
    }
}

/// Opens a sibling at its beginning, unless its name belongs to another file by now.
fn open(sibling: &Sibling) -> Result<Option<Open>> {
    let file = File::open(&sibling.path)
        .with_context(|| format!("cannot open {}", sibling.path.display()))?;
    let open = Open::at_beginning(file)?;
    Ok(Some(open).filter(|open| open.identity.is_inode(sibling.device, sibling.inode)))
}

/// As [`open`], with `None` for a file that was renamed or removed meanwhile.
fn open_or_gone(sibling: &Sibling) -> Result<Option<Open>> {
    match open(sibling) {
        Err(error)
            if error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::NotFound) =>
        {
            Ok(None)
        }
        other => other,
    }
}

/// The file with this identity, else one that begins alike and reaches as far: a copy.
fn find(siblings: &[Sibling], identity: &Identity, offset: u64) -> Result<Option<Open>> {
    for same_inode in [true, false] {
        for sibling in siblings {
            if identity.is_inode(sibling.device, sibling.inode) != same_inode
                || !same_inode && identity.beginning_bytes == 0
            {
                continue;
            }
            let Ok(file) = File::open(&sibling.path) else {
                continue;
            };
            let len = file.metadata()?.len();
            // A last line without a line feed was counted with one.
            if !identity.begins(&file)? || len + 1 < offset {
                continue;
            }
            let mut open = Open::at_beginning(file)?;
            open.offset = offset.min(len);
            return Ok(Some(open));
        }
    }
    Ok(None)
}

/// The file after the one with this identity; of one that is gone, the log itself.
fn successor<'a>(siblings: &'a [Sibling], identity: &Identity) -> Option<&'a Sibling> {
    let at = siblings
        .iter()
        .position(|sibling| identity.is_inode(sibling.device, sibling.inode));
    match at {
        Some(at) => siblings.get(at + 1),
        None => siblings.last(),
    }
}
