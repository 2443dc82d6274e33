//! From records to contexts: which processes the host's records show, and what is said of them.
//!
//! The process table is fed by the records themselves (SYSCALL, EXECVE, the path of a script, forks)
//! and, for what they do not say, by the host. A context is made where a process is seen for the first
//! time or has changed: other ids, another program, an execution. An event of a process that is known
//! costs a look into the table.

use std::collections::{BTreeMap, HashMap};

use indelible_record::{Record, RecordType};
use memchr::memmem;

use super::cgroup;
use crate::agent::inspect::Inspected;
use crate::payload::context::{Context, Process};

/// What the host says.
pub(super) trait Host {
    /// A process that runs now.
    fn process(&self, pid: u32) -> Option<Seen>;
    /// Its arguments; empty where it is gone.
    fn arguments(&self, pid: u32) -> Vec<Vec<u8>>;
    /// Its control groups, as `/proc/PID/cgroup` has them; empty where it is gone.
    fn cgroup(&self, pid: u32) -> Vec<u8>;
    /// What only a privileged process may read of it; nothing where nobody is to be asked.
    fn inspected(&mut self, pid: u32) -> Option<Inspected>;
    fn user(&self, uid: u32) -> Option<String>;
    fn group(&self, gid: u32) -> Option<String>;
    /// Called from time to time: names may have changed.
    fn look_again(&mut self);
}

/// A process as the host has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) ppid: u32,
    /// ms since 1970.
    pub(super) started_ms: u64,
}

/// Derives the contexts of one host's records.
pub(super) struct Deriver<H> {
    host: H,
    boot_id: String,
    known: HashMap<u32, Known>,
    /// Events of processes that are new or have changed, until all their records are here.
    pending: BTreeMap<u32, Pending>,
    /// Serial and process of the last SYSCALL record: others of its event follow it.
    last: Option<(u32, u32)>,
}

/// A process of the table.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The part of its last SYSCALL record that says who and what it is; empty where only the host was
    /// asked.
    identity: Vec<u8>,
    ppid: u32,
    process: Process,
}

/// An event that a context is made of.
#[derive(Debug)]
struct Pending {
    time_ms: u64,
    identity: Vec<u8>,
    /// Of an execution.
    argv: Option<Vec<Vec<u8>>>,
    /// What was asked to be executed.
    asked: Option<Vec<u8>>,
}

impl<H: Host> Deriver<H> {
    pub(super) fn new(host: H, boot_id: &str) -> Self {
        Self {
            host,
            boot_id: boot_id.to_owned(),
            known: HashMap::new(),
            pending: BTreeMap::new(),
            last: None,
        }
    }

    /// Takes one record; its text begins with `audit(`. Gives the context that it completes.
    pub(super) fn record(&mut self, kind: u16, text: &[u8]) -> Option<Context> {
        match kind {
            SYSCALL => {
                self.syscall(text);
                self.surplus()
            }
            EXECVE | PATH => {
                self.more(kind, text);
                None
            }
            // Some sources leave out the end of an event.
            PROCTITLE | EOE if !self.pending.is_empty() => {
                let serial = indelible_record::stamp(text)?.serial;
                let pending = self.pending.remove(&serial)?;
                Some(self.context(serial, pending))
            }
            _ => None,
        }
    }

    /// Has the host look again at what may have changed.
    pub(super) fn look_again(&mut self) {
        self.host.look_again();
    }

    fn syscall(&mut self, text: &[u8]) {
        self.last = None;
        let Some((pid, identity)) = identity(text) else {
            return;
        };
        let is_known = self
            .known
            .get(&pid)
            .is_some_and(|known| identity.is(&known.identity));
        let Some(stamp) = indelible_record::stamp(text) else {
            return;
        };
        self.last = Some((stamp.serial, pid));
        if !is_known {
            self.wait_for(stamp.serial, stamp.ms(), &identity.bytes());
        }
        if let Some(child) = forked(text) {
            self.fork(pid, child, stamp.ms());
        }
    }

    fn wait_for(&mut self, serial: u32, time_ms: u64, identity: &[u8]) {
        self.pending.entry(serial).or_insert_with(|| Pending {
            time_ms,
            identity: identity.to_vec(),
            argv: None,
            asked: None,
        });
    }

    /// EXECVE: the process becomes another program, also where the record looks the same. PATH: of an
    /// execution, the first one names what was asked for.
    fn more(&mut self, kind: u16, text: &[u8]) {
        let Some(stamp) = indelible_record::stamp(text) else {
            return;
        };
        if kind == EXECVE
            && let Some((serial, pid)) = self.last
            && serial == stamp.serial
            && let Some(known) = self.known.get(&pid)
        {
            let identity = known.identity.clone();
            self.wait_for(serial, stamp.ms(), &identity);
        }
        let Some(pending) = self.pending.get_mut(&stamp.serial) else {
            return;
        };
        let record = Record::from_kernel(kind, text);
        if kind == EXECVE {
            let argv = pending.argv.get_or_insert_with(Vec::new);
            let arguments = record.fields().filter(|field| {
                field.name.first() == Some(&b'a') && field.name[1..].iter().all(u8::is_ascii_digit)
            });
            for argument in arguments.take(ARGUMENTS_MAX + 1) {
                argv.push(argument.decoded(RecordType(EXECVE)).into_owned());
            }
        } else if pending.argv.is_some() && pending.asked.is_none() {
            let name = record.get("name").filter(|name| !name.is_null());
            pending.asked = name.map(|name| name.decoded(RecordType(PATH)).into_owned());
        }
    }

    /// A child begins as its parent is.
    fn fork(&mut self, parent: u32, child: u32, time_ms: u64) {
        let process = self.known.get(&parent).map(|known| known.process.clone());
        let process = Process {
            pid: child,
            started_ms: Some(time_ms),
            ..process.unwrap_or_default()
        };
        self.keep(
            child,
            Known {
                identity: Vec::new(),
                ppid: parent,
                process,
            },
        );
    }

    /// The oldest event that waits, where too many do.
    fn surplus(&mut self) -> Option<Context> {
        if self.pending.len() <= PENDING_MAX {
            return None;
        }
        let (serial, pending) = self.pending.pop_first()?;
        Some(self.context(serial, pending))
    }

    fn context(&mut self, serial: u32, pending: Pending) -> Context {
        let mut context = Context::of_event(&self.boot_id, pending.time_ms, serial);
        let text = [b"audit(0.000:0): ", pending.identity.as_slice()].concat();
        let record = Record::from_kernel(SYSCALL, &text);
        let number = |name: &str| -> Option<u32> {
            let field = record.get(name)?;
            std::str::from_utf8(field.value).ok()?.parse().ok()
        };
        let pid = number("pid").unwrap_or(0);
        let ppid = number("ppid").unwrap_or(0);
        for name in USERS {
            if let Some(uid) = number(name)
                && let Some(user) = self.host.user(uid)
            {
                context.users.insert(uid, user);
            }
        }
        for name in GROUPS {
            if let Some(gid) = number(name)
                && let Some(group) = self.host.group(gid)
            {
                context.groups.insert(gid, group);
            }
        }
        (context.unit, context.container) = cgroup::origin(&self.host.cgroup(pid));
        let exe = record
            .get("exe")
            .map(|exe| lossy(&exe.decoded(RecordType(SYSCALL))));
        context.process = self.process(pid, exe, &pending);
        self.inspect(&mut context.process);
        self.keep(
            pid,
            Known {
                identity: pending.identity,
                ppid,
                process: context.process.clone(),
            },
        );
        let mut above = ppid;
        for _ in 0..PARENTS {
            if above == 0 {
                break;
            }
            let (process, next) = self.parent(above);
            context.parents.push(process);
            above = next;
        }
        context
    }

    fn process(&self, pid: u32, exe: Option<String>, pending: &Pending) -> Process {
        let before = self.known.get(&pid).filter(|known| {
            // The same program as before: what was known of its start and arguments holds.
            pending.argv.is_none() && known.process.exe == exe
        });
        let mut process = Process {
            pid,
            exe,
            started_ms: self.host.process(pid).map(|seen| seen.started_ms),
            ..Process::default()
        };
        if process.started_ms.is_none() {
            // It is gone already: an execution is the latest that it can have started.
            let known = self
                .known
                .get(&pid)
                .and_then(|known| known.process.started_ms);
            process.started_ms = known.or(pending.argv.as_ref().map(|_| pending.time_ms));
        }
        match (&pending.argv, before) {
            (Some(argv), _) => set_arguments(&mut process, argv),
            (None, Some(known)) => {
                process.argv.clone_from(&known.process.argv);
                process.argv_cut = known.process.argv_cut;
                process.script.clone_from(&known.process.script);
                process.environment.clone_from(&known.process.environment);
                process.exe_sha256.clone_from(&known.process.exe_sha256);
            }
            (None, None) => set_arguments(&mut process, &self.host.arguments(pid)),
        }
        if let Some(asked) = &pending.asked {
            process.script = script(asked, process.exe.as_deref(), &process.argv);
        }
        process
    }

    /// Adds what the privileged helper knows, as long as the process still runs the same program.
    fn inspect(&mut self, process: &mut Process) {
        if process.exe_sha256.is_some() || !process.environment.is_empty() {
            return;
        }
        let Some(found) = self.host.inspected(process.pid) else {
            return;
        };
        if found.exe.is_some() && process.exe.is_some() && found.exe != process.exe {
            return;
        }
        process.environment = found.environment.into_iter().collect();
        process.exe_sha256 = found.exe_sha256;
    }

    /// A process of which no record of this event speaks, and the pid of its parent.
    fn parent(&mut self, pid: u32) -> (Process, u32) {
        let seen = self.host.process(pid);
        if let Some(known) = self.known.get(&pid) {
            // A number that was used again is another process.
            let same = seen.is_none_or(|seen| {
                let started = known.process.started_ms.unwrap_or(seen.started_ms);
                started.abs_diff(seen.started_ms) <= START_SLACK_MS
            });
            if same {
                return (known.process.clone(), known.ppid);
            }
        }
        let mut process = Process {
            pid,
            ..Process::default()
        };
        let Some(seen) = seen else {
            return (process, 0);
        };
        process.started_ms = Some(seen.started_ms);
        set_arguments(&mut process, &self.host.arguments(pid));
        let known = Known {
            identity: Vec::new(),
            ppid: seen.ppid,
            process: process.clone(),
        };
        self.keep(pid, known);
        (process, seen.ppid)
    }

    fn keep(&mut self, pid: u32, known: Known) {
        if self.known.len() >= KNOWN_MAX && !self.known.contains_key(&pid) {
            // Most are gone by now; those that are not are asked for again.
            self.known.clear();
        }
        self.known.insert(pid, known);
    }
}

/// The parts of a SYSCALL record that say who and what the process is: from `ppid=` to the key of the
/// rule, which is the event's, without `comm`, which is the thread's.
#[derive(Clone, Copy, Debug)]
struct Identity<'a> {
    ids: &'a [u8],
    program: &'a [u8],
}

impl Identity<'_> {
    fn is(&self, known: &[u8]) -> bool {
        known.len() == self.ids.len() + self.program.len()
            && known.starts_with(self.ids)
            && known.ends_with(self.program)
    }

    fn bytes(&self) -> Vec<u8> {
        [self.ids, self.program].concat()
    }
}

/// The pid of a SYSCALL record, and who and what the process is.
fn identity(text: &[u8]) -> Option<(u32, Identity<'_>)> {
    let begin = memmem::find(text, b" ppid=")? + 1;
    let rest = &text[begin..];
    let rest = &rest[..memmem::rfind(rest, b" key=").unwrap_or(rest.len())];
    let ids_end = memmem::find(rest, b" comm=").unwrap_or(rest.len());
    let program = memmem::find(&rest[ids_end..], b" exe=").map_or(rest.len(), |at| ids_end + at);
    let identity = Identity {
        ids: &rest[..ids_end],
        program: &rest[program..],
    };
    let pid = memmem::find(identity.ids, b" pid=")? + 5;
    let digits = identity.ids[pid..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let pid = digits.fold(0u32, |number, digit| {
        number
            .wrapping_mul(10)
            .wrapping_add(u32::from(digit - b'0'))
    });
    Some((pid, identity))
}

/// The child of a system call that made one.
fn forked(text: &[u8]) -> Option<u32> {
    let begin = memmem::find(text, b" syscall=")? + 9;
    let end = begin + text[begin..].iter().position(|byte| *byte == b' ')?;
    let number = &text[begin..end];
    if !FORKS.iter().any(|(_, fork)| *fork == number) {
        return None;
    }
    let record = Record::from_kernel(SYSCALL, text);
    if !FORKS.contains(&(record.get("arch")?.value, number))
        || record.get("success")?.value != b"yes"
    {
        return None;
    }
    std::str::from_utf8(record.get("exit")?.value)
        .ok()?
        .parse()
        .ok()
        .filter(|child| *child > 0)
}

/// What an interpreter runs: it was asked for, and is not the program that runs.
fn script(asked: &[u8], exe: Option<&str>, argv: &[String]) -> Option<String> {
    let asked = lossy(asked);
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let is_program = exe.is_some_and(|exe| last(exe) == last(&asked));
    // The kernel puts the script behind the interpreter and its one argument.
    let is_argument = argv.iter().skip(1).take(2).any(|word| *word == asked);
    (!is_program && is_argument).then_some(asked)
}

fn set_arguments(process: &mut Process, arguments: &[Vec<u8>]) {
    let mut bytes = 0;
    for argument in arguments {
        bytes += argument.len();
        if process.argv.len() == ARGUMENTS_MAX || bytes > ARGUMENTS_BYTES_MAX {
            process.argv_cut = true;
            return;
        }
        process.argv.push(lossy(argument));
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// clone, fork, vfork and clone3 of x86-64, i386 and 64-bit Arm.
const FORKS: &[(&[u8], &[u8])] = &[
    (b"c000003e", b"56"),
    (b"c000003e", b"57"),
    (b"c000003e", b"58"),
    (b"c000003e", b"435"),
    (b"40000003", b"2"),
    (b"40000003", b"120"),
    (b"40000003", b"190"),
    (b"40000003", b"435"),
    (b"c00000b7", b"220"),
    (b"c00000b7", b"435"),
];
const SYSCALL: u16 = 1300;
const PATH: u16 = 1302;
const EXECVE: u16 = 1309;
const EOE: u16 = 1320;
const PROCTITLE: u16 = 1327;
const USERS: &[&str] = &["auid", "uid", "euid", "suid", "fsuid"];
const GROUPS: &[&str] = &["gid", "egid", "sgid", "fsgid"];
/// Parent and grandparent.
const PARENTS: usize = 2;
/// Processes that are known at a time: a host's limit is often as many.
const KNOWN_MAX: usize = 32 << 10;
/// Events that wait for their records.
const PENDING_MAX: usize = 256;
/// Arguments of one process that are kept, and their bytes.
const ARGUMENTS_MAX: usize = 64;
const ARGUMENTS_BYTES_MAX: usize = 4 << 10;
/// /proc counts in ticks of 10 ms from a boot time in seconds.
const START_SLACK_MS: u64 = 2_000;

#[cfg(test)]
mod tests;
