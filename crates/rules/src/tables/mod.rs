//! Numbers and names: system calls per architecture, error numbers, record types, file types,
//! filesystems and io_uring operations.
//!
//! System calls, record types and errors are those of `indelible-record`; what stands here is how the
//! audit tools spell some of them, and the lookups. Names are found without regard to letter
//! case, as those tools find them.

mod uring_ops;

use std::collections::HashMap;
use std::sync::LazyLock;

use indelible_record::{Arch as Machine, RecordType};

use crate::arch::Arch;
use crate::mask::Mask;

/// A table of numbers with their names, readable both ways.
struct Table {
    by_number: Vec<(u32, &'static str)>,
    by_name: HashMap<String, u32>,
}

impl Table {
    /// `aliases` are found as names but are not what a number is called.
    fn new(by_number: Vec<(u32, &'static str)>, aliases: &[(u32, &'static str)]) -> Self {
        let by_name = aliases
            .iter()
            .chain(&by_number)
            .map(|&(number, name)| (name.to_ascii_lowercase(), number))
            .collect();
        Self { by_number, by_name }
    }

    fn name(&self, number: u32) -> Option<&'static str> {
        let at = self
            .by_number
            .binary_search_by_key(&number, |row| row.0)
            .ok()?;
        Some(self.by_number[at].1)
    }

    fn number(&self, name: &[u8]) -> Option<u32> {
        let name = std::str::from_utf8(name).ok()?;
        let found = match self.by_name.get(name) {
            Some(number) => Some(number),
            None => self.by_name.get(&name.to_ascii_lowercase()),
        };
        found.copied()
    }
}

/// How the audit tools spell system calls where the kernel's headers have another name.
const SPELLINGS: &[(Machine, &[(u32, &str)])] = &[
    (Machine::X86_64, &[(17, "pread"), (18, "pwrite")]),
    (
        Machine::I386,
        &[(283, "sys_kexec_load"), (423, "sched_rr_get_interval64")],
    ),
    (
        Machine::Aarch64,
        &[
            (61, "getdents"),
            (67, "pread"),
            (68, "pwrite"),
            (80, "newfstat"),
        ],
    ),
    (
        Machine::Arm,
        &[
            (0, "restart_syscall"),
            (140, "llseek"),
            (142, "newselect"),
            (149, "sysctl"),
            (270, "fadvise64_64"),
            (341, "sync_file_range"),
            (423, "sched_rr_get_interval64"),
        ],
    ),
    (Machine::S390x, &[(180, "pread"), (181, "pwrite")]),
    (Machine::Ppc64, PPC64_SPELLINGS),
    (Machine::Ppc64le, PPC64_SPELLINGS),
];

const PPC64_SPELLINGS: &[(u32, &str)] = &[
    (179, "pread"),
    (180, "pwrite"),
    (291, "fstatat64"),
    (306, "timerfd"),
    (319, "perf_counter_open"),
];

/// The calls of a machine as the tools spell them; the kernel's spelling is found too.
fn syscall_names(machine: Machine) -> Table {
    let spellings = SPELLINGS
        .iter()
        .find(|row| row.0 == machine)
        .map_or(&[][..], |row| row.1);
    // ARM's private calls have numbers that no rule can hold
    let calls = machine.syscalls().iter().filter(|row| row.0 < Mask::BITS);
    let by_number = calls
        .clone()
        .map(|&(number, name)| {
            let spelling = spellings.iter().find(|row| row.0 == number);
            (number, spelling.map_or(name, |row| row.1))
        })
        .collect();
    let kernel: Vec<_> = calls.copied().collect();
    Table::new(by_number, &kernel)
}

static X86_64: LazyLock<Table> = LazyLock::new(|| syscall_names(Machine::X86_64));
static I386: LazyLock<Table> = LazyLock::new(|| syscall_names(Machine::I386));
static AARCH64: LazyLock<Table> = LazyLock::new(|| syscall_names(Machine::Aarch64));
static ARM: LazyLock<Table> = LazyLock::new(|| syscall_names(Machine::Arm));
static PPC64: LazyLock<Table> = LazyLock::new(|| syscall_names(Machine::Ppc64));
static PPC64LE: LazyLock<Table> = LazyLock::new(|| syscall_names(Machine::Ppc64le));
static S390X: LazyLock<Table> = LazyLock::new(|| syscall_names(Machine::S390x));
static ERRNOS: LazyLock<Table> = LazyLock::new(|| {
    let rows = indelible_record::interpret::errnos().iter();
    // All below 4096; include/linux/err.h: MAX_ERRNO.
    let by_number = rows.map(|&(number, name)| (number as u32, name)).collect();
    // asm-generic/errno.h: second names.
    Table::new(by_number, &[(11, "EWOULDBLOCK"), (35, "EDEADLOCK")])
});

fn syscalls(arch: Arch) -> Option<&'static Table> {
    match arch {
        Arch::X86_64 => Some(&X86_64),
        Arch::I386 => Some(&I386),
        Arch::Aarch64 => Some(&AARCH64),
        Arch::Arm => Some(&ARM),
        Arch::Ppc64 => Some(&PPC64),
        Arch::Ppc64le => Some(&PPC64LE),
        Arch::S390x => Some(&S390X),
        Arch::Ppc | Arch::S390 => None,
    }
}

/// Whether system call names of this architecture are known at all.
#[must_use]
pub fn knows_syscalls(arch: Arch) -> bool {
    syscalls(arch).is_some()
}

/// The name of a system call, as the audit tools spell it.
#[must_use]
pub fn syscall_name(arch: Arch, number: u32) -> Option<&'static str> {
    syscalls(arch)?.name(number)
}

/// The number of a system call by the tools' or the kernel's name for it.
#[must_use]
pub fn syscall_number(arch: Arch, name: &[u8]) -> Option<u32> {
    syscalls(arch)?.number(name)
}

/// Every system call of an architecture, sorted by number.
pub fn syscall_table(arch: Arch) -> impl Iterator<Item = (u32, &'static str)> {
    syscalls(arch)
        .map_or(&[][..], |table| &table.by_number)
        .iter()
        .copied()
}

/// `EPERM` for 1.
#[must_use]
pub fn errno_name(number: u32) -> Option<&'static str> {
    ERRNOS.name(number)
}

/// 1 for `EPERM`.
#[must_use]
pub fn errno_number(name: &[u8]) -> Option<u32> {
    ERRNOS.number(name)
}

/// `SYSCALL` for 1300.
#[must_use]
pub fn message_type_name(number: u32) -> Option<&'static str> {
    RecordType(u16::try_from(number).ok()?).name()
}

/// 1300 for `SYSCALL`.
#[must_use]
pub fn message_type_number(name: &[u8]) -> Option<u32> {
    let RecordType(number) = RecordType::from_name(&name.to_ascii_uppercase())?;
    // from_name reads numbers too: here only what has a name counts
    message_type_name(number.into()).map(|_| number.into())
}

/// 18 for `openat`: an operation of io_uring; `enum io_uring_op`, linux/io_uring.h.
#[must_use]
pub fn uring_op_number(name: &[u8]) -> Option<u32> {
    let at = uring_ops::URING_OPS
        .iter()
        .position(|op| op.as_bytes().eq_ignore_ascii_case(name))?;
    Some(at as u32)
}

/// `openat` for 18.
#[must_use]
pub fn uring_op_name(number: u32) -> Option<&'static str> {
    uring_ops::URING_OPS.get(number as usize).copied()
}

/// Words for the file types of `-F filetype=` and the `S_IFMT` bits of stat(2) that they mean.
pub const FILE_TYPES: [(u32, &str); 7] = [
    (0o010_000, "fifo"),
    (0o020_000, "character"),
    (0o040_000, "dir"),
    (0o060_000, "block"),
    (0o100_000, "file"),
    (0o120_000, "link"),
    (0o140_000, "socket"),
];

/// Words for the filesystems of `-F fstype=` and their magic numbers, linux/magic.h; whether
/// auditctl 3 knows the word too.
pub const FILESYSTEMS: [(u32, &str, bool); 4] = [
    (0x6462_6720, "debugfs", true),
    (0x7472_6163, "tracefs", true),
    (0x0027_e0eb, "cgroup", false),
    (0x6367_7270, "cgroup2", false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_lead_back() {
        for arch in Arch::ALL.into_iter().filter(|arch| knows_syscalls(*arch)) {
            let rows: Vec<_> = syscall_table(arch).collect();
            assert!(rows.len() > 300, "{arch:?}");
            assert!(
                rows.windows(2).all(|pair| pair[0].0 < pair[1].0),
                "{arch:?}"
            );
            for (number, name) in rows {
                assert_eq!(
                    syscall_number(arch, name.as_bytes()),
                    Some(number),
                    "{name}"
                );
            }
        }
        assert!(
            ERRNOS
                .by_number
                .windows(2)
                .all(|pair| pair[0].0 < pair[1].0)
        );
    }

    #[test]
    fn both_spellings_are_found() {
        assert_eq!(syscall_number(Arch::X86_64, b"pread"), Some(17));
        assert_eq!(syscall_number(Arch::X86_64, b"PREAD64"), Some(17));
        assert_eq!(syscall_name(Arch::X86_64, 17), Some("pread"));
        assert_eq!(syscall_number(Arch::Aarch64, b"getdents64"), Some(61));
        assert_eq!(syscall_number(Arch::Arm, b"open"), Some(5));
        assert_eq!(syscall_number(Arch::S390, b"open"), None);
        assert_eq!(message_type_number(b"cwd"), Some(1307));
        assert_eq!(message_type_number(b"1307x"), None);
    }
}
