//! A service manager's side of sd_notify(3).

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use super::PATIENCE;

/// A socket that daemons report to.
pub(crate) struct Manager {
    path: PathBuf,
    socket: UnixDatagram,
    _folder: tempfile::TempDir,
}

impl Manager {
    pub(crate) fn new(folder: &Path) -> Self {
        let folder = tempfile::tempdir_in(folder).unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            path,
            socket,
            _folder: folder,
        }
    }

    /// Starts the program as a unit of `Type=notify` with a watchdog would.
    pub(crate) fn start(&self, words: &[&str]) -> Daemon {
        let child = Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(words)
            .env("NOTIFY_SOCKET", &self.path)
            .env("WATCHDOG_USEC", "400000")
            .env("INDELIBLE_LOG", "error")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Daemon(child)
    }

    /// Reads what is told until something begins with `beginning`.
    pub(crate) fn wait_for(&self, beginning: &str) {
        let until = Instant::now() + PATIENCE;
        let mut told = Vec::new();
        while Instant::now() < until {
            let mut buffer = [0; 4096];
            let Ok(length) = self.socket.recv(&mut buffer) else {
                break;
            };
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.starts_with(beginning) {
                return;
            }
            told.push(text);
        }
        panic!("{beginning:?} was not told, but {told:?}");
    }
}

/// A daemon; dropping it kills it.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// SIGTERM, as `systemctl stop` does.
    pub(crate) fn ask_to_stop(&self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
