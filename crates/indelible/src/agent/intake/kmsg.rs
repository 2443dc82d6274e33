//! The kernel's own messages from `/dev/kmsg`: one record per read, numbered since boot.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::io::Errno;

use super::position::Position;
use super::{SLICE_BYTES, Sink, Source, Taken};
use crate::payload::GapReason;

/// An open `/dev/kmsg`.
pub(crate) struct KernelMessages {
    file: File,
    /// Number of the last record that was taken.
    last: Option<u64>,
    buffer: Vec<u8>,
}

impl KernelMessages {
    /// Opens the device; needs CAP_SYSLOG where `kernel.dmesg_restrict` is set.
    pub(crate) fn open(path: &Path) -> Result<File> {
        let mut options = File::options();
        options.read(true).custom_flags(libc_nonblock());
        options
            .open(path)
            .with_context(|| format!("cannot open {}", path.display()))
    }

    /// Reads on behind the last record that an earlier run took in this boot.
    pub(crate) fn new(file: File, position: Option<Position>) -> Self {
        let last = match position {
            Some(Position::Kernel { number }) => number,
            _ => None,
        };
        Self {
            file,
            last,
            buffer: vec![0; RECORD_BYTES_MAX],
        }
    }
}

impl Source for KernelMessages {
    fn take(&mut self, sink: &mut Sink<'_>) -> Result<Taken> {
        let mut taken = 0;
        while taken < SLICE_BYTES {
            match rustix::io::read(&self.file, &mut self.buffer) {
                Ok(0) => break,
                Ok(got) => {
                    let record = &self.buffer[..got];
                    let number = record_number(record);
                    // The ring begins with what an earlier run has taken.
                    if number.is_some() && number <= self.last {
                        continue;
                    }
                    if let (Some(number), Some(last)) = (number, self.last)
                        && number > last + 1
                    {
                        let detail = "the kernel's message ring was overwritten before it was read";
                        sink.gap(GapReason::Overwritten, Some(number - last - 1), detail);
                    }
                    self.last = number.or(self.last);
                    sink.message(record.strip_suffix(b"\n").unwrap_or(record));
                    taken += got;
                }
                Err(Errno::AGAIN) => break,
                // The record to be read was overwritten: the next read gives the oldest left.
                Err(Errno::INTR | Errno::PIPE) => {}
                Err(errno) => return Err(errno).context("cannot read the kernel's messages"),
            }
        }
        Ok(if taken == 0 {
            Taken::Nothing
        } else {
            Taken::Something
        })
    }

    fn position(&self) -> Option<Position> {
        Some(Position::Kernel { number: self.last })
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        vec![self.file.as_fd()]
    }
}

/// The number in `PRIORITY,NUMBER,MICROSECONDS,FLAGS;TEXT` (Documentation/ABI/testing/dev-kmsg).
pub(super) fn record_number(record: &[u8]) -> Option<u64> {
    let head = record.split(|byte| *byte == b';').next()?;
    let number = head.split(|byte| *byte == b',').nth(1)?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

fn libc_nonblock() -> i32 {
    rustix::fs::OFlags::NONBLOCK.bits().cast_signed()
}

/// Longest record: the kernel refuses to read with less than it needs.
const RECORD_BYTES_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_numbered() {
        assert_eq!(
            record_number(b"6,339,5140900,-;NET: x, y\n KEY=1\n"),
            Some(339)
        );
        assert_eq!(record_number(b"no record"), None);
    }
}
