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

use crate::config::{CollectorAddress, TlsFiles};

/// What a worker needs to know its collector and to be known.
#[derive(Debug)]
pub(crate) struct Lent {
    /// Authority, certificate, key, the log's key.
    files: Vec<OwnedFd>,
}

impl Lent {
    /// Reads the files while this process may.
    pub(crate) fn read(collector: &CollectorAddress) -> Result<Self> {
        let TlsFiles {
            ca,
            certificate,
            key,
        } = &collector.tls;
        let files = [ca, certificate, key, &collector.log_key].map(|path| {
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
            files: files.into_iter().collect::<Result<_>>()?,
        })
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

/// Has a worker read what was lent to it under these numbers.
pub(crate) fn borrow(numbers: &[u32], collector: &mut CollectorAddress) {
    let path = |number: &u32| PathBuf::from(format!("/proc/self/fd/{number}"));
    if let [ca, certificate, key, log_key] = numbers {
        collector.tls = TlsFiles {
            ca: path(ca),
            certificate: path(certificate),
            key: path(key),
        };
        collector.log_key = path(log_key);
    }
}
