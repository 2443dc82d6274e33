//! Programs that are run from memory (T1620) or from where everybody may write (T1059).

use super::about::{About, Findings, Key, Names, Tuning};
use super::act::{Act, shown};
use super::engine::Detection;
use super::lineage::Lineage;
use super::path::{is_writable_place, whole};
use super::program::{runs_others, told_to_run};
use crate::sigma::Level;

/// See [`super::all`].
pub(super) static MEMORY: About = About {
    id: "memory-execution",
    title: "A program ran that no file system holds",
    level: Level::Critical,
    techniques: &["T1620"],
    logic: "execve or execveat succeeds and the program is a memfd (its name begins with /memfd:) \
        or a file without a name (\" (deleted)\" that is no part of the name by which it was \
        started). Running a file of a file system through a descriptor is left out, as systemd and \
        fexecve do so. A memfd's name is free to choose, so that container runtimes, which run a \
        sealed copy of themselves, are known by the program that started them. A script that is \
        started by a descriptor of a file in the kernel's own memory (device 00:01) counts too; one \
        that its interpreter opens itself is not seen.",
    candidates: "syscall in (execve, execveat) and (exe ~ \"/memfd:*\" or exe ~ \"*(deleted)\" or path ~ \"*/fd/*\")",
    needs: "-a always,exit -F arch=b64 -S execve,execveat",
    tuning: &[Key {
        name: "parents",
        what: "container runtimes, whose descendants may run a copy of themselves from memory",
        defaults: &[
            "/usr/bin/containerd*",
            "/usr/bin/dockerd",
            "/usr/bin/runc",
            "/usr/sbin/runc",
            "/usr/bin/crun",
            "/usr/bin/podman",
            "/usr/bin/conmon",
            "/usr/bin/crio",
            "/usr/bin/buildah",
            "/usr/bin/lxc*",
            "/usr/libexec/lxc/*",
        ],
    }],
    memory: "nothing of its own; the parents are shared by all detections",
};

/// See [`super::all`].
pub(super) static WRITABLE: About = About {
    id: "writable-folder-execution",
    title: "A program ran from a folder that everybody may write to",
    level: Level::Medium,
    techniques: &["T1059"],
    logic: "execve or execveat succeeds and the program, or the script that was named, stands \
        below /tmp, /var/tmp, /dev/shm, /run/shm, /run/lock or /dev/mqueue, or is the argument by \
        which a shell, another interpreter or the dynamic loader was told to run it; unless the \
        installer of packages or a build started it. Code that comes by a pipe or as an option is \
        not seen, nor is a script that another script reads.",
    candidates: "syscall in (execve, execveat) and (exe ~ /^\\/(tmp|var\\/tmp|dev|run)\\// or path ~ \
        /tmp|shm|lock|mqueue/ or cwd ~ /tmp|shm|lock|mqueue/ or argv ~ /tmp|shm|lock|mqueue/)",
    needs: "-a always,exit -F arch=b64 -S execve,execveat",
    tuning: &[
        Key {
            name: "allow",
            what: "programs and scripts that may stand there",
            defaults: &[],
        },
        Key {
            name: "parents",
            what: "installers of packages and builds, whose descendants may run from there",
            defaults: &[
                "/usr/bin/dpkg",
                "/usr/sbin/dpkg-preconfigure",
                "/usr/bin/apt",
                "/usr/bin/apt-get",
                "/usr/bin/aptitude",
                "/usr/bin/unattended-upgrade",
                "/usr/bin/rpm",
                "/usr/bin/dnf5",
                "/usr/bin/yum",
                "/usr/bin/zypper",
                "/usr/bin/make",
                "/usr/bin/gmake",
                "/usr/bin/ninja",
                "/usr/bin/cmake",
                "/usr/bin/meson",
                "/usr/bin/cargo",
                "/usr/bin/go",
                "/usr/lib/go*",
                "/usr/local/go/bin/go",
            ],
        },
    ],
    memory: "nothing of its own; the parents are shared by all detections",
};

/// Execution from memory.
#[derive(Debug)]
pub(super) struct Memory {
    parents: Names,
}

impl Memory {
    pub(super) fn new(tuning: &Tuning) -> Memory {
        Memory {
            parents: tuning.names(&MEMORY, "parents"),
        }
    }
}

impl Detection for Memory {
    fn about(&self) -> &'static About {
        &MEMORY
    }

    fn event(&mut self, act: &Act<'_>, lineage: &mut Lineage, found: &mut Findings) {
        let Some(exe) = act.exe().filter(|_| act.starts_program()) else {
            return;
        };
        let is_memfd = exe.starts_with(b"/memfd:");
        let is_nameless = exe.ends_with(DELETED) && !is_named(act);
        let is_script = !is_memfd && !is_nameless && is_script_of_memory(act);
        if !is_memfd && !is_nameless && !is_script {
            return;
        }
        if is_memfd && lineage.descends_from(act, &self.parents) {
            return;
        }
        let what = if is_memfd {
            "memory"
        } else {
            "a file without a name"
        };
        let why = match is_script {
            true => format!("{} ran a script from memory", shown(exe)),
            false => format!("process ran {} from {what}", shown(exe)),
        };
        found.push(act.finding(&MEMORY, Level::Critical, "T1620", why));
    }
}

/// Whether what was named to be run is a descriptor of a memfd.
fn is_script_of_memory(act: &Act<'_>) -> bool {
    act.paths().first().is_some_and(|item| {
        let is_descriptor = item.name.as_deref().is_some_and(|name| {
            let is_place = name.starts_with(b"/proc/") || name.starts_with(b"/dev/fd/");
            is_place && memchr::memmem::find(name, b"/fd/").is_some()
        });
        is_descriptor && item.dev == Some(KERNELS_MEMORY)
    })
}

/// Whether the program's name itself ends so.
fn is_named(act: &Act<'_>) -> bool {
    act.paths().iter().any(|path| {
        path.name
            .as_deref()
            .is_some_and(|name| name.ends_with(DELETED))
    })
}

/// Execution from folders that everybody may write to.
#[derive(Debug)]
pub(super) struct Writable {
    allow: Names,
    parents: Names,
}

impl Writable {
    pub(super) fn new(tuning: &Tuning) -> Writable {
        Writable {
            allow: tuning.names(&WRITABLE, "allow"),
            parents: tuning.names(&WRITABLE, "parents"),
        }
    }
}

impl Detection for Writable {
    fn about(&self) -> &'static About {
        &WRITABLE
    }

    fn event(&mut self, act: &Act<'_>, lineage: &mut Lineage, found: &mut Findings) {
        if !act.starts_program() {
            return;
        }
        let exe = act.exe().unwrap_or_default();
        let place = if is_writable_place(exe) {
            exe.to_vec()
        } else if let Some(named) = named(act, exe).find(|named| is_writable_place(named)) {
            named
        } else {
            return;
        };
        if self.allow.has(&place) || lineage.descends_from(act, &self.parents) {
            return;
        }
        let why = format!("process ran {}", shown(&place));
        found.push(act.finding(&WRITABLE, Level::Medium, "T1059", why));
    }
}

/// What was named to be run: the first file of the event, and what an interpreter was told to run.
fn named<'a>(act: &'a Act<'_>, exe: &'a [u8]) -> impl Iterator<Item = Vec<u8>> + use<'a> {
    let cwd = act.event.cwd().unwrap_or_default();
    let first = act.paths().first().and_then(|path| path.name.as_deref());
    let told = runs_others(exe).then(|| told_to_run(exe, act.argv()));
    let told = told.flatten().map(|name| whole(&cwd, name));
    first.map(|name| whole(&cwd, name)).into_iter().chain(told)
}

/// The file system that memfds are on, which nobody mounts.
const KERNELS_MEMORY: &[u8] = b"00:01";
const DELETED: &[u8] = b" (deleted)";
