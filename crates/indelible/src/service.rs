//! What a service manager hears from a daemon: it is ready, it is alive, it stops (sd_notify(3)).
//!
//! Without `NOTIFY_SOCKET` nothing is said. A manager that cannot be reached is no reason to stop.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// Says that the start is done.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Says that the daemon is about to end.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Whether a service manager started this process and waits for word from it.
pub(crate) fn is_managed() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// The manager's watchdog: it ends a daemon that says nothing for too long.
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// `None` where nobody watches this process.
    every: Option<Duration>,
    due: Instant,
}

impl Watchdog {
    /// As the manager asks of this process.
    pub(crate) fn of_manager() -> Self {
        // Twice in the time it allows, as sd_watchdog_enabled(3) recommends.
        let every = sd_notify::watchdog_enabled().map(|allowed| allowed / 2);
        Self {
            every,
            due: Instant::now(),
        }
    }

    /// To be called wherever the daemon shows that it gets on, as often as it likes.
    pub(crate) fn alive(&mut self) {
        let Some(every) = self.every else { return };
        let now = Instant::now();
        if now >= self.due {
            self.due = now + every;
            tell(&[NotifyState::Watchdog]);
        }
    }
}

/// Has the manager keep a descriptor under a name, for the process that it starts after a crash.
pub(crate) fn keep_descriptor(name: &str, descriptor: BorrowedFd<'_>) {
    let states = [
        NotifyState::FdStore,
        NotifyState::FdName(name),
        // An overrun of a netlink socket shows as an error, for which the manager would close it.
        NotifyState::Custom("FDPOLL=0"),
    ];
    if let Err(error) = sd_notify::notify_with_fds(&states, &[descriptor]) {
        tracing::warn!(%error, "the service manager cannot keep a descriptor");
    }
}

/// Has the manager keep it no longer.
pub(crate) fn forget_descriptor(name: &str) {
    tell(&[NotifyState::FdStoreRemove, NotifyState::FdName(name)]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "cannot notify the service manager");
    }
}
