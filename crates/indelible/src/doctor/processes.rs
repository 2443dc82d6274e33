//! Processes: those that auditing cannot see, and those that are in its way.

use std::fs;
use std::path::Path;

use indelible_sys::audit::Control;
use indelible_sys::host::Host;

use super::{Checked, Outcome};
use crate::agent::layout::Layout;
use crate::agent::opened::Opened;
use crate::config::{AgentConfig, Capture};
use crate::payload::hex;

/// A running process.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    pid: u32,
    name: String,
    /// Seconds since 1970.
    started_s: u64,
}

/// Processes that started before auditing was switched on: the kernel gave them no audit context,
/// and never will.
pub(super) fn invisible(spool: Option<&Path>, command_line: &str) -> Checked {
    let check = "invisible-processes";
    if command_line
        .split_whitespace()
        .any(|word| ["audit=1", "audit=on"].contains(&word))
    {
        return Checked::new(
            check,
            Outcome::Fine,
            "auditing was on before the first process",
        );
    }
    let Some(since_s) = spool.and_then(capturing_since_s) else {
        return Checked::new(
            check,
            Outcome::Unknown,
            "it is not known since when this boot is audited; give --spool or --config",
        );
    };
    let before: Vec<Process> = running()
        .into_iter()
        .filter(|process| process.started_s < since_s)
        .collect();
    if before.is_empty() {
        return Checked::new(
            check,
            Outcome::Fine,
            "every process is younger than auditing",
        );
    }
    let listed: Vec<String> = before
        .iter()
        .take(LISTED)
        .map(|process| format!("{} ({})", process.pid, process.name))
        .collect();
    let more = before.len().saturating_sub(LISTED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let detail = format!(
        "{} processes are older than auditing, and neither they nor their children are seen until they are started again: {}{more}",
        before.len(),
        listed.join(", "),
    );
    Checked::new(check, Outcome::Warning, detail)
        .mend("boot with audit=1, or restart these services (systemctl restart NAME)")
}

/// When capture of this boot began.
fn capturing_since_s(spool: &Path) -> Option<u64> {
    let room = Layout::at(spool).capture();
    let boot_id = hex(&Host::current().ok()?.boot_id);
    let begun = Opened::list(&room).ok()?.into_iter().filter_map(|id| {
        let opened = Opened::load(&room.opened(id)).ok()?;
        (opened.opening.boot_id == boot_id).then_some(opened.time_ns / 1_000_000_000)
    });
    begun.min()
}

/// Another audit daemon.
pub(super) fn rivals(config: Option<&AgentConfig>) -> Checked {
    let check = "rival-daemon";
    let beside = config.is_some_and(|config| config.capture != Capture::Kernel);
    let registered = Control::open()
        .and_then(|mut control| control.status())
        .map_or(0, |status| status.pid);
    let rivals: Vec<Process> = running()
        .into_iter()
        .filter(|process| DAEMONS.contains(&process.name.as_str()))
        .collect();
    let Some(rival) = rivals.first() else {
        let detail = match running().iter().find(|process| process.pid == registered) {
            Some(process) => format!("pid {registered} ({}) is registered", process.name),
            None => "no other audit daemon runs".into(),
        };
        return Checked::new(check, Outcome::Fine, detail);
    };
    let detail = format!("pid {} ({}) runs", rival.pid, rival.name);
    if beside {
        return Checked::new(
            check,
            Outcome::Fine,
            format!("{detail}, and the agent captures beside it"),
        );
    }
    Checked::new(
        check,
        Outcome::Problem,
        format!("{detail}: only one process can be the kernel's audit daemon"),
    )
    .mend("systemctl disable --now auditd, or capture = \"audisp\" or \"file:/var/log/audit/audit.log\"")
}

fn running() -> Vec<Process> {
    let booted_s = super::read("/proc/stat")
        .lines()
        .find_map(|line| line.strip_prefix("btime ")?.trim().parse::<u64>().ok())
        .unwrap_or(0);
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let items = fs::read_dir("/proc").into_iter().flatten().flatten();
    items
        .filter_map(|item| {
            let pid = item.file_name().to_str()?.parse().ok()?;
            let stat = fs::read(item.path().join("stat")).ok()?;
            let (name, started) = parse_stat(&String::from_utf8_lossy(&stat))?;
            Some(Process {
                pid,
                name,
                started_s: booted_s + started / ticks,
            })
        })
        .collect()
}

/// Name and start time in ticks since boot (proc(5), fields 2 and 22); a name may hold anything.
fn parse_stat(stat: &str) -> Option<(String, u64)> {
    let (head, rest) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let started = rest.split_whitespace().nth(19)?.parse().ok()?;
    Some((name.to_owned(), started))
}

/// Programs that register as the audit daemon.
const DAEMONS: &[&str] = &[
    "auditd",
    "auditbeat",
    "go-audit",
    "osqueryd",
    "auoms",
    "laurel-audit",
];
/// Processes that are named.
const LISTED: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4242 9 9";
        assert_eq!(parse_stat(stat), Some(("a) b (c)".into(), 4242)));
        assert_eq!(parse_stat("7 no stat"), None);
    }

    #[test]
    fn this_process_runs() {
        let own = running()
            .into_iter()
            .find(|process| process.pid == std::process::id())
            .unwrap();
        let now_s = indelible_sys::clock::realtime_ns() / 1_000_000_000;
        assert!(
            own.started_s <= now_s + 1 && own.started_s + 3600 > now_s,
            "{own:?}"
        );
    }
}
