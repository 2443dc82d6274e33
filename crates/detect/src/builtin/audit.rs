//! Audit that is switched off or blinded: T1562.

use std::collections::VecDeque;

use indelible_record::{Event, Record, RecordType};

use super::about::{About, Findings, Key, Names, Tuning};
use super::act::{Act, decimal, shown};
use super::engine::Detection;
use super::finding::Finding;
use super::lineage::Lineage;
use super::path::file_name;
use super::table::hash;
use crate::limits::builtin::{RELOAD_MS, REMOVED_RULES_MAX, RESTART_MS, STOPPED_MAX};
use crate::sigma::Level;

/// See [`super::all`].
pub(super) static ABOUT: About = About {
    id: "audit-tampering",
    title: "Auditing was switched off, its rules removed or its daemon stopped",
    level: Level::Critical,
    techniques: &["T1562.012", "T1562.001", "T1562.006"],
    logic: "Auditing is disabled (audit_enabled=0), or failures are silenced (audit_failure=0), or \
        the queue or the rate is cut so that records are lost; a rule is removed and none with the \
        same key comes back within 5 s (loading the rules anew removes and adds them); the audit \
        daemon ends, or its registration with the kernel is taken away, and none starts within \
        30 s while the host does not shut down; another process takes the registration over; a \
        deadly or stopping signal is sent to a process of a protected name by a program that does \
        not manage services; auditctl is run with a rule that says what is never recorded. A finding \
        that waits is told when its time is over, or when the log \
        ends. What was done before the rules were loaded, or without records, is not seen: the \
        account of missing serials is `verify`'s.",
    candidates: "type in (CONFIG_CHANGE, DAEMON_END, DAEMON_ABORT) or syscall in (execve, execveat) or (type = OBJ_PID and syscall in (kill, tkill, tgkill, \
        pidfd_send_signal, rt_sigqueueinfo, rt_tgsigqueueinfo))",
    needs: "nothing for the configuration; rules of never: -S execve,execveat; signals: -a always,exit -F arch=b64 -S kill,tkill,tgkill,pidfd_send_signal -F a1!=0",
    tuning: &[
        Key {
            name: "protected",
            what: "names of tasks that nobody should stop (15 bytes at most)",
            defaults: &[
                "auditd",
                "audisp*",
                "indelible*",
                "rsyslogd",
                "syslog-ng",
                "systemd-journal",
            ],
        },
        Key {
            name: "managers",
            what: "programs that stop services",
            defaults: &[
                "/usr/lib/systemd/systemd",
                "/usr/lib/systemd/systemd-shutdown",
                "/usr/sbin/start-stop-daemon",
                "/usr/sbin/openrc-run",
                "/usr/sbin/init",
                "/usr/sbin/killall5",
            ],
        },
    ],
    memory: "4,096 removed rules and 4,096 hosts whose daemon is away; beyond these, findings do not wait",
};

/// The detection.
#[derive(Debug)]
pub(super) struct Audit {
    protected: Names,
    managers: Names,
    /// Rules that may come back.
    removed: VecDeque<Waiting>,
    /// Daemons that may come back.
    stopped: VecDeque<Waiting>,
    /// Hosts that go down, and when.
    going_down: VecDeque<(u64, u64)>,
}

/// A finding that later events may take back.
#[derive(Debug)]
struct Waiting {
    until_ms: u64,
    node: u64,
    /// A removed rule's key.
    key: Vec<u8>,
    finding: Finding,
}

impl Audit {
    pub(super) fn new(tuning: &Tuning) -> Audit {
        Audit {
            protected: tuning.names(&ABOUT, "protected"),
            managers: tuning.names(&ABOUT, "managers"),
            removed: VecDeque::new(),
            stopped: VecDeque::new(),
            going_down: VecDeque::new(),
        }
    }

    fn configured(&mut self, act: &Act<'_>, record: &Record<'_>, found: &mut Findings) {
        let value = |name: &str| record.get(name).map(|field| field.value);
        if value("res") == Some(b"0") {
            return;
        }
        let node = hash(act.event.node());
        let rule = record.get("key").filter(|field| !field.is_null());
        let rule = rule.map_or_else(Vec::new, |field| {
            field.decoded(RecordType::CONFIG_CHANGE).into_owned()
        });
        match value("op") {
            Some(b"remove_rule" | b"\"remove_rule\"" | b"remove") => {
                let why = match rule.as_slice() {
                    b"" => "a rule without a key was removed".to_owned(),
                    key => format!("the rule with the key {} was removed", shown(key)),
                };
                let finding = act.finding(&ABOUT, Level::High, "T1562.012", why);
                let waiting = Waiting {
                    until_ms: act.now_ms.saturating_add(RELOAD_MS),
                    node,
                    key: rule,
                    finding,
                };
                wait(&mut self.removed, waiting, REMOVED_RULES_MAX, found);
            }
            Some(b"add_rule" | b"\"add_rule\"" | b"add") => {
                let back = |waiting: &Waiting| waiting.node == node && waiting.key == rule;
                if let Some(index) = self.removed.iter().position(back) {
                    self.removed.remove(index);
                }
            }
            _ => self.set(act, node, record, found),
        }
    }

    /// `op=set audit_enabled=0 old=1`; kernel/audit.c, `audit_log_config_change`.
    fn set(&mut self, act: &Act<'_>, node: u64, record: &Record<'_>, found: &mut Findings) {
        let number = |name: &str| record.get(name).and_then(|field| decimal(field.value));
        let old = number("old").unwrap_or(0);
        let mut tell = |level, technique, why: String| {
            found.push(act.finding(&ABOUT, level, technique, why));
        };
        if number("audit_enabled") == Some(0) && old != 0 {
            tell(Level::Critical, "T1562.012", "auditing was disabled".into());
        }
        if number("audit_failure") == Some(0) && old != 0 {
            let why = "the kernel was told to be silent about lost records";
            tell(Level::Medium, "T1562.006", why.into());
        }
        if let Some(limit) = number("audit_backlog_limit")
            && (1..BACKLOG_LOW).contains(&limit)
            && limit < old
        {
            let why = format!("the queue for records was cut from {old} to {limit}");
            tell(Level::Medium, "T1562.006", why);
        }
        if let Some(rate) = number("audit_rate_limit")
            && rate != 0
            && (old == 0 || rate < old)
        {
            let why = format!("records beyond {rate} a second are dropped now");
            tell(Level::Medium, "T1562.006", why);
        }
        match number("audit_pid") {
            Some(0) if old != 0 => {
                let why = format!("process {old} no longer receives the kernel's records");
                self.stop(act, node, why, found);
            }
            Some(_) if old == 0 => self.came_back(node),
            Some(pid) if pid != old => {
                let why = format!("process {pid} took the kernel's records over from {old}");
                tell(Level::High, "T1562.012", why);
            }
            _ => {}
        }
    }

    fn stop(&mut self, act: &Act<'_>, node: u64, why: String, found: &mut Findings) {
        let recent = act.now_ms.saturating_sub(RESTART_MS);
        if self
            .going_down
            .iter()
            .any(|down| down.0 == node && down.1 >= recent)
            // The end of a daemon is told twice: by itself and by the kernel.
            || self.stopped.iter().any(|waiting| waiting.node == node)
        {
            return;
        }
        let waiting = Waiting {
            until_ms: act.now_ms.saturating_add(RESTART_MS),
            node,
            key: Vec::new(),
            finding: act.finding(&ABOUT, Level::High, "T1562.012", why),
        };
        wait(&mut self.stopped, waiting, STOPPED_MAX, found);
    }

    fn came_back(&mut self, node: u64) {
        self.stopped.retain(|waiting| waiting.node != node);
    }

    fn goes_down(&mut self, now_ms: u64, node: u64) {
        self.came_back(node);
        if self.going_down.len() == STOPPED_MAX {
            self.going_down.pop_front();
        }
        self.going_down.push_back((node, now_ms));
    }

    fn signal(&self, act: &Act<'_>, found: &mut Findings) {
        let signal = match act.call {
            "kill" | "tkill" | "pidfd_send_signal" | "rt_sigqueueinfo" => act.int(1),
            "tgkill" | "rt_tgsigqueueinfo" => act.int(2),
            _ => return,
        };
        let Some(name) = signal_name(signal) else {
            return;
        };
        if !act.is_done() || self.managers.has_some(act.exe()) {
            return;
        }
        if let Some(target) = self.target(act.event) {
            let why = format!("{} sent {name} to {}", act.who(), shown(&target));
            found.push(act.finding(&ABOUT, Level::Critical, "T1562.001", why));
        }
    }

    /// The kernel's own record of a rule does not say whether it is one of never.
    fn blinds(act: &Act<'_>, found: &mut Findings) {
        if !act.starts_program() || act.exe().map(file_name) != Some(b"auditctl") {
            return;
        }
        let words = act.argv();
        let rule = words.windows(2).find(|pair| {
            matches!(&*pair[0], b"-a" | b"-A")
                && pair[1]
                    .split(|&byte| byte == b',')
                    .any(|word| word == b"never")
        });
        if rule.is_some() {
            let rule = words[1..].join(&b' ');
            let why = format!(
                "auditctl was run with a rule of what is not recorded: {}",
                shown(&rule)
            );
            found.push(act.finding(&ABOUT, Level::High, "T1562.012", why));
        }
    }

    fn target(&self, event: &Event) -> Option<Vec<u8>> {
        event
            .records()
            .filter(|record| record.record_type() == RecordType::OBJ_PID)
            .filter_map(|record| {
                let name = record.get("ocomm")?;
                Some(name.decoded(RecordType::OBJ_PID).into_owned())
            })
            .find(|name| self.protected.has(name))
    }
}

impl Detection for Audit {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn event(&mut self, act: &Act<'_>, _: &mut Lineage, found: &mut Findings) {
        for record in act.event.records() {
            match record.record_type() {
                RecordType::CONFIG_CHANGE => self.configured(act, &record, found),
                DAEMON_END | DAEMON_ABORT => {
                    let why = "the audit daemon ended and did not start again".to_owned();
                    self.stop(act, hash(act.event.node()), why, found);
                }
                DAEMON_START => self.came_back(hash(act.event.node())),
                SYSTEM_SHUTDOWN => self.goes_down(act.now_ms, hash(act.event.node())),
                _ => {}
            }
        }
        self.signal(act, found);
        Self::blinds(act, found);
    }

    fn tick(&mut self, now_ms: u64, found: &mut Findings) {
        for queue in [&mut self.removed, &mut self.stopped] {
            while queue.front().is_some_and(|first| first.until_ms < now_ms) {
                found.extend(queue.pop_front().map(|waiting| waiting.finding));
            }
        }
    }
}

fn wait(queue: &mut VecDeque<Waiting>, waiting: Waiting, max: usize, found: &mut Findings) {
    if queue.len() == max {
        found.extend(queue.pop_front().map(|first| first.finding));
    }
    queue.push_back(waiting);
}

/// Signals that end a process or stop it, where it does not handle them.
fn signal_name(number: u32) -> Option<&'static str> {
    Some(match number {
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        19 => "SIGSTOP",
        20 => "SIGTSTP",
        _ => return None,
    })
}

const DAEMON_START: RecordType = RecordType(1200);
const DAEMON_END: RecordType = RecordType(1201);
const DAEMON_ABORT: RecordType = RecordType(1202);
const SYSTEM_SHUTDOWN: RecordType = RecordType(1128);
/// The kernel's own default queue: less than that is not for a running host.
const BACKLOG_LOW: u32 = 64;
