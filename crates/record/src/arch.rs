//! Architectures, and their syscalls by number and by name.
//!
//! ```
//! use indelible_record::Arch;
//!
//! let arch = Arch::from_audit(0xc000_003e).unwrap();
//! assert_eq!(arch, Arch::X86_64);
//! assert_eq!(arch.syscall_name(257), Some("openat"));
//! assert_eq!(arch.syscall_number("openat"), Some(257));
//! ```

use crate::tables;
use crate::tables::constants::ARCHES;

/// An architecture whose syscalls have names here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// 64-bit x86. The x32 ABI shares its audit number; its syscalls have bit 30 set.
    X86_64,
    /// 32-bit x86.
    I386,
    /// 64-bit Arm.
    Aarch64,
    /// 32-bit Arm, EABI.
    Arm,
    /// 64-bit RISC-V.
    Riscv64,
    /// 64-bit s390.
    S390x,
    /// 64-bit PowerPC, big-endian.
    Ppc64,
    /// 64-bit PowerPC, little-endian.
    Ppc64le,
}

impl Arch {
    /// All of them.
    pub const ALL: [Arch; 8] = [
        Arch::X86_64,
        Arch::I386,
        Arch::Aarch64,
        Arch::Arm,
        Arch::Riscv64,
        Arch::S390x,
        Arch::Ppc64,
        Arch::Ppc64le,
    ];

    /// Reads `AUDIT_ARCH_*` (include/uapi/linux/audit.h), the value of `arch=` in a record.
    pub fn from_audit(number: u32) -> Option<Arch> {
        match number {
            0xc000_003e => Some(Arch::X86_64),
            0x4000_0003 => Some(Arch::I386),
            0xc000_00b7 => Some(Arch::Aarch64),
            0x4000_0028 => Some(Arch::Arm),
            0xc000_00f3 => Some(Arch::Riscv64),
            0x8000_0016 => Some(Arch::S390x),
            0x8000_0015 => Some(Arch::Ppc64),
            0xc000_0015 => Some(Arch::Ppc64le),
            _ => None,
        }
    }

    /// Its `AUDIT_ARCH_*`.
    pub fn to_audit(self) -> u32 {
        match self {
            Arch::X86_64 => 0xc000_003e,
            Arch::I386 => 0x4000_0003,
            Arch::Aarch64 => 0xc000_00b7,
            Arch::Arm => 0x4000_0028,
            Arch::Riscv64 => 0xc000_00f3,
            Arch::S390x => 0x8000_0016,
            Arch::Ppc64 => 0x8000_0015,
            Arch::Ppc64le => 0xc000_0015,
        }
    }

    /// The name of a syscall.
    pub fn syscall_name(self, number: u32) -> Option<&'static str> {
        let number = match self {
            // x32: the same table, but for the bit that marks it.
            Arch::X86_64 => number & !0x4000_0000,
            _ => number,
        };
        let table = self.syscalls();
        // Numbers have few holes, so that a syscall mostly stands at its own index or a little before.
        let guess = (number as usize).min(table.len().saturating_sub(1));
        match table.get(guess) {
            Some((found, name)) if *found == number => Some(name),
            _ => {
                let at = table.binary_search_by_key(&number, |entry| entry.0).ok()?;
                Some(table[at].1)
            }
        }
    }

    /// The number of a syscall; `pread` and `pwrite` are understood as `pread64` and `pwrite64`.
    pub fn syscall_number(self, name: &str) -> Option<u32> {
        let find = |name: &str| {
            let entry = self.syscalls().iter().find(|entry| entry.1 == name)?;
            Some(entry.0)
        };
        find(name).or_else(|| match name {
            "pread" => find("pread64"),
            "pwrite" => find("pwrite64"),
            _ => None,
        })
    }

    /// All syscalls, ascending by number.
    pub fn syscalls(self) -> &'static [(u32, &'static str)] {
        match self {
            Arch::X86_64 => tables::syscalls_x86_64::SYSCALLS,
            Arch::I386 => tables::syscalls_i386::SYSCALLS,
            Arch::Aarch64 => tables::syscalls_aarch64::SYSCALLS,
            Arch::Arm => tables::syscalls_arm::SYSCALLS,
            Arch::Riscv64 => tables::syscalls_riscv64::SYSCALLS,
            Arch::S390x => tables::syscalls_s390x::SYSCALLS,
            Arch::Ppc64 | Arch::Ppc64le => tables::syscalls_ppc64::SYSCALLS,
        }
    }
}

/// The name of any `AUDIT_ARCH_*`, those without a syscall table among them.
pub fn arch_name(number: u32) -> Option<&'static str> {
    let number = u64::from(number);
    let at = ARCHES.binary_search_by_key(&number, |entry| entry.0).ok()?;
    Some(ARCHES[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_read_back() {
        for arch in Arch::ALL {
            assert_eq!(Arch::from_audit(arch.to_audit()), Some(arch));
            assert!(arch_name(arch.to_audit()).is_some(), "{arch:?}");
            let syscalls = arch.syscalls();
            assert!(syscalls.len() > 300, "{arch:?}");
            assert!(
                syscalls.windows(2).all(|pair| pair[0].0 < pair[1].0),
                "{arch:?}"
            );
            for (number, name) in syscalls {
                assert_eq!(arch.syscall_name(*number), Some(*name), "{arch:?}");
                assert_eq!(arch.syscall_number(name), Some(*number), "{arch:?} {name}");
            }
            assert_eq!(arch.syscall_name(5_000), None);
        }
    }

    #[test]
    fn spot_checks() {
        assert_eq!(Arch::I386.syscall_name(102), Some("socketcall"));
        assert_eq!(Arch::Aarch64.syscall_name(221), Some("execve"));
        assert_eq!(Arch::X86_64.syscall_name(0x4000_0001), Some("write"));
        assert_eq!(Arch::X86_64.syscall_number("pread"), Some(17));
        assert_eq!(Arch::S390x.syscall_name(11), Some("execve"));
    }
}
