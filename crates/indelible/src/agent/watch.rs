//! Tells when the spool grows: inotify on the streams' folders.
//!
//! A thread waits for the kernel's events; many of them become one notification.

use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use tokio::sync::Notify;

/// A watch over folders of streams.
#[derive(Debug)]
pub(crate) struct SpoolWatch {
    grew: Arc<Notify>,
    appeared: Arc<AtomicBool>,
}

impl SpoolWatch {
    /// Starts to watch; the thread lives as long as the process.
    pub(crate) fn start(folders: Vec<PathBuf>) -> Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC).context("cannot use inotify")?;
        for streams in &folders {
            inotify::add_watch(&inotify, streams, WatchFlags::CREATE)
                .with_context(|| format!("cannot watch {}", streams.display()))?;
        }
        let mut watched = Watched {
            inotify,
            streams: folders,
            folders: BTreeSet::new(),
        };
        watched.add_streams()?;
        let grew = Arc::new(Notify::new());
        let appeared = Arc::new(AtomicBool::new(true));
        let (notify, note) = (grew.clone(), appeared.clone());
        std::thread::spawn(move || {
            while let Err(error) = watched.run(&notify, &note) {
                // Growth is also looked for from time to time, so this costs latency only.
                tracing::warn!("watching the spool: {error:#}");
                std::thread::sleep(RETRY_PAUSE);
            }
        });
        Ok(Self { grew, appeared })
    }

    /// Whether a stream may have appeared since the last call.
    pub(crate) fn take_appeared(&self) -> bool {
        self.appeared.swap(false, Ordering::AcqRel)
    }

    /// Waits until something was written or a stream appeared. Cancelling loses nothing.
    pub(crate) async fn changed(&self) {
        self.grew.notified().await;
    }
}

struct Watched {
    inotify: OwnedFd,
    streams: Vec<PathBuf>,
    folders: BTreeSet<PathBuf>,
}

impl Watched {
    fn run(&mut self, notify: &Notify, appeared: &AtomicBool) -> Result<()> {
        loop {
            if self.wait()? {
                self.add_streams()?;
                appeared.store(true, Ordering::Release);
            }
            notify.notify_one();
        }
    }

    /// Waits for events; true if a stream may have appeared.
    fn wait(&self) -> Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); EVENTS_BYTES];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut appeared = false;
        loop {
            match reader.next() {
                Ok(event) => appeared |= event.events().contains(ReadFlags::CREATE),
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno).context("cannot read inotify events"),
            }
            if reader.is_buffer_empty() {
                return Ok(appeared);
            }
        }
    }

    fn add_streams(&mut self) -> Result<()> {
        let mut found = Vec::new();
        for streams in &self.streams {
            let shown = || format!("cannot list {}", streams.display());
            for item in std::fs::read_dir(streams).with_context(shown)? {
                found.push(item.with_context(shown)?.path());
            }
        }
        for path in found {
            if path.is_dir() && !self.folders.contains(&path) {
                inotify::add_watch(
                    &self.inotify,
                    &path,
                    WatchFlags::MODIFY | WatchFlags::CREATE,
                )
                .with_context(|| format!("cannot watch {}", path.display()))?;
                self.folders.insert(path);
            }
        }
        Ok(())
    }
}

/// Bytes of events per read.
const EVENTS_BYTES: usize = 4096;
/// Pause after a failure.
const RETRY_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
