//! Findings about one line by itself.

use bstr::ByteSlice;

use super::{Code, Finding, Level, Surroundings, architectures, written};
use crate::arch::Arch;
use crate::cover::is_below;
use crate::fault::{Fault, Severity};
use crate::field::Field;
use crate::file::Entry;
use crate::host::PathKind;
use crate::list::{Action, List};
use crate::mask::Mask;
use crate::op::Op;
use crate::parse::{Compat, Note};
use crate::perm;
use crate::rule::{PERM_READ, Rule, Test, Value};
use crate::{cost, tables, twin};

/// Files whose content is the secret.
const SECRETS: &[&[u8]] = &[
    b"/etc/shadow",
    b"/etc/shadow-",
    b"/etc/gshadow",
    b"/etc/gshadow-",
    b"/etc/security/opasswd",
    b"/etc/krb5.keytab",
    b"/root/.ssh",
    b"/etc/ssl/private",
    b"/etc/pki/tls/private",
];

/// The last system call that auditctl 3.0.9 has a name for.
const V3_CALLS_MAX: u32 = 450;

/// Keys longer than this are cut by older tools; the man page of auditctl 3 still names it.
const KEY_BYTES_USUAL: usize = 31;

pub(super) fn lint(entry: &Entry, around: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    findings.extend(
        entry
            .line
            .notes()
            .filter_map(|note| of_note(entry, note, around)),
    );
    if entry.line.notes().next().is_none() {
        findings.extend(
            entry
                .diagnostics()
                .map(|fault| Finding::new(Code::Syntax, entry, fault.message)),
        );
    }
    let Some(rule) = entry.rule() else {
        return;
    };
    let checks = [
        slow_watch(entry, rule, around),
        secret_read(entry, rule, around),
        missing_arch(entry, rule, around),
        auditing_off(entry, rule),
        missing_key(entry, rule),
        newer_call(entry, rule, around),
    ];
    findings.extend(checks.into_iter().flatten());
    keys(entry, rule, findings);
    if around.check_paths {
        paths(entry, rule, around, findings);
    }
    mounts(entry, rule, around, findings);
}

fn of_note(entry: &Entry, note: &Note, around: &Surroundings<'_>) -> Option<Finding> {
    let message = note.fault.to_string();
    let mut text = message.trim_end().to_owned();
    if let Some(accepted) = note.fault.accepted() {
        text += &format!("; accepted: {accepted}");
    }
    match &note.fault {
        Fault::Syscall(name) => {
            let known: Vec<_> = Arch::ALL
                .into_iter()
                .filter(|arch| tables::syscall_number(*arch, name).is_some())
                .map(Arch::name)
                .collect();
            if !known.is_empty() {
                text = format!("{name} is a system call of {} only", known.join(" and "));
            }
            let finding = Finding::new(Code::UnknownSyscall, entry, text);
            Some(match without_call(entry, note, name, around) {
                Some(line) => finding.replace(vec![line]),
                None => finding,
            })
        }
        // told with its mended lines by missing_arch
        Fault::SyscallMismatch(_) if entry.rule().is_some() => None,
        fault => {
            let level = match fault.severity() {
                Severity::Warning => Level::Warning,
                Severity::Error => Level::Error,
            };
            Some(Finding::new(Code::Syntax, entry, text).level(level))
        }
    }
}

/// The line without a system call that does not exist, where others remain.
fn without_call(
    entry: &Entry,
    note: &Note,
    name: &[u8],
    around: &Surroundings<'_>,
) -> Option<String> {
    let calls: Vec<&[u8]> = note
        .token
        .split(|&byte| byte == b',')
        .filter(|call| *call != name)
        .collect();
    if calls.is_empty() {
        return None;
    }
    let mended = entry.text.replacen(&note.token, calls.join(&b","[..]), 1);
    let again = crate::file::read("", &mended, around.cx);
    let worked = again
        .first()
        .is_some_and(|entry| entry.rule().is_some() || has_syscall_fault(entry));
    worked.then(|| String::from_utf8_lossy(&mended).into_owned())
}

fn has_syscall_fault(entry: &Entry) -> bool {
    entry
        .line
        .notes()
        .any(|note| matches!(note.fault, Fault::Syscall(_)))
}

/// A rule that watches a path on every system call.
fn slow_watch(entry: &Entry, rule: &Rule, around: &Surroundings<'_>) -> Option<Finding> {
    let perm = rule.number_of(Field::Perm)?;
    let path = rule
        .text_of(Field::Path)
        .or_else(|| rule.text_of(Field::Dir))?;
    if rule.list != List::Exit || !rule.syscalls.is_all() {
        return None;
    }
    let machine = around.cx.machine;
    let named = rule.arch();
    let archs = named.map_or_else(|| architectures(machine), |arch| vec![arch]);
    let lines: Vec<String> = archs
        .into_iter()
        .filter_map(|arch| {
            let mut masked = rule.clone();
            masked.syscalls = perm::syscalls(arch, perm)?;
            if around.cx.compat == Compat::V3 {
                masked.syscalls = masked
                    .syscalls
                    .iter()
                    .filter(|&n| n <= V3_CALLS_MAX)
                    .collect();
            }
            if named.is_none() {
                masked
                    .tests
                    .insert(0, Test::number(Field::Arch, Op::Equal, arch.elf()));
            }
            Some(written(&masked, machine))
        })
        .collect();
    let finding = if rule.text_of(Field::Dir).is_some() {
        let ns = cost::of_rule(rule).as_ns();
        let message = format!(
            "directory {path} is watched without a list of system calls: about {ns} ns on every one"
        );
        Finding::new(Code::SlowWatch, entry, message)
    } else if rule.is_watch() {
        let message = format!("{path} is watched in the old form");
        Finding::new(Code::SlowWatch, entry, message).level(Level::Info)
    } else {
        return None;
    };
    Some(if lines.is_empty() {
        finding
    } else {
        finding.replace(lines)
    })
}

/// A rule on a secret that does not record reads.
fn secret_read(entry: &Entry, rule: &Rule, around: &Surroundings<'_>) -> Option<Finding> {
    let perm = rule.number_of(Field::Perm)?;
    let path = rule
        .text_of(Field::Path)
        .or_else(|| rule.text_of(Field::Dir))?;
    if rule.action != Action::Always || perm & PERM_READ != 0 {
        return None;
    }
    let is_host_key = path.starts_with(b"/etc/ssh/") && path.ends_with(b"_key");
    if !is_host_key && !SECRETS.iter().any(|secret| is_below(path, secret)) {
        return None;
    }
    let mut mended = rule.clone();
    for test in &mut mended.tests {
        if test.field == Field::Perm {
            test.value = Value::Number(perm | PERM_READ);
        }
    }
    if !rule.syscalls.is_all()
        && let Some(reads) = perm::syscalls(rule.arch().unwrap_or(around.cx.machine), PERM_READ)
    {
        mended.syscalls.extend(&reads);
    }
    let message = format!("reads of {path} are not recorded");
    let line = written(&mended, around.cx.machine);
    Some(Finding::new(Code::SecretRead, entry, message).replace(vec![line]))
}

/// Calls that do the same as older ones that the rule names.
fn newer_call(entry: &Entry, rule: &Rule, around: &Surroundings<'_>) -> Option<Finding> {
    let arch = rule.arch()?;
    if rule.action != Action::Always || rule.list != List::Exit || rule.syscalls.is_all() {
        return None;
    }
    let number = |name: &str| tables::syscall_number(arch, name.as_bytes());
    let missing: Vec<(&str, u32)> = NEWER_CALLS
        .iter()
        .filter(|(older, _)| number(older).is_some_and(|call| rule.syscalls.contains(call)))
        .filter_map(|(_, newer)| Some((*newer, number(newer)?)))
        .filter(|(_, call)| !rule.syscalls.contains(*call))
        .collect();
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    if names.is_empty() {
        return None;
    }
    let finding = Finding::new(
        Code::NewerCall,
        entry,
        format!(
            "not recorded, though it does the same: {}",
            names.join(", ")
        ),
    );
    if missing.iter().any(|(_, call)| *call > V3_CALLS_MAX) {
        // auditctl 3 could not read the mended line.
        return Some(finding);
    }
    let mut mended = rule.clone();
    for (_, call) in missing {
        mended.syscalls.insert(call);
    }
    let line = written(&mended, around.cx.machine);
    let change = finding.replace(vec![line]);
    Some(change)
}

/// An older call, and the newer one that does the same and more; their manual pages say so.
const NEWER_CALLS: &[(&str, &str)] = &[
    ("openat", "openat2"),
    ("renameat", "renameat2"),
    ("execve", "execveat"),
    ("fchmodat", "fchmodat2"),
    ("setxattr", "setxattrat"),
    ("removexattr", "removexattrat"),
    ("clone", "clone3"),
    ("mount", "move_mount"),
    ("kill", "pidfd_send_signal"),
    ("init_module", "finit_module"),
    ("kexec_load", "kexec_file_load"),
    ("settimeofday", "clock_settime"),
];

/// System calls by number that mean something else in 32-bit programs.
fn missing_arch(entry: &Entry, rule: &Rule, around: &Surroundings<'_>) -> Option<Finding> {
    let machine = around.cx.machine;
    let noted = entry
        .line
        .notes()
        .any(|note| matches!(note.fault, Fault::SyscallMismatch(_)));
    let chooses = rule.list == List::Exit && !rule.syscalls.is_all() && !rule.syscalls.is_none();
    if !chooses || rule.arch().is_some() || rule.tests_on(Field::Arch).next().is_some() {
        return None;
    }
    let lines: Vec<String> = architectures(machine)
        .into_iter()
        .filter_map(|arch| twin::rule(rule, machine, arch))
        .map(|rule| written(&rule, machine))
        .collect();
    let message = if noted {
        "without -F arch= these calls are others in 32-bit programs"
    } else {
        "system calls by number without -F arch="
    };
    let finding = Finding::new(Code::MissingArch, entry, message);
    Some(if lines.is_empty() {
        finding
    } else {
        finding.replace(lines)
    })
}

fn auditing_off(entry: &Entry, rule: &Rule) -> Option<Finding> {
    let message = "no task is audited: every rule of the exit list is dead";
    cost::silences_all_tasks(rule)
        .then(|| Finding::new(Code::AuditingOff, entry, message).replace(Vec::new()))
}

fn missing_key(entry: &Entry, rule: &Rule) -> Option<Finding> {
    let records = rule.list == List::Exit && rule.action == Action::Always;
    (records && rule.keys().next().is_none()).then(|| {
        Finding::new(
            Code::MissingKey,
            entry,
            "no key: add -k with a word to search for",
        )
    })
}

fn keys(entry: &Entry, rule: &Rule, findings: &mut Vec<Finding>) {
    for key in rule.keys() {
        let shown = key.escape_ascii();
        if key.starts_with(b"-") {
            let message = format!("{shown} as a key: is a word missing?");
            findings.push(Finding::new(Code::OddKey, entry, message));
        }
        if key.len() > KEY_BYTES_USUAL {
            let message = format!("the key {shown} has {} bytes", key.len());
            findings.push(Finding::new(Code::LongKey, entry, message));
        }
    }
}

fn paths(entry: &Entry, rule: &Rule, around: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let host = around.cx.host;
    for test in &rule.tests {
        let Value::Text(path) = &test.value else {
            continue;
        };
        let wanted = matches!(test.field, Field::Path | Field::Dir | Field::Exe);
        if !wanted || !path.starts_with(b"/") || host.path_kind(path) != PathKind::Missing {
            continue;
        }
        let parent = path
            .rsplit_once_str("/")
            .map_or(&b"/"[..], |(parent, _)| parent);
        let parent: &[u8] = if parent.is_empty() { b"/" } else { parent };
        let has_parent = host.path_kind(parent) == PathKind::Directory;
        let (level, message) = match test.field {
            Field::Dir => (
                Level::Error,
                format!("no directory {path}: the kernel refuses this"),
            ),
            _ if !has_parent => (
                Level::Error,
                format!("neither {path} nor its directory exists: the kernel refuses this"),
            ),
            _ => (Level::Info, format!("{path} does not exist yet")),
        };
        findings.push(Finding::new(Code::MissingPath, entry, message).level(level));
    }
}

fn mounts(entry: &Entry, rule: &Rule, around: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let dirs = rule
        .tests_on(Field::Dir)
        .filter(|test| test.op == Op::Equal);
    for dir in dirs.filter_map(Test::as_text) {
        let below = |mount: &&Vec<u8>| mount.as_slice() != dir.as_slice() && is_below(mount, dir);
        for mount in around.mounts.iter().filter(below) {
            let shown = mount.as_bstr();
            let message = format!("{shown} is a mount point below {dir}");
            findings.push(Finding::new(Code::MountBelow, entry, message));
        }
    }
}

/// Whether a rule selects some system calls, but not all.
pub(super) fn chooses_calls(rule: &Rule) -> bool {
    rule.list.takes_syscalls() && !rule.syscalls.is_all() && rule.syscalls != Mask::none()
}
