//! The disk, as little of it as a store needs.
//!
//! A [`Dir`] is one folder and everything below it; paths are relative, with `/` between parts.
//! [`RealDir`] is a folder of the system. `SimDir` (feature `sim`) is a disk in memory that can
//! tear writes, lose what was not synced, fail and fill up.
//!
//! The promises are those of POSIX and no stronger: contents are durable after
//! [`File::sync_data`], names after [`Dir::sync_dir`] of the folder that holds them, and a rename
//! is atomic but not durable.

mod real;
#[cfg(feature = "sim")]
mod sim;

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

use crate::error::Error;
use crate::limits::TEXT_BYTES_MAX;

pub use real::RealDir;
#[cfg(feature = "sim")]
pub use sim::{Fault, SimDir};

/// A folder and what is below it.
pub trait Dir: Debug + Send + Sync {
    /// Creates a file, or empties the one that is there, readable by its owner alone.
    fn create(&self, path: &str) -> io::Result<Arc<dyn File>>;
    /// Opens a file that exists, for reading and for appending.
    fn open_append(&self, path: &str) -> io::Result<Arc<dyn File>>;
    /// Opens a file that exists, for reading.
    fn open_read(&self, path: &str) -> io::Result<Arc<dyn File>>;
    /// Renames a file, replacing the target.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn unlink(&self, path: &str) -> io::Result<()>;
    /// Creates a folder; one that is there already is fine.
    fn create_dir(&self, path: &str) -> io::Result<()>;
    /// What a folder holds, sorted by name. The empty path is this folder.
    fn list(&self, path: &str) -> io::Result<Vec<Item>>;
    /// The names alone, which costs less where there are thousands.
    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let items = self.list(path)?;
        Ok(items.into_iter().map(|item| item.name).collect())
    }
    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &str) -> io::Result<()>;
    /// Takes the exclusive lock of a file, creating it; `WouldBlock` when another holds it.
    fn lock(&self, path: &str) -> io::Result<Box<dyn Lock>>;
    /// A folder below this one as a `Dir` of its own.
    fn subdir(&self, path: &str) -> Arc<dyn Dir>;
}

/// An open file. All methods take `&self`: one thread may sync what another appends to.
pub trait File: Debug + Send + Sync {
    /// Appends all of `bytes`, in one system call where the disk takes them in one.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// Reads at an offset; fewer bytes than asked for only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Appends up to `len` bytes from an offset to `out`; fewer only at the end of the file. Answers how
    /// many.
    fn read_onto(&self, out: &mut Vec<u8>, len: usize, offset: u64) -> io::Result<usize> {
        read_zeroed_onto(self, out, len, offset)
    }
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether there is nothing in the file.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }
    /// Cuts the file to a length.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Makes contents and length durable: `fdatasync`.
    fn sync_data(&self) -> io::Result<()>;
}

fn read_zeroed_onto(
    file: &(impl File + ?Sized),
    out: &mut Vec<u8>,
    len: usize,
    offset: u64,
) -> io::Result<usize> {
    let known = out.len();
    out.resize(known + len, 0);
    let read = file.read_at(&mut out[known..], offset);
    out.truncate(known + *read.as_ref().unwrap_or(&0));
    read
}

/// A held lock; dropping it lets go.
pub trait Lock: Debug + Send {}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The name, without the folder. One that is not UTF-8 is shown lossily.
    pub name: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Length of a file in bytes, 0 for a folder.
    pub len: u64,
}

/// Reads a small file whole.
///
/// # Errors
/// `InvalidData` when it is longer than `max`.
pub fn read_small(dir: &dyn Dir, path: &str, max: usize) -> io::Result<Vec<u8>> {
    let file = dir.open_read(path)?;
    let len = file.len()?;
    if len > max as u64 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "file is too long",
        ));
    }
    let mut bytes = vec![0; len as usize];
    let got = file.read_at(&mut bytes, 0)?;
    bytes.truncate(got);
    Ok(bytes)
}

/// Reads a short text.
///
/// # Errors
/// [`Error::Missing`] where there is none, [`Error::Damaged`] where it is none.
pub(crate) fn read_text(dir: &dyn Dir, path: &str) -> Result<String, Error> {
    let bytes = match read_small(dir, path, TEXT_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Missing {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    String::from_utf8(bytes).map_err(|_| Error::damaged(path, 0, "it is not UTF-8 text"))
}

/// Puts a whole file in place: temporary name, sync, rename, sync of the folder.
pub fn replace(dir: &dyn Dir, folder: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = join(folder, name);
    let temporary = format!("{path}{TEMPORARY}");
    let file = dir.create(&temporary)?;
    file.append(bytes)?;
    file.sync_data()?;
    dir.rename(&temporary, &path)?;
    dir.sync_dir(folder)
}

/// Puts a copy of the first `len` bytes of a file in its place, durable, and opens it.
pub(crate) fn rewrite(
    dir: &dyn Dir,
    folder: &str,
    path: &str,
    file: &dyn File,
    len: u64,
) -> io::Result<Arc<dyn File>> {
    let temporary = format!("{path}{TEMPORARY}");
    let copy = dir.create(&temporary)?;
    let mut buffer = vec![0; COPY_BYTES];
    let mut at = 0;
    while at < len {
        let want = buffer
            .len()
            .min(usize::try_from(len - at).unwrap_or(usize::MAX));
        let got = file.read_at(&mut buffer[..want], at)?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        copy.append(&buffer[..got])?;
        at += got as u64;
    }
    copy.sync_data()?;
    dir.rename(&temporary, path)?;
    dir.sync_dir(folder)?;
    Ok(copy)
}

/// Joins a folder and a name; the empty folder is the `Dir` itself.
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Ending of files that are not yet, or never became, what their name says.
pub const TEMPORARY: &str = ".tmp";
const COPY_BYTES: usize = 1 << 20;
