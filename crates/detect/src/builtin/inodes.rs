//! Which file or folder an inode is, as far as events and the host have told.
//!
//! A name says little where it goes over a symbolic link, or is relative to an open folder (`unlinkat` with
//! a descriptor, as find, rm -r and python do): then it is recorded bare, beside a working folder that is
//! another one. The inode that was reached, or that of its parent, is recorded right.

use indelible_record::Path;

use super::act::Act;
use super::path::{is_folder, is_same_or_below, whole};
use super::table::{Key, Table, hash};
use crate::limits::builtin::{INODES_MAX, NAME_BYTES_MAX};

/// Folders below which detections look at names, and files.
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

/// Files that detections look at, by whatever name they are reached.
pub(super) const FILES: [&str; 9] = [
    "/etc/crontab",
    "/etc/group",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/ld.so.preload",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/sudoers",
];

/// What is known of inodes.
#[derive(Debug)]
pub(super) struct Inodes(Table<Named>);

#[derive(Debug, PartialEq, Eq)]
struct Named {
    path: Box<[u8]>,
    /// Of a file. One that has another may be another file with the number of one that is gone.
    mode: Option<u32>,
}

impl Default for Inodes {
    fn default() -> Self {
        Inodes(Table::new(INODES_MAX))
    }
}

impl Inodes {
    /// Takes a file or folder of a host; `dev` as records have it, and the mode of a file.
    pub(super) fn knows(
        &mut self,
        node_hash: u64,
        (dev, inode): (&[u8], u64),
        path: &[u8],
        mode: Option<u32>,
    ) {
        let is_wanted = match mode {
            Some(_) => FILES.iter().any(|file| path == file.as_bytes()),
            None => WATCHED.iter().any(|folder| is_same_or_below(path, folder)),
        };
        if is_wanted {
            let path = path.into();
            self.0.put(key(node_hash, dev, inode), Named { path, mode });
        }
    }

    /// Learns from an event whose names can be trusted: whole ones.
    pub(super) fn learn(&mut self, act: &Act<'_>) {
        if !act.is_done() || act.opens_place() {
            return;
        }
        for item in act.paths() {
            let (Some(name), Some(dev), Some(inode)) = (&item.name, item.dev, item.inode) else {
                continue;
            };
            let is_new = matches!(item.nametype, Some(b"CREATE" | b"DELETE"));
            if is_new {
                self.0.remove(key(act.node_hash(), dev, inode));
            }
            // What stands behind `..` depends on links.
            let is_plain = name.starts_with(b"/") && memchr::memmem::find(name, b"..").is_none();
            if !is_plain || name.len() > NAME_BYTES_MAX || !names_itself(item, name) {
                continue;
            }
            let name = whole(b"", name);
            let mode = item.mode.filter(|_| is_file(item));
            // A link that is made later must not rename a folder; but one in a home may have come first.
            let is_news = self
                .0
                .find(key(act.node_hash(), dev, inode))
                .is_none_or(|known| {
                    *known.path == *name || is_home(&known.path) && !is_home(&name)
                });
            if is_news {
                self.knows(act.node_hash(), (dev, inode), &name, mode);
            }
        }
    }

    /// What the item of an event is.
    pub(super) fn find(&mut self, node_hash: u64, item: &Path<'_>) -> Option<&[u8]> {
        let known = self.0.find(key(node_hash, item.dev?, item.inode?))?;
        let is_same = match known.mode {
            Some(_) => known.mode == item.mode,
            None => !is_file(item),
        };
        is_same.then_some(&*known.path)
    }

    pub(super) fn evicted(&self) -> u64 {
        self.0.evicted
    }
}

/// Whether the name is that of the inode. Of a parent the kernel writes what stood before the last slash,
/// or else the working folder, whether or not it was that.
fn names_itself(item: &Path<'_>, name: &[u8]) -> bool {
    match item.nametype {
        Some(b"PARENT") => name.ends_with(b"/"),
        Some(b"NORMAL" | b"CREATE") => true,
        _ => false,
    }
}

/// Whether people other than the administrator may make links there.
fn is_home(path: &[u8]) -> bool {
    is_same_or_below(path, "/home") || is_same_or_below(path, "/root")
}

fn is_file(item: &Path<'_>) -> bool {
    !item.mode.is_some_and(is_folder)
}

fn key(node_hash: u64, dev: &[u8], inode: u64) -> Key {
    (hash((node_hash, dev, inode)), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_below_folders_that_are_watched() {
        assert!(WATCHED.is_sorted() && FILES.is_sorted());
        for file in FILES {
            assert!(
                WATCHED
                    .iter()
                    .any(|folder| is_same_or_below(file.as_bytes(), folder))
            );
        }
    }
}
