//! A file that a process runs and that does not stand where it should.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use indelible_detect::deleted::{Finding, Place, Verdict, stripped};
use indelible_sys::proc::{FileId, Process};

/// What the file is to the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Executable,
    Library,
    /// The text that an interpreter runs, held open by it.
    Script,
    /// The same, known by the command line alone.
    MissingScript,
}

impl What {
    /// The word for it in every output.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Executable => "executable",
            Self::Library => "library",
            Self::Script | Self::MissingScript => "script",
        }
    }
}

/// What was gathered of it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) process: Process,
    pub(crate) start_ticks: u64,
    pub(crate) what: What,
    pub(crate) link: Vec<u8>,
    /// The file under /proc/PID through which its bytes are reached: `exe`, `fd/255`, `map_files/…`.
    pub(crate) handle: String,
    pub(crate) image: FileId,
    pub(crate) links: u64,
    pub(crate) size: u64,
    pub(crate) literal: Option<Place>,
    pub(crate) unmarked: Option<Place>,
    pub(crate) mounted: Option<bool>,
    /// Whether the process sees this scanner's file system, so that the host's packages tell of it.
    pub(crate) on_host: bool,
}

impl Candidate {
    /// The inode that runs.
    pub(crate) fn place(&self) -> Place {
        Place {
            dev: self.image.dev,
            ino: self.image.ino,
        }
    }

    /// The path without the kernel's mark of deletion.
    pub(crate) fn unmarked_path(&self) -> &[u8] {
        stripped(&self.link).unwrap_or(&self.link)
    }

    /// Opens the very bytes that run, whatever stands at the path.
    pub(crate) fn open(&self) -> io::Result<File> {
        File::open(self.handle_path())
    }

    fn handle_path(&self) -> PathBuf {
        self.process.path(&self.handle)
    }

    /// What is said about a script.
    pub(crate) fn script_finding(&self) -> Finding {
        let path = String::from_utf8_lossy(self.unmarked_path()).into_owned();
        let (verdict, score, reason) = match self.what {
            What::MissingScript if self.unmarked_path().starts_with(b"/") => (
                Verdict::ScriptMissing,
                45,
                format!("the interpreter was started with {path}, and nothing stands there"),
            ),
            What::MissingScript => (
                Verdict::ScriptMissing,
                25,
                format!(
                    "the interpreter was started with {path}, which is not in its working folder; it may have changed folders since"
                ),
            ),
            _ => (
                Verdict::ScriptDeleted,
                70,
                format!("the interpreter holds {path} open, which was deleted"),
            ),
        };
        Finding {
            verdict,
            score,
            reasons: vec![reason],
        }
    }
}
