//! A disk in memory that behaves as badly as POSIX allows.
//!
//! Contents and names that were not synced are lost, kept, torn or replaced by garbage when the
//! power fails ([`SimDir::crash`]); a [`Fault`] can be set to strike at the n-th operation that
//! changes something. Everything follows from the seed.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Dir, File, Item, Lock};

/// What goes wrong at an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The power fails: a write leaves a part of it, and nothing works until [`SimDir::crash`].
    PowerOff,
    /// A write takes only a part and then the disk is full, for this and a few operations.
    NoSpace,
    /// A sync fails and the data that it was for may be lost. Other operations are not touched.
    SyncFails,
}

/// A simulated disk, or a folder of it. Clones share the disk.
#[derive(Clone, Debug)]
pub struct SimDir {
    disk: Arc<Mutex<Disk>>,
    prefix: String,
}

#[derive(Debug)]
struct Disk {
    random: Random,
    files: Vec<Inode>,
    /// Folders by path; the root is the empty path.
    folders: BTreeMap<String, Folder>,
    locks: BTreeMap<String, u64>,
    /// Counts crashes: handles and locks of an earlier life are dead.
    life: u64,
    operations: u64,
    fault: Option<(u64, Fault)>,
    powered_off: bool,
    /// Operations for which the disk stays full.
    full_for: u32,
}

/// Contents of a file: what is durable, and what is seen.
#[derive(Clone, Debug, Default)]
struct Inode {
    durable: Vec<u8>,
    seen: Vec<u8>,
    /// A sync failed: the system believes the pages to be clean, and writes them no more.
    lost: bool,
}

#[derive(Clone, Debug, Default)]
struct Folder {
    durable: BTreeMap<String, Node>,
    seen: BTreeMap<String, Node>,
    /// Changes since the last sync, oldest first.
    pending: Vec<Change>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    File(usize),
    Folder,
}

/// A change of one folder. A rename within it is one change, as it is atomic.
#[derive(Clone, Debug)]
struct Change {
    remove: Option<String>,
    insert: Option<(String, Node)>,
}

impl SimDir {
    /// An empty disk.
    pub fn new(seed: u64) -> Self {
        let disk = Disk {
            random: Random(seed),
            files: Vec::new(),
            folders: BTreeMap::from([(String::new(), Folder::default())]),
            locks: BTreeMap::new(),
            life: 0,
            operations: 0,
            fault: None,
            powered_off: false,
            full_for: 0,
        };
        Self {
            disk: Arc::new(Mutex::new(disk)),
            prefix: String::new(),
        }
    }

    /// This folder as a [`Dir`].
    pub fn dir(&self) -> Arc<dyn Dir> {
        Arc::new(self.clone())
    }

    /// Lets a fault strike `after` more changing operations from now.
    pub fn set_fault(&self, after: u64, fault: Fault) {
        let mut disk = self.lock_disk();
        disk.fault = Some((disk.operations + after, fault));
    }

    /// Takes back a fault that has not struck, and gives a full disk its space back.
    pub fn clear_fault(&self) {
        let mut disk = self.lock_disk();
        disk.fault = None;
        disk.full_for = 0;
    }

    /// Changing operations so far.
    pub fn operations(&self) -> u64 {
        self.lock_disk().operations
    }

    /// The power fails now and comes back: what was not synced is lost, kept or torn, and all
    /// open files and locks are gone.
    pub fn crash(&self) {
        self.lock_disk().crash();
    }

    /// Whether a [`Fault::PowerOff`] has struck and nobody has called [`SimDir::crash`] since.
    pub fn is_off(&self) -> bool {
        self.lock_disk().powered_off
    }

    /// Flips a bit of a file, on the disk and as it is seen.
    pub fn flip(&self, path: &str, bit: u64) {
        let path = self.at(path);
        let mut disk = self.lock_disk();
        if let Ok(inode) = disk.file(&path) {
            let file = &mut disk.files[inode];
            for bytes in [&mut file.durable, &mut file.seen] {
                if let Some(byte) = bytes.get_mut((bit / 8) as usize) {
                    *byte ^= 1 << (bit % 8);
                }
            }
        }
    }

    /// A copy of the disk as it is seen, all of it durable, with no writer.
    pub fn copy(&self) -> Self {
        let disk = self.lock_disk();
        let mut files = disk.files.clone();
        files
            .iter_mut()
            .for_each(|file| file.durable.clone_from(&file.seen));
        let mut folders = disk.folders.clone();
        for folder in folders.values_mut() {
            folder.durable.clone_from(&folder.seen);
            folder.pending.clear();
        }
        let copy = Disk {
            random: Random(disk.random.0),
            files,
            folders,
            locks: BTreeMap::new(),
            life: 0,
            operations: 0,
            fault: None,
            powered_off: false,
            full_for: 0,
        };
        Self {
            disk: Arc::new(Mutex::new(copy)),
            prefix: self.prefix.clone(),
        }
    }

    fn at(&self, path: &str) -> String {
        match (self.prefix.as_str(), path) {
            ("", path) => path.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}/{path}"),
        }
    }

    fn lock_disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let disk = self.lock_disk();
        disk.check()?;
        let inode = disk.file(&self.at(path))?;
        Ok(Arc::new(SimFile {
            disk: self.disk.clone(),
            inode,
            life: disk.life,
        }))
    }
}

impl Disk {
    fn check(&self) -> io::Result<()> {
        if self.powered_off {
            Err(io::Error::other("the power is off"))
        } else {
            Ok(())
        }
    }

    /// Counts a changing operation and says what strikes it.
    fn strike(&mut self) -> io::Result<Option<Fault>> {
        self.check()?;
        self.operations += 1;
        if self.full_for > 0 {
            self.full_for -= 1;
            return Ok(Some(Fault::NoSpace));
        }
        let Some((_, fault)) = self.fault.take_if(|(at, _)| *at <= self.operations) else {
            return Ok(None);
        };
        match fault {
            Fault::PowerOff => self.powered_off = true,
            Fault::NoSpace => self.full_for = self.random.below(4) as u32,
            Fault::SyncFails => {}
        }
        Ok(Some(fault))
    }

    /// An operation that changes names: it happens or it does not.
    fn change_names(&mut self) -> io::Result<()> {
        match self.strike()? {
            Some(Fault::PowerOff) => Err(io::Error::other("the power failed")),
            Some(Fault::NoSpace) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::SyncFails) | None => Ok(()),
        }
    }

    fn file(&self, path: &str) -> io::Result<usize> {
        let (folder, name) = split(path);
        match self
            .folders
            .get(folder)
            .and_then(|folder| folder.seen.get(name))
        {
            Some(Node::File(inode)) => Ok(*inode),
            Some(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn change(&mut self, folder: &str, change: Change) -> io::Result<()> {
        let folder = self
            .folders
            .get_mut(folder)
            .ok_or(io::ErrorKind::NotFound)?;
        change.apply(&mut folder.seen);
        folder.pending.push(change);
        Ok(())
    }

    fn crash(&mut self) {
        self.life += 1;
        self.powered_off = false;
        self.full_for = 0;
        self.fault = None;
        self.locks.clear();
        for folder in self.folders.values_mut() {
            let mut names = folder.durable.clone();
            let all = self.random.below(4);
            for change in folder.pending.drain(..) {
                if all == 0 || all > 1 && self.random.below(2) == 0 {
                    change.apply(&mut names);
                }
            }
            folder.durable.clone_from(&names);
            folder.seen = names;
        }
        for file in &mut self.files {
            let kept = torn(&file.durable, &file.seen, &mut self.random);
            file.durable.clone_from(&kept);
            file.seen = kept;
            file.lost = false;
        }
        let reached: Vec<String> = self
            .folders
            .keys()
            .filter(|path| self.reached(path))
            .cloned()
            .collect();
        self.folders.retain(|path, _| reached.contains(path));
    }

    fn reached(&self, path: &str) -> bool {
        let (folder, name) = split(path);
        path.is_empty()
            || self.reached(folder)
                && self
                    .folders
                    .get(folder)
                    .and_then(|folder| folder.seen.get(name))
                    == Some(&Node::Folder)
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, Node>) {
        if let Some(name) = &self.remove {
            names.remove(name);
        }
        if let Some((name, node)) = &self.insert {
            names.insert(name.clone(), *node);
        }
    }
}

/// What a crash leaves of a file: all, nothing, a prefix or scraps of what was not synced.
fn torn(durable: &[u8], seen: &[u8], random: &mut Random) -> Vec<u8> {
    if durable == seen {
        return durable.to_vec();
    }
    match random.below(5) {
        0 => durable.to_vec(),
        1 => seen.to_vec(),
        2 => {
            // A prefix of what was appended, or of what was cut.
            let (from, to) = (durable.len().min(seen.len()), durable.len().max(seen.len()));
            let longer = if seen.len() > durable.len() {
                seen
            } else {
                durable
            };
            longer[..from + random.below((to - from) as u64 + 1) as usize].to_vec()
        }
        garbage => {
            // Sectors of either state, or of neither.
            let len = if random.below(2) == 0 {
                durable.len()
            } else {
                seen.len()
            };
            let mut kept = seen[..len.min(seen.len())].to_vec();
            kept.resize(len, 0);
            for (number, sector) in kept.chunks_mut(SECTOR_BYTES).enumerate() {
                let at = number * SECTOR_BYTES;
                let range = at..at + sector.len();
                if durable.get(range.clone()) == seen.get(range.clone())
                    && durable.len() >= range.end
                {
                    continue;
                }
                let choice = random.below(if garbage == 4 { 3 } else { 2 });
                for (byte, at) in sector.iter_mut().zip(range) {
                    let settled = durable.get(at).filter(|old| seen.get(at) == Some(old));
                    *byte = match (settled, choice) {
                        (Some(byte), _) => *byte,
                        (None, 0) => durable.get(at).copied().unwrap_or(0),
                        (None, 1) => seen.get(at).copied().unwrap_or(0),
                        (None, _) => random.next() as u8,
                    };
                }
            }
            kept
        }
    }
}

impl Dir for SimDir {
    fn create(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let path = self.at(path);
        let mut disk = self.lock_disk();
        disk.change_names()?;
        let inode = match disk.file(&path) {
            Ok(inode) => {
                disk.files[inode].seen.clear();
                inode
            }
            Err(_) => {
                disk.files.push(Inode::default());
                let inode = disk.files.len() - 1;
                let (folder, name) = split(&path);
                let insert = Some((name.to_owned(), Node::File(inode)));
                disk.change(
                    folder,
                    Change {
                        remove: None,
                        insert,
                    },
                )?;
                inode
            }
        };
        Ok(Arc::new(SimFile {
            disk: self.disk.clone(),
            inode,
            life: disk.life,
        }))
    }

    fn open_append(&self, path: &str) -> io::Result<Arc<dyn File>> {
        self.open(path)
    }

    fn open_read(&self, path: &str) -> io::Result<Arc<dyn File>> {
        self.open(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.at(from), self.at(to));
        let mut disk = self.lock_disk();
        disk.change_names()?;
        let node = Node::File(disk.file(&from)?);
        let ((from_folder, from_name), (to_folder, to_name)) = (split(&from), split(&to));
        let insert = Some((to_name.to_owned(), node));
        let remove = Some(from_name.to_owned());
        if from_folder == to_folder {
            return disk.change(to_folder, Change { remove, insert });
        }
        disk.change(
            to_folder,
            Change {
                remove: None,
                insert,
            },
        )?;
        disk.change(
            from_folder,
            Change {
                remove,
                insert: None,
            },
        )
    }

    fn unlink(&self, path: &str) -> io::Result<()> {
        let path = self.at(path);
        let mut disk = self.lock_disk();
        disk.change_names()?;
        disk.file(&path)?;
        let (folder, name) = split(&path);
        disk.change(
            folder,
            Change {
                remove: Some(name.to_owned()),
                insert: None,
            },
        )
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        let path = self.at(path);
        let mut disk = self.lock_disk();
        if disk.folders.contains_key(&path) {
            return disk.check();
        }
        disk.change_names()?;
        let (folder, name) = split(&path);
        let insert = Some((name.to_owned(), Node::Folder));
        disk.change(
            folder,
            Change {
                remove: None,
                insert,
            },
        )?;
        disk.folders.insert(path.clone(), Folder::default());
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<Item>> {
        let disk = self.lock_disk();
        disk.check()?;
        let folder = disk
            .folders
            .get(&self.at(path))
            .ok_or(io::ErrorKind::NotFound)?;
        let item = |(name, node): (&String, &Node)| Item {
            name: name.clone(),
            is_dir: *node == Node::Folder,
            len: match node {
                Node::File(inode) => disk.files[*inode].seen.len() as u64,
                Node::Folder => 0,
            },
        };
        Ok(folder.seen.iter().map(item).collect())
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let path = self.at(path);
        let mut disk = self.lock_disk();
        match disk.strike()? {
            Some(Fault::PowerOff) => return Err(io::Error::other("the power failed")),
            Some(Fault::SyncFails) => return Err(io::Error::other("the disk failed")),
            Some(Fault::NoSpace) | None => {}
        }
        let folder = disk.folders.get_mut(&path).ok_or(io::ErrorKind::NotFound)?;
        folder.durable.clone_from(&folder.seen);
        folder.pending.clear();
        Ok(())
    }

    fn lock(&self, path: &str) -> io::Result<Box<dyn Lock>> {
        let at = self.at(path);
        let existing = self.lock_disk().file(&at);
        if existing.is_err() {
            self.create(path)?;
        }
        let mut disk = self.lock_disk();
        disk.check()?;
        let life = disk.life;
        if disk.locks.contains_key(&at) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        disk.locks.insert(at.clone(), life);
        Ok(Box::new(SimLock {
            disk: self.disk.clone(),
            path: at,
            life,
        }))
    }

    fn subdir(&self, path: &str) -> Arc<dyn Dir> {
        Arc::new(Self {
            disk: self.disk.clone(),
            prefix: self.at(path),
        })
    }
}

#[derive(Debug)]
struct SimFile {
    disk: Arc<Mutex<Disk>>,
    inode: usize,
    life: u64,
}

impl SimFile {
    fn disk(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        if disk.life == self.life {
            Ok(disk)
        } else {
            Err(io::Error::other("opened before the crash"))
        }
    }
}

impl File for SimFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk()?;
        let fault = disk.strike()?;
        let taken = match fault {
            Some(Fault::PowerOff | Fault::NoSpace) => {
                disk.random.below(bytes.len() as u64 + 1) as usize
            }
            Some(Fault::SyncFails) | None => bytes.len(),
        };
        disk.files[self.inode]
            .seen
            .extend_from_slice(&bytes[..taken]);
        match fault {
            Some(Fault::PowerOff) => Err(io::Error::other("the power failed")),
            Some(Fault::NoSpace) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::SyncFails) | None => Ok(()),
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let disk = self.disk()?;
        disk.check()?;
        let seen = &disk.files[self.inode].seen;
        let bytes = usize::try_from(offset)
            .ok()
            .and_then(|offset| seen.get(offset..))
            .unwrap_or(&[]);
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn len(&self) -> io::Result<u64> {
        let disk = self.disk()?;
        disk.check()?;
        Ok(disk.files[self.inode].seen.len() as u64)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut disk = self.disk()?;
        if disk.strike()? == Some(Fault::PowerOff) {
            return Err(io::Error::other("the power failed"));
        }
        disk.files[self.inode].seen.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.disk()?;
        let fault = disk.strike()?;
        let Disk { files, random, .. } = &mut *disk;
        let file = &mut files[self.inode];
        match fault {
            Some(Fault::PowerOff) => Err(io::Error::other("the power failed")),
            Some(Fault::SyncFails) => {
                file.durable = torn(&file.durable, &file.seen, random);
                file.lost = true;
                Err(io::Error::other("the disk failed"))
            }
            Some(Fault::NoSpace) | None => {
                if !file.lost {
                    file.durable.clone_from(&file.seen);
                }
                Ok(())
            }
        }
    }
}

#[derive(Debug)]
struct SimLock {
    disk: Arc<Mutex<Disk>>,
    path: String,
    life: u64,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        if disk.locks.get(&self.path) == Some(&self.life) {
            disk.locks.remove(&self.path);
        }
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// SplitMix64: all that a simulation needs of randomness is that it repeats.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

const SECTOR_BYTES: usize = 512;
