//! How a command ends: exit codes, and errors with the next step.
//!
//! 0 done or matched, 1 nothing matched, 2 error; `verify` has its own four.

use std::io;

use indelible_sys::Error as SysError;

/// Done, or something matched.
pub(crate) const DONE: u8 = 0;
/// Nothing matched.
pub(crate) const NOTHING: u8 = 1;
/// The command failed.
pub(crate) const ERROR: u8 = 2;

/// Prints the chain of causes once, on one line, and the hint below it.
pub(crate) fn report(error: &anyhow::Error) {
    eprintln!("indelible: {error:#}");
    if let Some(hint) = hint(error) {
        eprintln!("hint: {hint}");
    }
}

/// True for an error that only says that the reader of our output went away.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

fn hint(error: &anyhow::Error) -> Option<&'static str> {
    error
        .chain()
        .find_map(|cause| match cause.downcast_ref::<SysError>()? {
            SysError::NotPermitted { .. } => Some(
                "run it as root, or read a log instead: --capture file:/var/log/audit/audit.log",
            ),
            SysError::NoAudit => {
                Some("the kernel needs CONFIG_AUDIT, and containers cannot capture")
            }
            SysError::Locked => Some("`-e 2` is set: the rules can change at the next boot"),
            _ => None,
        })
}
