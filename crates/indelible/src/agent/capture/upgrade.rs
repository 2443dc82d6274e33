//! What one capture leaves to the next: to the program that takes its place, or, after a crash, to
//! the process that a service manager starts with the socket that it kept.
//!
//! ```text
//! capture/running            who captures: {"v", "pid", "version", "boot_id", "since_ns"}; gone after a
//!                            clean end, so one that stands there at the start tells of a crash
//! INDELIBLE_CAPTURE          what an upgrade in place goes on from: {"v", "version", "switched_on", counts}
//! descriptors                `audit` or `audit-switched-on`, `lock` (indelible_sys::handover)
//! ```

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_sys::clock::realtime_ns;
use indelible_sys::host::Host;
use indelible_sys::lock::FileLock;
use indelible_sys::{handover, process};
use serde::{Deserialize, Serialize};

use super::kernel::Kernel;
use super::reader::{Counts, Reader};
use crate::agent::layout::Room;
use crate::files;
use crate::payload::hex;
use crate::service;

/// What was handed to this process.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) socket: Option<OwnedFd>,
    /// The socket's owner had switched auditing on.
    pub(super) switched_on: bool,
    lock: Option<OwnedFd>,
    /// Set where a program was executed in the place of another.
    pub(super) in_place: Option<Handed>,
}

/// What the program before this one says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Handed {
    v: u8,
    pub(super) version: String,
    pub(super) counts: Counts,
}

impl Received {
    /// Takes what was handed over, if anything was.
    pub(super) fn take() -> Self {
        let in_place = handover::is_in_place();
        let mut received = Self::default();
        for handed in handover::received() {
            match handed.name.as_str() {
                KEPT => received.socket = Some(handed.descriptor),
                KEPT_SWITCHED_ON => {
                    received.socket = Some(handed.descriptor);
                    received.switched_on = true;
                }
                LOCK => received.lock = Some(handed.descriptor),
                name => tracing::warn!(name, "a descriptor that nobody here asked for"),
            }
        }
        if in_place {
            let text = std::env::var(STATE).unwrap_or_default();
            // What another version says and this one cannot read costs the counts only.
            received.in_place = Some(serde_json::from_str(&text).unwrap_or_default());
        }
        received
    }

    /// The lock of the room: the one that was handed over, or a new one.
    pub(super) fn lock(&mut self, path: &Path) -> indelible_sys::Result<FileLock> {
        match self.lock.take().map(|lock| FileLock::adopt(path, lock)) {
            Some(Ok(lock)) => Ok(lock),
            _ => FileLock::try_now(path),
        }
    }
}

/// Has the service manager keep the socket for whoever comes after a crash.
pub(super) fn keep_socket(kernel: &Kernel) {
    service::keep_descriptor(name(kernel), kernel.socket.as_fd());
}

/// Has it keep the socket no longer.
pub(super) fn forget_socket(kernel: &Kernel) {
    service::forget_descriptor(name(kernel));
}

fn name(kernel: &Kernel) -> &'static str {
    if kernel.switched_on {
        KEPT_SWITCHED_ON
    } else {
        KEPT
    }
}

/// The program that an upgrade executes, with this process's arguments.
#[derive(Clone, Debug)]
pub(super) struct Program {
    path: OsString,
    arguments: Vec<OsString>,
}

impl Program {
    /// The program by the path that it was started under: what stands there after an upgrade is
    /// another file.
    pub(super) fn own() -> Result<Self> {
        let mut words = std::env::args_os();
        let first = words.next().unwrap_or_default();
        let path = if Path::new(&first).is_absolute() {
            first
        } else {
            let path = std::env::current_exe().context("cannot find the program itself")?;
            path.into_os_string()
        };
        Ok(Self {
            path,
            arguments: words.collect(),
        })
    }

    /// Whether the program there starts and can read its configuration.
    pub(super) fn can_start(&self) -> Result<()> {
        let shown = self.path.display();
        let mut child = Command::new(&self.path)
            .args(&self.arguments)
            .arg("--check-only")
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {shown}"))?;
        let until = Instant::now() + CHECK_TIMEOUT;
        while Instant::now() < until {
            if let Some(status) = child.try_wait()? {
                anyhow::ensure!(status.success(), "{shown} cannot take over: {status}");
                return Ok(());
            }
            std::thread::sleep(CHECK_LOOK_EVERY);
        }
        let _ = child.kill();
        let _ = child.wait();
        anyhow::bail!("{shown} did not answer in time")
    }

    /// Executes it in the place of this one; returns only where that failed.
    pub(super) fn take_over(&self, reader: &Reader<'_>, lock: &FileLock) -> anyhow::Error {
        let handed = Handed {
            v: 1,
            version: VERSION.into(),
            counts: reader.counts().clone(),
        };
        let state = match serde_json::to_string(&handed) {
            Ok(state) => state,
            Err(error) => return error.into(),
        };
        if let Err(error) = process::keep_capabilities_on_execution() {
            return error.into();
        }
        let arguments: Vec<&OsStr> = self.arguments.iter().map(OsString::as_os_str).collect();
        handover::execute(
            &self.path,
            &arguments,
            &[(STATE, state)],
            &[
                (name(&reader.kernel), reader.kernel.socket.as_fd()),
                (LOCK, lock.as_fd()),
            ],
        )
        .into()
    }
}

/// The file that says who captures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    v: u8,
    pub(crate) pid: u32,
    pub(crate) version: String,
    boot_id: String,
    /// When this program began, ns since 1970, as digits.
    pub(crate) since_ns: String,
}

impl Running {
    pub(super) fn now(host: &Host) -> Self {
        Self {
            v: 1,
            pid: std::process::id(),
            version: VERSION.into(),
            boot_id: hex(&host.boot_id),
            since_ns: realtime_ns().to_string(),
        }
    }

    /// Who captures into the room, or crashed while it did.
    pub(crate) fn read(room: &Room) -> Option<Self> {
        serde_json::from_slice(&fs::read(room.running()).ok()?).ok()
    }

    /// The one that ended in this boot without saying so.
    pub(super) fn crashed(room: &Room, host: &Host) -> Option<Self> {
        Self::read(room).filter(|running| running.boot_id == hex(&host.boot_id))
    }

    /// Without it a crash is not recognised, and an upgrade must be asked for by signal: no reason
    /// not to capture.
    pub(super) fn write(&self, room: &Room) {
        let path = room.running();
        let written = serde_json::to_vec(self)
            .map_err(std::io::Error::from)
            .and_then(|bytes| files::replace(&path, 0o640, &bytes));
        if let Err(error) = written {
            tracing::warn!("cannot write {}: {error}", path.display());
        }
    }

    pub(super) fn remove(room: &Room) {
        // Where it stays, a crash is recorded that was none.
        let _ = fs::remove_file(room.running());
    }
}

/// Asks the capture of a spool to let the program that is installed now take its place, and waits
/// until it has. Returns who captured before and who does now.
pub(crate) fn ask(room: &Room) -> Result<(Running, Running)> {
    let path: PathBuf = room.lock();
    anyhow::ensure!(
        matches!(
            FileLock::try_now(&path),
            Err(indelible_sys::Error::InUse { .. })
        ),
        "nothing captures into {}",
        room.folder().display()
    );
    let before = Running::read(room).context("who captures is not known: send SIGHUP to it")?;
    process::hang_up(before.pid).context("cannot ask capture to upgrade; are you root?")?;
    let until = Instant::now() + UPGRADE_TIMEOUT;
    while Instant::now() < until {
        std::thread::sleep(CHECK_LOOK_EVERY);
        if let Some(now) = Running::read(room)
            && now.since_ns != before.since_ns
        {
            return Ok((before, now));
        }
    }
    anyhow::bail!("capture goes on as it was; its messages say why")
}

/// This program's.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The socket, under this name where auditing was on before us.
const KEPT: &str = "audit";
/// The socket, where we switched auditing on.
const KEPT_SWITCHED_ON: &str = "audit-switched-on";
const LOCK: &str = "lock";
const STATE: &str = "INDELIBLE_CAPTURE";
/// How long a program may take to say that it can start.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);
const CHECK_LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long an upgrade may take, a check included.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::layout::Layout;

    #[test]
    fn a_crash_is_known_by_what_it_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(folder.path());
        layout.create(None).unwrap();
        let room = layout.capture();
        let host = Host::current().unwrap();
        assert_eq!(Running::crashed(&room, &host), None);
        let running = Running::now(&host);
        running.write(&room);
        assert_eq!(Running::crashed(&room, &host), Some(running));
        let mut next_boot = host.clone();
        next_boot.boot_id = [7; 16];
        assert_eq!(Running::crashed(&room, &next_boot), None);
        Running::remove(&room);
        assert_eq!(Running::crashed(&room, &host), None);
    }

    #[test]
    fn nobody_is_asked_where_nobody_captures() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(folder.path());
        layout.create(None).unwrap();
        let refused = ask(&layout.capture()).unwrap_err().to_string();
        assert!(refused.starts_with("nothing captures into"), "{refused}");
    }
}
