//! Password hashes that are read (T1003.008) and accounts that are changed (T1098).

use super::about::{About, Findings, Key, Names, Tuning};
use super::act::{Act, shown};
use super::engine::{Detection, names_files};
use super::lineage::Lineage;
use super::touched::Deed;
use crate::sigma::Level;

/// See [`super::all`].
pub(super) static ABOUT: About = About {
    id: "credential-access",
    title: "Password hashes were read, or accounts changed, past the programs for it",
    level: Level::High,
    techniques: &["T1003.008", "T1098"],
    logic: "/etc/shadow, /etc/gshadow or their backups (shadow-) are opened to read, or get a hard \
        link, by a program that does not check passwords; a try that was refused is told with a \
        low level. Or these, /etc/passwd or /etc/group are opened to write, cut, replaced, removed \
        or get other permissions by a program that does not manage accounts. What installers of \
        packages start may do both. Copies of these files in other folders are not known as such.",
    candidates: "syscall in (open, openat, openat2, creat, truncate, unlink, unlinkat, rename, renameat, \
        renameat2, link, linkat, symlink, symlinkat, mknod, mknodat, chmod, fchmod, fchmodat, fchmodat2)",
    needs: "reads and writes: -a always,exit -F arch=b64 -F path=/etc/shadow -F perm=rwa, and likewise gshadow; \
        perm=wa for passwd and group",
    tuning: &[
        Key {
            name: "readers",
            what: "programs that check passwords",
            defaults: &[
                "/usr/sbin/sshd",
                "/usr/lib/openssh/*",
                "/usr/libexec/openssh/*",
                "/usr/bin/login",
                "/usr/bin/su",
                "/usr/bin/sudo",
                "/usr/sbin/runuser",
                "/usr/sbin/unix_chkpwd",
                "/usr/sbin/unix_update",
                "/usr/sbin/cron",
                "/usr/sbin/crond",
                "/usr/sbin/atd",
                "/usr/bin/at",
                "/usr/bin/crontab",
                "/usr/bin/chfn",
                "/usr/bin/chsh",
                "/usr/sbin/pwck",
                "/usr/sbin/grpck",
                "/usr/sbin/nscd",
                "/usr/libexec/sssd/*",
                "/usr/lib/polkit-1/*",
                "/usr/libexec/polkit-agent-helper-1",
                "/usr/lib/accountsservice/*",
                "/usr/libexec/accounts-daemon",
                "/usr/lib/systemd/*",
                "/usr/bin/systemd-sysusers",
                "/usr/sbin/gdm3",
                "/usr/libexec/gdm*",
                "/usr/sbin/lightdm",
                "/usr/lib/dovecot/auth",
                "/usr/libexec/dovecot/auth",
                "/usr/sbin/vsftpd",
                "/usr/sbin/saslauthd",
                "/usr/bin/vlock",
                "/usr/bin/newgrp",
            ],
        },
        Key {
            name: "writers",
            what: "programs that manage accounts; they may read too",
            defaults: &[
                "/usr/bin/passwd",
                "/usr/sbin/chpasswd",
                "/usr/sbin/chgpasswd",
                "/usr/sbin/useradd",
                "/usr/sbin/usermod",
                "/usr/sbin/userdel",
                "/usr/sbin/groupadd",
                "/usr/sbin/groupmod",
                "/usr/sbin/groupdel",
                "/usr/sbin/groupmems",
                "/usr/bin/gpasswd",
                "/usr/bin/chage",
                "/usr/bin/chfn",
                "/usr/bin/chsh",
                "/usr/sbin/newusers",
                "/usr/sbin/pwconv",
                "/usr/sbin/pwunconv",
                "/usr/sbin/grpconv",
                "/usr/sbin/grpunconv",
                "/usr/sbin/pwck",
                "/usr/sbin/grpck",
                "/usr/sbin/vipw",
                "/usr/sbin/vigr",
                "/usr/sbin/unix_update",
                "/usr/bin/systemd-sysusers",
                "/usr/sbin/update-passwd",
                // Scripts, by the path that was asked to run.
                "/usr/sbin/adduser",
                "/usr/sbin/addgroup",
                "/usr/sbin/deluser",
                "/usr/sbin/delgroup",
            ],
        },
        super::PARENTS,
    ],
    memory: "nothing of its own; the parents are shared by all detections",
};

/// The detection.
#[derive(Debug)]
pub(super) struct Credential {
    readers: Names,
    writers: Names,
    parents: Names,
}

impl Credential {
    pub(super) fn new(tuning: &Tuning) -> Credential {
        Credential {
            readers: tuning.names(&ABOUT, "readers"),
            writers: tuning.names(&ABOUT, "writers"),
            parents: tuning.names(&ABOUT, "parents"),
        }
    }
}

impl Detection for Credential {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn event(&mut self, act: &Act<'_>, lineage: &mut Lineage, found: &mut Findings) {
        if !names_files(act) || self.writers.has_some(act.exe()) {
            return;
        }
        for file in act.touched() {
            let is_secret = SECRET.iter().any(|path| file.is(path));
            let is_account = is_secret || ACCOUNTS.iter().any(|path| file.is(path));
            let (what, is_read) = match file.deed {
                Deed::Read if is_secret => ("read", true),
                Deed::Linked if is_secret => ("gave another name to", true),
                Deed::Written(_) | Deed::Truncated if is_account => ("opened to write", false),
                Deed::Placed | Deed::Created if is_account => ("replaced", false),
                Deed::Removed if is_account => ("removed", false),
                Deed::Mode(_) if is_account => ("set the permissions of", false),
                _ => continue,
            };
            if (is_read && self.readers.has_some(act.exe()))
                || lineage.descends_from(act, &self.parents)
                || lineage.runs_script(act, &self.writers)
            {
                return;
            }
            let technique = if is_read { "T1003.008" } else { "T1098" };
            let (level, tried) = match act.is_done() {
                true => (Level::High, ""),
                false => (Level::Low, " (refused)"),
            };
            let why = format!("{} {what} {}{tried}", act.who(), shown(&file.path));
            found.push(act.finding(&ABOUT, level, technique, why));
            return;
        }
    }
}

const SECRET: [&str; 4] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
];
const ACCOUNTS: [&str; 2] = ["/etc/passwd", "/etc/group"];
