//! Code that is put into another process: T1055.008.

use super::about::{About, Findings, Key, Names, Tuning};
use super::act::Act;
use super::engine::Detection;
use super::lineage::Lineage;
use crate::sigma::Level;

/// See [`super::all`].
pub(super) static ABOUT: About = About {
    id: "ptrace-injection",
    title: "A process wrote into the memory of another",
    level: Level::High,
    techniques: &["T1055.008", "T1055"],
    logic: "ptrace succeeds with a request that changes the other process: POKETEXT, POKEDATA, \
        POKEUSR (4, 5, 6), SETREGS, SETFPREGS or SETREGSET; or process_vm_writev succeeds; by a \
        program that is no debugger. Requests that only attach, look or continue are left out. \
        Writes through /proc/PID/mem are not seen.",
    candidates: "syscall in (ptrace, process_vm_writev)",
    needs: "-a always,exit -F arch=b64 -S ptrace -F a0=4 (and 5, 6, 0xd, 0x4205); -S process_vm_writev",
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
    memory: "nothing",
};

/// The detection.
#[derive(Debug)]
pub(super) struct Ptrace {
    allow: Names,
}

impl Ptrace {
    pub(super) fn new(tuning: &Tuning) -> Ptrace {
        Ptrace {
            allow: tuning.names(&ABOUT, "allow"),
        }
    }
}

impl Detection for Ptrace {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn event(&mut self, act: &Act<'_>, _: &mut Lineage, found: &mut Findings) {
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
}

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
