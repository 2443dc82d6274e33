//! Syscall arguments: `a0=` to `a3=` of a SYSCALL record, by the syscall's name.
//!
//! One table says what each argument is. An argument that is a pointer or a plain number is shown
//! as `0x…`. Differences from ausearch, which leaves more of them as numbers and takes `clone`'s
//! third for its flags, stand in docs/compat.md.

use crate::interpret::flags::{Shown, name, push_bits, push_name, push_separator, push_unknown};
use crate::interpret::value::{push_mode, push_octal, push_short_mode};
use crate::interpret::{Context, Names, local};
use crate::names::NameMap;
use crate::number::push_hex;
use crate::tables::constants as table;

/// What an argument is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Argument {
    /// A pointer, a count, a descriptor.
    #[default]
    Hex,
    /// A directory's descriptor, or `AT_FDCWD`.
    Directory,
    OpenFlags,
    /// Permission bits of a file to be made.
    ShortMode,
    /// The same, if the flags before it say that a file may be made.
    CreateMode,
    /// File type and permission bits.
    Mode,
    Access,
    Protection,
    MmapFlags,
    Signal,
    Family,
    SocketType,
    Protocol,
    OptionLevel,
    OptionName,
    MessageFlags,
    CloneFlags,
    Uid,
    Gid,
    FcntlCommand,
    FcntlValue,
    Ioctl,
    Rlimit,
    Ptrace,
    Prctl,
    PrctlValue,
    Personality,
    Scheduler,
    Seek,
    MountFlags,
    UmountFlags,
    ShmFlags,
    Clock,
    EpollOperation,
    BpfCommand,
    SocketCall,
    ExitCode,
    AtFlags,
    Priority,
}

use Argument::{
    Access, AtFlags, BpfCommand, Clock, CloneFlags, CreateMode, Directory, EpollOperation,
    ExitCode, Family, FcntlCommand, FcntlValue, Gid, Hex, Ioctl, MessageFlags, MmapFlags, Mode,
    MountFlags, OpenFlags, OptionLevel, OptionName, Personality, Prctl, PrctlValue, Priority,
    Protection, Protocol, Ptrace, Rlimit, Scheduler, Seek, ShmFlags, ShortMode, Signal, SocketCall,
    SocketType, Uid, UmountFlags,
};

/// What the arguments of a syscall are; of one that is not known, numbers.
pub(super) fn kinds(syscall: Option<&'static str>) -> [Argument; 4] {
    syscall
        .and_then(|name| BY_SYSCALL.get(name.as_bytes()))
        .unwrap_or_default()
}

/// Appends argument `index` of the record's syscall.
pub(super) fn interpret(
    context: &Context,
    index: usize,
    value: u64,
    names: &dyn Names,
    out: &mut Vec<u8>,
) {
    push(context.argument_kinds[index], context, value, names, out);
}

fn push(argument: Argument, context: &Context, value: u64, names: &dyn Names, out: &mut Vec<u8>) {
    // Arguments are 64 bits wide in a record; most are ints, whose upper half is whatever.
    let int = value & u64::from(u32::MAX);
    match argument {
        Hex => push_hex(value, out),
        Directory => match int {
            AT_FDCWD => out.extend_from_slice(b"AT_FDCWD"),
            _ => push_hex(value, out),
        },
        OpenFlags => push_open_flags(int, context.arch, out),
        ShortMode => push_short_mode(int, out),
        CreateMode if creates(context) => push_short_mode(int, out),
        CreateMode => push_hex(value, out),
        Mode => push_mode(int, out),
        Access => push_flags_or(ACCESS_MODES, int, "F_OK", out),
        Protection => push_flags_or(table::PROTECTIONS, int, "PROT_NONE", out),
        MmapFlags => push_mmap_flags(int, out),
        Signal => push_name(local::SIGNALS, int, "signal", Shown::Hex, out),
        Family => push_family(int, out),
        SocketType => match name(table::SOCKET_TYPES, int & 0xf) {
            Some(name) if int & !SOCKET_TYPE_FLAGS < 0x10 => out.extend_from_slice(name.as_bytes()),
            _ => push_unknown("type", int, Shown::Digits, out),
        },
        Protocol => push_name(local::PROTOCOLS, int, "proto", Shown::Digits, out),
        OptionLevel => push_level(int, out),
        OptionName => push_option(context.arguments[1], int, out),
        MessageFlags => push_flags_or(table::MESSAGE_FLAGS, int, "0x0", out),
        CloneFlags => push_clone_flags(int, out),
        Uid => push_owner(int, |id| names.user(id), out),
        Gid => push_owner(int, |id| names.group(id), out),
        FcntlCommand => match name(LOCK64_COMMANDS, int) {
            Some(name) => out.extend_from_slice(name.as_bytes()),
            None => push_name(
                table::FCNTL_COMMANDS,
                int,
                "fcntl-command",
                Shown::Decimal,
                out,
            ),
        },
        FcntlValue => push_fcntl_value(context, value, names, out),
        Ioctl => push_ioctl(int, out),
        Rlimit => push_name(table::RLIMITS, int, "rlimit", Shown::Hex, out),
        Ptrace => push_name(table::PTRACE_REQUESTS, int, "ptrace", Shown::Hex, out),
        Prctl => push_name(table::PRCTL_OPTIONS, int, "prctl-option", Shown::Hex, out),
        PrctlValue => match context.arguments[0] {
            PR_SET_PDEATHSIG => push_name(local::SIGNALS, int, "signal", Shown::Hex, out),
            PR_CAPBSET_READ | PR_CAPBSET_DROP => {
                push_name(table::CAPABILITIES, int, "capability", Shown::Hex, out);
            }
            _ => push_hex(value, out),
        },
        Personality => push_personality(int, out),
        Scheduler => push_scheduler(int, out),
        Seek => push_name(table::SEEK_ORIGINS, int, "whence", Shown::Digits, out),
        MountFlags => push_mount_flags(int, out),
        UmountFlags => push_flags_or(table::UMOUNT_FLAGS, int, "0x0", out),
        ShmFlags => push_shm_flags(int, out),
        Clock => push_name(table::CLOCKS, int, "clk_id", Shown::Hex, out),
        EpollOperation => push_name(
            table::EPOLL_OPERATIONS,
            int,
            "epoll_ctl-operation",
            Shown::Decimal,
            out,
        ),
        BpfCommand => push_name(table::BPF_COMMANDS, int, "bpf-cmd", Shown::Digits, out),
        SocketCall => push_name(table::SOCKET_CALLS, int, "socketcall", Shown::Digits, out),
        ExitCode => match int {
            0 => out.extend_from_slice(b"EXIT_SUCCESS"),
            1 => out.extend_from_slice(b"EXIT_FAILURE"),
            _ => push_hex(value, out),
        },
        Priority => push_name(table::PRIORITY_WHICH, int, "priority", Shown::Hex, out),
        AtFlags => push_flags_or(table::AT_FLAGS, int, "0x0", out),
    }
}

/// Whether an `open` may make a file, so that its mode means something.
fn creates(context: &Context) -> bool {
    // O_CREAT and __O_TMPFILE have these values wherever we know syscalls.
    const CREATES: u64 = 0o100 | 0o20_000_000;
    let flags = match context.syscall_name {
        Some("openat") => context.arguments[2],
        _ => context.arguments[1],
    };
    flags & CREATES != 0
}

/// Access mode and flags of an `open`.
pub(super) fn push_open_flags(flags: u64, arch: u32, out: &mut Vec<u8>) {
    const ACCESS_MODE: u64 = 0o3;
    let start = out.len();
    out.extend_from_slice(match flags & ACCESS_MODE {
        0 => b"O_RDONLY",
        1 => b"O_WRONLY",
        2 => b"O_RDWR",
        // No program means this one; some drivers take it for "no access at all".
        _ => b"O_WRONLY|O_RDWR",
    });
    let rest = flags & !ACCESS_MODE;
    push_bits(table::OPEN_FLAGS, arm_open_flags(rest, arch), start, out);
}

/// Arm numbers four flags differently (arch/arm*/include/uapi/asm/fcntl.h); this gives them the
/// numbers of the other architectures.
fn arm_open_flags(flags: u64, arch: u32) -> u64 {
    const ARM: u32 = 0x4000_0028;
    const AARCH64: u32 = 0xc000_00b7;
    // (Arm's bit, everybody's bit): O_DIRECTORY, O_NOFOLLOW, O_DIRECT, O_LARGEFILE.
    const MOVED: [(u64, u64); 4] = [
        (0o40_000, 0o200_000),
        (0o100_000, 0o400_000),
        (0o200_000, 0o40_000),
        (0o400_000, 0o100_000),
    ];
    if !matches!(arch, ARM | AARCH64) {
        return flags;
    }
    let kept = MOVED.iter().fold(flags, |flags, (arm, _)| flags & !arm);
    MOVED
        .iter()
        .filter(|(arm, _)| flags & arm != 0)
        .fold(kept, |kept, (_, common)| kept | common)
}

pub(super) fn push_mmap_flags(flags: u64, out: &mut Vec<u8>) {
    // linux/mman.h: MAP_TYPE, of which 0 is a private or shared mapping's absence.
    const TYPE: u64 = 0xf;
    let start = out.len();
    if flags & TYPE == 0 {
        out.extend_from_slice(b"MAP_FILE");
    }
    push_bits(table::MMAP_FLAGS, flags, start, out);
}

pub(super) fn push_personality(personality: u64, out: &mut Vec<u8>) {
    // linux/personality.h: ADDR_NO_RANDOMIZE, and the domain in the low byte.
    const NO_RANDOMIZE: u64 = 0x0004_0000;
    const FLAGS: u64 = 0x0ff8_0000 | 0x0003_ff00;
    let domain = personality & !NO_RANDOMIZE;
    match name(table::PERSONALITIES, domain).or_else(|| name(table::PERSONALITIES, domain & !FLAGS))
    {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => return push_unknown("personality", personality, Shown::Hex, out),
    }
    if personality & NO_RANDOMIZE != 0 {
        out.extend_from_slice(b"|~ADDR_NO_RANDOMIZE");
    }
}

pub(super) fn push_ioctl(request: u64, out: &mut Vec<u8>) {
    match name(table::IOCTL_REQUESTS, request) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => push_hex(request, out),
    }
}

/// The names of the bits, or `none` where no bit is set.
fn push_flags_or(table: &'static [(u64, &'static str)], flags: u64, none: &str, out: &mut Vec<u8>) {
    match flags {
        0 => out.extend_from_slice(none.as_bytes()),
        _ => push_bits(table, flags, out.len(), out),
    }
}

fn push_family(family: u64, out: &mut Vec<u8>) {
    match name(table::SOCKET_FAMILIES, family).filter(|_| family != 0) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => push_unknown("family", family, Shown::Hex, out),
    }
}

/// Flags, and in the low byte the signal that tells the parent of the end.
fn push_clone_flags(flags: u64, out: &mut Vec<u8>) {
    const SIGNAL: u64 = 0xff;
    let start = out.len();
    if flags & !SIGNAL != 0 {
        push_bits(table::CLONE_FLAGS, flags & !SIGNAL, start, out);
    }
    match name(local::SIGNALS, flags & SIGNAL).filter(|_| flags & SIGNAL != 0) {
        Some(name) => {
            push_separator(start, out);
            out.extend_from_slice(name.as_bytes());
        }
        None if out.len() == start => push_hex(flags, out),
        None => {}
    }
}

fn push_mount_flags(flags: u64, out: &mut Vec<u8>) {
    // linux/mount.h: MS_MGC_MSK; old programs put MS_MGC_VAL there, which is no flag.
    const MAGIC_MASK: u64 = 0xffff_0000;
    const MAGIC: u64 = 0xc0ed_0000;
    let flags = if flags & MAGIC_MASK == MAGIC {
        flags & !MAGIC_MASK
    } else {
        flags
    };
    push_flags_or(table::MOUNT_FLAGS, flags, "0x0", out);
}

fn push_shm_flags(flags: u64, out: &mut Vec<u8>) {
    let start = out.len();
    for (_, name) in table::SHM_FLAGS.iter().filter(|(bit, _)| flags & bit != 0) {
        push_separator(start, out);
        out.extend_from_slice(name.as_bytes());
    }
    push_separator(start, out);
    push_octal(flags & 0o777, 4, out);
}

fn push_scheduler(policy: u64, out: &mut Vec<u8>) {
    // linux/sched.h
    const RESET_ON_FORK: u64 = 0x4000_0000;
    const POLICY: u64 = 0xf;
    match name(table::SCHED_POLICIES, policy & POLICY) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => return push_unknown("scheduler-policy", policy, Shown::Hex, out),
    }
    if policy & RESET_ON_FORK != 0 {
        out.extend_from_slice(b"|SCHED_RESET_ON_FORK");
    }
}

/// An owner; `unset` leaves it as it is (`chown`) or is none (`setuid`).
fn push_owner<'n>(
    id: u64,
    name: impl Fn(u32) -> Option<std::borrow::Cow<'n, str>>,
    out: &mut Vec<u8>,
) {
    let id = id as u32;
    if id == crate::event::UNSET {
        out.extend_from_slice(b"unset");
    } else if let Some(name) = name(id) {
        out.extend_from_slice(name.as_bytes());
    } else {
        crate::number::push_decimal(u64::from(id), out);
    }
}

fn push_fcntl_value(context: &Context, value: u64, names: &dyn Names, out: &mut Vec<u8>) {
    // asm-generic/fcntl.h
    const F_SETFD: u64 = 2;
    const F_SETFL: u64 = 4;
    const FD_CLOEXEC: u64 = 1;
    match context.arguments[1] {
        F_SETFD if value == FD_CLOEXEC => out.extend_from_slice(b"FD_CLOEXEC"),
        F_SETFL => push(OpenFlags, context, value, names, out),
        _ => push_hex(value, out),
    }
}

fn push_level(level: u64, out: &mut Vec<u8>) {
    match name(OPTION_LEVELS, level).or_else(|| name(local::PROTOCOLS, level)) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => push_unknown("sockopt-level", level, Shown::Hex, out),
    }
}

fn push_option(level: u64, option: u64, out: &mut Vec<u8>) {
    let (table, what) = match level {
        0 => (table::IP_OPTIONS, "ipopt-name"),
        1 => (table::SOCKET_OPTIONS, "sockopt-name"),
        6 => (table::TCP_OPTIONS, "tcpopt-name"),
        17 => (table::UDP_OPTIONS, "udpopt-name"),
        41 => (table::IPV6_OPTIONS, "ip6opt-name"),
        263 => (table::PACKET_OPTIONS, "pktopt-name"),
        _ => return push_hex(option, out),
    };
    push_name(table, option, what, Shown::Hex, out);
}

/// linux/fcntl.h: −100 as an int.
const AT_FDCWD: u64 = 0xffff_ff9c;

/// linux/net.h: SOCK_CLOEXEC and SOCK_NONBLOCK, which share the argument with the type.
const SOCKET_TYPE_FLAGS: u64 = 0o2_000_000 | 0o4_000;

// linux/prctl.h
const PR_SET_PDEATHSIG: u64 = 1;
const PR_CAPBSET_READ: u64 = 23;
const PR_CAPBSET_DROP: u64 = 24;

/// libc's unistd.h.
const ACCESS_MODES: &[(u64, &str)] = &[(1, "X_OK"), (2, "W_OK"), (4, "R_OK")];

/// Commands of `fcntl64`, which 64-bit headers leave out; asm-generic/fcntl.h.
const LOCK64_COMMANDS: &[(u64, &str)] = &[(12, "F_GETLK64"), (13, "F_SETLK64"), (14, "F_SETLKW64")];

/// Levels of `setsockopt` that are no protocol's number; include/linux/socket.h.
const OPTION_LEVELS: &[(u64, &str)] = &[
    (1, "SOL_SOCKET"),
    (256, "SOL_IPX"),
    (257, "SOL_AX25"),
    (258, "SOL_ATALK"),
    (259, "SOL_NETROM"),
    (260, "SOL_ROSE"),
    (261, "SOL_DECNET"),
    (262, "SOL_X25"),
    (263, "SOL_PACKET"),
    (264, "SOL_ATM"),
    (265, "SOL_AAL"),
    (266, "SOL_IRDA"),
    (267, "SOL_NETBEUI"),
    (268, "SOL_LLC"),
    (269, "SOL_DCCP"),
    (270, "SOL_NETLINK"),
    (271, "SOL_TIPC"),
    (272, "SOL_RXRPC"),
    (273, "SOL_PPPOL2TP"),
    (274, "SOL_BLUETOOTH"),
    (275, "SOL_PNPIPE"),
    (276, "SOL_RDS"),
    (277, "SOL_IUCV"),
    (278, "SOL_CAIF"),
    (279, "SOL_ALG"),
    (280, "SOL_NFC"),
    (281, "SOL_KCM"),
    (282, "SOL_TLS"),
    (283, "SOL_XDP"),
];

/// What the arguments of a syscall are.
const SYSCALLS: &[(&str, [Argument; 4])] = &[
    ("access", [Hex, Access, Hex, Hex]),
    ("bpf", [BpfCommand, Hex, Hex, Hex]),
    ("chmod", [Hex, ShortMode, Hex, Hex]),
    ("chown", [Hex, Uid, Gid, Hex]),
    ("chown32", [Hex, Uid, Gid, Hex]),
    ("clock_adjtime", [Clock, Hex, Hex, Hex]),
    ("clock_settime", [Clock, Hex, Hex, Hex]),
    ("clock_settime64", [Clock, Hex, Hex, Hex]),
    ("clone", [CloneFlags, Hex, Hex, Hex]),
    ("creat", [Hex, ShortMode, Hex, Hex]),
    ("epoll_ctl", [Hex, EpollOperation, Hex, Hex]),
    ("execveat", [Directory, Hex, Hex, Hex]),
    ("exit", [ExitCode, Hex, Hex, Hex]),
    ("exit_group", [ExitCode, Hex, Hex, Hex]),
    ("faccessat", [Directory, Hex, Access, Hex]),
    ("faccessat2", [Directory, Hex, Access, AtFlags]),
    ("fchmod", [Hex, ShortMode, Hex, Hex]),
    ("fchmodat", [Directory, Hex, ShortMode, Hex]),
    ("fchmodat2", [Directory, Hex, ShortMode, AtFlags]),
    ("fchown", [Hex, Uid, Gid, Hex]),
    ("fchown32", [Hex, Uid, Gid, Hex]),
    ("fchownat", [Directory, Hex, Uid, Gid]),
    ("fcntl", [Hex, FcntlCommand, FcntlValue, Hex]),
    ("fcntl64", [Hex, FcntlCommand, FcntlValue, Hex]),
    ("fspick", [Directory, Hex, Hex, Hex]),
    ("fstatat64", [Directory, Hex, Hex, AtFlags]),
    ("futimesat", [Directory, Hex, Hex, Hex]),
    ("getpriority", [Priority, Hex, Hex, Hex]),
    ("setpriority", [Priority, Hex, Hex, Hex]),
    ("getrlimit", [Rlimit, Hex, Hex, Hex]),
    ("getsockopt", [Hex, OptionLevel, OptionName, Hex]),
    ("getxattrat", [Directory, Hex, AtFlags, Hex]),
    ("ioctl", [Hex, Ioctl, Hex, Hex]),
    ("kill", [Hex, Signal, Hex, Hex]),
    ("lchown", [Hex, Uid, Gid, Hex]),
    ("lchown32", [Hex, Uid, Gid, Hex]),
    ("linkat", [Directory, Hex, Directory, Hex]),
    ("listxattrat", [Directory, Hex, AtFlags, Hex]),
    ("lseek", [Hex, Hex, Seek, Hex]),
    ("mkdir", [Hex, ShortMode, Hex, Hex]),
    ("mkdirat", [Directory, Hex, ShortMode, Hex]),
    ("mknod", [Hex, Mode, Hex, Hex]),
    ("mknodat", [Directory, Hex, Mode, Hex]),
    ("mmap", [Hex, Hex, Protection, MmapFlags]),
    ("mmap2", [Hex, Hex, Protection, MmapFlags]),
    ("mount", [Hex, Hex, Hex, MountFlags]),
    ("mount_setattr", [Directory, Hex, AtFlags, Hex]),
    ("move_mount", [Directory, Hex, Directory, Hex]),
    ("mprotect", [Hex, Hex, Protection, Hex]),
    ("mq_open", [Hex, OpenFlags, CreateMode, Hex]),
    ("name_to_handle_at", [Directory, Hex, Hex, Hex]),
    ("newfstatat", [Directory, Hex, Hex, AtFlags]),
    ("open", [Hex, OpenFlags, CreateMode, Hex]),
    ("open_by_handle_at", [Hex, Hex, OpenFlags, Hex]),
    ("open_tree", [Directory, Hex, Hex, Hex]),
    ("openat", [Directory, Hex, OpenFlags, CreateMode]),
    ("openat2", [Directory, Hex, Hex, Hex]),
    ("personality", [Personality, Hex, Hex, Hex]),
    ("pidfd_send_signal", [Hex, Signal, Hex, Hex]),
    ("pkey_mprotect", [Hex, Hex, Protection, Hex]),
    ("prctl", [Prctl, PrctlValue, Hex, Hex]),
    ("prlimit64", [Hex, Rlimit, Hex, Hex]),
    ("ptrace", [Ptrace, Hex, Hex, Hex]),
    ("readlinkat", [Directory, Hex, Hex, Hex]),
    ("recv", [Hex, Hex, Hex, MessageFlags]),
    ("recvfrom", [Hex, Hex, Hex, MessageFlags]),
    ("recvmmsg", [Hex, Hex, Hex, MessageFlags]),
    ("recvmsg", [Hex, Hex, MessageFlags, Hex]),
    ("removexattrat", [Directory, Hex, AtFlags, Hex]),
    ("renameat", [Directory, Hex, Directory, Hex]),
    ("renameat2", [Directory, Hex, Directory, Hex]),
    ("rt_sigaction", [Signal, Hex, Hex, Hex]),
    ("rt_sigqueueinfo", [Hex, Signal, Hex, Hex]),
    ("rt_tgsigqueueinfo", [Hex, Hex, Signal, Hex]),
    ("sched_setscheduler", [Hex, Scheduler, Hex, Hex]),
    ("send", [Hex, Hex, Hex, MessageFlags]),
    ("sendmmsg", [Hex, Hex, Hex, MessageFlags]),
    ("sendmsg", [Hex, Hex, MessageFlags, Hex]),
    ("sendto", [Hex, Hex, Hex, MessageFlags]),
    ("setfsgid", [Gid, Hex, Hex, Hex]),
    ("setfsgid32", [Gid, Hex, Hex, Hex]),
    ("setfsuid", [Uid, Hex, Hex, Hex]),
    ("setfsuid32", [Uid, Hex, Hex, Hex]),
    ("setgid", [Gid, Hex, Hex, Hex]),
    ("setgid32", [Gid, Hex, Hex, Hex]),
    ("setns", [Hex, CloneFlags, Hex, Hex]),
    ("setregid", [Gid, Gid, Hex, Hex]),
    ("setregid32", [Gid, Gid, Hex, Hex]),
    ("setresgid", [Gid, Gid, Gid, Hex]),
    ("setresgid32", [Gid, Gid, Gid, Hex]),
    ("setresuid", [Uid, Uid, Uid, Hex]),
    ("setresuid32", [Uid, Uid, Uid, Hex]),
    ("setreuid", [Uid, Uid, Hex, Hex]),
    ("setreuid32", [Uid, Uid, Hex, Hex]),
    ("setrlimit", [Rlimit, Hex, Hex, Hex]),
    ("setsockopt", [Hex, OptionLevel, OptionName, Hex]),
    ("setuid", [Uid, Hex, Hex, Hex]),
    ("setuid32", [Uid, Hex, Hex, Hex]),
    ("setxattrat", [Directory, Hex, AtFlags, Hex]),
    ("shmget", [Hex, Hex, ShmFlags, Hex]),
    ("sigaction", [Signal, Hex, Hex, Hex]),
    ("signal", [Signal, Hex, Hex, Hex]),
    ("socket", [Family, SocketType, Protocol, Hex]),
    ("socketcall", [SocketCall, Hex, Hex, Hex]),
    ("socketpair", [Family, SocketType, Protocol, Hex]),
    ("statx", [Directory, Hex, AtFlags, Hex]),
    ("symlinkat", [Hex, Directory, Hex, Hex]),
    ("tgkill", [Hex, Hex, Signal, Hex]),
    ("tkill", [Hex, Signal, Hex, Hex]),
    ("ugetrlimit", [Rlimit, Hex, Hex, Hex]),
    ("umask", [ShortMode, Hex, Hex, Hex]),
    ("umount2", [Hex, UmountFlags, Hex, Hex]),
    ("unlinkat", [Directory, Hex, Hex, Hex]),
    ("unshare", [CloneFlags, Hex, Hex, Hex]),
    ("utimensat", [Directory, Hex, Hex, AtFlags]),
];

static BY_SYSCALL: NameMap<[Argument; 4], 512> = NameMap::new(SYSCALLS);

#[cfg(test)]
mod tests {
    use crate::{NoNames, Record, interpret::Interpreter};

    fn check(arguments: &str, expect: &str) {
        let line = format!("type=SYSCALL msg=audit(1.002:3): {arguments}");
        let record = Record::parse(line.as_bytes());
        let interpreter = Interpreter::new(&record, &NoNames);
        let mut shown = Vec::new();
        for field in record.fields() {
            if !shown.is_empty() {
                shown.push(b' ');
            }
            if !interpreter.interpret(&field, &mut shown) {
                shown.extend_from_slice(field.value);
            }
        }
        assert_eq!(String::from_utf8_lossy(&shown), expect, "{arguments}");
    }

    #[test]
    fn x86_64() {
        let check = |text: &str, expect: &str| {
            check(
                &format!("arch=c000003e {text}"),
                &format!("x86_64 {expect}"),
            );
        };
        check(
            "syscall=257 a0=ffffff9c a1=7f a2=241 a3=1b6",
            "openat AT_FDCWD 0x7f O_WRONLY|O_CREAT|O_TRUNC 0666",
        );
        check(
            "syscall=257 a0=3 a1=7f a2=88000 a3=1",
            "openat 0x3 0x7f O_RDONLY|O_LARGEFILE|O_CLOEXEC 0x1",
        );
        check(
            "syscall=9 a0=0 a1=1 a2=3 a3=22",
            "mmap 0x0 0x1 PROT_READ|PROT_WRITE MAP_PRIVATE|MAP_ANONYMOUS",
        );
        check(
            "syscall=56 a0=1200011",
            "clone CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD",
        );
        check(
            "syscall=54 a0=3 a1=6 a2=1",
            "setsockopt 0x3 tcp TCP_NODELAY",
        );
        check("syscall=157 a0=18 a1=15", "prctl PR_CAPBSET_DROP sys_admin");
        check(
            "syscall=72 a0=3 a1=4 a2=800",
            "fcntl 0x3 F_SETFL O_RDONLY|O_NONBLOCK",
        );
        check(
            "syscall=41 a0=a a1=80002 a2=11",
            "socket inet6 SOCK_DGRAM udp",
        );
        check("syscall=165 a3=c0ed1001", "mount MS_RDONLY|MS_BIND");
        check("syscall=5000 a0=1", "unknown-syscall(5000) 0x1");
    }

    #[test]
    fn other_architectures() {
        check(
            "arch=40000003 syscall=5 a1=8042 a2=1b6",
            "i386 open O_RDWR|O_CREAT|O_LARGEFILE 0666",
        );
        check(
            "arch=40000003 syscall=102 a0=3 a1=7f",
            "i386 socketcall(connect) connect 0x7f",
        );
        check(
            "arch=c00000b7 syscall=56 a0=ffffff9c a2=18000",
            "aarch64 openat AT_FDCWD O_RDONLY|O_DIRECT|O_NOFOLLOW",
        );
        check(
            "arch=c0000032 syscall=5 a0=1",
            "ia64 unknown-syscall(5) 0x1",
        );
        check(
            "arch=1 syscall=5 a0=1",
            "unknown-elf-type(1) unknown-syscall(5) 0x1",
        );
    }
}
