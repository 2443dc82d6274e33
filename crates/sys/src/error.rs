//! Why the kernel refused, in words that name the next step.

use std::io;
use std::path::PathBuf;

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation on a kernel interface that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error("{what}")]
    System {
        /// What was being done.
        what: &'static str,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// Another process holds the lock.
    #[error("another process holds {}", path.display())]
    InUse {
        /// The locked file.
        path: PathBuf,
    },
    /// The kernel has no audit subsystem, or this process stands in a user namespace
    /// (`ECONNREFUSED` or `EPROTONOSUPPORT` from the socket; kernel/audit.c).
    #[error(
        "this kernel offers no audit socket here (no CONFIG_AUDIT, or not the initial namespaces)"
    )]
    NoAudit,
    /// CAP_AUDIT_CONTROL or CAP_AUDIT_READ is missing, or the pid namespace is not the initial one.
    #[error("{what} needs {capability} in the initial user and pid namespaces")]
    NotPermitted {
        /// What was being done.
        what: &'static str,
        /// The capability that is missing.
        capability: &'static str,
    },
    /// Another, healthy audit daemon is registered (`EEXIST`; kernel/audit.c `audit_replace`).
    #[error(
        "pid {pid} is the kernel's audit daemon already; stop it, or capture beside it with --capture observe"
    )]
    DaemonRegistered {
        /// Process id of the registered daemon, 0 where the kernel did not say.
        pid: u32,
    },
    /// The configuration of auditing is locked until reboot (`-e 2`).
    #[error("the audit configuration is locked until reboot (enabled is 2)")]
    Locked,
    /// The kernel answered something that its interface does not allow.
    #[error("unexpected answer from the kernel to {what}: {detail}")]
    Protocol {
        /// The request.
        what: &'static str,
        /// What came instead.
        detail: String,
    },
    /// The kernel did not answer in time.
    #[error("no answer from the kernel to {what} within {seconds} s")]
    Timeout {
        /// The request.
        what: &'static str,
        /// How long was waited.
        seconds: u64,
    },
}

impl Error {
    pub(crate) fn system(what: &'static str) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |errno| Self::System {
            what,
            source: errno.into(),
        }
    }
}
