//! The files of an event, and what was done to each.

use indelible_record::{Path, RecordType};

use super::act::{Act, shown, text};
use super::inodes::Inodes;
use super::path::{file_name, is_folder, whole};

/// How a file was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) writes: bool,
    pub(super) cuts: bool,
    pub(super) appends: bool,
}

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Opened to read alone.
    Read,
    /// One that was there, opened to write.
    Written(Opening),
    /// Made by opening it.
    Created,
    /// Cut by its name.
    Truncated,
    /// Its name is gone: removed, moved away or replaced.
    Removed,
    /// A name was put there: moved, linked, made.
    Placed,
    /// Got a further name elsewhere.
    Linked,
    /// Its permissions were set to these.
    Mode(u32),
}

/// A file in an event, by its whole path.
#[derive(Debug)]
pub(super) struct Touched {
    pub(super) path: Vec<u8>,
    pub(super) deed: Deed,
    pub(super) is_folder: bool,
    /// It was named by an open folder of which nothing is known: the name is right, the folder may not be.
    pub(super) is_guess: bool,
}

impl Touched {
    fn known(path: Vec<u8>, item: &Path<'_>, deed: Deed) -> Touched {
        Touched {
            path,
            deed,
            is_folder: item.mode.is_some_and(is_folder),
            is_guess: false,
        }
    }

    /// Whether it is this file, or one of its name in a folder that is not known.
    pub(super) fn is(&self, path: &str) -> bool {
        self.path == path.as_bytes()
            || self.is_guess && file_name(&self.path) == file_name(path.as_bytes())
    }
}

impl<'e> Act<'e> {
    /// How a file was opened; include/uapi/asm-generic/fcntl.h.
    fn opening(&self) -> Option<Opening> {
        let flags = match self.call {
            "creat" => O_WRONLY | O_TRUNC,
            "open" => self.arguments[1],
            "openat" => self.arguments[2],
            // The flags are in memory; the kernel adds a record with them.
            "openat2" => self
                .event
                .record(RecordType::OPENAT2)?
                .get("oflag")
                .and_then(|field| u64::from_str_radix(text(field.value)?, 8).ok())?,
            _ => return None,
        };
        // It opens nothing to read or write, whatever else is asked for, and needs no right to.
        if flags & O_PATH != 0 {
            return None;
        }
        Some(Opening {
            writes: flags & O_ACCMODE != 0,
            cuts: flags & O_TRUNC != 0,
            appends: flags & O_APPEND != 0,
        })
    }

    /// The files of the event and what was done, or tried, to each; by whole paths.
    pub(super) fn touched(&self) -> &[Touched] {
        self.touched.get_or_init(|| self.files(|_| None))
    }

    /// Has names made whole by what is known of the inodes that were reached: those that are relative to an
    /// open folder, and those that lead elsewhere by a link.
    pub(super) fn place(&self, inodes: &mut Inodes) {
        if self.paths().is_empty() {
            return;
        }
        let parents: Vec<&Path<'_>> = self
            .paths()
            .iter()
            .filter(|item| item.nametype == Some(b"PARENT") && item.name.is_some())
            .collect();
        let files = self.files(|item| {
            if item.nametype != Some(b"CREATE")
                && let Some(known) = inodes.find(self.node_hash(), item)
            {
                return Some(known.to_vec());
            }
            let name = item.name.as_deref()?;
            let folder = inodes.find(self.node_hash(), parent_of(name, &parents)?)?;
            Some(whole(folder, file_name(name)))
        });
        let _ = self.touched.set(files);
    }

    /// Whether the call names a file by an open folder.
    fn has_descriptor(&self) -> bool {
        let is_folder = |index| self.int(index) != AT_FDCWD;
        match self.call {
            "openat" | "openat2" | "unlinkat" | "mknodat" | "fchmodat" | "fchmodat2" => {
                is_folder(0)
            }
            "symlinkat" => is_folder(1),
            "renameat" | "renameat2" | "linkat" => is_folder(0) || is_folder(2),
            _ => false,
        }
    }

    /// Whether it opens a file for its place alone, which needs no right to the file.
    pub(super) fn opens_place(&self) -> bool {
        matches!(self.call, "open" | "openat" | "openat2") && self.opening().is_none()
    }

    /// See [`Act::touched`]. `placed` tells the path of an item by its inode. Where the name says another one,
    /// both stand there: either may be the one that somebody asks about.
    fn files(&self, mut placed: impl FnMut(&Path<'e>) -> Option<Vec<u8>>) -> Vec<Touched> {
        let deed: fn(&Act<'_>, Option<Opening>, &[u8]) -> Option<Deed> = match self.call {
            "open" | "openat" | "openat2" | "creat" => |_, opening, kind| {
                let opening = opening?;
                Some(match kind {
                    b"CREATE" => Deed::Created,
                    b"NORMAL" if opening.writes || opening.cuts => Deed::Written(opening),
                    b"NORMAL" | b"UNKNOWN" if !opening.writes => Deed::Read,
                    _ => return None,
                })
            },
            "truncate" | "truncate64" => {
                |_, _, kind| (kind == b"NORMAL").then_some(Deed::Truncated)
            }
            "unlink" | "unlinkat" => |_, _, kind| (kind == b"DELETE").then_some(Deed::Removed),
            "rename" | "renameat" | "renameat2" => |_, _, kind| match kind {
                b"DELETE" => Some(Deed::Removed),
                b"CREATE" => Some(Deed::Placed),
                _ => None,
            },
            "link" | "linkat" => |_, _, kind| match kind {
                b"NORMAL" => Some(Deed::Linked),
                b"CREATE" => Some(Deed::Placed),
                _ => None,
            },
            "symlink" | "symlinkat" | "mknod" | "mknodat" => {
                |_, _, kind| (kind == b"CREATE").then_some(Deed::Placed)
            }
            "chmod" | "fchmod" => {
                |act, _, kind| (kind == b"NORMAL").then_some(Deed::Mode(act.int(1)))
            }
            "fchmodat" | "fchmodat2" => {
                |act, _, kind| (kind == b"NORMAL").then_some(Deed::Mode(act.int(2)))
            }
            _ => return Vec::new(),
        };
        let opening = self.opening();
        let has_descriptor = self.has_descriptor();
        let mut cwd = None;
        self.paths()
            .iter()
            .filter_map(|item| {
                let deed = deed(self, opening, item.nametype.unwrap_or_default())?;
                Some((item, deed))
            })
            .flat_map(|(item, deed)| {
                let by_inode = placed(item).map(|path| Touched::known(path, item, deed));
                let Some(name) = item.name.as_deref() else {
                    return [by_inode.or_else(|| nameless(item, deed)), None];
                };
                let is_guess = has_descriptor && !name.starts_with(b"/");
                if is_guess && by_inode.is_some() {
                    return [by_inode, None];
                }
                let cwd = cwd.get_or_insert_with(|| self.event.cwd().unwrap_or_default());
                let by_name = Touched {
                    is_guess,
                    ..Touched::known(whole(cwd, name), item, deed)
                };
                let by_inode = by_inode.filter(|other| other.path != by_name.path);
                [Some(by_name), by_inode]
            })
            .flatten()
            .collect()
    }
}

/// The record of the parent of a name: the kernel writes what stands before the last slash, or where there is
/// no slash, the working folder. `None` where two parents are told by nothing.
fn parent_of<'a, 'e>(name: &[u8], parents: &[&'a Path<'e>]) -> Option<&'a Path<'e>> {
    let before = &name[..name.len() - file_name(name).len()];
    let is_parent = |parent: &&&Path<'e>| match parent.name.as_deref() {
        Some(folder) if before.is_empty() => !folder.ends_with(b"/"),
        Some(folder) => folder == before,
        None => false,
    };
    let mut fitting = parents.iter().filter(is_parent);
    let first = *fitting.next()?;
    let is_one = |other: &&Path<'e>| (other.dev, other.inode) == (first.dev, first.inode);
    fitting.all(is_one).then_some(first)
}

/// A file that was named by its descriptor alone: of interest is its mode, whichever it is.
fn nameless(item: &Path<'_>, deed: Deed) -> Option<Touched> {
    let Deed::Mode(_) = deed else { return None };
    let dev = item.dev.map(shown).unwrap_or_default();
    let path = format!("inode {} of device {dev}", item.inode?);
    Some(Touched::known(path.into_bytes(), item, deed))
}

/// include/uapi/linux/fcntl.h: the working folder stands for an open one.
const AT_FDCWD: u32 = -100_i32 as u32;
const O_ACCMODE: u64 = 0o3;
const O_WRONLY: u64 = 0o1;
const O_TRUNC: u64 = 0o1000;
const O_APPEND: u64 = 0o2000;
const O_PATH: u64 = 0o10_000_000;
