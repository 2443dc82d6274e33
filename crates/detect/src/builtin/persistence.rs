//! Places from which code is run again: one detection for each kind of place.

use super::about::{About, Findings, Key, Names, Tuning};
use super::act::{Act, shown};
use super::engine::{Detection, names_files};
use super::lineage::Lineage;
use super::path::{file_name, is_below, is_beside, is_writable_place, whole};
use super::touched::{Deed, Touched};
use crate::sigma::Level;

const PARENTS: Key = Key {
    name: "parents",
    what: "installers of packages; what they start may write there too",
    defaults: super::INSTALLERS,
};

/// See [`super::all`].
pub(super) static CRON: About = About {
    id: "persistence-cron",
    title: "A job was put among those that cron runs",
    level: Level::Medium,
    techniques: &["T1053.003"],
    logic: "/etc/crontab, a file in /etc/cron.d, cron.hourly, cron.daily, cron.weekly or \
        cron.monthly, or in /var/spool/cron is written, made, moved or linked there, by a program \
        other than crontab, at and installers of packages. Names that cron passes over (those that \
        begin with a dot, or end as editors' and packages' leftovers do) are left out. A job that is \
        made with crontab is not told: that program's own log does.",
    candidates: CHANGES,
    needs: "-a always,exit -F arch=b64 -F dir=/etc/cron.d -F perm=wa, and likewise the other folders",
    tuning: &[
        Key {
            name: "allow",
            what: "programs that write there",
            defaults: &[
                "/usr/bin/crontab",
                "/usr/bin/at",
                "/usr/sbin/atd",
                "/usr/sbin/anacron",
                "/usr/bin/touch",
            ],
        },
        PARENTS,
    ],
    memory: NOTHING,
};

/// See [`super::all`].
pub(super) static SYSTEMD: About = About {
    id: "persistence-systemd",
    title: "A unit was put among those that systemd runs",
    level: Level::Medium,
    techniques: &["T1543.002", "T1053.006"],
    logic: "A unit file (.service, .timer, .socket, .path, .target, .mount, or .conf of a unit's .d \
        folder), a generator, or such a folder as a whole is written, made, moved or linked below \
        /etc/systemd, /usr/lib/systemd, \
        /lib/systemd, /usr/local/lib/systemd, or a home's .config/systemd or \
        .local/share/systemd, by a program other than systemd's and installers of packages. \
        Transient units below /run are left out. A timer is T1053.006. Or systemctl is run with the \
        path of a unit where everybody may write.",
    candidates: CHANGES_OR_PROGRAMS,
    needs: "-a always,exit -F arch=b64 -F dir=/etc/systemd -F perm=wa, and likewise the other folders; \
        -S execve,execveat for systemctl",
    tuning: &[
        Key {
            name: "allow",
            what: "programs that write there",
            defaults: &["/usr/bin/systemctl", "/usr/lib/systemd/*"],
        },
        PARENTS,
    ],
    memory: NOTHING,
};

/// See [`super::all`].
pub(super) static SSH_KEY: About = About {
    id: "persistence-ssh-key",
    title: "Keys that may log in were changed",
    level: Level::High,
    techniques: &["T1098.004"],
    logic: "authorized_keys or authorized_keys2 in a .ssh folder, or a file below \
        /etc/ssh/authorized_keys, is written (appending is writing), made, moved or linked there, \
        or a whole .ssh folder is moved to its place, by any program that is not allowed: there is no program that is made for it, so that every \
        change is told.",
    candidates: CHANGES,
    needs: "-a always,exit -F arch=b64 -F dir=/home -F perm=wa is much; better a rule for each .ssh folder",
    tuning: &[
        Key {
            name: "allow",
            what: "programs that write there",
            defaults: &[
                "/usr/bin/google_guest_agent",
                "/usr/bin/google_authorized_keys",
                "/usr/sbin/waagent",
            ],
        },
        PARENTS,
    ],
    memory: NOTHING,
};

/// See [`super::all`].
pub(super) static PRELOAD: About = About {
    id: "persistence-preload",
    title: "A library was set to be loaded into every program",
    level: Level::Critical,
    techniques: &["T1574.006"],
    logic: "/etc/ld.so.preload is written, made, moved or linked there, by any program that is not \
        allowed or an installer of packages. LD_PRELOAD in the environment of one program is not \
        in the records.",
    candidates: CHANGES,
    needs: "-a always,exit -F arch=b64 -F path=/etc/ld.so.preload -F perm=wa",
    tuning: &[
        Key {
            name: "allow",
            what: "programs that write there",
            defaults: &[],
        },
        PARENTS,
    ],
    memory: NOTHING,
};

/// See [`super::all`].
pub(super) static PAM: About = About {
    id: "persistence-pam",
    title: "How users are authenticated was changed",
    level: Level::High,
    techniques: &["T1556.003"],
    logic: "/etc/pam.conf, a file below /etc/pam.d, or a module (pam_*.so in a folder named \
        security below /lib, /lib64 or /usr/lib) is written, made, moved, linked or removed, by a \
        program other than those that configure PAM and installers of packages. What editors and \
        packages leave beside such a file is left out.",
    candidates: CHANGES,
    needs: "-a always,exit -F arch=b64 -F dir=/etc/pam.d -F perm=wa, and likewise the modules' folder",
    tuning: &[
        Key {
            name: "allow",
            what: "programs that write there",
            defaults: &[
                "/usr/bin/authselect",
                "/usr/sbin/pam-auth-update",
                "/usr/sbin/pam-config",
            ],
        },
        PARENTS,
    ],
    memory: NOTHING,
};

/// A detection of one kind of place.
#[derive(Debug)]
pub(super) struct Persistence {
    about: &'static About,
    allow: Names,
    parents: Names,
}

impl Persistence {
    pub(super) fn new(about: &'static About, tuning: &Tuning) -> Persistence {
        Persistence {
            about,
            allow: tuning.names(about, "allow"),
            parents: tuning.names(about, "parents"),
        }
    }

    /// The technique, where the file is at such a place.
    fn technique(&self, file: &Touched) -> Option<&'static str> {
        let path = &*file.path;
        let is_moved_folder = file.is_folder && file.deed == Deed::Placed;
        let is = match self.about.id {
            "persistence-cron" => is_cron(path),
            "persistence-systemd" => is_unit(path) || is_moved_folder && is_folder_of_unit(path),
            "persistence-ssh-key" => {
                is_key_file(path) || is_moved_folder && file_name(path) == b".ssh"
            }
            "persistence-preload" => file.is("/etc/ld.so.preload"),
            _ => is_pam(path),
        };
        let is_timer = self.about.id == "persistence-systemd" && path.ends_with(b".timer");
        is.then(|| self.about.techniques[usize::from(is_timer)])
    }
}

impl Detection for Persistence {
    fn about(&self) -> &'static About {
        self.about
    }

    fn event(&mut self, act: &Act<'_>, lineage: &mut Lineage, found: &mut Findings) {
        if !act.is_done() || !names_files(act) {
            return;
        }
        if self.about.id == "persistence-systemd"
            && let Some(unit) = unit_of_systemctl(act)
        {
            let why = format!("systemctl was run with the unit {}", shown(&unit));
            found.push(act.finding(self.about, self.about.level, "T1543.002", why));
            return;
        }
        for file in act.touched() {
            let what = match file.deed {
                Deed::Written(_) => "wrote to",
                Deed::Created => "made",
                Deed::Placed => "put a file to",
                Deed::Removed if self.about.id == "persistence-pam" => "removed",
                _ => continue,
            };
            let Some(technique) = self.technique(file) else {
                continue;
            };
            if self.allow.has_some(act.exe())
                || self.parents.has_some(act.exe())
                || lineage.descends_from(act, &self.parents)
                || lineage.runs_script(act, &self.allow)
            {
                return;
            }
            let why = format!("{} {what} {}", act.who(), shown(&file.path));
            found.push(act.finding(self.about, self.about.level, technique, why));
            return;
        }
    }
}

fn is_cron(path: &[u8]) -> bool {
    const FOLDERS: [&str; 6] = [
        "/etc/cron.d",
        "/etc/cron.hourly",
        "/etc/cron.daily",
        "/etc/cron.weekly",
        "/etc/cron.monthly",
        "/var/spool/cron",
    ];
    path == b"/etc/crontab"
        || !is_beside(path) && FOLDERS.iter().any(|folder| is_below(path, folder))
}

/// The unit that systemctl was told to enable, link or start, where everybody may have put it.
fn unit_of_systemctl(act: &Act<'_>) -> Option<Vec<u8>> {
    if !act.starts_program() || act.exe().map(file_name) != Some(b"systemctl") {
        return None;
    }
    let cwd = act.event.cwd().unwrap_or_default();
    let words = act.argv();
    let is_unit = |path: &Vec<u8>| KINDS_OF_UNITS.iter().any(|kind| path.ends_with(kind));
    let paths = words.iter().skip(1).filter(|word| word.contains(&b'/'));
    paths
        .map(|word| whole(&cwd, word))
        .find(|path| is_writable_place(path) && is_unit(path))
}

const KINDS_OF_UNITS: [&[u8]; 6] = [
    b".service",
    b".timer",
    b".socket",
    b".path",
    b".target",
    b".mount",
];

fn is_unit(path: &[u8]) -> bool {
    let has = |part: &[u8]| memchr::memmem::find(path, part).is_some();
    let is_override = path.ends_with(b".conf") && has(b".d/") && !has(b".conf.d/");
    // They run before all units.
    let is_generator = has(b"-generators/");
    is_place_of_units(path)
        && !is_beside(path)
        && (is_override || is_generator || KINDS_OF_UNITS.iter().any(|kind| path.ends_with(kind)))
}

/// `x.service.d`: what is in it changes the unit.
fn is_folder_of_unit(path: &[u8]) -> bool {
    is_place_of_units(path)
        && path
            .strip_suffix(b".d")
            .is_some_and(|unit| KINDS_OF_UNITS.iter().any(|kind| unit.ends_with(kind)))
}

fn is_place_of_units(path: &[u8]) -> bool {
    const FOLDERS: [&str; 4] = [
        "/etc/systemd",
        "/usr/lib/systemd",
        "/lib/systemd",
        "/usr/local/lib/systemd",
    ];
    let has = |part: &[u8]| memchr::memmem::find(path, part).is_some();
    FOLDERS.iter().any(|folder| is_below(path, folder))
        || has(b"/.config/systemd/user/")
        || has(b"/.local/share/systemd/user/")
}

fn is_key_file(path: &[u8]) -> bool {
    path.ends_with(b"/.ssh/authorized_keys")
        || path.ends_with(b"/.ssh/authorized_keys2")
        || is_below(path, "/etc/ssh/authorized_keys")
}

fn is_pam(path: &[u8]) -> bool {
    let is_module = || {
        let name = file_name(path);
        let folders = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];
        name.starts_with(b"pam_")
            && name.ends_with(b".so")
            && folders.iter().any(|folder| is_below(path, folder))
            && path[..path.len() - name.len()].ends_with(b"/security/")
    };
    path == b"/etc/pam.conf" || is_below(path, "/etc/pam.d") && !is_beside(path) || is_module()
}

const NOTHING: &str = "nothing of its own; the parents are shared by all detections";

/// System calls that put or change a file, and others.
macro_rules! changes {
    ($others:literal) => {
        concat!(
            "syscall in (open, openat, openat2, creat, rename, renameat, renameat2, link, linkat, \
             symlink, symlinkat, mknod, mknodat, unlink, unlinkat",
            $others,
            ")"
        )
    };
}

/// What puts or changes a file.
const CHANGES: &str = changes!("");
const CHANGES_OR_PROGRAMS: &str = changes!(", execve, execveat");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (is, path, expected) in [
            (is_cron as fn(&[u8]) -> bool, "/etc/cron.d/x", true),
            (is_cron, "/var/spool/cron/crontabs/root", true),
            (is_cron, "/etc/cron.d/.placeholder", false),
            (is_cron, "/etc/cron.d/.x.swp", false),
            (is_cron, "/etc/cron.d/x.dpkg-new", false),
            (is_cron, "/var/log/cron.log", false),
            (is_unit, "/etc/systemd/system/x.service", true),
            (is_unit, "/etc/systemd/system/ssh.service.d/over.conf", true),
            (is_unit, "/etc/systemd/system-generators/x", true),
            (is_folder_of_unit, "/etc/systemd/system/x.service.d", true),
            (is_folder_of_unit, "/etc/systemd/journald.conf.d", false),
            (is_unit, "/etc/systemd/journald.conf.d/size.conf", false),
            (is_unit, "/home/x/.config/systemd/user/a.timer", true),
            (is_unit, "/run/systemd/transient/x.service", false),
            (is_key_file, "/root/.ssh/authorized_keys", true),
            (is_key_file, "/root/.ssh/known_hosts", false),
            (
                is_pam,
                "/usr/lib/x86_64-linux-gnu/security/pam_unix.so",
                true,
            ),
            (is_pam, "/home/x/security/pam_unix.so", false),
            (is_pam, "/etc/pam.d/sshd", true),
            (is_pam, "/etc/pam.d/sshd.dpkg-dist", false),
        ] {
            assert_eq!(is(path.as_bytes()), expected, "{path}");
        }
    }
}
