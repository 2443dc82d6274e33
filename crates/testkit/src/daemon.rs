//! A peer's daemon as a process of a test, with a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running daemon; dropping it kills it, and shows what it said if the test fails.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    folder: PathBuf,
}

impl Daemon {
    /// Makes the folder `name` below `folder`, with what `configured` says for it as the file `conf`, and
    /// starts there what `command` makes of it.
    ///
    /// # Panics
    /// If it cannot be started.
    pub(crate) fn start(
        folder: &Path,
        name: &str,
        configured: impl FnOnce(&Path) -> String,
        command: impl FnOnce(&Path) -> Command,
    ) -> Self {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("conf"), configured(&folder)).unwrap();
        let child = command(&folder)
            .stdin(Stdio::null())
            .stderr(fs::File::create(folder.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!(
                "{}",
                fs::read_to_string(self.folder.join("stderr")).unwrap_or_default()
            );
        }
    }
}
