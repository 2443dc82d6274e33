//! Logs that are cleared: T1070.002.

use super::about::{About, Findings, Key, Names, Tuning};
use super::act::{Act, shown};
use super::engine::{Detection, names_files};
use super::lineage::Lineage;
use super::path::{file_name, is_below, is_beside};
use super::table::Table;
use super::touched::{Deed, Touched};
use crate::limits::builtin::{NAME_BYTES_MAX, PACKERS_MAX};
use crate::sigma::Level;

/// See [`super::all`].
pub(super) static ABOUT: About = About {
    id: "log-clearing",
    title: "A log was cleared, removed or opened to be overwritten",
    level: Level::High,
    techniques: &["T1070.002"],
    logic: "A file below /var/log that was there before is opened with O_TRUNC, or to write \
        without O_APPEND (`truncate -s 0` opens so and leaves no record of the cut), cut by its \
        name, removed, renamed or replaced, or gets a hard link elsewhere (what is done through \
        such a link is not seen by a watch of the folder); by a program that does not write or \
        rotate logs. What logrotate starts may do so. A log that gets the next number at its end (x to \
        x.1, x.1 to x.2) is there still, and so is one whose compressor removes it after making the \
        smaller one. Programs that keep records of logins may \
        write to lastlog, faillog, wtmp, btmp and utmp in place. A write of nothing but blanks \
        into a log that is open for appending is not seen. The plan of apt's last run \
        (apt/eipp.log.xz), which each run replaces, is no log, nor is what an editor leaves beside one.",
    candidates: "syscall in (open, openat, openat2, creat, truncate, unlink, unlinkat, rename, renameat, \
        renameat2, link, linkat)",
    needs: "writes and changes of names below /var/log: -a always,exit -F arch=b64 -F dir=/var/log -F perm=wa",
    tuning: &[
        Key {
            name: "allow",
            what: "programs that write or rotate logs",
            defaults: &[
                "/usr/sbin/logrotate",
                "/usr/bin/savelog",
                "/usr/sbin/rsyslogd",
                "/usr/sbin/syslog-ng",
                "/usr/lib/systemd/systemd-journald",
                "/usr/bin/journalctl",
                "/usr/bin/systemd-tmpfiles",
                "/usr/sbin/auditd",
                "/usr/bin/indelible",
                "/usr/bin/dpkg",
                "/usr/bin/touch",
            ],
        },
        Key {
            name: "parents",
            what: "programs whose descendants may rotate logs",
            defaults: &["/usr/sbin/logrotate", "/usr/bin/savelog"],
        },
        Key {
            name: "packers",
            what: "compressors, which remove a log when the smaller one is there",
            defaults: &[
                "/usr/bin/gzip",
                "/usr/bin/bzip2",
                "/usr/bin/xz",
                "/usr/bin/zstd",
                "/usr/bin/pigz",
            ],
        },
        Key {
            name: "logins",
            what: "programs that keep records of logins",
            defaults: &[
                "/usr/bin/login",
                "/usr/sbin/sshd",
                "/usr/lib/openssh/sshd-session",
                "/usr/libexec/openssh/sshd-session",
                "/usr/bin/su",
                "/usr/bin/sudo",
                "/usr/sbin/useradd",
                "/usr/sbin/usermod",
                "/usr/sbin/userdel",
                "/usr/sbin/faillock",
                "/usr/bin/faillog",
                "/usr/sbin/agetty",
                "/usr/lib/systemd/systemd-update-utmp",
                "/usr/lib/systemd/systemd-logind",
                "/usr/sbin/lightdm",
                "/usr/sbin/gdm3",
            ],
        },
    ],
    memory: "what 2,048 compressors made last; program, script and parent of 32,768 processes, shared by \
        all detections",
};

/// The detection.
#[derive(Debug)]
pub(super) struct Log {
    allow: Names,
    parents: Names,
    logins: Names,
    packers: Names,
    /// What a compressor made last.
    packed: Table<Vec<u8>>,
}

impl Log {
    pub(super) fn new(tuning: &Tuning) -> Log {
        Log {
            allow: tuning.names(&ABOUT, "allow"),
            parents: tuning.names(&ABOUT, "parents"),
            logins: tuning.names(&ABOUT, "logins"),
            packers: tuning.names(&ABOUT, "packers"),
            packed: Table::new(PACKERS_MAX),
        }
    }

    /// Whether the file that is removed was packed before, by the same process.
    fn is_packed(&mut self, act: &Act<'_>, file: &Touched) -> bool {
        let Some(key) = act.pid.map(|pid| act.key(pid)) else {
            return false;
        };
        let made = self.packed.find(key);
        let end = made.and_then(|made| made.strip_prefix(&*file.path));
        let is_packed = file.deed == Deed::Removed && end.is_some_and(|end| PACKED.contains(&end));
        if is_packed {
            self.packed.remove(key);
        }
        is_packed
    }

    /// Remembers what a compressor makes.
    fn learn(&mut self, act: &Act<'_>) {
        if !self.packers.has_some(act.exe()) {
            return;
        }
        let is_short = |file: &Touched| file.path.len() <= NAME_BYTES_MAX;
        let made = |file: &&Touched| file.deed == Deed::Created && is_short(file);
        if let (Some(pid), Some(file)) = (act.pid, act.touched().iter().find(made)) {
            self.packed.put(act.key(pid), file.path.clone());
        }
    }
}

impl Detection for Log {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn event(&mut self, act: &Act<'_>, lineage: &mut Lineage, found: &mut Findings) {
        if !act.is_done() || !names_files(act) || self.allow.has_some(act.exe()) {
            return;
        }
        self.learn(act);
        if is_numbered_on(act.touched()) {
            return;
        }
        for file in act.touched() {
            let Some(what) = clearing(file.deed).filter(|_| is_log(&file.path)) else {
                continue;
            };
            let is_record = is_login_record(&file.path) && matches!(file.deed, Deed::Written(_));
            if is_record && self.logins.has_some(act.exe()) {
                continue;
            }
            if self.is_packed(act, file) {
                continue;
            }
            if lineage.descends_from(act, &self.parents) || lineage.runs_script(act, &self.allow) {
                return;
            }
            let why = format!("{} {what} {}", act.who(), shown(&file.path));
            found.push(act.finding(&ABOUT, Level::High, "T1070.002", why));
            // The other names of a rename tell the same.
            return;
        }
    }
}

fn clearing(deed: Deed) -> Option<&'static str> {
    Some(match deed {
        Deed::Written(opening) if opening.cuts => "emptied",
        Deed::Written(opening) if !opening.appends => "opened to overwrite",
        Deed::Truncated => "truncated",
        Deed::Removed => "removed or renamed",
        Deed::Linked => "gave another name to",
        _ => return None,
    })
}

/// A rename from `x` to `x.1`, or from `x.1` to `x.2`, that replaces nothing.
fn is_numbered_on(files: &[Touched]) -> bool {
    let [from, to] = files else { return false };
    if (from.deed, to.deed) != (Deed::Removed, Deed::Placed) {
        return false;
    }
    let number = |path: &[u8]| -> Option<(Vec<u8>, u32)> {
        let dot = path.iter().rposition(|&byte| byte == b'.')?;
        let digits = std::str::from_utf8(&path[dot + 1..]).ok()?;
        Some((path[..dot].to_vec(), digits.parse().ok()?))
    };
    let (name, before) = number(&from.path).unwrap_or_else(|| (from.path.clone(), 0));
    number(&to.path).is_some_and(|(to, after)| to == name && Some(after) == before.checked_add(1))
}

fn is_log(path: &[u8]) -> bool {
    is_below(path, "/var/log") && path != b"/var/log/apt/eipp.log.xz" && !is_beside(path)
}

fn is_login_record(path: &[u8]) -> bool {
    matches!(
        file_name(path),
        b"lastlog"
            | b"faillog"
            | b"tallylog"
            | b"wtmp"
            | b"btmp"
            | b"utmp"
            | b"wtmp.db"
            | b"lastlog2.db"
    )
}

const PACKED: [&[u8]; 4] = [b".gz", b".bz2", b".xz", b".zst"];
