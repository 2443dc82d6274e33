//! Code that is loaded into the kernel: T1547.006, T1014.

use indelible_record::RecordType;

use super::about::{About, Findings, Key, Names, Tuning};
use super::act::{Act, shown};
use super::engine::Detection;
use super::lineage::Lineage;
use crate::sigma::Level;

/// See [`super::all`].
pub(super) static ABOUT: About = About {
    id: "module-load",
    title: "Code was loaded into the kernel",
    level: Level::High,
    techniques: &["T1547.006", "T1014"],
    logic: "init_module or finit_module succeeds, in a session that somebody logged in to, or by a \
        program that does not load modules for the system: what the kernel itself asks for \
        (modprobe without a login) and what happens at boot is left out, and so is what a package's \
        scripts load. Or a BPF program is loaded by a program that does not manage services, \
        containers or the network. The file that a module came from is not in the records, only \
        its name.",
    candidates: "syscall in (init_module, finit_module, bpf)",
    needs: "-a always,exit -F arch=b64 -S init_module,finit_module and -S bpf -F a0=5",
    tuning: &[
        Key {
            name: "loaders",
            what: "programs that may load modules without a login",
            defaults: &[
                "/usr/bin/kmod",
                "/usr/sbin/modprobe",
                "/usr/sbin/insmod",
                "/usr/bin/udevadm",
                "/usr/lib/systemd/systemd-udevd",
                "/usr/lib/systemd/systemd-modules-load",
                "/usr/lib/systemd/systemd",
            ],
        },
        Key {
            name: "parents",
            what: "programs whose descendants may load modules",
            defaults: super::INSTALLERS,
        },
        Key {
            name: "bpf",
            what: "programs that may load BPF programs",
            defaults: &[
                "/usr/lib/systemd/*",
                "/usr/bin/runc",
                "/usr/sbin/runc",
                "/usr/bin/crun",
                "/usr/bin/containerd*",
                "/usr/bin/dockerd",
                "/usr/bin/podman",
                "/usr/bin/cilium-agent",
                "/usr/bin/falco",
                "/usr/bin/tetragon",
                "/usr/lib/snapd/*",
                "/usr/bin/libvirtd",
                "/usr/sbin/lxcfs",
                "/usr/bin/lxd",
            ],
        },
    ],
    memory: "nothing of its own; the parents are shared by all detections",
};

/// The detection.
#[derive(Debug)]
pub(super) struct Module {
    loaders: Names,
    parents: Names,
    bpf: Names,
}

impl Module {
    pub(super) fn new(tuning: &Tuning) -> Module {
        Module {
            loaders: tuning.names(&ABOUT, "loaders"),
            parents: tuning.names(&ABOUT, "parents"),
            bpf: tuning.names(&ABOUT, "bpf"),
        }
    }
}

impl Detection for Module {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn event(&mut self, act: &Act<'_>, lineage: &mut Lineage, found: &mut Findings) {
        let is_module = matches!(act.call, "init_module" | "finit_module");
        let is_program = act.call == "bpf" && act.int(0) == BPF_PROG_LOAD;
        if !act.is_done() || !(is_module || is_program) {
            return;
        }
        if is_program {
            if !self.bpf.has_some(act.exe()) {
                let why = format!("{} loaded a BPF program", act.who());
                found.push(act.finding(&ABOUT, Level::Medium, "T1014", why));
            }
            return;
        }
        let is_loader = self.loaders.has_some(act.exe());
        if is_loader && (!act.has_login() || lineage.descends_from(act, &self.parents)) {
            return;
        }
        let name = act.event.record(RecordType::KERN_MODULE);
        let name = name.and_then(|record| record.get("name"));
        let name = name.map_or_else(
            || "a module".to_owned(),
            |name| {
                format!(
                    "the module {}",
                    shown(&name.decoded(RecordType::KERN_MODULE))
                )
            },
        );
        let why = format!("{} loaded {name}", act.who());
        let level = if is_loader {
            Level::Medium
        } else {
            Level::High
        };
        found.push(act.finding(&ABOUT, level, "T1547.006", why));
    }
}

/// include/uapi/linux/bpf.h
const BPF_PROG_LOAD: u32 = 5;
