//! What this process is and may do: capabilities, identity, memory locking, its parent's death.

use rustix::process::{Gid, Resource, Rlimit, Uid, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::{Error, Result};

/// True if this process may register as the audit daemon (CAP_AUDIT_CONTROL, effective).
#[must_use]
pub fn may_control_audit() -> bool {
    rustix::thread::capabilities(None)
        .is_ok_and(|sets| sets.effective.contains(CapabilitySet::AUDIT_CONTROL))
}

/// True if the effective user is root.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Takes `gid` as the group of files that this process creates; to be called before other threads
/// are started.
///
/// # Errors
/// [`Error::System`] from `setresgid`.
pub fn join_group(gid: u32) -> Result<()> {
    let gid = Gid::from_raw(gid);
    rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(Error::system("changing the group"))
}

/// Lets other threads go before this one and those that it starts: for work that nobody waits for, beside
/// what somebody does. Without effect where it is not allowed; the kernel then shares the cores evenly.
pub fn give_way() {
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE_BEHIND);
}

/// Keeps this process's pages in memory from their first use on, so that the reader of the audit
/// socket never waits for a disk. Without effect where the limit on locked memory cannot be lifted:
/// under a limit, allocations would fail once the process has given up its capabilities.
pub fn lock_memory() {
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    if getrlimit(Resource::Memlock) != unlimited && setrlimit(Resource::Memlock, unlimited).is_err()
    {
        return;
    }
    // SAFETY: no pointers are passed; the call only changes how pages are kept.
    let _ = unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | MCL_ONFAULT) };
}

/// Lets go of the code that starting up needed: a third of what a small process has resident, and nearly
/// none of it is run again. What is comes back from the file. Memory that is locked stays.
pub fn forget_startup() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else {
        return;
    };
    for (from, to) in code_of_files(&maps) {
        let address = std::ptr::with_exposed_provenance_mut(from);
        // SAFETY: what is executable and cannot be written, of a file, holds the file's own bytes and
        // nothing else (code that does not depend on its place has no relocations): the kernel reads
        // them again when they are needed, this function's own among them.
        let _ = unsafe { libc::madvise(address, to - from, libc::MADV_DONTNEED) };
    }
}

/// Where code of files is mapped, from `/proc/PID/maps`.
fn code_of_files(maps: &str) -> impl Iterator<Item = (usize, usize)> {
    maps.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (from, to) = words.next()?.split_once('-')?;
        let is_code = words.next()? == "r-xp";
        // Offset, device, inode; then a path, or a name of the kernel's in brackets.
        let is_of_a_file = words.nth(3).is_some_and(|path| path.starts_with('/'));
        let address = |digits| usize::from_str_radix(digits, 16).ok();
        (is_code && is_of_a_file).then_some((address(from)?, address(to)?))
    })
}

/// Becomes `uid` and `gid` for good: no supplementary groups, no capabilities, no way back.
/// To be called before other threads are started, since identity is per thread in Linux.
///
/// # Errors
/// [`Error::System`] for the step that failed; the process must then end.
pub fn drop_to_user(uid: u32, gid: u32) -> Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    rustix::thread::set_thread_groups(&[])
        .map_err(Error::system("dropping supplementary groups"))?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)
        .map_err(Error::system("changing the group"))?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)
        .map_err(Error::system("changing the user"))?;
    drop_capabilities(CapabilitySet::empty())
}

/// Gives up every capability but `keep`, and privileges through later executions.
///
/// # Errors
/// [`Error::System`] from `capset` or `prctl`.
pub fn drop_capabilities(keep: CapabilitySet) -> Result<()> {
    // One that was not there to begin with cannot be kept.
    let keep = keep
        & rustix::thread::capabilities(None)
            .map_err(Error::system("asking for capabilities"))?
            .permitted;
    let sets = CapabilitySets {
        effective: keep,
        permitted: keep,
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, sets).map_err(Error::system("dropping capabilities"))?;
    rustix::thread::set_no_new_privs(true).map_err(Error::system("forbidding new privileges"))
}

/// Lets the capabilities that this thread holds survive an execution, whoever it runs as.
///
/// # Errors
/// [`Error::System`] from `capset` or `prctl`.
pub fn keep_capabilities_on_execution() -> Result<()> {
    let what = "keeping capabilities";
    let mut sets = rustix::thread::capabilities(None).map_err(Error::system(what))?;
    sets.inheritable = sets.permitted;
    rustix::thread::set_capabilities(None, sets).map_err(Error::system(what))?;
    for capability in sets.permitted.iter() {
        rustix::thread::configure_capability_in_ambient_set(capability, true)
            .map_err(Error::system(what))?;
    }
    Ok(())
}

/// Sends SIGHUP to a process.
///
/// # Errors
/// [`Error::System`] where there is no such process, or it is another user's.
pub fn hang_up(pid: u32) -> Result<()> {
    let what = "sending SIGHUP";
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or_else(|| Error::system(what)(rustix::io::Errno::SRCH))?;
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).map_err(Error::system(what))
}

/// None at all.
pub const NO_CAPABILITIES: CapabilitySet = CapabilitySet::empty();

/// The capability that the reader of other sources keeps: to read files whoever owns them.
pub const SOURCES_CAPABILITIES: CapabilitySet = CapabilitySet::DAC_READ_SEARCH;

/// Capabilities that the helper keeps which looks into processes: to read what is their owners' and
/// tracers' alone.
pub const INSPECT_CAPABILITIES: CapabilitySet =
    CapabilitySet::SYS_PTRACE.union(CapabilitySet::DAC_READ_SEARCH);

/// Capabilities that capture keeps: to ask the kernel's status and to register again, to read the
/// multicast group, and to write the one record that wakes the kernel's queue.
pub const CAPTURE_CAPABILITIES: CapabilitySet = CapabilitySet::AUDIT_CONTROL
    .union(CapabilitySet::AUDIT_READ)
    .union(CapabilitySet::AUDIT_WRITE);

/// `MCL_ONFAULT` (include/uapi/asm-generic/mman.h), the same on all architectures that we build for.
const MCL_ONFAULT: libc::c_int = 4;

/// A tenth of the share of those who are waited for, and theirs is the core as soon as they wake up.
const NICE_BEHIND: i32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_files_is_let_go() {
        let maps = "\
5581a0000000-5581a0100000 r--p 00000000 fe:00 11 /usr/bin/indelible
5581a0100000-5581a0200000 r-xp 00100000 fe:00 11 /usr/bin/indelible
5581a0200000-5581a0300000 r--p 00200000 fe:00 11 /usr/bin/indelible
5581a0300000-5581a0301000 rw-p 00300000 fe:00 11 /usr/bin/indelible
5581a0400000-5581a0500000 rwxp 00000000 00:00 0
7f0000000000-7f0000001000 r-xp 00000000 fe:00 12 /usr/lib/libc.so.6
7fff00000000-7fff00001000 r-xp 00000000 00:00 0                          [vdso]
damaged
";
        let code: Vec<_> = code_of_files(maps).collect();
        assert_eq!(
            code,
            [
                (0x5581_a010_0000, 0x5581_a020_0000),
                (0x7f00_0000_0000, 0x7f00_0000_1000)
            ]
        );
        forget_startup();
        assert_eq!(code_of_files(maps).count(), 2);
    }
}
