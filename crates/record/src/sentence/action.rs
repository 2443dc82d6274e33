//! What was done: an action for each syscall and each type of record that says something by itself.
//!
//! The phrases are ours. Where ausearch has one for the same thing, ours keeps its words as far as
//! they are plain English, so that a search for "connected" or "deleted" finds both.

use crate::names::NameMap;
use crate::record_type::RecordType;

/// A verb phrase, and what stands for its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Action {
    /// "deleted", "changed permissions of".
    pub(super) phrase: &'static str,
    /// Where the object is found.
    pub(super) object: Object,
    /// What sort of thing the object is.
    pub(super) kind: &'static str,
}

/// Where the object of an action is found in the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// Nowhere: the phrase says it all.
    None,
    /// The PATH record that is no parent directory.
    Path,
    /// The old and the new PATH.
    TwoPaths,
    /// The first PATH: the program, not its interpreter or loader.
    Program,
    /// The socket address.
    Address,
    /// The process of an OBJ_PID record, or else the one that the first argument numbers.
    Target,
    /// The process itself: its program.
    Itself,
    /// The account that a program names.
    Account,
    /// The terminal.
    Terminal,
    /// The new login id.
    Auid,
    /// The name of a kernel module.
    Module,
    /// The syscall.
    Syscall,
    /// The program.
    Exe,
    /// What the audit configuration's change names: a key, a path, or the setting.
    Configuration,
    /// `path`, `name` or a PATH record.
    Name,
    /// A field.
    Field(&'static str),
}

/// The action of a syscall.
pub(super) fn of_syscall(name: &str) -> Option<Action> {
    BY_SYSCALL.get(name.as_bytes())
}

/// The action of a record that is the reason of its event.
pub(super) fn of_record(record_type: RecordType) -> Option<Action> {
    BY_RECORD.get(record_type.name()?.as_bytes())
}

const fn act(phrase: &'static str, object: Object, kind: &'static str) -> Action {
    Action {
        phrase,
        object,
        kind,
    }
}

const SYSCALLS: &[(&str, Action)] = &[
    (
        "accept",
        act("accepted a connection from", Object::Address, "socket"),
    ),
    (
        "accept4",
        act("accepted a connection from", Object::Address, "socket"),
    ),
    ("access", act("checked metadata of", Object::Path, "file")),
    (
        "acct",
        act("changed process accounting", Object::Path, "system"),
    ),
    ("add_key", act("used the keyring", Object::None, "keyring")),
    (
        "adjtimex",
        act("changed system time", Object::None, "system"),
    ),
    ("bind", act("bound a socket to", Object::Address, "socket")),
    ("bpf", act("used bpf", Object::None, "bpf program")),
    ("brk", act("allocated memory", Object::None, "memory")),
    (
        "capset",
        act("changed capabilities of", Object::Itself, "process"),
    ),
    (
        "chdir",
        act("changed directory to", Object::Path, "directory"),
    ),
    ("chmod", act("changed permissions of", Object::Path, "file")),
    ("chown", act("changed ownership of", Object::Path, "file")),
    ("chown32", act("changed ownership of", Object::Path, "file")),
    ("chroot", act("changed root to", Object::Path, "directory")),
    (
        "clock_adjtime",
        act("changed system time", Object::None, "system"),
    ),
    (
        "clock_adjtime64",
        act("changed system time", Object::None, "system"),
    ),
    (
        "clock_settime",
        act("changed system time", Object::None, "system"),
    ),
    (
        "clock_settime64",
        act("changed system time", Object::None, "system"),
    ),
    ("clone", act("started a process", Object::None, "process")),
    ("clone3", act("started a process", Object::None, "process")),
    ("connect", act("connected to", Object::Address, "socket")),
    ("creat", act("created", Object::Path, "file")),
    (
        "create_module",
        act("loaded kernel module", Object::Module, "module"),
    ),
    (
        "delete_module",
        act("unloaded kernel module", Object::Module, "module"),
    ),
    ("execve", act("executed", Object::Program, "process")),
    ("execveat", act("executed", Object::Program, "process")),
    ("exit", act("exited", Object::None, "process")),
    ("exit_group", act("exited", Object::None, "process")),
    (
        "faccessat",
        act("checked metadata of", Object::Path, "file"),
    ),
    (
        "faccessat2",
        act("checked metadata of", Object::Path, "file"),
    ),
    (
        "fallocate",
        act("changed the length of", Object::Path, "file"),
    ),
    ("fanotify_init", act("watched", Object::Path, "file")),
    ("fanotify_mark", act("watched", Object::Path, "file")),
    (
        "fchdir",
        act("changed directory to", Object::Path, "directory"),
    ),
    (
        "fchmod",
        act("changed permissions of", Object::Path, "file"),
    ),
    (
        "fchmodat",
        act("changed permissions of", Object::Path, "file"),
    ),
    (
        "fchmodat2",
        act("changed permissions of", Object::Path, "file"),
    ),
    ("fchown", act("changed ownership of", Object::Path, "file")),
    (
        "fchown32",
        act("changed ownership of", Object::Path, "file"),
    ),
    (
        "fchownat",
        act("changed ownership of", Object::Path, "file"),
    ),
    ("fcntl", act("changed a descriptor", Object::None, "file")),
    ("fcntl64", act("changed a descriptor", Object::None, "file")),
    ("fdatasync", act("flushed", Object::Path, "file")),
    (
        "fgetxattr",
        act("read extended attributes of", Object::Path, "file"),
    ),
    (
        "file_setattr",
        act("changed attributes of", Object::Path, "file"),
    ),
    (
        "finit_module",
        act("loaded kernel module", Object::Module, "module"),
    ),
    (
        "flistxattr",
        act("read extended attributes of", Object::Path, "file"),
    ),
    ("flock", act("changed a descriptor", Object::None, "file")),
    ("fork", act("started a process", Object::None, "process")),
    (
        "fremovexattr",
        act("changed attributes of", Object::Path, "file"),
    ),
    ("fsconfig", act("mounted", Object::Path, "filesystem")),
    (
        "fsetxattr",
        act("changed attributes of", Object::Path, "file"),
    ),
    ("fsmount", act("mounted", Object::Path, "filesystem")),
    ("fsopen", act("mounted", Object::Path, "filesystem")),
    ("fspick", act("mounted", Object::Path, "filesystem")),
    ("fstat", act("checked metadata of", Object::Path, "file")),
    ("fstat64", act("checked metadata of", Object::Path, "file")),
    (
        "fstatat64",
        act("checked metadata of", Object::Path, "file"),
    ),
    (
        "fstatfs",
        act("checked filesystem metadata of", Object::Path, "filesystem"),
    ),
    (
        "fstatfs64",
        act("checked filesystem metadata of", Object::Path, "filesystem"),
    ),
    ("fsync", act("flushed", Object::Path, "file")),
    (
        "ftruncate",
        act("changed the length of", Object::Path, "file"),
    ),
    (
        "futimesat",
        act("changed timestamps of", Object::Path, "file"),
    ),
    (
        "getxattr",
        act("read extended attributes of", Object::Path, "file"),
    ),
    (
        "getxattrat",
        act("read extended attributes of", Object::Path, "file"),
    ),
    (
        "init_module",
        act("loaded kernel module", Object::Module, "module"),
    ),
    ("inotify_add_watch", act("watched", Object::Path, "file")),
    ("inotify_init", act("watched", Object::Path, "file")),
    ("inotify_init1", act("watched", Object::Path, "file")),
    ("inotify_rm_watch", act("watched", Object::Path, "file")),
    (
        "io_uring_enter",
        act("used io_uring", Object::None, "system"),
    ),
    (
        "io_uring_register",
        act("used io_uring", Object::None, "system"),
    ),
    (
        "io_uring_setup",
        act("used io_uring", Object::None, "system"),
    ),
    ("ioctl", act("controlled", Object::Path, "device")),
    (
        "ioperm",
        act("accessed hardware ports", Object::None, "system"),
    ),
    (
        "iopl",
        act("accessed hardware ports", Object::None, "system"),
    ),
    (
        "ioprio_set",
        act("changed scheduling of", Object::Target, "process"),
    ),
    (
        "ipc",
        act("used inter-process communication", Object::None, "ipc"),
    ),
    (
        "kexec_file_load",
        act("loaded a kernel to boot", Object::None, "system"),
    ),
    (
        "kexec_load",
        act("loaded a kernel to boot", Object::None, "system"),
    ),
    ("keyctl", act("used the keyring", Object::None, "keyring")),
    ("kill", act("sent a signal to", Object::Target, "process")),
    (
        "landlock_add_rule",
        act("restricted by landlock", Object::Itself, "process"),
    ),
    (
        "landlock_create_ruleset",
        act("restricted by landlock", Object::Itself, "process"),
    ),
    (
        "landlock_restrict_self",
        act("restricted by landlock", Object::Itself, "process"),
    ),
    ("lchown", act("changed ownership of", Object::Path, "file")),
    (
        "lchown32",
        act("changed ownership of", Object::Path, "file"),
    ),
    (
        "lgetxattr",
        act("read extended attributes of", Object::Path, "file"),
    ),
    ("link", act("linked", Object::TwoPaths, "file")),
    ("linkat", act("linked", Object::TwoPaths, "file")),
    (
        "listen",
        act("listened on a socket", Object::None, "socket"),
    ),
    (
        "listxattr",
        act("read extended attributes of", Object::Path, "file"),
    ),
    (
        "listxattrat",
        act("read extended attributes of", Object::Path, "file"),
    ),
    (
        "llistxattr",
        act("read extended attributes of", Object::Path, "file"),
    ),
    ("lookup_dcookie", act("used", Object::Path, "file")),
    (
        "lremovexattr",
        act("changed attributes of", Object::Path, "file"),
    ),
    (
        "lsetxattr",
        act("changed attributes of", Object::Path, "file"),
    ),
    ("lstat", act("checked metadata of", Object::Path, "file")),
    ("lstat64", act("checked metadata of", Object::Path, "file")),
    ("memfd_create", act("created", Object::Path, "file")),
    (
        "memfd_secret",
        act("allocated secret memory", Object::None, "memory"),
    ),
    ("mkdir", act("created directory", Object::Path, "directory")),
    (
        "mkdirat",
        act("created directory", Object::Path, "directory"),
    ),
    ("mknod", act("created node", Object::Path, "file")),
    ("mknodat", act("created node", Object::Path, "file")),
    ("mmap", act("mapped memory", Object::Path, "memory")),
    ("mmap2", act("mapped memory", Object::Path, "memory")),
    ("mount", act("mounted", Object::Path, "filesystem")),
    ("mount_setattr", act("mounted", Object::Path, "filesystem")),
    ("move_mount", act("mounted", Object::Path, "filesystem")),
    (
        "mprotect",
        act("changed memory protection", Object::None, "memory"),
    ),
    (
        "mq_getsetattr",
        act("used a message queue", Object::Path, "message queue"),
    ),
    (
        "mq_notify",
        act("used a message queue", Object::Path, "message queue"),
    ),
    (
        "mq_open",
        act("used a message queue", Object::Path, "message queue"),
    ),
    (
        "mq_timedreceive",
        act("used a message queue", Object::Path, "message queue"),
    ),
    (
        "mq_timedsend",
        act("used a message queue", Object::Path, "message queue"),
    ),
    (
        "mq_unlink",
        act("used a message queue", Object::Path, "message queue"),
    ),
    (
        "msgctl",
        act("used a message queue", Object::None, "message queue"),
    ),
    (
        "msgget",
        act("used a message queue", Object::None, "message queue"),
    ),
    (
        "msgrcv",
        act("used a message queue", Object::None, "message queue"),
    ),
    (
        "msgsnd",
        act("used a message queue", Object::None, "message queue"),
    ),
    (
        "name_to_handle_at",
        act("took a handle of", Object::Path, "file"),
    ),
    (
        "newfstatat",
        act("checked metadata of", Object::Path, "file"),
    ),
    ("oldlstat", act("checked metadata of", Object::Path, "file")),
    ("oldstat", act("checked metadata of", Object::Path, "file")),
    ("open", act("opened", Object::Path, "file")),
    ("open_by_handle_at", act("opened", Object::Path, "file")),
    ("open_tree", act("mounted", Object::Path, "filesystem")),
    ("open_tree_attr", act("mounted", Object::Path, "filesystem")),
    ("openat", act("opened", Object::Path, "file")),
    ("openat2", act("opened", Object::Path, "file")),
    (
        "perf_event_open",
        act("opened performance events", Object::None, "system"),
    ),
    (
        "personality",
        act("changed personality of", Object::Itself, "process"),
    ),
    (
        "pidfd_getfd",
        act("took a descriptor of", Object::Target, "process"),
    ),
    (
        "pidfd_send_signal",
        act("sent a signal to", Object::Target, "process"),
    ),
    (
        "pivot_root",
        act("changed root to", Object::Path, "directory"),
    ),
    (
        "pkey_mprotect",
        act("changed memory protection", Object::None, "memory"),
    ),
    (
        "prctl",
        act("changed attributes of process", Object::Itself, "process"),
    ),
    (
        "prlimit64",
        act("changed resource limits of", Object::Itself, "process"),
    ),
    (
        "process_madvise",
        act("advised memory of", Object::Target, "process"),
    ),
    (
        "process_mrelease",
        act("advised memory of", Object::Target, "process"),
    ),
    (
        "process_vm_readv",
        act("read memory of", Object::Target, "process"),
    ),
    (
        "process_vm_writev",
        act("wrote memory of", Object::Target, "process"),
    ),
    ("ptrace", act("traced", Object::Target, "process")),
    (
        "quotactl",
        act("changed quota of", Object::Path, "filesystem"),
    ),
    (
        "quotactl_fd",
        act("changed quota of", Object::Path, "filesystem"),
    ),
    ("readlink", act("read the link", Object::Path, "file")),
    ("readlinkat", act("read the link", Object::Path, "file")),
    ("reboot", act("rebooted", Object::None, "system")),
    ("recv", act("received from", Object::Address, "socket")),
    ("recvfrom", act("received from", Object::Address, "socket")),
    ("recvmmsg", act("received from", Object::Address, "socket")),
    ("recvmsg", act("received from", Object::Address, "socket")),
    (
        "removexattr",
        act("changed attributes of", Object::Path, "file"),
    ),
    (
        "removexattrat",
        act("changed attributes of", Object::Path, "file"),
    ),
    ("rename", act("renamed", Object::TwoPaths, "file")),
    ("renameat", act("renamed", Object::TwoPaths, "file")),
    ("renameat2", act("renamed", Object::TwoPaths, "file")),
    (
        "request_key",
        act("used the keyring", Object::None, "keyring"),
    ),
    ("rmdir", act("removed directory", Object::Path, "directory")),
    (
        "rt_sigqueueinfo",
        act("sent a signal to", Object::Target, "process"),
    ),
    (
        "rt_tgsigqueueinfo",
        act("sent a signal to", Object::Target, "process"),
    ),
    (
        "sched_setaffinity",
        act("changed scheduling of", Object::Target, "process"),
    ),
    (
        "sched_setattr",
        act("changed scheduling of", Object::Target, "process"),
    ),
    (
        "sched_setparam",
        act("changed scheduling of", Object::Target, "process"),
    ),
    (
        "sched_setscheduler",
        act("changed scheduling of", Object::Target, "process"),
    ),
    ("seccomp", act("confined", Object::Itself, "process")),
    ("semctl", act("used semaphores", Object::None, "semaphore")),
    ("semget", act("used semaphores", Object::None, "semaphore")),
    ("semop", act("used semaphores", Object::None, "semaphore")),
    (
        "semtimedop",
        act("used semaphores", Object::None, "semaphore"),
    ),
    ("send", act("sent to", Object::Address, "socket")),
    ("sendmmsg", act("sent to", Object::Address, "socket")),
    ("sendmsg", act("sent to", Object::Address, "socket")),
    ("sendto", act("sent to", Object::Address, "socket")),
    (
        "setdomainname",
        act("changed system name", Object::None, "system"),
    ),
    (
        "setfsgid",
        act("changed group of", Object::Itself, "process"),
    ),
    (
        "setfsgid32",
        act("changed group of", Object::Itself, "process"),
    ),
    (
        "setfsuid",
        act("changed user of", Object::Itself, "process"),
    ),
    (
        "setfsuid32",
        act("changed user of", Object::Itself, "process"),
    ),
    ("setgid", act("changed group of", Object::Itself, "process")),
    (
        "setgid32",
        act("changed group of", Object::Itself, "process"),
    ),
    (
        "setgroups",
        act("changed group of", Object::Itself, "process"),
    ),
    (
        "setgroups32",
        act("changed group of", Object::Itself, "process"),
    ),
    (
        "sethostname",
        act("changed system name", Object::None, "system"),
    ),
    (
        "setns",
        act("changed namespaces of", Object::Itself, "process"),
    ),
    (
        "setpriority",
        act("changed scheduling of", Object::Target, "process"),
    ),
    (
        "setregid",
        act("changed group of", Object::Itself, "process"),
    ),
    (
        "setregid32",
        act("changed group of", Object::Itself, "process"),
    ),
    (
        "setresgid",
        act("changed group of", Object::Itself, "process"),
    ),
    (
        "setresgid32",
        act("changed group of", Object::Itself, "process"),
    ),
    (
        "setresuid",
        act("changed user of", Object::Itself, "process"),
    ),
    (
        "setresuid32",
        act("changed user of", Object::Itself, "process"),
    ),
    (
        "setreuid",
        act("changed user of", Object::Itself, "process"),
    ),
    (
        "setreuid32",
        act("changed user of", Object::Itself, "process"),
    ),
    (
        "setrlimit",
        act("changed resource limits of", Object::Itself, "process"),
    ),
    (
        "setsockopt",
        act("changed options of a socket", Object::None, "socket"),
    ),
    (
        "settimeofday",
        act("changed system time", Object::None, "system"),
    ),
    ("setuid", act("changed user of", Object::Itself, "process")),
    (
        "setuid32",
        act("changed user of", Object::Itself, "process"),
    ),
    (
        "setxattr",
        act("changed attributes of", Object::Path, "file"),
    ),
    (
        "setxattrat",
        act("changed attributes of", Object::Path, "file"),
    ),
    (
        "shmat",
        act("used shared memory", Object::None, "shared memory"),
    ),
    (
        "shmctl",
        act("used shared memory", Object::None, "shared memory"),
    ),
    (
        "shmdt",
        act("used shared memory", Object::None, "shared memory"),
    ),
    (
        "shmget",
        act("used shared memory", Object::None, "shared memory"),
    ),
    (
        "shutdown",
        act("shut down a socket", Object::None, "socket"),
    ),
    ("socket", act("opened a socket", Object::None, "socket")),
    (
        "socketcall",
        act("called on a socket", Object::Address, "socket"),
    ),
    (
        "socketpair",
        act("opened a pair of sockets", Object::None, "socket"),
    ),
    ("stat", act("checked metadata of", Object::Path, "file")),
    ("stat64", act("checked metadata of", Object::Path, "file")),
    (
        "statfs",
        act("checked filesystem metadata of", Object::Path, "filesystem"),
    ),
    (
        "statfs64",
        act("checked filesystem metadata of", Object::Path, "filesystem"),
    ),
    ("statx", act("checked metadata of", Object::Path, "file")),
    ("stime", act("changed system time", Object::None, "system")),
    (
        "swapoff",
        act("stopped swapping to", Object::Path, "filesystem"),
    ),
    (
        "swapon",
        act("started swapping to", Object::Path, "filesystem"),
    ),
    ("symlink", act("made symbolic link", Object::Path, "file")),
    ("symlinkat", act("made symbolic link", Object::Path, "file")),
    ("sync", act("flushed", Object::Path, "file")),
    ("syncfs", act("flushed", Object::Path, "file")),
    (
        "syslog",
        act("read or changed the kernel log", Object::None, "system"),
    ),
    ("tgkill", act("sent a signal to", Object::Target, "process")),
    ("tkill", act("sent a signal to", Object::Target, "process")),
    (
        "truncate",
        act("changed the length of", Object::Path, "file"),
    ),
    ("umount", act("unmounted", Object::Path, "filesystem")),
    ("umount2", act("unmounted", Object::Path, "filesystem")),
    ("unlink", act("deleted", Object::Path, "file")),
    ("unlinkat", act("deleted", Object::Path, "file")),
    (
        "unshare",
        act("changed namespaces of", Object::Itself, "process"),
    ),
    ("uselib", act("used", Object::Path, "file")),
    (
        "userfaultfd",
        act("took over page faults", Object::None, "memory"),
    ),
    (
        "ustat",
        act("checked filesystem metadata of", Object::Path, "filesystem"),
    ),
    ("utime", act("changed timestamps of", Object::Path, "file")),
    (
        "utimensat",
        act("changed timestamps of", Object::Path, "file"),
    ),
    (
        "utimensat_time64",
        act("changed timestamps of", Object::Path, "file"),
    ),
    ("utimes", act("changed timestamps of", Object::Path, "file")),
    ("vfork", act("started a process", Object::None, "process")),
    (
        "vhangup",
        act("hung up the terminal", Object::None, "system"),
    ),
];

const RECORDS: &[(&str, Action)] = &[
    (
        "ACCT_LOCK",
        act("locked account", Object::Account, "account"),
    ),
    (
        "ACCT_UNLOCK",
        act("unlocked account", Object::Account, "account"),
    ),
    (
        "ADD_GROUP",
        act("added group account to", Object::Account, "account"),
    ),
    (
        "ADD_USER",
        act("added user account", Object::Account, "account"),
    ),
    ("ANOM_ABEND", act("crashed", Object::Exe, "process")),
    (
        "ANOM_ACCESS_FS",
        act("accessed a forbidden file", Object::Name, "file"),
    ),
    (
        "ANOM_ADD_ACCT",
        act("changed an account unusually", Object::Account, "account"),
    ),
    (
        "ANOM_AMTU_FAIL",
        act("failed a self test", Object::None, "integrity"),
    ),
    (
        "ANOM_CREAT",
        act("created a suspicious file", Object::Path, "file"),
    ),
    (
        "ANOM_CRYPTO_FAIL",
        act("failed a self test", Object::None, "integrity"),
    ),
    (
        "ANOM_DEL_ACCT",
        act("changed an account unusually", Object::Account, "account"),
    ),
    (
        "ANOM_EXEC",
        act("tried to run a forbidden program", Object::Name, "process"),
    ),
    (
        "ANOM_LINK",
        act("followed a suspicious link", Object::Path, "file"),
    ),
    (
        "ANOM_LOGIN_ACCT",
        act(
            "tried to log in to a watched account",
            Object::Account,
            "session",
        ),
    ),
    (
        "ANOM_LOGIN_FAILURES",
        act("failed too often to log in as", Object::Account, "session"),
    ),
    (
        "ANOM_LOGIN_LOCATION",
        act(
            "tried to log in from an unusual place as",
            Object::Account,
            "session",
        ),
    ),
    (
        "ANOM_LOGIN_ROOT",
        act("logged in against policy as", Object::Account, "session"),
    ),
    (
        "ANOM_LOGIN_SERVICE",
        act("logged in against policy as", Object::Account, "session"),
    ),
    (
        "ANOM_LOGIN_SESSIONS",
        act("opened too many sessions as", Object::Account, "session"),
    ),
    (
        "ANOM_LOGIN_TIME",
        act(
            "tried to log in at an unusual hour as",
            Object::Account,
            "session",
        ),
    ),
    (
        "ANOM_MAX_DAC",
        act("was denied too often", Object::None, "anomaly"),
    ),
    (
        "ANOM_MAX_MAC",
        act("was denied too often", Object::None, "anomaly"),
    ),
    (
        "ANOM_MK_EXEC",
        act("tried to run a forbidden program", Object::Name, "process"),
    ),
    (
        "ANOM_MOD_ACCT",
        act("changed an account unusually", Object::Account, "account"),
    ),
    (
        "ANOM_ORIGIN_FAILURES",
        act("behaved unusually", Object::Field("addr"), "session"),
    ),
    (
        "ANOM_PROMISCUOUS",
        act(
            "changed promiscuous mode of",
            Object::Field("dev"),
            "socket",
        ),
    ),
    (
        "ANOM_RBAC_FAIL",
        act("failed a self test", Object::None, "integrity"),
    ),
    (
        "ANOM_RBAC_INTEGRITY_FAIL",
        act("failed a self test", Object::None, "integrity"),
    ),
    (
        "ANOM_ROOT_TRANS",
        act("became root unusually", Object::None, "process"),
    ),
    (
        "ANOM_SESSION",
        act("behaved unusually", Object::Field("addr"), "session"),
    ),
    (
        "APPARMOR",
        act(
            "accessed apparmor controlled object",
            Object::Name,
            "mac object",
        ),
    ),
    (
        "APPARMOR_ALLOWED",
        act(
            "accessed apparmor controlled object",
            Object::Name,
            "mac object",
        ),
    ),
    (
        "APPARMOR_AUDIT",
        act(
            "accessed apparmor controlled object",
            Object::Name,
            "mac object",
        ),
    ),
    (
        "APPARMOR_DENIED",
        act(
            "accessed apparmor controlled object",
            Object::Name,
            "mac object",
        ),
    ),
    (
        "APPARMOR_ERROR",
        act(
            "accessed apparmor controlled object",
            Object::Name,
            "mac object",
        ),
    ),
    (
        "APPARMOR_HINT",
        act(
            "accessed apparmor controlled object",
            Object::Name,
            "mac object",
        ),
    ),
    (
        "APPARMOR_KILL",
        act(
            "accessed apparmor controlled object",
            Object::Name,
            "mac object",
        ),
    ),
    (
        "APPARMOR_STATUS",
        act("changed apparmor profile", Object::Name, "mac config"),
    ),
    (
        "AVC",
        act(
            "accessed mac policy controlled object",
            Object::Name,
            "mac object",
        ),
    ),
    (
        "BPF",
        act("used bpf program", Object::Field("prog-id"), "bpf program"),
    ),
    (
        "CHGRP_ID",
        act("changed group", Object::Field("id"), "account"),
    ),
    (
        "CHUSER_ID",
        act("changed user id", Object::Field("id"), "account"),
    ),
    (
        "CONFIG_CHANGE",
        act(
            "changed audit configuration",
            Object::Configuration,
            "audit config",
        ),
    ),
    (
        "CRED_ACQ",
        act("acquired credentials", Object::Account, "session"),
    ),
    (
        "CRED_DISP",
        act("disposed credentials", Object::Account, "session"),
    ),
    (
        "CRED_REFR",
        act("refreshed credentials", Object::Account, "session"),
    ),
    (
        "CRYPTO_FAILURE_USER",
        act("failed in cryptography", Object::None, "crypto"),
    ),
    (
        "CRYPTO_IKE_SA",
        act("changed ipsec association", Object::None, "crypto"),
    ),
    (
        "CRYPTO_IPSEC_SA",
        act("changed ipsec association", Object::None, "crypto"),
    ),
    (
        "CRYPTO_KEY_USER",
        act(
            "negotiated or destroyed a crypto key",
            Object::Field("fp"),
            "session",
        ),
    ),
    (
        "CRYPTO_LOGIN",
        act("logged in as crypto officer", Object::None, "crypto"),
    ),
    (
        "CRYPTO_LOGOUT",
        act("logged out as crypto officer", Object::None, "crypto"),
    ),
    (
        "CRYPTO_PARAM_CHANGE_USER",
        act("changed cryptography", Object::Field("op"), "crypto"),
    ),
    (
        "CRYPTO_REPLAY_USER",
        act("failed in cryptography", Object::None, "crypto"),
    ),
    (
        "CRYPTO_SESSION",
        act("started crypto session", Object::Field("addr"), "session"),
    ),
    (
        "CRYPTO_TEST_USER",
        act("changed cryptography", Object::Field("op"), "crypto"),
    ),
    ("DAC_CHECK", act("checked access", Object::None, "file")),
    (
        "DAEMON_ABORT",
        act("failed to start audit", Object::None, "service"),
    ),
    (
        "DAEMON_ACCEPT",
        act(
            "accepted remote audit connection from",
            Object::Address,
            "service",
        ),
    ),
    (
        "DAEMON_CLOSE",
        act(
            "closed remote audit connection from",
            Object::Address,
            "service",
        ),
    ),
    (
        "DAEMON_CONFIG",
        act(
            "changed audit daemon configuration",
            Object::None,
            "service",
        ),
    ),
    (
        "DAEMON_END",
        act("shut down audit", Object::None, "service"),
    ),
    (
        "DAEMON_ERR",
        act("reported audit error", Object::Field("op"), "service"),
    ),
    (
        "DAEMON_RECONFIG",
        act(
            "changed audit daemon configuration",
            Object::None,
            "service",
        ),
    ),
    (
        "DAEMON_RESUME",
        act("resumed audit logging", Object::None, "service"),
    ),
    (
        "DAEMON_ROTATE",
        act("rotated audit logs", Object::None, "service"),
    ),
    (
        "DAEMON_START",
        act("started audit", Object::None, "service"),
    ),
    (
        "DEL_GROUP",
        act("deleted group account from", Object::Account, "account"),
    ),
    (
        "DEL_USER",
        act("deleted user account", Object::Account, "account"),
    ),
    (
        "DEV_ALLOC",
        act("allocated device", Object::Field("device"), "device"),
    ),
    (
        "DEV_DEALLOC",
        act("deallocated device", Object::Field("device"), "device"),
    ),
    (
        "DM_CTRL",
        act("changed device mapping", Object::Field("dev"), "device"),
    ),
    (
        "DM_EVENT",
        act("changed device mapping", Object::Field("dev"), "device"),
    ),
    (
        "EVENT_LISTENER",
        act(
            "listened to audit events",
            Object::Field("op"),
            "audit config",
        ),
    ),
    (
        "FANOTIFY",
        act("accessed a file under policy", Object::Path, "file"),
    ),
    (
        "FEATURE_CHANGE",
        act(
            "changed audit feature",
            Object::Field("feature"),
            "audit config",
        ),
    ),
    (
        "FS_RELABEL",
        act("relabeled filesystem", Object::None, "mac config"),
    ),
    (
        "GRP_AUTH",
        act("authenticated to group", Object::Account, "account"),
    ),
    (
        "GRP_CHAUTHTOK",
        act("changed group password", Object::Account, "account"),
    ),
    (
        "GRP_MGMT",
        act("modified group account", Object::Account, "account"),
    ),
    (
        "INTEGRITY_DATA",
        act("checked integrity of", Object::Name, "integrity"),
    ),
    (
        "INTEGRITY_EVM_XATTR",
        act("checked integrity of", Object::Name, "integrity"),
    ),
    (
        "INTEGRITY_HASH",
        act("checked integrity of", Object::Name, "integrity"),
    ),
    (
        "INTEGRITY_METADATA",
        act("checked integrity of", Object::Name, "integrity"),
    ),
    (
        "INTEGRITY_PCR",
        act("checked integrity of", Object::Name, "integrity"),
    ),
    (
        "INTEGRITY_POLICY_RULE",
        act("checked integrity of", Object::Name, "integrity"),
    ),
    (
        "INTEGRITY_RULE",
        act("checked integrity of", Object::Name, "integrity"),
    ),
    (
        "INTEGRITY_STATUS",
        act("checked integrity of", Object::Name, "integrity"),
    ),
    (
        "INTEGRITY_USERSPACE",
        act("checked integrity of", Object::Name, "integrity"),
    ),
    (
        "IPE_ACCESS",
        act(
            "accessed an object under integrity policy",
            Object::Name,
            "file",
        ),
    ),
    (
        "IPE_CONFIG_CHANGE",
        act(
            "changed integrity policy",
            Object::Field("policy_name"),
            "integrity",
        ),
    ),
    (
        "IPE_POLICY_LOAD",
        act(
            "changed integrity policy",
            Object::Field("policy_name"),
            "integrity",
        ),
    ),
    ("KERNEL", act("initialized audit", Object::None, "system")),
    (
        "KERN_MODULE",
        act("loaded kernel module", Object::Module, "module"),
    ),
    (
        "LABEL_LEVEL_CHANGE",
        act("changed level of", Object::Field("printer"), "printer"),
    ),
    (
        "LABEL_OVERRIDE",
        act("overrode label of", Object::Name, "mac config"),
    ),
    (
        "LANDLOCK_ACCESS",
        act(
            "was stopped by landlock from",
            Object::Field("blockers"),
            "mac object",
        ),
    ),
    (
        "LANDLOCK_DOMAIN",
        act(
            "used landlock domain",
            Object::Field("domain"),
            "mac object",
        ),
    ),
    ("LOGIN", act("changed login id to", Object::Auid, "session")),
    (
        "MAC_CALIPSO_ADD",
        act("changed network labels", Object::None, "mac config"),
    ),
    (
        "MAC_CALIPSO_DEL",
        act("changed network labels", Object::None, "mac config"),
    ),
    (
        "MAC_CHECK",
        act("checked mac permission", Object::None, "mac object"),
    ),
    (
        "MAC_CIPSOV4_ADD",
        act("changed network labels", Object::None, "mac config"),
    ),
    (
        "MAC_CIPSOV4_DEL",
        act("changed network labels", Object::None, "mac config"),
    ),
    (
        "MAC_CONFIG_CHANGE",
        act(
            "changed mac configuration",
            Object::Field("bool"),
            "mac config",
        ),
    ),
    (
        "MAC_IPSEC_ADDSA",
        act("changed ipsec policy", Object::None, "mac config"),
    ),
    (
        "MAC_IPSEC_ADDSPD",
        act("changed ipsec policy", Object::None, "mac config"),
    ),
    (
        "MAC_IPSEC_DELSA",
        act("changed ipsec policy", Object::None, "mac config"),
    ),
    (
        "MAC_IPSEC_DELSPD",
        act("changed ipsec policy", Object::None, "mac config"),
    ),
    (
        "MAC_IPSEC_EVENT",
        act("changed ipsec policy", Object::None, "mac config"),
    ),
    (
        "MAC_MAP_ADD",
        act("changed network labels", Object::None, "mac config"),
    ),
    (
        "MAC_MAP_DEL",
        act("changed network labels", Object::None, "mac config"),
    ),
    (
        "MAC_POLICY_LOAD",
        act("loaded mac policy", Object::None, "mac config"),
    ),
    (
        "MAC_STATUS",
        act(
            "changed mac enforcement to",
            Object::Field("enforcing"),
            "mac config",
        ),
    ),
    (
        "MAC_UNLBL_ALLOW",
        act("changed network labels", Object::None, "mac config"),
    ),
    (
        "MAC_UNLBL_STCADD",
        act("changed network labels", Object::None, "mac config"),
    ),
    (
        "MAC_UNLBL_STCDEL",
        act("changed network labels", Object::None, "mac config"),
    ),
    (
        "NETFILTER_CFG",
        act("changed firewall table", Object::Field("table"), "firewall"),
    ),
    (
        "NETFILTER_PKT",
        act("passed a packet to", Object::Field("daddr"), "firewall"),
    ),
    (
        "RESP_ACCT_LOCK",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_ACCT_LOCK_TIMED",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_ACCT_REMOTE",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_ACCT_UNLOCK_TIMED",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_ALERT",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_ANOMALY",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_EXEC",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_HALT",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_KILL_PROC",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_ORIGIN_BLOCK",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_ORIGIN_BLOCK_TIMED",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_ORIGIN_UNBLOCK_TIMED",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_SEBOOL",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_SINGLE",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_TERM_ACCESS",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "RESP_TERM_LOCK",
        act(
            "responded to an anomaly",
            Object::Field("op"),
            "anomaly response",
        ),
    ),
    (
        "ROLE_ASSIGN",
        act("assigned role to", Object::Account, "account"),
    ),
    (
        "ROLE_MODIFY",
        act("modified role", Object::Field("new-role"), "mac config"),
    ),
    (
        "ROLE_REMOVE",
        act("removed role from", Object::Account, "account"),
    ),
    (
        "SECCOMP",
        act("called a controlled syscall", Object::Syscall, "process"),
    ),
    (
        "SELINUX_ERR",
        act("caused mac error", Object::None, "mac object"),
    ),
    (
        "SERVICE_START",
        act("started service", Object::Field("unit"), "service"),
    ),
    (
        "SERVICE_STOP",
        act("stopped service", Object::Field("unit"), "service"),
    ),
    (
        "SOFTWARE_UPDATE",
        act("installed software", Object::Field("sw"), "software"),
    ),
    ("SYSTEM_BOOT", act("booted system", Object::None, "system")),
    (
        "SYSTEM_RUNLEVEL",
        act("changed to runlevel", Object::Field("new-level"), "system"),
    ),
    (
        "SYSTEM_SHUTDOWN",
        act("shut down system", Object::None, "system"),
    ),
    (
        "TEST",
        act("sent test message", Object::Field("msg"), "message"),
    ),
    (
        "TIME_ADJNTPVAL",
        act("adjusted system time", Object::Field("op"), "system"),
    ),
    (
        "TIME_INJOFFSET",
        act("adjusted system time", Object::Field("op"), "system"),
    ),
    (
        "TRUSTED_APP",
        act("reported", Object::Field("op"), "program"),
    ),
    ("TTY", act("typed", Object::Field("data"), "keystrokes")),
    (
        "URINGOP",
        act("used io_uring for", Object::Field("uring_op"), "file"),
    ),
    (
        "USER",
        act("sent a message", Object::Field("msg"), "message"),
    ),
    (
        "USER_ACCT",
        act("was authorized", Object::Account, "session"),
    ),
    (
        "USER_AUTH",
        act("authenticated", Object::Account, "session"),
    ),
    (
        "USER_AVC",
        act(
            "accessed mac policy controlled object",
            Object::Name,
            "mac object",
        ),
    ),
    (
        "USER_CHAUTHTOK",
        act("changed password", Object::Account, "session"),
    ),
    (
        "USER_CMD",
        act("ran command", Object::Field("cmd"), "process"),
    ),
    (
        "USER_DEVICE",
        act("changed configuration", Object::Field("op"), "system"),
    ),
    (
        "USER_END",
        act("ended session on", Object::Terminal, "session"),
    ),
    (
        "USER_ERR",
        act("caused account error on", Object::Terminal, "session"),
    ),
    (
        "USER_LABELED_EXPORT",
        act("exported an object", Object::None, "mac config"),
    ),
    (
        "USER_LOGIN",
        act("logged in on", Object::Terminal, "session"),
    ),
    (
        "USER_LOGOUT",
        act("logged out of", Object::Terminal, "session"),
    ),
    (
        "USER_MAC_CONFIG_CHANGE",
        act(
            "changed mac configuration",
            Object::Field("bool"),
            "mac config",
        ),
    ),
    (
        "USER_MAC_POLICY_LOAD",
        act("loaded mac policy", Object::None, "mac config"),
    ),
    (
        "USER_MAC_STATUS",
        act(
            "changed mac enforcement to",
            Object::Field("enforcing"),
            "mac config",
        ),
    ),
    (
        "USER_MGMT",
        act("modified user account", Object::Account, "account"),
    ),
    (
        "USER_ROLE_CHANGE",
        act(
            "changed role to",
            Object::Field("selected-context"),
            "session",
        ),
    ),
    (
        "USER_SELINUX_ERR",
        act("caused mac error", Object::None, "mac object"),
    ),
    (
        "USER_START",
        act("started session on", Object::Terminal, "session"),
    ),
    (
        "USER_TTY",
        act("typed", Object::Field("data"), "keystrokes"),
    ),
    (
        "USER_UNLABELED_EXPORT",
        act("exported an object", Object::None, "mac config"),
    ),
    (
        "USYS_CONFIG",
        act("changed configuration", Object::Field("op"), "system"),
    ),
    (
        "VIRT_CONTROL",
        act("controlled vm", Object::Field("vm"), "virtual machine"),
    ),
    (
        "VIRT_CREATE",
        act("created vm image", Object::Field("vm"), "virtual machine"),
    ),
    (
        "VIRT_DESTROY",
        act("deleted vm image", Object::Field("vm"), "virtual machine"),
    ),
    (
        "VIRT_INTEGRITY_CHECK",
        act(
            "checked vm integrity",
            Object::Field("vm"),
            "virtual machine",
        ),
    ),
    (
        "VIRT_MACHINE_ID",
        act("assigned vm id", Object::Field("vm"), "virtual machine"),
    ),
    (
        "VIRT_MIGRATE_IN",
        act("received vm", Object::Field("vm"), "virtual machine"),
    ),
    (
        "VIRT_MIGRATE_OUT",
        act("sent away vm", Object::Field("vm"), "virtual machine"),
    ),
    (
        "VIRT_RESOURCE",
        act(
            "assigned vm resource",
            Object::Field("resrc"),
            "virtual machine",
        ),
    ),
];

static BY_SYSCALL: NameMap<Action, 1024> = NameMap::new(SYSCALLS);
static BY_RECORD: NameMap<Action, 512> = NameMap::new(RECORDS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one() {
        for (name, _) in RECORDS {
            assert!(RecordType::from_name(name.as_bytes()).is_some(), "{name}");
        }
        let arches = [crate::Arch::X86_64, crate::Arch::I386];
        for (name, _) in SYSCALLS {
            let known = arches
                .iter()
                .any(|arch| arch.syscall_number(name).is_some());
            assert!(known || *name == "send" || *name == "recv", "{name}");
        }
    }
}
