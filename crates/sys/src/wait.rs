//! Waiting for any of several descriptors.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use crate::{Error, Result};

/// Waits until something can be read from one of the descriptors, one of them has ended, or
/// `timeout` has passed.
///
/// # Errors
/// [`Error::System`] from `poll`.
pub fn wait_for_any(descriptors: &[BorrowedFd<'_>], timeout: Duration) -> Result<()> {
    let timeout = Timespec {
        tv_sec: timeout.as_secs().cast_signed(),
        tv_nsec: i64::from(timeout.subsec_nanos()),
    };
    let mut waiting: Vec<PollFd<'_>> = descriptors
        .iter()
        .map(|descriptor| PollFd::new(descriptor, PollFlags::IN))
        .collect();
    match poll(&mut waiting, Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(Error::system("waiting for descriptors")(errno)),
    }
}

/// Waits until the other side of a pipe that this process writes to is closed (`true`), or
/// `timeout` has passed.
///
/// # Errors
/// [`Error::System`] from `poll`.
pub fn wait_for_lost_reader(pipe: BorrowedFd<'_>, timeout: Duration) -> Result<bool> {
    let timeout = Timespec {
        tv_sec: timeout.as_secs().cast_signed(),
        tv_nsec: i64::from(timeout.subsec_nanos()),
    };
    // No event is asked for: POLLERR and POLLHUP are always reported.
    let mut waiting = [PollFd::new(&pipe, PollFlags::empty())];
    match poll(&mut waiting, Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(Error::system("waiting for the end of a pipe")(errno)),
    }
}

/// Makes reads from a descriptor answer `EAGAIN` where they would wait.
///
/// # Errors
/// [`Error::System`] from `fcntl`.
pub fn set_nonblocking(descriptor: BorrowedFd<'_>) -> Result<()> {
    let flags = fcntl_getfl(descriptor).map_err(Error::system("reading a descriptor's flags"))?;
    fcntl_setfl(descriptor, flags | OFlags::NONBLOCK)
        .map_err(Error::system("making a descriptor non-blocking"))
}
