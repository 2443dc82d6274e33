//! The cage of a process that talks to the network: Landlock for files, seccomp for system calls.
//!
//! Both hold for the calling thread and what it starts, so it is entered before other threads are.
//! Neither can be left again.

mod calls;

use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, Result};
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus, path_beneath_rules,
};

/// What a process may still reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// Files and folders that may be read.
    pub read: Vec<PathBuf>,
    /// Folders in which everything is allowed.
    pub write: Vec<PathBuf>,
}

/// What the kernel enforces of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Files outside the list are refused: true from Linux 5.13 on, where Landlock is enabled.
    pub files: bool,
}

/// What a process tried inside and was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Reading a file that everybody may read.
    pub file: bool,
    /// Running a program.
    pub execute: bool,
    /// A netlink socket.
    pub netlink: bool,
    /// Being traced, and so tracing.
    pub ptrace: bool,
}

impl Sandbox {
    /// Enters it for good. Paths that do not exist are left out.
    ///
    /// # Errors
    /// [`Error::System`] where the kernel refuses what it knows.
    pub fn enter(&self) -> Result<Entered> {
        rustix::thread::set_no_new_privs(true)
            .map_err(Error::system("forbidding new privileges"))?;
        let files = self.confine_files()?;
        let program = calls::allowing(
            &[
                calls::RUNNING,
                calls::FILES,
                calls::OLD,
                calls::MESSAGES,
                calls::EVENTS,
            ],
            &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6],
        )?;
        seccompiler::apply_filter_all_threads(&program)
            .map_err(failed("confining system calls"))?;
        Ok(Entered { files })
    }

    fn confine_files(&self) -> Result<bool> {
        let what = "confining files";
        let all = AccessFs::from_all(KNOWN);
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(all)
            .and_then(Ruleset::create)
            .and_then(|rules| {
                rules.add_rules(path_beneath_rules(&self.read, AccessFs::from_read(KNOWN)))
            })
            .and_then(|rules| rules.add_rules(path_beneath_rules(&self.write, all)))
            .and_then(|rules| rules.restrict_self())
            .map_err(failed(what))?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    }
}

/// Tries, in this process, what the sandbox forbids. For tests, and for who wants to see it.
#[must_use]
pub fn probe(readable_by_all: &Path) -> Refused {
    let refused = |error: io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    let netlink = rustix::net::socket(
        rustix::net::AddressFamily::NETLINK,
        rustix::net::SocketType::RAW,
        None,
    );
    // SAFETY: PTRACE_TRACEME reads none of the other arguments.
    let traced = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    let traced = if traced == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    };
    Refused {
        file: std::fs::read(readable_by_all).is_err_and(refused),
        execute: std::process::Command::new("/bin/true")
            .status()
            .is_err_and(refused),
        netlink: netlink.is_err_and(|errno| refused(errno.into())),
        ptrace: traced.is_err_and(refused),
    }
}

/// Confines the calling thread, and those that it starts, to what reading the audit socket into files
/// needs. Threads that run already stay as they are.
///
/// # Errors
/// [`Error::System`] where the kernel refuses what it knows.
pub fn confine_reader() -> Result<()> {
    let program = calls::allowing(
        &[calls::RUNNING, calls::FILES, calls::OLD, calls::MESSAGES],
        &[libc::AF_UNIX, libc::AF_NETLINK],
    )?;
    seccompiler::apply_filter(&program).map_err(failed("confining system calls"))
}

/// Confines this process to what answering questions about others needs: files and sockets of this host,
/// no network, no tracing, no reading or writing of others' memory, no programs. No Landlock: it would
/// hide the programs that others run.
///
/// # Errors
/// [`Error::System`] where the kernel refuses what it knows.
pub fn confine_inspector() -> Result<()> {
    let program = calls::allowing(
        &[
            calls::RUNNING,
            calls::FILES,
            calls::OLD,
            calls::MESSAGES,
            calls::EVENTS,
        ],
        &[libc::AF_UNIX],
    )?;
    seccompiler::apply_filter_all_threads(&program).map_err(failed("confining system calls"))
}

fn failed<E: std::error::Error + Send + Sync + 'static>(
    what: &'static str,
) -> impl FnOnce(E) -> Error {
    move |error| Error::System {
        what,
        source: io::Error::other(error),
    }
}

/// The newest rights of Landlock that are asked for, where the kernel has them.
const KNOWN: ABI = ABI::V5;
