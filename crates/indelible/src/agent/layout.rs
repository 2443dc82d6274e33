//! Where things stand in a host's spool (docs/formats.md, "Host's spool").

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use indelible_log::StreamId;
use indelible_sys::process;

/// The folders of one spool.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

/// Who owns the worker's folder and may read capture's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Layout {
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Makes the folders. `worker` is who the worker will be, where that is another user.
    ///
    /// Who is not root makes what it may: under a service manager each process has a user of its
    /// own, and the folders are there already.
    pub(crate) fn create(&self, worker: Option<Owner>) -> Result<()> {
        let mut folders = vec![(self.root.clone(), 0o755)];
        for room in self.written_rooms() {
            folders.push((room.folder.clone(), 0o750));
            folders.push((room.streams(), 0o750));
            folders.push((room.openings(), 0o750));
            folders.push((room.positions(), 0o750));
        }
        // Those who write the streams read here what was delivered.
        folders.push((self.worker(), 0o750));
        folders.push((self.released(), 0o750));
        folders.push((self.output_positions(), 0o750));
        folders.push((self.inspect(), 0o750));
        folders.push((self.guard(), 0o750));
        for (folder, mode) in folders {
            make(&folder, mode).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let Some(Owner { uid, gid }) = worker else {
            return Ok(());
        };
        let mut owned = vec![
            (self.worker(), Some(uid)),
            (self.released(), Some(uid)),
            (self.output_positions(), Some(uid)),
            (self.inspect(), None),
            (self.guard(), None),
        ];
        for room in self.written_rooms() {
            // Contexts, findings, and what its outputs have to say, are the worker's own to write.
            let own = [
                self.context(),
                self.outputs(),
                self.detections(),
                self.selected(),
            ];
            let is_own = own.iter().any(|own| own.folder == room.folder);
            let writer = is_own.then_some(uid);
            owned.push((room.folder.clone(), writer));
            owned.push((room.streams(), writer));
            owned.push((room.openings(), writer));
            owned.push((room.positions(), writer));
        }
        for (folder, uid) in owned {
            chown(&folder, uid, Some(gid))
                .with_context(|| format!("cannot give {} to the worker", folder.display()))?;
        }
        Ok(())
    }

    /// Capture's folder: written by capture alone.
    pub(crate) fn capture(&self) -> Room {
        self.room("capture")
    }

    /// The folder of the process that reads this host's other sources.
    pub(crate) fn sources(&self) -> Room {
        self.room("sources")
    }

    /// The folder of the worker's thread that describes processes.
    pub(crate) fn context(&self) -> Room {
        self.room("context")
    }

    /// The folder of the process that runs the detections; the worker's user owns it.
    pub(crate) fn detections(&self) -> Room {
        self.room(DETECTIONS)
    }

    /// The folder of what the collector gets of capture's records, where that is a selection.
    pub(crate) fn selected(&self) -> Room {
        self.room("selected")
    }

    fn room(&self, name: &str) -> Room {
        Room {
            folder: self.root.join(name),
            released: self.released(),
            turns: self.turns(),
            written: Arc::default(),
        }
    }

    /// The folder of what the worker's outputs have to say.
    pub(crate) fn outputs(&self) -> Room {
        self.room("outputs")
    }

    /// Every folder that holds streams of what was recorded.
    pub(crate) fn rooms(&self) -> [Room; 5] {
        [
            self.capture(),
            self.sources(),
            self.context(),
            self.outputs(),
            self.detections(),
        ]
    }

    /// Those, and the one whose entries stand in capture's streams already.
    pub(crate) fn written_rooms(&self) -> impl Iterator<Item = Room> {
        self.rooms().into_iter().chain([self.selected()])
    }

    /// Those that are there, and those that a spool must have.
    pub(crate) fn present_rooms(&self) -> Vec<Room> {
        let rooms = self.rooms().into_iter();
        rooms
            .filter(|room| !room.is_optional() || room.streams().exists())
            .collect()
    }

    /// The worker's folder.
    pub(crate) fn worker(&self) -> PathBuf {
        self.root.join("worker")
    }

    /// Positions of one output.
    pub(crate) fn output(&self, name: &str) -> PathBuf {
        self.output_positions().join(name)
    }

    /// How one output is.
    pub(crate) fn output_state(&self, name: &str) -> PathBuf {
        self.output_positions().join(format!("{name}.json"))
    }

    /// Positions of all outputs, a folder each.
    pub(crate) fn output_positions(&self) -> PathBuf {
        self.worker().join("outputs")
    }

    /// What enrolment left; the worker renews it.
    pub(crate) fn identity(&self) -> PathBuf {
        self.worker().join("identity")
    }

    /// Held by the one worker of this spool.
    pub(crate) fn worker_lock(&self) -> PathBuf {
        self.worker().join("lock")
    }

    /// The newest receipt.
    pub(crate) fn receipts(&self) -> PathBuf {
        self.worker().join("receipts")
    }

    /// What the worker holds of a collector that stands in for the first: its receipts and positions.
    pub(crate) fn failover(&self, name: &str) -> PathBuf {
        self.worker().join("failover").join(name)
    }

    /// Has everybody who writes a stream begin a new one: the worker has turned to another collector.
    ///
    /// # Errors
    /// Those of the disk.
    pub(crate) fn turn(&self) -> Result<()> {
        let path = self.turns();
        let turns = self.turned().wrapping_add(1);
        crate::files::replace(&path, 0o640, &turns.to_be_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// How often the worker has turned to another collector.
    pub(crate) fn turned(&self) -> u64 {
        read_turns(&self.turns())
    }

    /// Positions in capture's streams of which the collector gets a selection, by stream.
    pub(crate) fn selection(&self) -> PathBuf {
        self.worker().join("selection")
    }

    /// Notes whether the collector gets a selection. Where that has changed, new streams are begun: one
    /// that was sent in part cannot be gone on with.
    ///
    /// # Errors
    /// Those of the disk.
    pub(crate) fn select(&self, is_selected: bool) -> Result<()> {
        let mark = self.worker().join("selects");
        if mark.exists() == is_selected {
            return Ok(());
        }
        self.turn()?;
        let noted = match is_selected {
            true => fs::write(&mark, b""),
            false => fs::remove_file(&mark),
        };
        noted.with_context(|| format!("cannot change {}", mark.display()))
    }

    fn turns(&self) -> PathBuf {
        self.worker().join("turns")
    }

    /// The folder of the helper that looks into processes.
    pub(crate) fn inspect(&self) -> PathBuf {
        self.root.join("inspect")
    }

    /// Where that helper is asked.
    pub(crate) fn inspect_socket(&self) -> PathBuf {
        self.inspect().join("socket")
    }

    /// The folder of the process that runs what the disk asks for.
    pub(crate) fn guard(&self) -> PathBuf {
        self.root.join("guard")
    }

    /// Where that process is told.
    pub(crate) fn guard_socket(&self) -> PathBuf {
        self.guard().join("socket")
    }

    /// Where the worker tells capture what it no longer needs.
    pub(crate) fn released(&self) -> PathBuf {
        self.worker().join("released")
    }

    /// The released position of one stream: a big-endian u64.
    pub(crate) fn released_position(&self, stream: StreamId) -> PathBuf {
        self.released().join(stream.to_string())
    }
}

fn read_turns(path: &Path) -> u64 {
    let bytes = fs::read(path).unwrap_or_default();
    <[u8; 8]>::try_from(bytes).map_or(0, u64::from_be_bytes)
}

/// The folder of one process that writes streams.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    folder: PathBuf,
    released: PathBuf,
    turns: PathBuf,
    /// Streams that this process is writing.
    written: Arc<Mutex<HashSet<StreamId>>>,
}

impl Room {
    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// How often the worker has turned to another collector.
    pub(crate) fn turned(&self) -> u64 {
        read_turns(&self.turns)
    }

    /// Whether a spool may lack it.
    pub(crate) fn is_optional(&self) -> bool {
        !self.folder.ends_with("capture")
    }

    /// A folder per stream.
    pub(crate) fn streams(&self) -> PathBuf {
        self.folder.join("streams")
    }

    /// Copies of the streams' entries 0: they are needed longer than the files that hold them.
    pub(crate) fn openings(&self) -> PathBuf {
        self.folder.join("opened")
    }

    /// The copy of one stream's entry 0.
    pub(crate) fn opened(&self, stream: StreamId) -> PathBuf {
        self.openings().join(stream.to_string())
    }

    /// Positions in what the streams are read from.
    pub(crate) fn positions(&self) -> PathBuf {
        self.folder.join("positions")
    }

    /// The position of one stream.
    pub(crate) fn position(&self, stream: StreamId) -> PathBuf {
        self.positions().join(stream.to_string())
    }

    /// The private key of the next epoch, which has signed nothing yet.
    pub(crate) fn epoch_key(&self) -> PathBuf {
        self.folder.join("epoch-key")
    }

    /// Says which process captures.
    pub(crate) fn running(&self) -> PathBuf {
        self.folder.join("running")
    }

    /// Where the worker says what it no longer needs.
    pub(crate) fn released(&self) -> PathBuf {
        self.released.clone()
    }

    /// Notes that this process writes a stream.
    pub(crate) fn writes(&self, stream: StreamId) {
        self.lock_written().insert(stream);
    }

    /// Notes that it writes it no more.
    pub(crate) fn wrote(&self, stream: StreamId) {
        self.lock_written().remove(&stream);
    }

    /// Whether this process writes it.
    pub(crate) fn is_written(&self, stream: StreamId) -> bool {
        self.lock_written().contains(&stream)
    }

    fn lock_written(&self) -> MutexGuard<'_, HashSet<StreamId>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held by the one process that writes here.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }
}

fn make(folder: &Path, mode: u32) -> io::Result<()> {
    let made = match fs::DirBuilder::new().mode(mode).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    };
    // The umask has cut the mode. What is right already is left alone: it may be another's.
    let is_right =
        fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o7777 == mode);
    let made = made.and_then(|()| match is_right {
        true => Ok(()),
        false => fs::set_permissions(folder, fs::Permissions::from_mode(mode)),
    });
    let not_ours = |error: &io::Error| {
        // Another user's, or outside of what a unit may write (`ProtectSystem=`).
        let kinds = [
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem,
        ];
        kinds.contains(&error.kind()) && !process::is_root()
    };
    match made {
        // Who needs it and lacks it says so when it is opened.
        Err(error) if not_ours(&error) => Ok(()),
        other => other,
    }
}

/// Name of the folder of [`Layout::detections`].
const DETECTIONS: &str = "detections";
