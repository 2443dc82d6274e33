//! Which system calls can use a permission: what `perm=` really selects in the kernel.
//!
//! The kernel sorts system calls into classes (`include/asm-generic/audit_*.h`) and decides for
//! each call whether it reads, writes, executes or changes attributes. A rule that names those
//! calls in its mask costs nothing on all others; without a mask every system call pays.

use crate::arch::Arch;
use crate::mask::Mask;
use crate::rule::{PERM_ATTR, PERM_EXEC, PERM_READ, PERM_WRITE};
use crate::tables;

/// Calls that run a program.
const EXEC: &[&str] = &["execve", "execveat"];

/// Calls that can open for reading, or read what is not content: links and attributes.
const READ: &[&str] = &[
    "readlink",
    "readlinkat",
    "quotactl",
    "listxattr",
    "llistxattr",
    "flistxattr",
    "listxattrat",
    "getxattr",
    "lgetxattr",
    "fgetxattr",
    "getxattrat",
    "file_getattr",
    "open",
    "openat",
    "openat2",
];

/// Calls that can open for writing, change content, or change what a directory holds.
const WRITE: &[&str] = &[
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "rmdir",
    "creat",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "symlink",
    "symlinkat",
    "mknod",
    "mknodat",
    "acct",
    "swapon",
    "quotactl",
    "quotactl_fd",
    "truncate",
    "ftruncate",
    "truncate64",
    "ftruncate64",
    "bind",
    "fallocate",
    "open",
    "openat",
    "openat2",
];

/// Calls that change owner, mode, links or extended attributes.
const ATTR: &[&str] = &[
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "lchown",
    "fchown",
    "fchownat",
    "chown32",
    "lchown32",
    "fchown32",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "setxattrat",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "removexattrat",
    "file_setattr",
    "link",
    "linkat",
];

/// The calls of an architecture that can use any of the permissions; `None` where its system
/// calls are not known by name.
#[must_use]
pub fn syscalls(arch: Arch, perm: u32) -> Option<Mask> {
    if !tables::knows_syscalls(arch) {
        return None;
    }
    let mask = [
        (PERM_EXEC, EXEC),
        (PERM_READ, READ),
        (PERM_WRITE, WRITE),
        (PERM_ATTR, ATTR),
    ]
    .into_iter()
    .filter(|(bit, _)| perm & bit != 0)
    .flat_map(|(_, names)| names)
    .filter_map(|name| tables::syscall_number(arch, name.as_bytes()))
    .collect();
    Some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_exists_somewhere() {
        for name in [EXEC, READ, WRITE, ATTR].concat() {
            let known = [Arch::X86_64, Arch::I386, Arch::Aarch64]
                .into_iter()
                .any(|arch| tables::syscall_number(arch, name.as_bytes()).is_some());
            assert!(known, "{name}");
        }
    }

    #[test]
    fn classes_follow_the_architecture() {
        let exec = syscalls(Arch::X86_64, PERM_EXEC).unwrap();
        assert_eq!(exec.iter().collect::<Vec<_>>(), [59, 322]);
        let write = syscalls(Arch::Aarch64, PERM_WRITE).unwrap();
        // no open() on aarch64, but openat()
        assert!(write.contains(56) && !write.contains(1024));
        assert_eq!(syscalls(Arch::S390, PERM_EXEC), None);
    }
}
