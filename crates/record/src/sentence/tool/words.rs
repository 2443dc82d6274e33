//! ausearch's words for what was done, by syscall and by record type, as version 3.0.9 prints them:
//! each was found by giving it a record and reading what it said, slips included.

use crate::record_type::RecordType;

/// How the object of a syscall is found, and what sort of thing it is without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The PATH record, always called a file.
    Opened,
    /// The PATH record.
    Path,
    /// The PATH record that has a parent beside it.
    PathOfTwo,
    /// The third PATH record.
    Renamed,
    /// The third PATH record, or the only one; the first is what it refers to.
    Linked,
    /// The second place; the first PATH record is what is mounted there.
    Mounted,
    /// The PATH record, on a file system.
    FileSystem,
    /// The PATH record, whose type the action names.
    Device,
    /// The PATH record, and the mode in this argument.
    Mode(&'static str),
    /// The PATH record, and the owner in this argument, by name.
    Owner(&'static str),
    /// The PATH record, and the owner in this argument, as a number.
    OwnerNumber(&'static str),
    /// The process itself, and the id in its first argument, by the syscall.
    Identity,
    /// The process itself, by the syscall.
    Process,
    /// The task's name.
    Memory,
    /// The socket address.
    Socket,
    /// Other processes.
    Killed,
    /// Nothing: a module's file.
    Module,
    /// Nothing: the system.
    System,
}

/// What a syscall did.
pub(super) fn of_syscall(name: &str) -> Option<(&'static str, Shape)> {
    Some(match name {
        "open" | "creat" | "openat" | "openat2" | "readlink" | "readlinkat" | "truncate"
        | "ftruncate" | "fallocate" | "memfd_create" => ("opened-file", Shape::Opened),
        "stat" | "fstat" | "lstat" | "stat64" | "access" | "newfstatat" | "faccessat"
        | "faccessat2" | "statx" => ("checked-metadata-of", Shape::Path),
        "setxattr" | "lsetxattr" | "fsetxattr" | "removexattr" | "lremovexattr"
        | "fremovexattr" => ("changed-file-attributes-of", Shape::Path),
        "utime" | "utimes" | "futimesat" | "utimensat" => ("changed-timestamp-of", Shape::Path),
        "rmdir" | "unlink" | "unlinkat" => ("deleted", Shape::Path),
        "mount" | "move_mount" | "fsmount" | "fspick" => ("mounted", Shape::Mounted),
        "umount" | "umount2" => ("unmounted", Shape::FileSystem),
        "statfs" | "fstatfs" => ("checked-filesystem-metadata-of", Shape::FileSystem),
        "kill" | "tkill" | "tgkill" => ("killed-pid", Shape::Killed),
        "rename" | "renameat" | "renameat2" => ("renamed", Shape::Renamed),
        "stime" | "adjtimex" | "settimeofday" | "clock_settime" => {
            ("changed-system-time", Shape::System)
        }
        "sethostname" | "setdomainname" => ("changed-system-name", Shape::System),
        "mmap" | "brk" => ("allocated-memory-in", Shape::Memory),
        "accept" | "accept4" => ("accepted-connection-from", Shape::Socket),
        "sendto" | "sendmsg" => ("sent-to", Shape::Socket),
        "recvfrom" | "recvmsg" => ("received-from", Shape::Socket),
        "connect" => ("connected-to", Shape::Socket),
        "bind" => ("bound-socket", Shape::Socket),
        "execve" | "execveat" => ("executed", Shape::PathOfTwo),
        "mkdir" | "mkdirat" => ("created-directory", Shape::PathOfTwo),
        "symlink" | "symlinkat" => ("symlinked", Shape::Linked),
        "chmod" | "fchmod" => ("changed-file-permissions-of", Shape::Mode("a1")),
        "fchmodat" => ("changed-file-permissions-of", Shape::Mode("a2")),
        "chown" => ("changed-file-ownership-of", Shape::Owner("a1")),
        "fchown" | "lchown" => ("changed-file-ownership-of", Shape::OwnerNumber("a1")),
        "fchownat" => ("changed-file-ownership-of", Shape::OwnerNumber("a2")),
        "mknod" | "mknodat" => ("make-device", Shape::Device),
        "init_module" | "finit_module" => ("loaded-kernel-module", Shape::Module),
        "delete_module" => ("unloaded-kernel-module", Shape::Module),
        "setuid" | "setgid" | "setreuid" | "setregid" | "setresuid" | "setresgid" => {
            ("changed-identity-of", Shape::Identity)
        }
        "setfsuid" | "setfsgid" => ("changed-identity-of", Shape::Process),
        "sched_setparam" | "sched_setscheduler" | "sched_setattr" => {
            ("adjusted-scheduling-policy-of", Shape::Process)
        }
        _ => return None,
    })
}

/// What a record says was done: the action, the fields that may name the object, and its kind. An
/// action that is empty stands in the record's `op`; a kind that is empty is the syscall's.
pub(super) type Said = (&'static str, &'static [&'static str], &'static str);

const ACCOUNT: &[&str] = &["acct"];
const ACCOUNT_OR_ID: &[&str] = &["acct", "id"];
const TERMINAL: &[&str] = &["terminal"];
const NONE: &[&str] = &[];

/// What a record of this type says was done.
pub(super) fn of_record(record_type: RecordType) -> Option<Said> {
    Some(match record_type.name()? {
        "USER" => ("sent-message", &["addr"], "unknown"),
        "LOGIN" => ("changed-login-id-to", &["auid"], "user-session"),
        "USER_AUTH" => ("authenticated", ACCOUNT, "user-session"),
        "USER_ACCT" => ("was-authorized", ACCOUNT, "user-session"),
        "USER_MGMT" => ("modified-user-account", ACCOUNT_OR_ID, "account"),
        "CRED_ACQ" => ("acquired-credentials", ACCOUNT, "user-session"),
        "CRED_DISP" => ("disposed-credentials", ACCOUNT, "user-session"),
        "CRED_REFR" => ("refreshed-credentials", ACCOUNT, "user-session"),
        "USER_START" => ("started-session", TERMINAL, "user-session"),
        "USER_END" => ("ended-session", TERMINAL, "user-session"),
        "USER_ERR" => ("caused-account-error", TERMINAL, "user-session"),
        "USER_LOGIN" => ("logged-in", TERMINAL, "user-session"),
        "USER_LOGOUT" => ("logged-out", TERMINAL, "user-session"),
        "USER_AVC" => ("accessed-mac-policy-controlled-object", NONE, "unknown"),
        "USER_CHAUTHTOK" => ("changed-password", ACCOUNT, "user-session"),
        "USYS_CONFIG" => ("", NONE, "system"),
        "ADD_USER" => ("added-user-account", ACCOUNT_OR_ID, "account"),
        "DEL_USER" => ("deleted-user-account", ACCOUNT_OR_ID, "account"),
        "ADD_GROUP" => ("added-group-account-to", ACCOUNT_OR_ID, "account"),
        "DEL_GROUP" => ("deleted-group-account-from", ACCOUNT_OR_ID, "account"),
        "GRP_MGMT" => ("modified-group-account", ACCOUNT_OR_ID, "account"),
        "GRP_CHAUTHTOK" => ("changed-group-password", ACCOUNT, "user-session"),
        "ACCT_LOCK" => ("locked-account", ACCOUNT_OR_ID, "account"),
        "ACCT_UNLOCK" => ("unlocked-account", ACCOUNT_OR_ID, "account"),
        "DAC_CHECK" => ("access-result", NONE, "unknown"),
        "CHGRP_ID" => ("changed-group", NONE, "unknown"),
        "TEST" => ("sent-test", NONE, "unknown"),
        "USER_SELINUX_ERR" => ("access-error", NONE, "unknown"),
        "USER_CMD" => ("ran-command", &["cmd"], "process"),
        "USER_TTY" => ("typed", NONE, "keystrokes"),
        "TTY" => ("typed", &["data"], "keystrokes"),
        "CHUSER_ID" => ("changed-user-id", NONE, "unknown"),
        "GRP_AUTH" => ("authenticated-to-group", NONE, "unknown"),
        "SYSTEM_BOOT" => ("booted-system", NONE, "system"),
        "SYSTEM_SHUTDOWN" => ("shutdown-system", NONE, "service"),
        "SYSTEM_RUNLEVEL" => ("changed-to-runlevel", &["new-level"], "system"),
        "SERVICE_START" => ("started-service", &["unit"], "service"),
        "SERVICE_STOP" => ("stopped-service", &["unit"], "service"),
        "MAC_CHECK" => ("mac-permission", NONE, "unknown"),
        "USER_DEVICE" => ("", NONE, "keystrokes"),
        "SOFTWARE_UPDATE" => ("installed-software", &["sw"], "software"),
        "DAEMON_START" => ("started-audit", NONE, "service"),
        "DAEMON_END" => ("shutdown-audit", NONE, "service"),
        "DAEMON_ABORT" => ("aborted-auditd-startup", NONE, "service"),
        "DAEMON_CONFIG" => ("changed-auditd-configuration", NONE, "service"),
        "DAEMON_ROTATE" => ("rotated-audit-logs", NONE, "service"),
        "DAEMON_RESUME" => ("resumed-audit-logging", NONE, "service"),
        "DAEMON_ACCEPT" => ("remote-audit-connected", NONE, "service"),
        "DAEMON_CLOSE" => ("remote-audit-disconnected", NONE, "service"),
        "DAEMON_ERR" => ("audit-error", NONE, "service"),
        "CONFIG_CHANGE" => ("changed-audit-configuration", NONE, "audit-config"),
        "NETFILTER_CFG" => ("loaded-firewall-rule-to", &["table"], "firewall"),
        "SECCOMP" => ("called-seccomp-controlled-syscall", &["syscall"], "process"),
        "FEATURE_CHANGE" => ("changed-audit-feature", NONE, "system"),
        "KERN_MODULE" => ("loaded-kernel-module", NONE, ""),
        "FANOTIFY" => ("accessed-policy-controlled-file", NONE, ""),
        "BPF" => ("loaded-bpf-program", &["prog-id"], "process"),
        "EVENT_LISTENER" => ("disconnected-from", NONE, "socket"),
        "AVC" => ("accessed-mac-policy-controlled-object", NONE, ""),
        "MAC_POLICY_LOAD" => ("loaded-selinux-policy", NONE, "mac-config"),
        "MAC_STATUS" => (
            "changed-selinux-enforcement-to",
            &["enforcing"],
            "mac-config",
        ),
        "MAC_CONFIG_CHANGE" => ("changed-selinux-boolean", &["bool"], "mac-config"),
        "MAC_MAP_ADD" => ("added-mac-network-domain-mapping-to", NONE, "mac-config"),
        "MAC_MAP_DEL" => (
            "deleted-mac-network-domain-mapping-from",
            NONE,
            "mac-config",
        ),
        "ANOM_PROMISCUOUS" => ("changed-socket-promiscuous-mode", &["dev"], "socket"),
        "ANOM_ABEND" => ("crashed-program", &["exe"], "process"),
        "ANOM_LINK" => ("used-suspcious-link", NONE, "unknown"),
        "ANOM_CREAT" => ("created-suspicious-file", NONE, "unknown"),
        "KERNEL" => ("initialized-audit-subsystem", NONE, "unknown"),
        "ANOM_LOGIN_FAILURES" => ("failed-log-in-too-many-times-to", ACCOUNT, "user-session"),
        "ANOM_LOGIN_TIME" => (
            "attempted-log-in-during-unusual-hour-to",
            ACCOUNT,
            "user-session",
        ),
        "ANOM_LOGIN_SESSIONS" => ("opened-too-many-sessions-to", ACCOUNT, "user-session"),
        "ANOM_LOGIN_LOCATION" => (
            "attempted-log-in-from-unusual-place-to",
            ACCOUNT,
            "user-session",
        ),
        "ANOM_RBAC_INTEGRITY_FAIL" => (
            "tested-file-system-integrity-of",
            &["hostname"],
            "file-system",
        ),
        "ANOM_EXEC" => ("attempted-execution-of-forbidden-program", NONE, "process"),
        "USER_ROLE_CHANGE" => ("changed-role-to", NONE, "user-session"),
        "ROLE_ASSIGN" => ("assigned-user-role-to", ACCOUNT, "account"),
        "ROLE_REMOVE" => ("removed-use-role-from", ACCOUNT, "account"),
        "LABEL_OVERRIDE" => ("overrode-label-of", NONE, "mac-config"),
        "LABEL_LEVEL_CHANGE" => ("modified-level-of", NONE, "printer"),
        "FS_RELABEL" => ("relabeled-filesystem", NONE, "mac-config"),
        "USER_MAC_POLICY_LOAD" => ("loaded-mac-policy", NONE, "mac-config"),
        "ROLE_MODIFY" => ("modified-role", NONE, "mac-config"),
        "USER_MAC_CONFIG_CHANGE" => ("changed-mac-configuration", NONE, "mac-config"),
        "USER_MAC_STATUS" => ("changed-selinux-enforcement-to", NONE, "unknown"),
        "CRYPTO_LOGIN" => ("crypto-officer-logged-in", NONE, "unknown"),
        "CRYPTO_LOGOUT" => ("crypto-officer-logged-out", NONE, "unknown"),
        "CRYPTO_KEY_USER" => ("negotiated-crypto-key", &["fp"], "user-session"),
        "CRYPTO_SESSION" => ("started-crypto-session", &["addr"], "user-session"),
        "VIRT_CONTROL" => ("issued-vm-control", &["op"], "virtual-machine"),
        "VIRT_RESOURCE" => ("assigned-vm-resource", &["resrc"], "virtual-machine"),
        "VIRT_MACHINE_ID" => ("assigned-vm-id", &["vm"], "virtual-machine"),
        "VIRT_INTEGRITY_CHECK" => ("checked-integrity-of", NONE, "unknown"),
        "VIRT_CREATE" => ("created-vm-image", NONE, "unknown"),
        "VIRT_DESTROY" => ("deleted-vm-image", NONE, "unknown"),
        "VIRT_MIGRATE_IN" => ("migrated-vm-from", NONE, "unknown"),
        "VIRT_MIGRATE_OUT" => ("migrated-vm-to", NONE, "unknown"),
        "DEV_ALLOC" | "DEV_DEALLOC" => (UNKNOWN, NONE, "mac-config"),
        _ => match record_type.0 {
            1406..=1419 => (UNKNOWN, NONE, "mac-config"),
            _ => return None,
        },
    })
}

/// The action of what has no other word.
pub(super) const UNKNOWN: &str = "did-unknown";

/// What sort of event a type makes.
pub(super) fn event_kind(record_type: RecordType) -> &'static str {
    match record_type.0 {
        1006 | 1100 | 1101 | 1103..=1106 | 1108..=1110 | 1112 | 1113 => "user-login",
        1102 | 1114..=1117 | 1132 | 1133 | 1135 | 1136 => "user-account",
        1119 | 1126 => "group-change",
        1107 | 1122 | 1400..=1402 | 1502 | 1503 | 1506 => "mac-decision",
        1124 | 1319 => "TTY",
        1127..=1131 | 2000 => "system-services",
        1111 | 1137 | 1138 | 1305 | 1325 | 1328 | 1332 | 1333 => "configuration",
        1120 | 1121 | 1123 | 1125 => "user-space",
        1200..=1299 | 1335 => "audit-daemon",
        1326 => "dac-decision",
        1331 => "av-decision",
        1334 => "bpf-program",
        1300..=1315 | 1317 | 1318 | 1321..=1324 => "audit-rule",
        1403..=1419 | 1423 | 1424 | 1500 | 1501 | 1504 | 1505 | 2300..=2399 => "mac",
        1800..=1899 | 2109 => "integrity",
        1700..=1799 | 2100..=2199 => "anomaly",
        2200..=2299 => "anomaly-response",
        2400..=2499 => "crypto",
        2500..=2599 => "virt",
        _ => "unknown",
    }
}
