//! Processes of this host, as `/proc` shows them.
//!
//! A process can end, and its number be used again, between any two reads. So every read may fail
//! with "gone", and whoever gathers several facts compares [`Process::start_ticks`] before and
//! after.

mod map;
mod stat;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags, ResolveFlags};

pub use map::{Mapping, mappings};
pub use stat::{Stat, boot_time_s, ticks_per_second};

/// One process, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process {
    /// Process id in the namespace of the mounted /proc.
    pub pid: u32,
}

/// A file as the kernel tells it apart from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    /// Device, `st_dev`.
    pub dev: u64,
    /// Inode number, `st_ino`.
    pub ino: u64,
}

impl Process {
    /// Every process that /proc lists now, by number.
    ///
    /// # Errors
    /// /proc cannot be listed.
    pub fn all() -> io::Result<Vec<Process>> {
        let mut found: Vec<Process> = fs::read_dir("/proc")?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .map(|pid| Process { pid })
            .collect();
        found.sort_unstable();
        Ok(found)
    }

    /// The path of one of its files under /proc.
    pub fn path(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }

    /// What `/proc/PID/stat` says.
    ///
    /// # Errors
    /// The process is gone, or the line has another shape.
    pub fn stat(self) -> io::Result<Stat> {
        Stat::parse(&self.read("stat", STAT_BYTES_MAX)?)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unknown shape of stat"))
    }

    /// When it started, in clock ticks after the boot: with the number, its identity.
    ///
    /// # Errors
    /// As [`Process::stat`].
    pub fn start_ticks(self) -> io::Result<u64> {
        Ok(self.stat()?.start_ticks)
    }

    /// Where one of its links points: `exe`, `cwd`, `root`, `fd/3`.
    ///
    /// # Errors
    /// The process is gone, has no such link (kernel threads, zombies), or it may not be read.
    pub fn link(self, name: &str) -> io::Result<Vec<u8>> {
        Ok(fs::read_link(self.path(name))?.into_os_string().into_vec())
    }

    /// The arguments, as far as `bytes_max` reaches.
    ///
    /// # Errors
    /// The process is gone.
    pub fn arguments(self, bytes_max: u64) -> io::Result<Vec<Vec<u8>>> {
        let bytes = self.read("cmdline", bytes_max)?;
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        Ok(bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
    }

    /// Real uid and name of the task, from `/proc/PID/status`.
    ///
    /// # Errors
    /// The process is gone.
    pub fn uid(self) -> io::Result<u32> {
        let status = self.read("status", STATUS_BYTES_MAX)?;
        let line = status
            .split(|byte| *byte == b'\n')
            .find_map(|line| line.strip_prefix(b"Uid:"));
        line.and_then(|line| {
            std::str::from_utf8(line)
                .ok()?
                .split_ascii_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "status without Uid"))
    }

    /// Numbers of its open files, at most `count_max`.
    ///
    /// # Errors
    /// The process is gone, or may not be looked at.
    pub fn open_files(self, count_max: usize) -> io::Result<Vec<u32>> {
        Ok(fs::read_dir(self.path("fd"))?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .take(count_max)
            .collect())
    }

    /// What stands at `path` for the process: in its mount namespace and below its root, whatever
    /// symbolic links say. The last component is not followed.
    ///
    /// # Errors
    /// Nothing is there (`ENOENT`), the process is gone, or it may not be looked at.
    pub fn resolve(self, path: &[u8]) -> io::Result<OwnedFd> {
        let root = rustix::fs::open(
            self.path("root"),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let mut relative = path;
        while let Some(rest) = relative.strip_prefix(b"/") {
            relative = rest;
        }
        Ok(rustix::fs::openat2(
            &root,
            OsStr::from_bytes(relative),
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
        )?)
    }

    /// Reads one of its files, at most `bytes_max` of it.
    ///
    /// # Errors
    /// The process is gone, or the file may not be read.
    pub fn read(self, name: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.path(name))?
            .take(bytes_max)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Whether the error says that the process, or what was asked of it, is not there any more.
pub fn is_gone(error: &io::Error) -> bool {
    matches!(
        error
            .raw_os_error()
            .map(rustix::io::Errno::from_raw_os_error),
        Some(rustix::io::Errno::NOENT | rustix::io::Errno::SRCH)
    )
}

/// `/proc/PID/stat` is one line of about 350 bytes.
const STAT_BYTES_MAX: u64 = 4096;
/// `/proc/PID/status` is about 1,500 bytes; a long list of groups stands after the uids.
const STATUS_BYTES_MAX: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Process {
        Process {
            pid: std::process::id(),
        }
    }

    #[test]
    fn this_process_is_listed_and_described() {
        assert!(Process::all().unwrap().contains(&own()));
        let stat = own().stat().unwrap();
        assert!(stat.start_ticks > 0 && !stat.is_kernel_thread());
        assert_eq!(own().uid().unwrap(), rustix::process::getuid().as_raw());
        let first = own().arguments(1 << 16).unwrap().remove(0);
        assert!(!first.is_empty());
    }

    #[test]
    fn the_executable_stands_where_its_link_says() {
        use std::os::unix::fs::MetadataExt;
        let link = own().link("exe").unwrap();
        let there = fs::File::from(own().resolve(&link).unwrap())
            .metadata()
            .unwrap();
        let runs = fs::metadata(own().path("exe")).unwrap();
        assert_eq!((there.dev(), there.ino()), (runs.dev(), runs.ino()));
        assert!(is_gone(&own().resolve(b"/no/such/path").unwrap_err()));
    }

    #[test]
    fn a_process_that_never_was_is_gone() {
        let none = Process { pid: 0x7fff_fff0 };
        assert!(is_gone(&none.stat().unwrap_err()));
    }
}
