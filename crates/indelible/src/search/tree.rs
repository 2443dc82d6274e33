//! The processes of the events that match, as a tree by login session.
//!
//! ```text
//! session 3, alice
//!   2711 sshd, 1 event
//!     2712 bash, 4 events
//!       2790 vi /etc/shadow, 2 events
//! without session
//!   612 cron, 9 events
//! ```
//!
//! A process is what shares host, session and number: numbers that a kernel gives out again within
//! one session are taken for one process. Parents that no matching event comes from are not shown.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use indelible_record::{Event, Interpreter, Names, UNSET};

use super::engine::Work;
use super::limits::TREE_PROCESSES_MAX;

/// What an event says of its process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    place: Place,
    pid: u32,
    ppid: Option<u32>,
    login: Vec<u8>,
    command: Vec<u8>,
    /// The command line is that of an execve, not only a name.
    is_command_line: bool,
}

/// Where a process runs: host and session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    node: Vec<u8>,
    /// The sessions first, then what belongs to none.
    session: Option<u32>,
}

/// Reads the steps of events.
pub(crate) struct TreeWork<'a> {
    pub(crate) names: &'a (dyn Names + Sync),
}

impl Work for TreeWork<'_> {
    type Part = Vec<Option<Step>>;

    fn part(&self) -> Self::Part {
        Vec::new()
    }

    fn event(&self, event: &Event, part: &mut Self::Part) {
        part.push(self.step(event));
    }
}

impl TreeWork<'_> {
    /// None for an event that names no process.
    fn step(&self, event: &Event) -> Option<Step> {
        let command_line = event.argv().map(|argv| argv.arguments.join(&b' '));
        let is_command_line = command_line.is_some();
        let name = || {
            event
                .comm()
                .or_else(|| event.exe())
                .map(std::borrow::Cow::into_owned)
        };
        Some(Step {
            place: Place {
                node: event.node().unwrap_or_default().to_vec(),
                session: event.session().filter(|session| *session != UNSET),
            },
            pid: event.pid()?,
            ppid: event.ppid(),
            login: self.login(event),
            command: command_line.or_else(name).unwrap_or_default(),
            is_command_line,
        })
    }

    fn login(&self, event: &Event) -> Vec<u8> {
        let mut text = Vec::new();
        if event.auid().is_none_or(|auid| auid == UNSET) {
            return text;
        }
        if let Some((record, field)) = event.field("auid")
            && !Interpreter::new(&record, self.names).interpret(&field, &mut text)
        {
            text.extend_from_slice(field.value);
        }
        text
    }
}

/// The processes seen so far.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    places: BTreeMap<Place, Session>,
    processes: usize,
    events: u64,
    /// Events of no process, or of one beyond the limit.
    without_process: u64,
}

#[derive(Debug, Default)]
struct Session {
    login: Vec<u8>,
    processes: BTreeMap<u32, Process>,
}

#[derive(Debug, Default)]
struct Process {
    ppid: Option<u32>,
    command: Vec<u8>,
    is_command_line: bool,
    events: u64,
}

impl Tree {
    /// Adds steps; breaks off at the limit.
    pub(crate) fn take(&mut self, steps: Vec<Option<Step>>, limit: u64) -> ControlFlow<()> {
        for step in steps {
            if self.events >= limit {
                return ControlFlow::Break(());
            }
            self.events += 1;
            match step {
                Some(step) => self.add(step),
                None => self.without_process += 1,
            }
        }
        ControlFlow::Continue(())
    }

    /// How many events were added.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    fn add(&mut self, step: Step) {
        let session = self.places.entry(step.place).or_default();
        if session.login.is_empty() {
            session.login = step.login;
        }
        let is_known = session.processes.contains_key(&step.pid);
        if !is_known && self.processes >= TREE_PROCESSES_MAX {
            self.without_process += 1;
            return;
        }
        self.processes += usize::from(!is_known);
        let process = session.processes.entry(step.pid).or_default();
        process.events += 1;
        process.ppid = process.ppid.or(step.ppid);
        if step.is_command_line >= process.is_command_line && !step.command.is_empty() {
            process.command = step.command;
            process.is_command_line = step.is_command_line;
        }
    }

    /// The tree as indented lines.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let sessions = self
            .places
            .iter()
            .filter(|(place, _)| place.session.is_some());
        let others = self
            .places
            .iter()
            .filter(|(place, _)| place.session.is_none());
        for (place, session) in sessions.chain(others) {
            match place.session {
                Some(number) => out.extend_from_slice(format!("session {number}").as_bytes()),
                None => out.extend_from_slice(b"without session"),
            }
            push_part(b", ", &session.login, &mut out);
            push_part(b" on ", &place.node, &mut out);
            out.push(b'\n');
            session.push(&mut out);
        }
        if self.without_process > 0 {
            let count = counted(self.without_process);
            out.extend_from_slice(format!("without process, {count}\n").as_bytes());
        }
        out
    }
}

impl Session {
    fn push(&self, out: &mut Vec<u8>) {
        let mut children: BTreeMap<Option<u32>, Vec<u32>> = BTreeMap::new();
        for (pid, process) in &self.processes {
            // A process that is its own parent would be nobody's child.
            let parent = process
                .ppid
                .filter(|ppid| ppid != pid && self.processes.contains_key(ppid));
            children.entry(parent).or_default().push(*pid);
        }
        let mut waiting: Vec<(u32, usize)> = Vec::new();
        let mut shown = 0;
        let mut push_all = |waiting: &mut Vec<(u32, usize)>,
                            children: &mut BTreeMap<_, Vec<u32>>| {
            while let Some((pid, depth)) = waiting.pop() {
                self.push_process(pid, depth, out);
                shown += 1;
                let below = children.remove(&Some(pid)).unwrap_or_default();
                waiting.extend(below.into_iter().rev().map(|pid| (pid, depth + 1)));
            }
        };
        let roots = children.remove(&None).unwrap_or_default();
        waiting.extend(roots.into_iter().rev().map(|pid| (pid, 1)));
        push_all(&mut waiting, &mut children);
        // Numbers used again can make a ring of parents: it is opened at its lowest number.
        while let Some(pid) = children.values().flatten().min().copied() {
            children
                .values_mut()
                .for_each(|pids| pids.retain(|other| *other != pid));
            children.retain(|_, pids| !pids.is_empty());
            waiting.push((pid, 1));
            push_all(&mut waiting, &mut children);
        }
    }

    fn push_process(&self, pid: u32, depth: usize, out: &mut Vec<u8>) {
        let process = &self.processes[&pid];
        out.extend(std::iter::repeat_n(b' ', 2 * depth.min(DEPTH_SHOWN_MAX)));
        out.extend_from_slice(pid.to_string().as_bytes());
        let line: Vec<u8> = process
            .command
            .iter()
            .map(|byte| if *byte == b'\n' { b' ' } else { *byte })
            .collect();
        push_part(b" ", &line, out);
        out.extend_from_slice(format!(", {}\n", counted(process.events)).as_bytes());
    }
}

fn push_part(before: &[u8], part: &[u8], out: &mut Vec<u8>) {
    if !part.is_empty() {
        out.extend_from_slice(before);
        out.extend_from_slice(part);
    }
}

fn counted(events: u64) -> String {
    match events {
        1 => "1 event".into(),
        _ => format!("{events} events"),
    }
}

/// Deeper processes are shown at this depth.
const DEPTH_SHOWN_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn step(session: Option<u32>, pid: u32, ppid: u32, command: &str) -> Option<Step> {
        Some(Step {
            place: Place {
                node: Vec::new(),
                session,
            },
            pid,
            ppid: Some(ppid),
            login: b"alice".to_vec(),
            command: command.into(),
            is_command_line: command.contains(' '),
        })
    }

    fn check(steps: Vec<Option<Step>>, expect: &str) {
        let mut tree = Tree::default();
        assert!(tree.take(steps, u64::MAX).is_continue());
        assert_eq!(String::from_utf8(tree.text()).unwrap(), expect);
    }

    #[test]
    fn processes_below_their_parents() {
        check(
            vec![
                step(Some(3), 12, 11, "bash"),
                step(Some(3), 11, 1, "sshd"),
                step(Some(3), 13, 12, "vi /etc/shadow"),
                step(Some(3), 13, 12, "vi"),
                step(None, 5, 1, "cron"),
                None,
            ],
            "session 3, alice\n  11 sshd, 1 event\n    12 bash, 1 event\n      \
             13 vi /etc/shadow, 2 events\nwithout session, alice\n  5 cron, 1 event\n\
             without process, 1 event\n",
        );
    }

    #[test]
    fn rings_end() {
        check(
            vec![
                step(Some(1), 2, 3, "a"),
                step(Some(1), 3, 2, "b"),
                step(Some(1), 4, 4, "c"),
            ],
            "session 1, alice\n  4 c, 1 event\n  2 a, 1 event\n    3 b, 1 event\n",
        );
    }
}
