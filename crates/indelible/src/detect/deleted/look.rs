//! Looks at processes: which of the files that they run are not where they should be.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use indelible_detect::deleted::{Place, is_interpreter, script_of, stripped};
use indelible_sys::proc::{FileId, Mapping, Process, Stat, is_gone, mappings};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::candidate::{Candidate, What};
use super::limits;

/// What one thread found.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) candidates: Vec<Candidate>,
    pub(super) denied: u64,
}

/// Looks at these processes, one after the other.
pub(super) fn all(processes: &[Process], libraries: bool) -> Looked {
    let mut looked = Looked::default();
    let own_root = id_of(&fs::metadata("/").ok());
    for process in processes {
        let mut look = Look {
            process: *process,
            own_root,
            libraries,
            candidates: &mut looked.candidates,
        };
        match look.process() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => looked.denied += 1,
            // It has ended meanwhile, or was never one that runs a file.
            Err(_) => {}
        }
    }
    looked
}

struct Look<'a> {
    process: Process,
    own_root: Option<FileId>,
    libraries: bool,
    candidates: &'a mut Vec<Candidate>,
}

impl Look<'_> {
    fn process(&mut self) -> io::Result<()> {
        let stat = self.process.stat()?;
        if stat.is_kernel_thread() || stat.is_zombie() {
            return Ok(());
        }
        let link = match self.process.link("exe") {
            // The kernel prints paths of up to a page.
            Err(error) if error.raw_os_error() == Some(Errno::NAMETOOLONG.raw_os_error()) => {
                Vec::new()
            }
            other => other?,
        };
        let exe = fs::metadata(self.process.path("exe"))?;
        let image = FileId {
            dev: exe.dev(),
            ino: exe.ino(),
        };
        self.file(&stat, What::Executable, "exe".into(), link.clone(), &exe);
        if self.libraries {
            // Without the right to look at its memory, the rest still counts.
            let _ = self.mapped(&stat, image);
        }
        if is_interpreter(stripped(&link).unwrap_or(&link)) {
            let _ = self.script(&stat, &link);
        }
        Ok(())
    }

    /// Keeps a file that is not where it should be.
    fn file(
        &mut self,
        stat: &Stat,
        what: What,
        handle: String,
        link: Vec<u8>,
        file: &fs::Metadata,
    ) {
        let image = Place {
            dev: file.dev(),
            ino: file.ino(),
        };
        let literal = self.place(&link, image);
        if literal == Some(image) {
            return;
        }
        let unmarked = stripped(&link).and_then(|path| self.place(path, image));
        if unmarked == Some(image) {
            return;
        }
        self.candidates.push(Candidate {
            process: self.process,
            start_ticks: stat.start_ticks,
            what,
            image: FileId {
                dev: image.dev,
                ino: image.ino,
            },
            links: file.nlink(),
            size: file.size(),
            literal,
            unmarked,
            mounted: self.is_mounted(&handle),
            on_host: self.is_on_host(),
            handle,
            link,
        });
    }

    /// What stands at a path: in the process's view, or else, if that is not the file that is
    /// looked for, in this scanner's. The kernel prints paths as the scanner would see them, so a
    /// process in another root is found either way.
    fn place(&self, path: &[u8], wanted: Place) -> Option<Place> {
        if !path.starts_with(b"/") {
            return None;
        }
        let theirs = self
            .process
            .resolve(path)
            .ok()
            .and_then(|found| id_of(&File::from(found).metadata().ok()))
            .map(place_of);
        if theirs == Some(wanted) {
            return theirs;
        }
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let ours = id_of(&fs::symlink_metadata(path).ok()).map(place_of);
        if ours == Some(wanted) {
            return ours;
        }
        theirs
    }

    /// Whether the mount that a file was opened through is still one that the process sees.
    fn is_mounted(&self, handle: &str) -> Option<bool> {
        let file = rustix::fs::open(
            self.process.path(handle),
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .ok()?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
        let mount = info
            .lines()
            .find_map(|line| line.strip_prefix("mnt_id:"))?
            .trim();
        let mounts = self
            .process
            .read("mountinfo", limits::MOUNTS_BYTES_MAX)
            .ok()?;
        let known = |line: &[u8]| {
            line.split(|byte| *byte == b' ')
                .next()
                .is_some_and(|id| id == mount.as_bytes())
        };
        Some(mounts.split(|byte| *byte == b'\n').any(known))
    }

    fn is_on_host(&self) -> bool {
        let root = id_of(&fs::metadata(self.process.path("root")).ok());
        root.is_some() && root == self.own_root
    }

    /// Code that is mapped from files that are marked as deleted.
    fn mapped(&mut self, stat: &Stat, executable: FileId) -> io::Result<()> {
        let mut seen = HashSet::new();
        for mapping in mappings(self.process, limits::MAPS_BYTES_MAX)? {
            if !mapping.executable
                || stripped(&mapping.path).is_none()
                || seen.len() >= limits::LIBRARIES_MAX
                || !seen.insert((mapping.file, mapping.path.clone()))
            {
                continue;
            }
            let handle = mapping.file_name();
            let Ok(file) = fs::metadata(self.process.path(&handle)) else {
                continue;
            };
            let image = FileId {
                dev: file.dev(),
                ino: file.ino(),
            };
            // Compilers that write code into shared memory map it too; a library has a header.
            if image != executable && self.is_elf(&mapping) {
                self.file(stat, What::Library, handle, mapping.path, &file);
            }
        }
        Ok(())
    }

    fn is_elf(&self, mapping: &Mapping) -> bool {
        let mut magic = [0; 4];
        File::open(self.process.path(&mapping.file_name()))
            .and_then(|mut file| file.read_exact(&mut magic))
            .is_ok()
            && magic == *b"\x7fELF"
    }

    /// The script of an interpreter: one that it holds open, or else the one on its command line.
    fn script(&mut self, stat: &Stat, exe: &[u8]) -> io::Result<()> {
        let arguments = self.process.arguments(limits::ARGUMENTS_BYTES_MAX)?;
        let named = script_of(stripped(exe).unwrap_or(exe), &arguments);
        if self.open_script(stat, named.map(|script| script.path))? {
            return Ok(());
        }
        let Some(script) = named else {
            return Ok(());
        };
        let mut path = script.path.to_vec();
        if !path.starts_with(b"/") {
            let folder = self.process.link("cwd")?;
            path = [&folder[..], b"/", &path].concat();
        }
        match self.process.resolve(&path) {
            Err(error) if is_gone(&error) => {}
            _ => return Ok(()),
        }
        if fs::symlink_metadata(std::ffi::OsStr::from_bytes(&path)).is_ok() {
            return Ok(());
        }
        self.candidates.push(Candidate {
            process: self.process,
            start_ticks: stat.start_ticks,
            what: What::MissingScript,
            link: script.path.to_vec(),
            handle: String::new(),
            image: FileId { dev: 0, ino: 0 },
            links: 0,
            size: 0,
            literal: None,
            unmarked: None,
            mounted: None,
            on_host: self.is_on_host(),
        });
        Ok(())
    }

    /// Shells keep the script that they read open for themselves: read-only, from number 10 on, not
    /// for their children. A deleted file like that is the script, if it reads like one or is the
    /// one that the command line names.
    fn open_script(&mut self, stat: &Stat, named: Option<&[u8]>) -> io::Result<bool> {
        for number in self.process.open_files(limits::FILES_MAX)? {
            let handle = format!("fd/{number}");
            if number < FIRST_OWN_FILE {
                continue;
            }
            let Ok(link) = self.process.link(&handle) else {
                continue;
            };
            let Some(path) = stripped(&link) else {
                continue;
            };
            // Before anything is opened: a pipe would make the scan wait.
            let Ok(file) = fs::metadata(self.process.path(&handle)) else {
                continue;
            };
            let is_named = named.is_some_and(|named| path.ends_with(file_name(named)));
            if !file.is_file() || !(is_named || self.begins_like_a_script(&handle)) {
                continue;
            }
            let before = self.candidates.len();
            self.file(stat, What::Script, handle, link, &file);
            if self.candidates.len() > before {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn begins_like_a_script(&self, handle: &str) -> bool {
        let mut start = [0; 2];
        File::open(self.process.path(handle))
            .and_then(|mut file| file.read_exact(&mut start))
            .is_ok()
            && start == *b"#!"
    }
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

fn id_of(file: &Option<fs::Metadata>) -> Option<FileId> {
    file.as_ref().map(|file| FileId {
        dev: file.dev(),
        ino: file.ino(),
    })
}

fn place_of(id: FileId) -> Place {
    Place {
        dev: id.dev,
        ino: id.ino,
    }
}

/// dash moves the script to 10, bash to 255.
const FIRST_OWN_FILE: u32 = 10;
