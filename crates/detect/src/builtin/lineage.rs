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
        let exe = &exe[..exe.len().min(EXE_BYTES_MAX)];
        match self.0.find(act.key(pid)) {
            Some(known) if *known.exe == *exe => known.ppid = act.ppid.or(known.ppid),
            _ => self.0.put(
                act.key(pid),
                Process {
                    exe: exe.into(),
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
            if names.has(&process.exe) {
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
