//! The names of an event's fields.
//!
//! Typed names first; then the names that the kernel and the programs around audit give their
//! fields. A name in neither list is refused, because a misspelt one would silently match nothing;
//! `raw.NAME` names any field.

use super::compile::Type;
use super::event::EventField;
use crate::near;

/// Names any field of a record, whether it is in a list or not.
pub(super) const RAW_PREFIX: &str = "raw.";

/// Names with a meaning; those of messages have no value in an event.
pub(super) const TYPED: &[(&str, EventField, Type)] = &[
    ("addr", EventField::Address, Type::Address),
    ("any", EventField::Any, Type::Raw),
    ("app", EventField::Absent, Type::Text),
    ("arch", EventField::Arch, Type::Named),
    ("argv", EventField::Argument, Type::Text),
    ("auid", EventField::Number("auid", Type::Id), Type::Id),
    ("cmdline", EventField::CommandLine, Type::Text),
    ("comm", EventField::First("comm"), Type::Text),
    ("cwd", EventField::Cwd, Type::Text),
    ("egid", EventField::Number("egid", Type::Id), Type::Id),
    ("euid", EventField::Number("euid", Type::Id), Type::Id),
    ("exe", EventField::First("exe"), Type::Text),
    (
        "exit",
        EventField::Number("exit", Type::Number),
        Type::Number,
    ),
    ("facility", EventField::Absent, Type::Named),
    ("fsgid", EventField::Number("fsgid", Type::Id), Type::Id),
    ("fsuid", EventField::Number("fsuid", Type::Id), Type::Id),
    ("gid", EventField::Number("gid", Type::Id), Type::Id),
    ("host", EventField::Absent, Type::Text),
    ("key", EventField::Key, Type::Text),
    ("message", EventField::Message, Type::Text),
    ("node", EventField::Node, Type::Text),
    ("path", EventField::Path, Type::Text),
    ("pid", EventField::Number("pid", Type::Number), Type::Number),
    ("port", EventField::Port, Type::Number),
    (
        "ppid",
        EventField::Number("ppid", Type::Number),
        Type::Number,
    ),
    ("serial", EventField::Serial, Type::Number),
    ("ses", EventField::Number("ses", Type::Id), Type::Id),
    ("session", EventField::Number("ses", Type::Id), Type::Id),
    ("severity", EventField::Absent, Type::Named),
    ("sgid", EventField::Number("sgid", Type::Id), Type::Id),
    ("source", EventField::Absent, Type::Text),
    ("success", EventField::Success, Type::Bool),
    ("suid", EventField::Number("suid", Type::Id), Type::Id),
    ("syscall", EventField::Syscall, Type::Named),
    ("terminal", EventField::Terminal, Type::Text),
    ("time", EventField::Time, Type::Time),
    ("type", EventField::Type, Type::Named),
    ("uid", EventField::Number("uid", Type::Id), Type::Id),
];

/// Names that records use, ascending: the kernel's `audit_log_format` calls and the messages of
/// audit's user space. Enriched logs add those of ids and syscalls in upper case.
const RAW: &[&str] = &[
    "a0",
    "a1",
    "a2",
    "a3",
    "a4",
    "a5",
    "a6",
    "a7",
    "a8",
    "a9",
    "acct",
    "acl",
    "action",
    "added",
    "apparmor",
    "argc",
    "audit_backlog_limit",
    "audit_backlog_wait_time",
    "audit_enabled",
    "audit_failure",
    "auditd_pid",
    "banners",
    "bool",
    "bus",
    "cap_fe",
    "cap_fi",
    "cap_fp",
    "cap_frootid",
    "cap_fver",
    "cap_pa",
    "cap_pe",
    "cap_pi",
    "cap_pp",
    "capability",
    "category",
    "cgroup",
    "changed",
    "cipher",
    "class",
    "cmd",
    "code",
    "compat",
    "daddr",
    "data",
    "default-context",
    "dev",
    "device",
    "dir",
    "direction",
    "dmac",
    "dport",
    "dst",
    "enforcing",
    "entries",
    "errno",
    "family",
    "fan_info",
    "fan_type",
    "fd",
    "fe",
    "feature",
    "fi",
    "file",
    "flags",
    "format",
    "fp",
    "frootid",
    "fver",
    "grantors",
    "grp",
    "hash",
    "hook",
    "hostname",
    "icmptype",
    "id",
    "igid",
    "img-ctx",
    "inif",
    "ino",
    "inode",
    "inode_gid",
    "inode_uid",
    "invalid_context",
    "io_uring",
    "ioctlcmd",
    "ip",
    "ipid",
    "item",
    "items",
    "iuid",
    "kernel",
    "kind",
    "ksize",
    "laddr",
    "len",
    "list",
    "lport",
    "lsm",
    "mac",
    "macproto",
    "maj",
    "major",
    "minor",
    "mode",
    "model",
    "msg",
    "name",
    "nametype",
    "nargs",
    "net",
    "new",
    "new-chardev",
    "new-disk",
    "new-enabled",
    "new-fs",
    "new-level",
    "new-log_passwd",
    "new-mem",
    "new-net",
    "new-range",
    "new-rng",
    "new-role",
    "new-seuser",
    "new-vcpu",
    "new_gid",
    "new_lock",
    "new_pa",
    "new_pe",
    "new_pi",
    "new_pp",
    "nl-mcgrp",
    "nlnk-fam",
    "nlnk-grp",
    "nlnk-pid",
    "oauid",
    "obj",
    "obj_gid",
    "obj_trust",
    "obj_uid",
    "objtype",
    "ocomm",
    "oflag",
    "ogid",
    "old",
    "old-auid",
    "old-chardev",
    "old-disk",
    "old-enabled",
    "old-fs",
    "old-level",
    "old-log_passwd",
    "old-mem",
    "old-net",
    "old-range",
    "old-rng",
    "old-role",
    "old-ses",
    "old-seuser",
    "old-vcpu",
    "old_enforcing",
    "old_lock",
    "old_pa",
    "old_pe",
    "old_pi",
    "old_pp",
    "old_prom",
    "old_val",
    "op",
    "opid",
    "oses",
    "ouid",
    "outif",
    "pa",
    "parent",
    "pe",
    "per",
    "perm",
    "perm_mask",
    "permissive",
    "pfs",
    "pi",
    "pp",
    "proctitle",
    "profile",
    "prog-id",
    "prom",
    "proto",
    "qbytes",
    "range",
    "rdev",
    "reason",
    "removed",
    "requested_mask",
    "res",
    "resolve",
    "resp",
    "result",
    "role",
    "root_dir",
    "rport",
    "saddr",
    "sauid",
    "scontext",
    "selected-context",
    "seperm",
    "seperms",
    "seqno",
    "seresult",
    "seuser",
    "sig",
    "size",
    "smac",
    "spid",
    "sport",
    "src",
    "subj",
    "subj_trust",
    "sw",
    "syscall",
    "table",
    "target",
    "tclass",
    "tcontext",
    "tty",
    "unit",
    "uring_op",
    "uuid",
    "val",
    "vcpu",
    "ver",
    "virt",
    "vm",
    "vm-ctx",
    "vm-pid",
    "watch",
];

/// Whether records use this name: also `old auid`, and the upper case of an enriched one.
pub(super) fn is_known(name: &str) -> bool {
    let name = name
        .strip_prefix("old ")
        .or_else(|| name.strip_prefix("new "))
        .unwrap_or(name);
    let is_listed = |name: &str| RAW.binary_search(&name).is_ok() || typed(name);
    let is_argument = name.len() <= 6
        && name
            .strip_prefix('a')
            .is_some_and(|digits| digits.parse::<u16>().is_ok());
    is_listed(name) || is_argument || (is_upper(name) && is_listed(&name.to_ascii_lowercase()))
}

fn is_upper(name: &str) -> bool {
    !name.bytes().any(|byte| byte.is_ascii_lowercase())
}

fn typed(name: &str) -> bool {
    TYPED.iter().any(|entry| entry.0 == name)
}

/// The known name that differs least, if it differs little.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let known = TYPED.iter().map(|entry| entry.0).chain(RAW.iter().copied());
    near::nearest(&name.to_ascii_lowercase(), known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_ascending() {
        assert!(RAW.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(TYPED.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn known_and_near() {
        for name in ["acct", "old auid", "AUID", "SYSCALL", "a12", "vm-ctx"] {
            assert!(is_known(name), "{name}");
        }
        for (name, near) in [
            ("exee", Some("exe")),
            ("sucess", Some("success")),
            ("Path", Some("path")),
            ("audi", Some("auid")),
            ("xylophone", None),
        ] {
            assert!(!is_known(name), "{name}");
            assert_eq!(nearest(name), near, "{name}");
        }
    }
}
