//! Built-in detections: what an intruder does on a host, by what the kernel's audit shows of it.
//!
//! ```text
//! event ─ Act: who, which call, which files ─▶ each detection ─▶ findings ─ told already? ─▶ out
//!            └─▶ lineage: program and parent of each process ─┘
//! ```
//!
//! A detection is a file here (or a small group of them), its description is its [`About`]: what
//! it is, how it decides, what it remembers at most, and a condition for `search --where` that
//! every event with a finding fulfils. None follows symbolic links or reads anything but events.
//!
//! ```
//! use indelible_detect::builtin::{Engine, Tuning};
//! use indelible_record::{Assembler, Record, Settings};
//!
//! let mut engine = Engine::new(&[], &Tuning::default()).unwrap();
//! let line = b"type=SYSCALL msg=audit(1.002:3): arch=c000003e syscall=101 success=yes a0=4 \
//!     pid=7 auid=1000 exe=\"/home/x/inject\"";
//! let mut assembler = Assembler::new(Settings::FILE);
//! assembler.push(0, &Record::parse(line)).count();
//! let event = assembler.finish().next().unwrap();
//! let mut found = Vec::new();
//! engine.event(1_002, &event, &mut found);
//! assert_eq!(found[0].about.id, "ptrace-injection");
//! ```

mod about;
mod act;
mod audit;
mod credential;
mod engine;
mod execution;
mod finding;
mod inodes;
mod lineage;
mod log;
mod module;
mod path;
mod persistence;
mod pipe;
mod privilege;
mod program;
mod ptrace;
mod shell;
mod table;
mod time;
mod touched;

pub use about::{About, Key, Tuning};
pub use engine::{Counted, Engine};
pub use finding::Finding;

use engine::Detection;

/// Every detection there is, by its id.
pub fn all() -> &'static [&'static About] {
    &ALL
}

static ALL: [&About; 15] = [
    &audit::ABOUT,
    &credential::ABOUT,
    &log::ABOUT,
    &execution::MEMORY,
    &module::ABOUT,
    &persistence::CRON,
    &persistence::PAM,
    &persistence::PRELOAD,
    &persistence::SSH_KEY,
    &persistence::SYSTEMD,
    &privilege::ABOUT,
    &ptrace::ABOUT,
    &shell::ABOUT,
    &time::ABOUT,
    &execution::WRITABLE,
];

fn build(tuning: &Tuning) -> Vec<Box<dyn Detection>> {
    vec![
        Box::new(audit::Audit::new(tuning)),
        Box::new(credential::Credential::new(tuning)),
        Box::new(log::Log::new(tuning)),
        Box::new(execution::Memory::new(tuning)),
        Box::new(module::Module::new(tuning)),
        Box::new(persistence::Persistence::new(&persistence::CRON, tuning)),
        Box::new(persistence::Persistence::new(&persistence::PAM, tuning)),
        Box::new(persistence::Persistence::new(&persistence::PRELOAD, tuning)),
        Box::new(persistence::Persistence::new(&persistence::SSH_KEY, tuning)),
        Box::new(persistence::Persistence::new(&persistence::SYSTEMD, tuning)),
        Box::new(privilege::Privilege::new(tuning)),
        Box::new(ptrace::Ptrace::new(tuning)),
        Box::new(shell::Shell::new(tuning)),
        Box::new(time::Time::new(tuning)),
        Box::new(execution::Writable::new(tuning)),
    ]
}

/// The list of those whose descendants may do what installing a package does.
const PARENTS: Key = Key {
    name: "parents",
    what: "installers of packages",
    defaults: INSTALLERS,
};

/// Programs that install packages; what they start may change much of the system.
const INSTALLERS: &[&str] = &[
    "/usr/bin/dpkg",
    "/usr/bin/dpkg-divert",
    "/usr/bin/apt",
    "/usr/bin/apt-get",
    "/usr/bin/aptitude",
    "/usr/bin/unattended-upgrade",
    "/usr/bin/rpm",
    "/usr/bin/rpmdb",
    "/usr/bin/dnf5",
    "/usr/bin/dnf",
    "/usr/bin/yum",
    "/usr/bin/zypper",
    "/usr/bin/pacman",
    "/usr/lib/snapd/snapd",
];

#[cfg(test)]
mod tests {
    use super::*;
    use indelible_query::expr::Where;

    #[test]
    fn descriptions_hold() {
        let ids: Vec<_> = all().iter().map(|about| about.id).collect();
        assert!(ids.is_sorted(), "{ids:?}");
        let engine = Engine::new(&[], &Tuning::default()).expect("an engine");
        assert_eq!(
            engine
                .detections()
                .map(|about| about.id)
                .collect::<Vec<_>>(),
            ids
        );
        for about in all() {
            if let Err(error) = Where::parse(about.candidates) {
                panic!("{}: {error}", about.id);
            }
            assert!(!about.techniques.is_empty() && about.logic.len() > 100);
        }
    }
}
