//! The kernel's error numbers, out of the errors of `indelible-sys` and of the standard library.

use std::io;

use indelible_rules::errno::Errno;
use indelible_sys::Error;

/// The number that the kernel answered with, or the one that says most nearly what happened.
pub(super) fn of(error: &Error) -> Errno {
    match error {
        Error::System { source, .. } | Error::Read { source, .. } => of_io(source),
        Error::NoAudit => Errno::CONNREFUSED,
        Error::NotPermitted { .. } | Error::Locked => Errno::PERM,
        Error::DaemonRegistered { .. } => Errno::EXIST,
        Error::Timeout { .. } => TIMED_OUT,
        Error::Protocol { .. } | Error::InUse { .. } => INPUT_OUTPUT,
    }
}

/// The number of an error of the standard library.
pub(super) fn of_io(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(INPUT_OUTPUT, Errno)
}

/// `EIO`
const INPUT_OUTPUT: Errno = Errno(5);
/// `ETIMEDOUT`
const TIMED_OUT: Errno = Errno(110);
