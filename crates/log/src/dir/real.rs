//! A folder of the system.

use std::fs;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::{Dir, File, Item, Lock, read_zeroed_onto};

/// A folder of the system, named by its path.
#[derive(Clone, Debug)]
pub struct RealDir {
    path: PathBuf,
    /// Mode of files that are created.
    mode: u32,
}

impl RealDir {
    /// The folder at `path`, created (with its parents) where it does not exist.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Arc<dyn Dir>> {
        let path = path.into();
        fs::create_dir_all(&path)?;
        Ok(Arc::new(Self {
            path,
            mode: OWNER_ONLY,
        }))
    }

    /// The folder at `path`, which must exist, with files that its group may read: a spool, whose
    /// worker has another user than its writer.
    pub fn open_for_group(path: impl Into<PathBuf>) -> io::Result<Arc<dyn Dir>> {
        let path = path.into();
        require_folder(&path)?;
        Ok(Arc::new(Self {
            path,
            mode: GROUP_READS,
        }))
    }

    /// The folder at `path`, which must exist.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Arc<dyn Dir>> {
        let path = path.into();
        require_folder(&path)?;
        Ok(Arc::new(Self {
            path,
            mode: OWNER_ONLY,
        }))
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() {
            self.path.clone()
        } else {
            self.path.join(path)
        }
    }
}

impl Dir for RealDir {
    fn create(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let mut options = fs::OpenOptions::new();
        options.read(true).append(true).create(true).mode(self.mode);
        let file = options.open(self.at(path))?;
        file.set_len(0)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open_append(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let file = fs::OpenOptions::new()
            .read(true)
            .append(true)
            .open(self.at(path))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open_read(&self, path: &str) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(RealFile(fs::File::open(self.at(path))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn unlink(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        match fs::create_dir(self.at(path)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    fn list(&self, path: &str) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for item in fs::read_dir(self.at(path))? {
            let item = item?;
            let metadata = match item.metadata() {
                Ok(metadata) => metadata,
                // Removed since the folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            items.push(Item {
                name: item.file_name().to_string_lossy().into_owned(),
                is_dir: metadata.is_dir(),
                len: if metadata.is_dir() { 0 } else { metadata.len() },
            });
        }
        items.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(items)
    }

    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for item in fs::read_dir(self.at(path))? {
            names.push(item?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        fs::File::open(self.at(path))?.sync_all()
    }

    fn lock(&self, path: &str) -> io::Result<Box<dyn Lock>> {
        let mut options = fs::OpenOptions::new();
        options.read(true).append(true).create(true).mode(self.mode);
        let file = options.open(self.at(path))?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(RealLock { _file: file }))
    }

    fn subdir(&self, path: &str) -> Arc<dyn Dir> {
        Arc::new(Self {
            path: self.at(path),
            mode: self.mode,
        })
    }
}

impl AsRef<Path> for RealDir {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

#[derive(Debug)]
struct RealFile(fs::File);

impl File for RealFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut &self.0, bytes)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self
                .0
                .read_at(&mut buffer[filled..], offset + filled as u64)
            {
                Ok(0) => break,
                Ok(got) => filled += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn read_onto(&self, out: &mut Vec<u8>, len: usize, offset: u64) -> io::Result<usize> {
        // What is read need not be zeroed before.
        let known = out.len();
        out.reserve_exact(len);
        if out.capacity() - known > len + READ_BEYOND_MAX {
            return read_zeroed_onto(self, out, len, offset);
        }
        while out.len() < known + len {
            let at = offset + (out.len() - known) as u64;
            match rustix::io::pread(&self.0, spare_capacity(out), at) {
                Ok(0) => break,
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => {
                    out.truncate(known);
                    return Err(error.into());
                }
            }
        }
        // There may have been room for more.
        out.truncate(known + len);
        Ok(out.len() - known)
    }

    fn len(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.len())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(&self.0)?)
    }
}

/// The lock lives as long as the open file does.
#[derive(Debug)]
struct RealLock {
    _file: fs::File,
}

impl Lock for RealLock {}

/// Bytes that may be read beyond what was asked for, because there is room for them.
const READ_BEYOND_MAX: usize = 4 << 10;
const OWNER_ONLY: u32 = 0o600;
const GROUP_READS: u32 = 0o640;

fn require_folder(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() {
        Ok(())
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_onto_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RealDir::open(folder.path()).unwrap();
        let file = dir.create("a").unwrap();
        file.append(b"0123456789").unwrap();
        for room in [0, 100, 100_000] {
            let mut out = Vec::with_capacity(room);
            out.push(b'>');
            assert_eq!(file.read_onto(&mut out, 4, 3).unwrap(), 4);
            assert_eq!(out, b">3456");
            assert_eq!(file.read_onto(&mut out, 9, 8).unwrap(), 2);
            assert_eq!(file.read_onto(&mut out, 9, 10).unwrap(), 0);
            assert_eq!(file.read_onto(&mut out, 0, 0).unwrap(), 0);
            assert_eq!(out, b">345689");
        }
        dir.create("B").unwrap();
        assert_eq!(dir.names("").unwrap(), ["B", "a"]);
    }
}
