//! Signals that one thread waits for instead of being interrupted by them.
//!
//! They are blocked, in this thread and in those that it starts later, so that none is lost: not
//! between two waits, and not while the process executes another program in place, which keeps
//! what is blocked and what is pending.

use std::mem::MaybeUninit;
use std::time::Duration;

use crate::{Error, Result};

/// What a daemon is asked by signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Upgrade,
}

/// The blocked signals.
#[derive(Debug)]
pub struct Signals {
    set: libc::sigset_t,
}

impl Signals {
    /// Blocks SIGTERM, SIGINT and SIGHUP; to be called before other threads are started.
    ///
    /// # Errors
    /// [`Error::System`] from `pthread_sigmask`.
    pub fn block() -> Result<Self> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `sigemptyset` initialises the set that it is given.
        let mut set = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            set.assume_init()
        };
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            // SAFETY: the set was initialised above, and the numbers are signals.
            unsafe { libc::sigaddset(&raw mut set, signal) };
        }
        // SAFETY: the set is initialised; where the former mask would go may be null.
        let code =
            unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
        if code != 0 {
            return Err(Error::System {
                what: "blocking signals",
                source: std::io::Error::from_raw_os_error(code),
            });
        }
        Ok(Self { set })
    }

    /// Waits for one of them, at most for `timeout`.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> Option<Asked> {
        let timeout = libc::timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        // SAFETY: set and timeout are initialised and outlive the call; no information is asked for.
        let signal = unsafe {
            libc::sigtimedwait(
                &raw const self.set,
                std::ptr::null_mut(),
                &raw const timeout,
            )
        };
        match signal {
            libc::SIGTERM | libc::SIGINT => Some(Asked::Stop),
            libc::SIGHUP => Some(Asked::Upgrade),
            // The time is over, or a debugger interrupted the wait.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_signal_waits_until_it_is_asked_for() {
        let signals = Signals::block().unwrap();
        assert_eq!(signals.wait(Duration::from_millis(1)), None);
        // To this thread alone: the others of the test program have blocked nothing.
        let thread = rustix::thread::gettid();
        // SAFETY: the numbers are this process, one of its threads, and a signal that it blocked.
        let sent = unsafe {
            libc::syscall(
                libc::SYS_tgkill,
                std::process::id(),
                thread.as_raw_nonzero().get(),
                libc::SIGHUP,
            )
        };
        assert_eq!(sent, 0);
        assert_eq!(signals.wait(Duration::from_secs(5)), Some(Asked::Upgrade));
        assert_eq!(signals.wait(Duration::from_millis(1)), None);
    }
}
