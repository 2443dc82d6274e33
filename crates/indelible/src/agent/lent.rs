//! Certificates and keys that the bare supervisor lends to the worker.
//!
//! They belong to root, and the supervisor starts a dead worker again when neither of them may read
//! them any more. So it keeps them in files of memory alone, which only the worker inherits.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

use anyhow::{Context, Result};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::config::{AgentConfig, TlsFiles};

/// What a worker needs to know its peers and to be known.
#[derive(Debug)]
pub(crate) struct Lent {
    /// In the order of [`files`].
    files: Vec<OwnedFd>,
}

impl Lent {
    /// Reads the files while this process may.
    pub(crate) fn read(paths: &[&mut PathBuf]) -> Result<Self> {
        let files = paths.iter().map(|path| {
            let text =
                std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let memory = memfd_create("indelible-lent", MemfdFlags::CLOEXEC)
                .context("cannot make a file in memory")?;
            let mut file = File::from(memory);
            file.write_all(&text)
                .context("cannot fill a file in memory")?;
            Ok(file.into())
        });
        Ok(Self {
            files: files.collect::<Result<_>>()?,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What tells the worker where they are.
    pub(crate) fn words(&self) -> [String; 2] {
        let numbers: Vec<String> = self
            .files
            .iter()
            .map(|file| file.as_raw_fd().to_string())
            .collect();
        ["--lent".into(), numbers.join(",")]
    }

    /// Starts a process that inherits them.
    pub(crate) fn to<T>(&self, start: impl FnOnce() -> Result<T>) -> Result<T> {
        let set = |flags| {
            let mut all = self.files.iter().map(|file| fcntl_setfd(file, flags));
            all.try_for_each(|one| one)
                .context("cannot lend a file to the worker")
        };
        set(FdFlags::empty())?;
        let started = start();
        set(FdFlags::CLOEXEC)?;
        started
    }
}

/// The files of a configuration that are lent: those of the collectors, but of the first only where the
/// worker has no identity of its own for it, and those of the outputs.
pub(crate) fn files(config: &mut AgentConfig, with_collector: bool) -> Vec<&mut PathBuf> {
    let collector = config.collector.as_mut().filter(|_| with_collector);
    let collectors = collector.into_iter().chain(&mut config.failover);
    let of_collectors = collectors.flat_map(|collector| {
        let TlsFiles {
            ca,
            certificate,
            key,
        } = &mut collector.tls;
        [ca, certificate, key, &mut collector.log_key]
    });
    let outputs = config
        .outputs
        .iter_mut()
        .filter_map(|output| output.tls.as_mut());
    let of_outputs = outputs.flat_map(|tls| {
        let own = [&mut tls.certificate, &mut tls.key].into_iter().flatten();
        std::iter::once(&mut tls.ca).chain(own)
    });
    of_collectors.chain(of_outputs).collect()
}

/// Has a worker read what was lent to it under these numbers.
pub(crate) fn borrow(numbers: &[u32], files: Vec<&mut PathBuf>) {
    for (number, file) in numbers.iter().zip(files) {
        *file = PathBuf::from(format!("/proc/self/fd/{number}"));
    }
}
