//! Users who become root: T1548.001, T1548.003, T1068.

use indelible_record::{RecordType, UNSET};

use super::about::{About, Findings, Key, Names, Tuning};
use super::act::{Act, decimal, hexadecimal, shown};
use super::engine::Detection;
use super::lineage::Lineage;
use super::path::{is_below, is_writable_place};
use super::program::is_shell;
use super::touched::Deed;
use crate::sigma::Level;

/// See [`super::all`].
pub(super) static ABOUT: About = About {
    id: "privilege-escalation",
    title: "A user got the rights of root, or prepared it",
    level: Level::Critical,
    techniques: &["T1548.001", "T1548.003", "T1068"],
    logic: "A process of somebody who had logged in (auid of 1000 or more) runs with euid 0 while \
        its uid is not 0, in a program that is not known to be setuid: this is what a planted \
        setuid program and many an exploit look like; a shell there, or a program in a folder that \
        everybody may write to, is critical. Or permissions with the setuid bit are set on a file \
        by other than installers of packages. Or a program gives a user capabilities as good as root's \
        (BPRM_FCAPS), and is not known to do so. Or /etc/sudoers or a file below /etc/sudoers.d is \
        written past visudo. Or a program that is known to be setuid dies from an error of memory \
        (ANOM_ABEND) while a user runs it. A program that sets all its uids to 0 at once is not \
        told from one that sudo started.",
    candidates: "(auid >= 1000 and euid = 0 and not uid = 0) or type in (ANOM_ABEND, BPRM_FCAPS) or \
        syscall in (chmod, fchmod, fchmodat, fchmodat2, open, openat, openat2, creat, truncate, rename, \
        renameat, renameat2, link, linkat, symlink, symlinkat, mknod, mknodat)",
    needs: "-a always,exit -F arch=b64 -S execve,execveat -F euid=0 -F uid!=0 -F auid>=1000; \
        -S execve,execveat -F auid>=1000 for capabilities; -S chmod,fchmod,fchmodat -F auid>=1000; -F dir=/etc/sudoers.d -F perm=wa; ANOM_ABEND needs none",
    tuning: &[
        Key {
            name: "setuid",
            what: "programs that are setuid root by their package, and services that take the rights of \
                users and root's in turn",
            defaults: &[
                "/usr/bin/sudo",
                "/usr/bin/sudoreplay",
                "/usr/bin/su",
                "/usr/bin/doas",
                "/usr/bin/pkexec",
                "/usr/bin/passwd",
                "/usr/bin/chsh",
                "/usr/bin/chfn",
                "/usr/bin/chage",
                "/usr/bin/gpasswd",
                "/usr/bin/newgrp",
                "/usr/bin/sg",
                "/usr/bin/expiry",
                "/usr/bin/mount",
                "/usr/bin/umount",
                "/usr/sbin/mount.*",
                "/usr/bin/fusermount*",
                "/usr/bin/newuidmap",
                "/usr/bin/newgidmap",
                "/usr/bin/ping*",
                "/usr/bin/traceroute*",
                "/usr/bin/at",
                "/usr/sbin/atd",
                "/usr/bin/crontab",
                "/usr/bin/bwrap",
                "/usr/bin/ntfs-3g",
                "/usr/bin/staprun",
                "/usr/sbin/pppd",
                "/usr/sbin/exim4",
                "/usr/sbin/unix_chkpwd",
                "/usr/sbin/pam_timestamp_check",
                "/usr/sbin/userhelper",
                "/usr/sbin/sendmail*",
                "/usr/lib/openssh/ssh-keysign",
                "/usr/libexec/openssh/ssh-keysign",
                "/usr/lib/dbus-1.0/dbus-daemon-launch-helper",
                "/usr/libexec/dbus-1/dbus-daemon-launch-helper",
                "/usr/lib/polkit-1/polkit-agent-helper-1",
                "/usr/libexec/polkit-agent-helper-1",
                "/usr/lib/snapd/snap-confine",
                "/usr/lib/xorg/Xorg.wrap",
                "/usr/libexec/Xorg.wrap",
                "/usr/lib/chromium/chrome-sandbox",
                "/opt/google/chrome/chrome-sandbox",
                "/usr/lib/qemu/qemu-bridge-helper",
                "/usr/libexec/qemu-bridge-helper",
                "/usr/lib/cockpit/cockpit-session",
                "/usr/libexec/cockpit-session",
            ],
        },
        Key {
            name: "sudoers",
            what: "programs that edit sudoers",
            defaults: &["/usr/sbin/visudo"],
        },
        super::PARENTS,
    ],
    memory: "nothing of its own; the parents are shared by all detections",
};

/// The detection.
#[derive(Debug)]
pub(super) struct Privilege {
    setuid: Names,
    sudoers: Names,
    parents: Names,
}

impl Privilege {
    pub(super) fn new(tuning: &Tuning) -> Privilege {
        Privilege {
            setuid: tuning.names(&ABOUT, "setuid"),
            sudoers: tuning.names(&ABOUT, "sudoers"),
            parents: tuning.names(&ABOUT, "parents"),
        }
    }

    /// euid 0 without uid 0.
    fn holds(&self, act: &Act<'_>, found: &mut Findings) {
        let is_user = act.auid.is_some_and(|auid| auid >= USERS && auid != UNSET);
        if !is_user || act.euid != Some(0) || matches!(act.uid, None | Some(0)) {
            return;
        }
        let Some(exe) = act.exe().filter(|exe| !self.setuid.has(exe)) else {
            return;
        };
        let is_worst = is_writable_place(exe) || is_shell(exe);
        let level = if is_worst {
            Level::Critical
        } else {
            Level::High
        };
        let why = format!(
            "{} ran as root for uid {}",
            shown(exe),
            act.uid.unwrap_or(UNSET)
        );
        found.push(act.finding(&ABOUT, level, "T1548.001", why));
    }

    /// Capabilities from a file.
    fn gains(&self, act: &Act<'_>, found: &mut Findings) {
        if act.uid == Some(0) || !act.is_done() {
            return;
        }
        let Some(record) = act.event.record(RecordType::BPRM_FCAPS) else {
            return;
        };
        let given = record.get("fp").and_then(|field| hexadecimal(field.value));
        let strong: Vec<&str> = STRONG
            .iter()
            .filter(|(bit, _)| given.is_some_and(|given| given & (1 << bit) != 0))
            .map(|(_, name)| *name)
            .collect();
        let Some(exe) = act.exe().filter(|exe| !self.setuid.has(exe)) else {
            return;
        };
        if !strong.is_empty() {
            let strong = strong.join(", ");
            let why = format!(
                "{} gave uid {} {strong}",
                shown(exe),
                act.uid.unwrap_or(UNSET)
            );
            found.push(act.finding(&ABOUT, Level::High, "T1548.001", why));
        }
    }

    fn prepares(&self, act: &Act<'_>, lineage: &mut Lineage, found: &mut Findings) {
        if !act.is_done() {
            return;
        }
        for file in act.touched() {
            let (why, technique) = match file.deed {
                Deed::Mode(mode) if mode & SETUID != 0 => {
                    let why = format!("{} made {} setuid", act.who(), shown(&file.path));
                    (why, "T1548.001")
                }
                Deed::Written(_) | Deed::Created | Deed::Placed | Deed::Truncated
                    if is_sudoers(&file.path) && !self.sudoers.has_some(act.exe()) =>
                {
                    let why = format!("{} wrote {}", act.who(), shown(&file.path));
                    (why, "T1548.003")
                }
                _ => continue,
            };
            if self.parents.has_some(act.exe()) || lineage.descends_from(act, &self.parents) {
                return;
            }
            // The editor of visudo, which checks what it wrote.
            if technique == "T1548.003" && lineage.descends_from(act, &self.sudoers) {
                return;
            }
            found.push(act.finding(&ABOUT, Level::High, technique, why));
            return;
        }
    }

    fn dies(&self, act: &Act<'_>, found: &mut Findings) {
        if matches!(act.uid, None | Some(0)) || !self.setuid.has_some(act.exe()) {
            return;
        }
        let record = act.event.record(RecordType::ANOM_ABEND);
        let signal = record.and_then(|record| decimal(record.get("sig")?.value));
        if let Some(signal) = signal.filter(|signal| ERRORS.contains(signal)) {
            let why = format!("{} died from signal {signal}", act.who());
            found.push(act.finding(&ABOUT, Level::Medium, "T1068", why));
        }
    }
}

impl Detection for Privilege {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn event(&mut self, act: &Act<'_>, lineage: &mut Lineage, found: &mut Findings) {
        match act.record_type {
            RecordType::ANOM_ABEND => self.dies(act, found),
            _ => {
                self.holds(act, found);
                self.gains(act, found);
                self.prepares(act, lineage, found);
            }
        }
    }
}

fn is_sudoers(path: &[u8]) -> bool {
    path == b"/etc/sudoers" || is_below(path, "/etc/sudoers.d")
}

/// Capabilities that make root of whoever has them; include/uapi/linux/capability.h.
const STRONG: [(u32, &str); 11] = [
    (0, "CAP_CHOWN"),
    (1, "CAP_DAC_OVERRIDE"),
    (2, "CAP_DAC_READ_SEARCH"),
    (3, "CAP_FOWNER"),
    (6, "CAP_SETGID"),
    (7, "CAP_SETUID"),
    (16, "CAP_SYS_MODULE"),
    (17, "CAP_SYS_RAWIO"),
    (19, "CAP_SYS_PTRACE"),
    (21, "CAP_SYS_ADMIN"),
    (31, "CAP_SETFCAP"),
];
/// The first uid of a person.
const USERS: u32 = 1000;
const SETUID: u32 = 0o4000;
/// SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS.
const ERRORS: [u32; 7] = [4, 5, 6, 7, 8, 11, 31];
