//! Hashes of the files that processes run, kept for as long as a file stays what it is.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;

use aws_lc_rs::digest::{Context, SHA256};
use indelible_sys::proc::Process;

use crate::payload::hex;

/// A file in a state: a write, and anything else that changes it, changes its time of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Version {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

/// Hashes by what was hashed.
#[derive(Debug)]
pub(super) struct Hashes {
    /// Files larger than this are not hashed.
    bytes_max: u64,
    known: HashMap<Version, Option<String>>,
}

impl Hashes {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            known: HashMap::new(),
        }
    }

    /// SHA-256 of what a process runs, also where the file has no name any more.
    pub(super) fn of(&mut self, process: Process) -> Option<String> {
        let file = File::open(process.path("exe")).ok()?;
        let version = Version::of(&file).ok()?;
        if let Some(known) = self.known.get(&version) {
            return known.clone();
        }
        let hash = (version.bytes <= self.bytes_max)
            .then(|| hash(&file, self.bytes_max).ok())
            .flatten();
        // A file that changed under our hands has no hash.
        if Version::of(&file).ok()? != version {
            return None;
        }
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(version, hash.clone());
        hash
    }
}

impl Version {
    fn of(file: &File) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.size(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

fn hash(file: &File, bytes_max: u64) -> io::Result<String> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut file = file.take(bytes_max);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(context.finish().as_ref())),
            read => context.update(&buffer[..read]),
        }
    }
}

/// Files whose hash is kept: a host runs a few hundred.
const KNOWN_MAX: usize = 4_096;
const BUFFER_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_hashed_once_and_a_large_one_never() {
        let own = Process {
            pid: std::process::id(),
        };
        let mut hashes = Hashes::new(u64::MAX);
        let first = hashes.of(own).unwrap();
        let whole = std::fs::read(own.path("exe")).unwrap();
        let expected = aws_lc_rs::digest::digest(&SHA256, &whole);
        assert_eq!(first, hex(expected.as_ref()));
        assert_eq!((hashes.of(own), hashes.known.len()), (Some(first), 1));
        assert_eq!(Hashes::new(100).of(own), None);
    }
}
