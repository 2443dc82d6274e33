//! Waiting for entries or for a peer, whichever comes first.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

/// A watch over the folders of streams. Where the kernel gives none, time alone wakes.
#[derive(Debug)]
pub(super) struct Growth {
    inotify: Option<OwnedFd>,
}

impl Growth {
    pub(super) fn new() -> Self {
        Self {
            inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok(),
        }
    }

    /// Watches a folder; one that is watched already stays so.
    pub(super) fn add(&self, folder: &Path) {
        if let Some(inotify) = &self.inotify {
            // What cannot be watched is looked at every now and then.
            let _ = inotify::add_watch(inotify, folder, WatchFlags::MODIFY | WatchFlags::CREATE);
        }
    }

    /// Waits for growth, for the peer to say something, or for so long.
    pub(super) fn wait(&self, peer: Option<BorrowedFd<'_>>, timeout: Duration) {
        let timeout = Timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let inotify = self.inotify.as_ref().map(AsFd::as_fd);
        let mut polled: Vec<PollFd<'_>> = inotify
            .into_iter()
            .chain(peer)
            .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN))
            .collect();
        // A wait that fails is a short one.
        let _ = poll(&mut polled, Some(&timeout));
        if let Some(inotify) = &self.inotify {
            let mut told = [0; 4096];
            while rustix::io::read(inotify, &mut told).is_ok_and(|read| read > 0) {}
        }
    }
}
