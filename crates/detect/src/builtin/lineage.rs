//! Which program runs in which process, and who started it; as far as events have told.

use super::about::Names;
use super::act::Act;
use super::table::Table;
use crate::limits::builtin::{ANCESTORS_MAX, EXE_BYTES_MAX, PROCESSES_MAX};

/// What is known of processes.
#[derive(Debug)]
pub(super) struct Lineage(Table<Process>);

#[derive(Debug)]
struct Process {
    exe: Box<[u8]>,
    /// What was asked to run, where that is another file: a script, which `exe` interprets.
    script: Option<Box<[u8]>>,
    ppid: Option<u32>,
}

impl Default for Lineage {
    fn default() -> Self {
        Lineage(Table::new(PROCESSES_MAX))
    }
}

impl Lineage {
    /// Learns from an event.
    pub(super) fn learn(&mut self, act: &Act<'_>) {
        let (Some(pid), Some(exe)) = (act.pid, act.exe()) else {
            return;
        };
        let script = act.starts_program().then(|| script(act, exe));
        let exe = &exe[..exe.len().min(EXE_BYTES_MAX)];
        match self.0.find(act.key(pid)) {
            Some(known) if *known.exe == *exe => {
                known.ppid = act.ppid.or(known.ppid);
                if let Some(script) = script {
                    known.script = script;
                }
            }
            _ => self.0.put(
                act.key(pid),
                Process {
                    exe: exe.into(),
                    script: script.flatten(),
                    ppid: act.ppid,
                },
            ),
        }
    }

    /// Whether a program of the list is among those that led to this one.
    pub(super) fn descends_from(&mut self, act: &Act<'_>, names: &Names) -> bool {
        let mut next = act.ppid;
        for _ in 0..ANCESTORS_MAX {
            let Some(process) = next.and_then(|pid| self.0.find(act.key(pid))) else {
                return false;
            };
            if names.has(&process.exe) || names.has_some(process.script.as_deref()) {
                return true;
            }
            next = process.ppid;
        }
        false
    }

    /// The process and those that led to it, each with its parent: at most so many.
    pub(super) fn line(&mut self, act: &Act<'_>, max: usize) -> Vec<(u32, u32)> {
        let mut line = Vec::new();
        let mut next = act.pid.zip(act.ppid);
        while let Some((pid, parent)) = next.filter(|_| line.len() < max) {
            line.push((pid, parent));
            let above = self
                .0
                .find(act.key(parent))
                .and_then(|process| process.ppid);
            next = above.map(|above| (parent, above));
        }
        line
    }

    /// Whether the process runs a script of the list, or was started by one.
    pub(super) fn runs_script(&mut self, act: &Act<'_>, names: &Names) -> bool {
        let mut next = act.pid;
        for _ in 0..ANCESTORS_MAX {
            let Some(process) = next.and_then(|pid| self.0.find(act.key(pid))) else {
                return false;
            };
            if names.has_some(process.script.as_deref()) {
                return true;
            }
            next = process.ppid;
        }
        false
    }

    pub(super) fn evicted(&self) -> u64 {
        self.0.evicted
    }
}

/// The file that was asked to run, by its whole path: not what a process says of itself.
fn script(act: &Act<'_>, exe: &[u8]) -> Option<Box<[u8]>> {
    let name = act.paths().first()?.name.as_deref()?;
    let is_script = name.starts_with(b"/") && name != exe && name.len() <= EXE_BYTES_MAX;
    is_script.then(|| name.into())
}
