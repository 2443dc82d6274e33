//! What this host says of its processes and users.

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use indelible_record::Names;
use indelible_sys::proc::{self, boot_time_s, ticks_per_second};

use super::deriver::{Host, Seen};
use crate::agent::inspect::{Inspected, Inspector};
use crate::user::LocalNames;

/// World-readable files of /proc and of /etc.
pub(super) struct ThisHost {
    names: LocalNames,
    /// When the files of names were looked at, and what they looked like.
    looked_at: Instant,
    files: Files,
    boot_ms: u64,
    /// Whom to ask for what only a privileged process may read.
    inspector: Option<Inspector>,
}

/// Size, inode and time of change of the files of names.
type Files = [Option<(u64, u64, i64)>; 2];

impl ThisHost {
    pub(super) fn new(inspector: Option<Inspector>) -> Self {
        Self {
            names: LocalNames::read(),
            looked_at: Instant::now(),
            files: files(),
            boot_ms: boot_time_s().map_or(0, |seconds| seconds * 1000),
            inspector,
        }
    }
}

impl Host for ThisHost {
    fn process(&self, pid: u32) -> Option<Seen> {
        let process = proc::Process { pid };
        let stat = process.stat().ok()?;
        Some(Seen {
            ppid: stat.ppid,
            started_ms: self.boot_ms + stat.start_ticks.saturating_mul(1000) / ticks_per_second(),
        })
    }

    fn arguments(&self, pid: u32) -> Vec<Vec<u8>> {
        let process = proc::Process { pid };
        process.arguments(ARGUMENTS_BYTES_MAX).unwrap_or_default()
    }

    fn cgroup(&self, pid: u32) -> Vec<u8> {
        let process = proc::Process { pid };
        process.read("cgroup", CGROUP_BYTES_MAX).unwrap_or_default()
    }

    fn inspected(&mut self, pid: u32) -> Option<Inspected> {
        self.inspector.as_mut()?.ask(pid)
    }

    fn user(&self, uid: u32) -> Option<String> {
        Some(self.names.user(uid)?.into_owned())
    }

    fn group(&self, gid: u32) -> Option<String> {
        Some(self.names.group(gid)?.into_owned())
    }

    fn look_again(&mut self) {
        if self.looked_at.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked_at = Instant::now();
        let now = files();
        if now != self.files {
            self.files = now;
            self.names = LocalNames::read();
        }
    }
}

fn files() -> Files {
    ["/etc/passwd", "/etc/group"].map(|path| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.size(), file.ino(), file.ctime()))
    })
}

/// How often it is asked whether users or groups have changed.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Most of a command line that is read.
const ARGUMENTS_BYTES_MAX: u64 = 8 << 10;
/// Most of a list of control groups that is read.
const CGROUP_BYTES_MAX: u64 = 4 << 10;
