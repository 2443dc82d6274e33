//! `--checkpoint`: show only what is new since the last search.
//!
//! The file is ausearch's, so that either program goes on where the other stopped:
//!
//! ```text
//! dev=0xFE00
//! inode=10018881
//! output=- 1700000030.001:30 0x514      node or "-", time and serial, type of the first record
//! ```
//!
//! The last *complete* event that was looked at is noted, whether it matched or not. An event is
//! complete if its first record stands alone, or if the log goes on for two seconds after it; what
//! is not is left for the next time. Lines are read in order, on one thread: what was written late,
//! with an older time, is new all the same.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indelible_query::criteria::{Criteria, Filter};
use indelible_record::{Assembler, Event, Record, RecordType, Settings, Stamp};
use thiserror::Error;

use super::files;
use super::limits::{CHECKPOINT_BYTES_MAX, CHECKPOINT_LINE_BYTES_MAX};

/// Why a checkpoint is of no use; the codes are ausearch's.
#[derive(Debug, Error)]
pub(crate) enum NotACheckpoint {
    /// The file holds something else, or names a log that is gone.
    #[error("the checkpoint {path} is of no use: {why}")]
    Invalid {
        /// The checkpoint file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file cannot be read or written.
    #[error("Cannot open checkpoint file - {}: {why}", .path.display())]
    File {
        /// The checkpoint file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The log does not hold the event.
    #[error("the event {0} of the checkpoint is not in its log")]
    NotFound(String),
}

impl NotACheckpoint {
    /// The exit code of ausearch.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Invalid { .. } => 10,
            Self::File { .. } => 11,
            Self::NotFound(_) => 12,
        }
    }
}

/// Where the last search ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    device: u64,
    inode: u64,
    node: Option<Vec<u8>>,
    stamp: Option<Stamp>,
    record_type: RecordType,
}

impl Checkpoint {
    /// Reads the file; none where there is none yet.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, NotACheckpoint> {
        let mut text = String::new();
        let read = File::open(path)
            .and_then(|file| file.take(CHECKPOINT_BYTES_MAX).read_to_string(&mut text));
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(NotACheckpoint::Invalid {
                    path: path.to_owned(),
                    why: error.to_string(),
                });
            }
        }
        let checkpoint = Self::parse(&text).map_err(|why| NotACheckpoint::Invalid {
            path: path.to_owned(),
            why: why.to_owned(),
        })?;
        Ok(Some(checkpoint))
    }

    /// Reads the text of a checkpoint file.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (mut device, mut inode, mut output) = (None, None, None);
        for line in text.lines() {
            match line.split_once('=') {
                Some(("dev", value)) => device = hexadecimal(value),
                Some(("inode", value)) => inode = value.parse().ok(),
                Some(("output", value)) => output = Some(value),
                _ => return Err("it has a line that is none of dev, inode and output"),
            }
        }
        let (Some(device), Some(inode)) = (device, inode) else {
            return Err("it lacks dev or inode");
        };
        let mut checkpoint = Self {
            device,
            inode,
            node: None,
            stamp: None,
            record_type: RecordType(0),
        };
        if let Some(output) = output {
            let mut words = output.split(' ');
            let (node, stamp, record_type) = (words.next(), words.next(), words.next());
            checkpoint.node = node
                .filter(|node| *node != "-")
                .map(|node| node.as_bytes().to_vec());
            let line = format!("audit({}):", stamp.unwrap_or_default());
            checkpoint.stamp = indelible_record::stamp(line.as_bytes());
            let number = record_type
                .and_then(hexadecimal)
                .and_then(|number| u16::try_from(number).ok());
            match (checkpoint.stamp, number) {
                (Some(_), Some(number)) => checkpoint.record_type = RecordType(number),
                _ => return Err("its event cannot be read"),
            }
        }
        Ok(checkpoint)
    }

    /// The time of its event: `-ts checkpoint`.
    pub(crate) fn start_ms(&self) -> Option<u64> {
        self.stamp.map(|stamp| stamp.sec.saturating_mul(1000))
    }

    fn text(&self) -> Vec<u8> {
        let mut text =
            format!("dev=0x{:X}\ninode={}\noutput=", self.device, self.inode).into_bytes();
        text.extend_from_slice(self.node.as_deref().unwrap_or(b"-"));
        text.extend_from_slice(
            format!(" {} 0x{:X}\n", shown(self.stamp), self.record_type.0).as_bytes(),
        );
        text
    }

    fn write(&self, path: &Path) -> Result<(), NotACheckpoint> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o640);
        options
            .open(path)
            .and_then(|mut file| file.write_all(&self.text()))
            .map_err(|error| NotACheckpoint::File {
                path: path.to_owned(),
                why: words_of(&error),
            })
    }

    fn is_of(&self, event: &Event) -> bool {
        event.stamp() == self.stamp && event.node() == self.node.as_deref()
    }
}

/// The system's words, without the number that Rust adds to them.
pub(super) fn words_of(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

fn shown(stamp: Option<Stamp>) -> String {
    let stamp = stamp.unwrap_or_default();
    format!("{}.{:03}:{}", stamp.sec, stamp.milli, stamp.serial)
}

/// How to go on.
pub(crate) struct Resume<'a> {
    pub(crate) file: &'a Path,
    pub(crate) from: Option<Checkpoint>,
    pub(crate) timeout_ms: u64,
}

impl Resume<'_> {
    /// Gives the new events of the log at `path` that match to `take`, and notes the last one.
    ///
    /// # Errors
    /// [`NotACheckpoint`], a log that cannot be read, and what `take` returns.
    pub(crate) fn run(
        &self,
        path: &Path,
        criteria: &Criteria,
        take: &mut dyn FnMut(&Event) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut logs = files::in_order(path)?;
        if let Some(from) = &self.from {
            let is_it = |log: &PathBuf| {
                fs::metadata(log)
                    .is_ok_and(|status| (status.dev(), status.ino()) == (from.device, from.inode))
            };
            let Some(first) = logs.iter().position(is_it) else {
                // A single file is looked through whatever its inode.
                if logs.len() == 1 && logs[0] == path {
                    return Err(NotACheckpoint::NotFound(shown(from.stamp)).into());
                }
                return Err(NotACheckpoint::Invalid {
                    path: self.file.to_owned(),
                    why: format!("no log has the inode {}", from.inode),
                }
                .into());
            };
            logs.drain(..first);
        }
        let mut pass = Pass {
            resume: self,
            criteria,
            take,
            is_found: self.from.as_ref().is_none_or(|from| from.stamp.is_none()),
            newest_s: 0,
            starts: Vec::new(),
            last: None,
        };
        let flow = pass.logs(&logs)?;
        if !pass.is_found && flow.is_continue() {
            return Err(pass.not_found());
        }
        match &pass.last {
            Some(last) => Ok(last.write(self.file)?),
            None => Ok(()),
        }
    }
}

struct Pass<'a> {
    resume: &'a Resume<'a>,
    criteria: &'a Criteria,
    take: &'a mut dyn FnMut(&Event) -> Result<ControlFlow<()>>,
    /// The event of the checkpoint has been seen, or there is none.
    is_found: bool,
    newest_s: u64,
    /// First stamp, device and inode of each log so far.
    starts: Vec<(Stamp, u64, u64)>,
    last: Option<Checkpoint>,
}

impl Pass<'_> {
    fn logs(&mut self, logs: &[PathBuf]) -> Result<ControlFlow<()>> {
        let mut assembler = Assembler::new(Settings {
            timeout_ms: self.resume.timeout_ms,
            ..Settings::FILE
        });
        for log in logs {
            let status =
                fs::metadata(log).with_context(|| format!("cannot read {}", log.display()))?;
            let mut is_first = true;
            let flow = read_lines(log, &mut |line: &[u8]| {
                let record = Record::parse(line);
                if let Some(stamp) = record.stamp() {
                    self.newest_s = self.newest_s.max(stamp.sec);
                    if std::mem::take(&mut is_first) {
                        self.starts.push((stamp, status.dev(), status.ino()));
                    }
                }
                for event in assembler.push(0, &record) {
                    if self.event(&event)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            })?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        for event in assembler.finish() {
            if self.event(&event)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn event(&mut self, event: &Event) -> Result<ControlFlow<()>> {
        let (Some(stamp), Some(first)) = (event.stamp(), event.records().next()) else {
            return Ok(ControlFlow::Continue(()));
        };
        let stands_alone = is_single(first.record_type());
        let age_s = self.newest_s.saturating_sub(stamp.sec);
        if !stands_alone && age_s.saturating_mul(1000) < self.resume.timeout_ms {
            return Ok(ControlFlow::Continue(()));
        }
        if !self.is_found {
            if let Some(from) = &self.resume.from {
                self.is_found = from.is_of(event);
                if !self.is_found && from.stamp.is_some_and(|from| from < stamp) {
                    return Err(self.not_found());
                }
            }
            return Ok(ControlFlow::Continue(()));
        }
        // The log in which the event stands: the last that began before it.
        let began = self.starts.iter().rev().find(|(start, ..)| *start <= stamp);
        let Some((_, device, inode)) = began.or(self.starts.last()) else {
            return Ok(ControlFlow::Continue(()));
        };
        self.last = Some(Checkpoint {
            device: *device,
            inode: *inode,
            node: event.node().map(<[u8]>::to_vec),
            stamp: Some(stamp),
            record_type: first.record_type(),
        });
        match self.criteria.matches(event) {
            true => (self.take)(event),
            false => Ok(ControlFlow::Continue(())),
        }
    }

    fn not_found(&self) -> anyhow::Error {
        let stamp = self.resume.from.as_ref().and_then(|from| from.stamp);
        NotACheckpoint::NotFound(shown(stamp)).into()
    }
}

/// Gives every line of a log; what a line has beyond the limit is no line of its own.
fn read_lines(
    log: &Path,
    take: &mut dyn FnMut(&[u8]) -> Result<ControlFlow<()>>,
) -> Result<ControlFlow<()>> {
    let shown = || format!("cannot read {}", log.display());
    let mut reader = BufReader::with_capacity(READ_BYTES, File::open(log).with_context(shown)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(CHECKPOINT_LINE_BYTES_MAX)
            .read_until(b'\n', &mut line);
        if read.with_context(shown)? == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() as u64 == CHECKPOINT_LINE_BYTES_MAX {
            reader.skip_until(b'\n').with_context(shown)?;
        }
        if take(&line)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

/// Bytes per read.
const READ_BYTES: usize = 1 << 20;

/// Whether a record of this type is an event by itself.
fn is_single(record_type: RecordType) -> bool {
    record_type.is_user() || matches!(record_type.0, 1200..=1299 | 2000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back() {
        for text in [
            "dev=0xFE00\ninode=10018881\noutput=- 1700000030.001:30 0x514\n",
            "dev=0x1\ninode=2\noutput=beta.example.org 1700000030.010:4510 0x3ED\n",
        ] {
            let checkpoint = Checkpoint::parse(text).unwrap();
            assert_eq!(String::from_utf8(checkpoint.text()).unwrap(), text);
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "garbage\n",
            "dev=zz\ninode=5\noutput=- 1.000:5 0x514\n",
            "inode=7\noutput=- 1.000:5 0x514\n",
            "dev=0x1\ninode=7\noutput=- zz 0x514\n",
            "dev=0x1\ninode=7\noutput=-\n",
            "dev=0x1\ninode=7\noutput=- 1.000:5 0x51400000\n",
        ] {
            assert!(Checkpoint::parse(text).is_err(), "{text}");
        }
        let checkpoint = Checkpoint::parse("dev=0x1\ninode=7\n").unwrap();
        assert_eq!(checkpoint.start_ms(), None);
    }
}
