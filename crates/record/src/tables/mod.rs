//! Tables of the kernel's interface.
//!
//! Made by `cargo xtask tables` from UAPI headers and checked in, so that a build needs no headers.

pub(crate) mod constants;
pub(crate) mod syscalls_aarch64;
pub(crate) mod syscalls_arm;
pub(crate) mod syscalls_i386;
pub(crate) mod syscalls_ppc64;
pub(crate) mod syscalls_riscv64;
pub(crate) mod syscalls_s390x;
pub(crate) mod syscalls_x86_64;
