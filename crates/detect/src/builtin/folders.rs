//! Which folder an inode is, as far as events and the host have told.
//!
//! A name that is relative to an open folder (`unlinkat` with a descriptor, as find, rm -r and python do)
//! is recorded bare, beside a working folder that is another one. The record of its parent has the
//! right inode and the wrong name; the inode is what counts here.

use indelible_record::Path;

use super::act::Act;
use super::path::{is_same_or_below, whole};
use super::table::{Key, Table, hash};
use crate::limits::builtin::FOLDERS_MAX;

/// A part of [`super::About::candidates`]: events whose names may be relative to an open folder, so that
/// the event alone does not say which it is.
macro_rules! by_descriptor {
    () => {
        "(syscall in (openat, openat2, unlinkat, mknodat, renameat, renameat2, linkat) and a0 != -100 \
         or syscall in (renameat, renameat2, linkat) and a2 != -100 or syscall = symlinkat)"
    };
}
pub(super) use by_descriptor;

/// Folders below which detections look at names.
pub(super) const WATCHED: [&str; 10] = [
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/root",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/var/log",
    "/var/spool/cron",
];

/// What is known of folders.
#[derive(Debug)]
pub(super) struct Folders(Table<Box<[u8]>>);

impl Default for Folders {
    fn default() -> Self {
        Folders(Table::new(FOLDERS_MAX))
    }
}

impl Folders {
    /// Takes a folder of a host; `dev` as records have it.
    pub(super) fn knows(&mut self, node_hash: u64, dev: &[u8], inode: u64, path: &[u8]) {
        if WATCHED.iter().any(|folder| is_same_or_below(path, folder)) {
            self.0.put(key(node_hash, dev, inode), path.into());
        }
    }

    /// Learns from an event whose names can be trusted: whole ones, of folders.
    pub(super) fn learn(&mut self, act: &Act<'_>) {
        for path in act.paths() {
            let (Some(name), Some(dev), Some(inode)) = (&path.name, path.dev, path.inode) else {
                continue;
            };
            if name.starts_with(b"/") && names_itself(path, name) {
                let name = whole(b"", name);
                let known = self.0.find(key(act.node_hash(), dev, inode));
                if known.is_none_or(|known| **known != *name) {
                    self.knows(act.node_hash(), dev, inode, &name);
                }
            }
        }
    }

    /// The folder of a name that is relative to a descriptor, from the record of its parent.
    pub(super) fn find(&mut self, node_hash: u64, parent: &Path<'_>) -> Option<&[u8]> {
        let folder = self.0.find(key(node_hash, parent.dev?, parent.inode?))?;
        Some(folder)
    }

    pub(super) fn evicted(&self) -> u64 {
        self.0.evicted
    }
}

/// Whether the name is that of the inode. Of a parent the kernel writes what stood before the last slash,
/// or else the working folder, whether or not it was that.
fn names_itself(path: &Path<'_>, name: &[u8]) -> bool {
    match path.nametype {
        Some(b"PARENT") => name.ends_with(b"/"),
        Some(b"NORMAL" | b"CREATE") => path.mode.is_some_and(|mode| mode & S_IFMT == S_IFDIR),
        _ => false,
    }
}

fn key(node_hash: u64, dev: &[u8], inode: u64) -> Key {
    (hash((node_hash, dev, inode)), 0)
}

/// include/uapi/linux/stat.h
const S_IFMT: u32 = 0o170_000;
const S_IFDIR: u32 = 0o040_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watched_folders_are_those_that_detections_name() {
        assert!(WATCHED.is_sorted());
        for folder in WATCHED {
            assert!(is_same_or_below(folder.as_bytes(), folder));
        }
    }
}
