//! Machine architectures: the names that rules use, the ELF code that the kernel compares, and
//! what `b32` and `b64` mean on each.
//!
//! System call names are known for all but [`Arch::Ppc`] and [`Arch::S390`]; there a rule must
//! name system calls by number.

/// The architecture of a system call, as in `-F arch=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 32-bit x86.
    I386,
    /// 64-bit ARM.
    Aarch64,
    /// 32-bit ARM, little-endian.
    Arm,
    /// 32-bit PowerPC.
    Ppc,
    /// 64-bit PowerPC, big-endian.
    Ppc64,
    /// 64-bit PowerPC, little-endian.
    Ppc64le,
    /// 31-bit IBM Z.
    S390,
    /// 64-bit IBM Z.
    S390x,
}

/// The bit of an ELF code that says "64 bits"; `__AUDIT_ARCH_64BIT`, linux/audit.h.
const ELF_64BIT: u32 = 0x8000_0000;

impl Arch {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::X86_64,
        Self::I386,
        Self::Aarch64,
        Self::Arm,
        Self::Ppc,
        Self::Ppc64,
        Self::Ppc64le,
        Self::S390,
        Self::S390x,
    ];

    /// The `AUDIT_ARCH_*` code of linux/audit.h.
    #[must_use]
    pub const fn elf(self) -> u32 {
        match self {
            Self::X86_64 => 0xC000_003E,
            Self::I386 => 0x4000_0003,
            Self::Aarch64 => 0xC000_00B7,
            Self::Arm => 0x4000_0028,
            Self::Ppc => 0x0000_0014,
            Self::Ppc64 => 0x8000_0015,
            Self::Ppc64le => 0xC000_0015,
            Self::S390 => 0x0000_0016,
            Self::S390x => 0x8000_0016,
        }
    }

    /// The architecture of an `AUDIT_ARCH_*` code.
    #[must_use]
    pub fn from_elf(elf: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|arch| arch.elf() == elf)
    }

    /// The name that `auditctl -l -i` prints.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::I386 => "i386",
            Self::Aarch64 => "aarch64",
            Self::Arm => "arm",
            Self::Ppc => "ppc",
            Self::Ppc64 => "ppc64",
            Self::Ppc64le => "ppc64le",
            Self::S390 => "s390",
            Self::S390x => "s390x",
        }
    }

    /// The architecture of a machine name: what `uname -m` says, or a rule's author writes.
    /// Letter case is ignored.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        Some(match lower.as_slice() {
            b"x86_64" => Self::X86_64,
            b"i386" | b"i486" | b"i586" | b"i686" => Self::I386,
            b"aarch64" | b"armv8l" => Self::Aarch64,
            b"arm" | b"armeb" | b"armv5tejl" | b"armv5tel" | b"armv6l" | b"armv7l" => Self::Arm,
            b"ppc" => Self::Ppc,
            b"ppc64" => Self::Ppc64,
            b"ppc64le" => Self::Ppc64le,
            b"s390" => Self::S390,
            b"s390x" => Self::S390x,
            _ => return None,
        })
    }

    /// Whether registers are 64 bits wide, going by the ELF code.
    #[must_use]
    pub const fn is_64bit(self) -> bool {
        self.elf() & ELF_64BIT != 0
    }

    /// What `b64` means on this machine; `None` on a 32-bit one.
    #[must_use]
    pub const fn b64(self) -> Option<Self> {
        if self.is_64bit() { Some(self) } else { None }
    }

    /// What `b32` means on this machine; `None` where it runs no 32-bit programs.
    #[must_use]
    pub const fn b32(self) -> Option<Self> {
        match self {
            Self::X86_64 | Self::I386 => Some(Self::I386),
            Self::Aarch64 | Self::Arm => Some(Self::Arm),
            Self::Ppc64 | Self::Ppc => Some(Self::Ppc),
            Self::S390x | Self::S390 => Some(Self::S390),
            Self::Ppc64le => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elf_codes_and_names_lead_back() {
        for arch in Arch::ALL {
            assert_eq!(Arch::from_elf(arch.elf()), Some(arch));
            assert_eq!(Arch::from_name(arch.name().as_bytes()), Some(arch));
        }
        assert_eq!(Arch::from_elf(0), None);
        assert_eq!(Arch::from_name(b"riscv64"), None);
    }

    #[test]
    fn bits_follow_the_machine() {
        assert_eq!(Arch::X86_64.b32(), Some(Arch::I386));
        assert_eq!(Arch::Aarch64.b32(), Some(Arch::Arm));
        assert_eq!(Arch::I386.b64(), None);
        assert_eq!(Arch::Ppc64le.b32(), None);
    }
}
