//! Code that is put into another process: T1055.008.

use super::about::{About, Findings, Key, Names, Tuning};
use super::act::Act;
use super::engine::Detection;
use super::lineage::Lineage;
use super::table::Table;
use crate::limits::builtin::{ATTACHED_MAX, ATTACHED_MS};
use crate::sigma::Level;

/// See [`super::all`].
pub(super) static ABOUT: About = About {
    id: "ptrace-injection",
    title: "A process wrote into the memory of another",
    level: Level::High,
    techniques: &["T1055.008", "T1055"],
    logic: "ptrace succeeds with a request that changes the other process: POKETEXT, POKEDATA, \
        POKEUSR (4, 5, 6), SETREGS, SETFPREGS or SETREGSET; or process_vm_writev succeeds; by a \
        program that is no debugger. Requests that only attach, look or continue are left out. Or a \
        debugger is attached to a process that it did not start, and that process starts a program \
        within a minute, as it does when the debugger has it call system(). Writes through \
        /proc/PID/mem are not seen.",
    candidates: "syscall in (ptrace, process_vm_writev, execve, execveat)",
    needs: "-a always,exit -F arch=b64 -S ptrace -F a0=4 (and 5, 6, 0xd, 0x4205, and 0x10 and 0x4206 to attach); \
        -S process_vm_writev; -S execve,execveat",
    tuning: &[Key {
        name: "allow",
        what: "debuggers and the like",
        defaults: &[
            "/usr/bin/gdb",
            "/usr/bin/gdbserver",
            "/usr/bin/lldb*",
            "/usr/lib/llvm-*",
            "/usr/bin/strace",
            "/usr/bin/ltrace",
            "/usr/bin/rr",
            "/usr/bin/dlv",
            "/usr/bin/delve",
            "/usr/bin/valgrind*",
            "/usr/sbin/criu",
        ],
    }],
    memory: "2,048 processes that debuggers are attached to",
};

/// The detection.
#[derive(Debug)]
pub(super) struct Ptrace {
    allow: Names,
    /// Who is attached to a process.
    attached: Table<Attached>,
}

#[derive(Debug)]
struct Attached {
    by: Option<u32>,
    since_ms: u64,
    debugger: String,
}

impl Ptrace {
    pub(super) fn new(tuning: &Tuning) -> Ptrace {
        Ptrace {
            allow: tuning.names(&ABOUT, "allow"),
            attached: Table::new(ATTACHED_MAX),
        }
    }

    /// A program is started by a process that a debugger is attached to.
    fn starts(&mut self, act: &Act<'_>, found: &mut Findings) {
        let (Some(pid), Some(parent)) = (act.pid, act.ppid) else {
            return;
        };
        // strace and others attach to what they start themselves.
        let own = self.attached.find(act.key(pid));
        if own.is_some_and(|attached| attached.by == Some(parent)) {
            self.attached.remove(act.key(pid));
            return;
        }
        for process in [pid, parent] {
            let Some(attached) = self.attached.find(act.key(process)) else {
                continue;
            };
            if act.now_ms.saturating_sub(attached.since_ms) > ATTACHED_MS {
                return;
            }
            let debugger = &attached.debugger;
            let why = format!(
                "process {process}, which {debugger} is attached to, started {}",
                act.who()
            );
            found.push(act.finding(&ABOUT, Level::High, "T1055.008", why));
            return;
        }
    }

    /// A debugger comes to a process, or leaves it.
    fn attaches(&mut self, act: &Act<'_>) {
        let target = act.key(act.int(1));
        match act.arguments[0] {
            PTRACE_ATTACH | PTRACE_SEIZE => {
                let attached = Attached {
                    by: act.pid,
                    since_ms: act.now_ms,
                    debugger: act.who(),
                };
                self.attached.put(target, attached);
            }
            PTRACE_DETACH => {
                self.attached.remove(target);
            }
            _ => {}
        }
    }
}

impl Detection for Ptrace {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn event(&mut self, act: &Act<'_>, _: &mut Lineage, found: &mut Findings) {
        if act.starts_program() {
            return self.starts(act, found);
        }
        if act.call == "ptrace" && act.is_done() {
            self.attaches(act);
        }
        let (request, technique) = match act.call {
            "ptrace" => match request(act.arguments[0]) {
                Some(name) => (name, "T1055.008"),
                None => return,
            },
            "process_vm_writev" => ("process_vm_writev", "T1055"),
            _ => return,
        };
        if act.is_done() && !self.allow.has_some(act.exe()) {
            let target = match act.call {
                "ptrace" => act.int(1),
                _ => act.int(0),
            };
            let why = format!("{} changed process {target} with {request}", act.who());
            found.push(act.finding(&ABOUT, Level::High, technique, why));
        }
    }

    fn evicted(&self) -> u64 {
        self.attached.evicted
    }
}

/// include/uapi/linux/ptrace.h
const PTRACE_ATTACH: u64 = 16;
const PTRACE_DETACH: u64 = 17;
const PTRACE_SEIZE: u64 = 0x4206;

/// include/uapi/linux/ptrace.h; those of x86 above 6 mean the same or nothing elsewhere.
fn request(number: u64) -> Option<&'static str> {
    Some(match number {
        4 => "PTRACE_POKETEXT",
        5 => "PTRACE_POKEDATA",
        6 => "PTRACE_POKEUSR",
        13 => "PTRACE_SETREGS",
        15 => "PTRACE_SETFPREGS",
        0x4205 => "PTRACE_SETREGSET",
        _ => return None,
    })
}
