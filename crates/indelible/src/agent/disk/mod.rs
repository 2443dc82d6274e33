//! What a site demands when the spool's disk fills up or fails.
//!
//! ```text
//! capture: policy ─ level ─▶ guard/socket ─▶ guard: the program that is configured for that level
//! ```
//! Capture decides, says so in its stream, and suspends itself where that is asked for. It runs no
//! program: the guard does, a process of its own with the rights for that, which runs only where the
//! configuration asks for programs. It takes the name of a level and nothing else from capture.

mod guard;
mod policy;

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

pub(crate) use guard::run as guard;
pub(crate) use policy::{DiskPolicy, DiskState, Due};

use super::layout::Layout;
use crate::config::disk::{DiskConfig, DiskLevel};

/// The policy as capture follows it, and the way to the guard.
#[derive(Debug)]
pub(crate) struct DiskWatch {
    pub(crate) policy: DiskPolicy,
    folder: PathBuf,
    guard: PathBuf,
    socket: Option<UnixDatagram>,
}

impl DiskWatch {
    pub(crate) fn new(layout: &Layout, config: &DiskConfig) -> Self {
        Self {
            policy: DiskPolicy::new(config.clone()),
            folder: layout.capture().folder().to_owned(),
            guard: layout.guard_socket(),
            socket: UnixDatagram::unbound()
                .and_then(|socket| {
                    // A guard that hangs must not hold up capture.
                    socket.set_nonblocking(true)?;
                    Ok(socket)
                })
                .ok(),
        }
    }

    /// How the disk is; `None` where it does not say.
    pub(crate) fn state(&self, is_full: bool, has_failed: bool) -> Option<DiskState> {
        let disk = rustix::fs::statvfs(&self.folder).ok()?;
        Some(DiskState {
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            size_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
            is_full,
            has_failed,
        })
    }

    /// Has the guard run what is configured for a level.
    pub(crate) fn ask_the_guard(&self, level: DiskLevel) -> std::io::Result<()> {
        let Some(socket) = &self.socket else {
            return Err(std::io::ErrorKind::NotConnected.into());
        };
        socket.send_to(level.word().as_bytes(), &self.guard)?;
        Ok(())
    }
}
