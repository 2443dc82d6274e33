//! Which file is which: a log under its name, and the files that rotation made of it.
//!
//! Rotation renames (`x` becomes `x.1`, `x.1` becomes `x.2`; or `x-20261125`) or copies and cuts
//! (`copytruncate`). A file is known by device, inode and the hash of its beginning: names and
//! inodes are used again, a copy has another inode, a cut file another beginning.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

use super::position::Identity;
use crate::payload::hex;

/// A file that stands beside the log, or the log itself.
#[derive(Debug)]
pub(super) struct Sibling {
    pub(super) path: PathBuf,
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) modified_ns: u64,
}

impl Identity {
    /// The identity of an open file as it is now.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let mut identity = Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            beginning_bytes: 0,
            beginning: String::new(),
            modified_ns: modified_ns(&metadata),
        };
        identity.grow(file)?;
        Ok(identity)
    }

    /// Takes in more of the file's beginning, and the time of its last change.
    pub(super) fn grow(&mut self, file: &File) -> io::Result<()> {
        self.modified_ns = modified_ns(&file.metadata()?);
        if (self.beginning_bytes as usize) < BEGINNING_BYTES_MAX {
            let beginning = beginning(file, BEGINNING_BYTES_MAX)?;
            self.beginning_bytes = beginning.len() as u32;
            self.beginning = hex(digest(&SHA256, &beginning).as_ref());
        }
        Ok(())
    }

    /// Whether the file still begins as it did.
    pub(super) fn begins(&self, file: &File) -> io::Result<bool> {
        let wanted = (self.beginning_bytes as usize).min(BEGINNING_BYTES_MAX);
        let beginning = beginning(file, wanted)?;
        Ok(beginning.len() == wanted
            && (wanted == 0 || hex(digest(&SHA256, &beginning).as_ref()) == self.beginning))
    }

    pub(super) fn is_inode(&self, device: u64, inode: u64) -> bool {
        (self.device, self.inode) == (device, inode)
    }
}

/// The log and what rotation made of it, oldest first; the log itself is last.
pub(super) fn siblings(path: &Path) -> Vec<Sibling> {
    let (Some(folder), Some(name)) = (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    // A folder that cannot be listed leaves the log itself.
    for item in fs::read_dir(folder).into_iter().flatten().flatten() {
        let item_name = item.file_name();
        let Some(suffix) = item_name.to_str().and_then(|item| item.strip_prefix(name)) else {
            continue;
        };
        if suffix.starts_with(['.', '-'])
            && !COMPRESSED.iter().any(|ending| suffix.ends_with(ending))
            && found.len() < SIBLINGS_MAX
            && let Some(sibling) = sibling(item.path())
        {
            // Newer files have smaller numbers, where they have numbers.
            let number: Option<u32> = suffix[1..].parse().ok();
            found.push((sibling, std::cmp::Reverse(number)));
        }
    }
    found.sort_by_key(|(sibling, number)| (number.0.is_some(), *number, sibling.modified_ns));
    let mut found: Vec<Sibling> = found.into_iter().map(|(sibling, _)| sibling).collect();
    found.extend(sibling(path.to_owned()));
    found
}

fn sibling(path: PathBuf) -> Option<Sibling> {
    let metadata = fs::metadata(&path).ok().filter(Metadata::is_file)?;
    Some(Sibling {
        device: metadata.dev(),
        inode: metadata.ino(),
        modified_ns: modified_ns(&metadata),
        path,
    })
}

fn modified_ns(metadata: &Metadata) -> u64 {
    let seconds = u64::try_from(metadata.mtime()).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000) + u64::try_from(metadata.mtime_nsec()).unwrap_or(0)
}

fn beginning(file: &File, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; bytes_max];
    let mut filled = 0;
    while filled < bytes_max {
        match file.read_at(&mut bytes[filled..], filled as u64)? {
            0 => break,
            got => filled += got,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Bytes at its beginning that a file is known by.
pub(super) const BEGINNING_BYTES_MAX: usize = 256;
/// Rotated files that are looked at.
const SIBLINGS_MAX: usize = 1000;
/// Rotated files that cannot be read on from.
const COMPRESSED: &[&str] = &[".gz", ".xz", ".bz2", ".zst", ".lz4", ".tmp", ".swp"];
