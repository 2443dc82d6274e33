//! Programs that were started, by process: what the parents of later ones are.
//!
//! Two generations: when the young one is full it becomes the old one, and what was not asked for
//! since then is forgotten. So memory is bounded whatever the number of processes, and a parent
//! that lives is kept as long as its children are seen.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::limits::sigma::{PROCESS_BYTES_MAX, PROCESS_LINE_BYTES_MAX, PROCESSES_MAX};

/// A program that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) image: Box<[u8]>,
    /// Empty where it is not known.
    pub(super) command_line: Box<[u8]>,
}

/// A host, by a hash of its name, and a process on it.
type Key = (u64, u32);

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Processes {
    young: HashMap<Key, Process>,
    old: HashMap<Key, Process>,
    young_bytes: usize,
    /// Programs that were forgotten.
    pub(super) forgotten: u64,
}

impl Processes {
    /// A program has taken over a process.
    pub(super) fn started(&mut self, node: Option<&[u8]>, pid: u32, image: &[u8], line: &[u8]) {
        let line = &line[..line.len().min(PROCESS_LINE_BYTES_MAX)];
        let image = &image[..image.len().min(PROCESS_LINE_BYTES_MAX)];
        self.put(
            key(node, pid),
            Process {
                image: image.into(),
                command_line: line.into(),
            },
        );
    }

    /// What runs in a process.
    pub(super) fn find(&mut self, node: Option<&[u8]>, pid: u32) -> Option<Process> {
        let key = key(node, pid);
        if let Some(process) = self.young.get(&key) {
            return Some(process.clone());
        }
        let process = self.old.remove(&key)?;
        self.put(key, process.clone());
        Some(process)
    }

    fn put(&mut self, key: Key, process: Process) {
        self.young_bytes += process.image.len() + process.command_line.len();
        if let Some(before) = self.young.insert(key, process) {
            self.young_bytes -= before.image.len() + before.command_line.len();
        }
        if self.young.len() >= PROCESSES_MAX || self.young_bytes >= PROCESS_BYTES_MAX {
            self.forgotten += self.old.len() as u64;
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}

fn key(node: Option<&[u8]>, pid: u32) -> Key {
    let mut hasher = DefaultHasher::new();
    node.hash(&mut hasher);
    (hasher.finish(), pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_that_is_asked_for_stays() {
        let mut processes = Processes::default();
        processes.started(None, 1, b"/sbin/init", b"init");
        for pid in 2..3 * PROCESSES_MAX as u32 {
            processes.started(None, pid, b"/bin/true", b"true");
            if pid % 1000 == 0 {
                assert!(processes.find(None, 1).is_some(), "{pid}");
            }
        }
        assert_eq!(
            &*processes.find(None, 1).expect("kept").image,
            b"/sbin/init"
        );
        assert!(processes.find(None, 2).is_none());
        assert!(processes.find(Some(b"other"), 1).is_none());
        assert!(processes.young.len() + processes.old.len() <= 2 * PROCESSES_MAX);
        assert!(processes.forgotten > 0);
    }

    #[test]
    fn long_lines_are_bounded() {
        let mut processes = Processes::default();
        let line = vec![b'x'; 1 << 20];
        for pid in 0..20_000 {
            processes.started(None, pid, b"/bin/x", &line);
        }
        assert!(processes.young_bytes < PROCESS_BYTES_MAX);
        let found = processes.find(None, 19_999).expect("the last");
        assert_eq!(found.command_line.len(), PROCESS_LINE_BYTES_MAX);
    }
}
