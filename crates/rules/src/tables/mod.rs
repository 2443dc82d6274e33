//! Numbers and names: system calls per architecture, error numbers, record types, file types
//! and filesystems. The data stands in the submodules; here are the lookups.
//!
//! Names are found without regard to letter case, as the audit tools find them.

mod aarch64;
mod errnos;
mod i386;
mod message_types;
mod uring_ops;
mod x86_64;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::arch::Arch;

/// A table of numbers with their names, readable both ways.
struct Table {
    by_number: &'static [(u16, &'static str)],
    by_name: HashMap<String, u16>,
}

impl Table {
    fn new(
        by_number: &'static [(u16, &'static str)],
        aliases: &'static [(u16, &'static str)],
    ) -> Self {
        let by_name = aliases
            .iter()
            .chain(by_number)
            .map(|&(number, name)| (name.to_ascii_lowercase(), number))
            .collect();
        Self { by_number, by_name }
    }

    fn name(&self, number: u32) -> Option<&'static str> {
        let number = u16::try_from(number).ok()?;
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
        found.map(|&number| u32::from(number))
    }
}

static X86_64: LazyLock<Table> = LazyLock::new(|| Table::new(x86_64::SYSCALLS, x86_64::ALIASES));
static I386: LazyLock<Table> = LazyLock::new(|| Table::new(i386::SYSCALLS, i386::ALIASES));
static AARCH64: LazyLock<Table> = LazyLock::new(|| Table::new(aarch64::SYSCALLS, aarch64::ALIASES));
static ERRNOS: LazyLock<Table> = LazyLock::new(|| Table::new(errnos::ERRNOS, errnos::ALIASES));
static MESSAGE_TYPES: LazyLock<Table> =
    LazyLock::new(|| Table::new(message_types::MESSAGE_TYPES, &[]));

fn syscalls(arch: Arch) -> Option<&'static Table> {
    match arch {
        Arch::X86_64 => Some(&X86_64),
        Arch::I386 => Some(&I386),
        Arch::Aarch64 => Some(&AARCH64),
        Arch::Arm | Arch::Ppc | Arch::Ppc64 | Arch::Ppc64le | Arch::S390 | Arch::S390x => None,
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
        .map_or(&[][..], |table| table.by_number)
        .iter()
        .map(|&(number, name)| (u32::from(number), name))
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
    MESSAGE_TYPES.name(number)
}

/// 1300 for `SYSCALL`.
#[must_use]
pub fn message_type_number(name: &[u8]) -> Option<u32> {
    MESSAGE_TYPES.number(name)
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
        for arch in [Arch::X86_64, Arch::I386, Arch::Aarch64] {
            let rows: Vec<_> = syscall_table(arch).collect();
            assert!(rows.len() > 300);
            assert!(rows.windows(2).all(|pair| pair[0].0 < pair[1].0));
            for (number, name) in rows {
                assert_eq!(
                    syscall_number(arch, name.as_bytes()),
                    Some(number),
                    "{name}"
                );
            }
        }
        for table in [&*ERRNOS, &*MESSAGE_TYPES] {
            assert!(table.by_number.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }

    #[test]
    fn both_spellings_are_found() {
        assert_eq!(syscall_number(Arch::X86_64, b"pread"), Some(17));
        assert_eq!(syscall_number(Arch::X86_64, b"PREAD64"), Some(17));
        assert_eq!(syscall_name(Arch::X86_64, 17), Some("pread"));
        assert_eq!(syscall_number(Arch::Aarch64, b"getdents64"), Some(61));
        assert_eq!(syscall_number(Arch::Arm, b"open"), None);
    }
}
