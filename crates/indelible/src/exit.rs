//! How a command ends: exit codes, and errors with the next step.
//!
//! 0 done or matched, 1 nothing matched, 2 error; `verify` has its own four.

use std::io;

use indelible_log::Error as LogError;
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
    of_kernel(error)
        .or_else(|| of_address(error))
        .or_else(|| of_folder(error))
}

/// Where the kernel's audit refused.
fn of_kernel(error: &anyhow::Error) -> Option<&'static str> {
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

/// Where an address could not be listened on.
fn of_address(error: &anyhow::Error) -> Option<&'static str> {
    let mut texts = error.chain().map(ToString::to_string);
    if !texts.any(|text| text.starts_with("cannot listen on")) {
        return None;
    }
    match system_kind(error)? {
        io::ErrorKind::AddrInUse => Some(
            "another program listens there: `ss -ltunp` names it; stop it, or take another port",
        ),
        io::ErrorKind::AddrNotAvailable => Some(
            "this machine has no such address: `ip address` lists them; 0.0.0.0 and [::] are all",
        ),
        io::ErrorKind::PermissionDenied => Some(
            "ports below 1024 are root's: take a higher one, or give the unit \
             AmbientCapabilities=CAP_NET_BIND_SERVICE",
        ),
        _ => None,
    }
}

/// Where a store or a spool could not be read.
fn of_folder(error: &anyhow::Error) -> Option<&'static str> {
    let mut causes = error.chain();
    let kind = match causes.find_map(|cause| cause.downcast_ref::<LogError>())? {
        LogError::Missing { .. } => io::ErrorKind::NotFound,
        _ => system_kind(error)?,
    };
    match kind {
        io::ErrorKind::PermissionDenied => Some(
            "run it as the user whose folder it is: `runuser -u indelible-collector -- indelible …` \
             for a packaged collector's store, root for a spool",
        ),
        io::ErrorKind::NotFound => Some(
            "a store is the folder that `indelible collector --store` has, a spool the one of \
             `indelible agent --spool`",
        ),
        _ => None,
    }
}

fn system_kind(error: &anyhow::Error) -> Option<io::ErrorKind> {
    let mut causes = error.chain();
    causes.find_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()))
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn refused_addresses_and_folders_say_what_to_do() {
        let check = |error: anyhow::Error, expect: Option<&str>| {
            let found = hint(&error);
            let fits = match (found, expect) {
                (Some(found), Some(expect)) => found.contains(expect),
                (found, expect) => found == expect,
            };
            assert!(fits, "{error:#}: {found:?}");
        };
        let io = |kind: io::ErrorKind| Err::<(), _>(io::Error::from(kind));
        let listen = |kind| io(kind).context("cannot listen on x").unwrap_err();
        check(listen(io::ErrorKind::AddrInUse), Some("ss -ltunp"));
        check(listen(io::ErrorKind::PermissionDenied), Some("1024"));
        check(listen(io::ErrorKind::TimedOut), None);
        let read = |kind| {
            let source = io::Error::from(kind);
            let error = LogError::Io {
                action: "list",
                path: "wal".into(),
                source,
            };
            anyhow::Error::new(error).context("cannot read the store x")
        };
        check(read(io::ErrorKind::PermissionDenied), Some("runuser"));
        check(read(io::ErrorKind::NotFound), Some("--store"));
        check(io(io::ErrorKind::NotFound).context("x").unwrap_err(), None);
    }
}
