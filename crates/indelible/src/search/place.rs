//! Where a search looks.
//!
//! Without an option: standard input where that is a pipe, else the audit daemon's log, else this
//! host's spool, else the store that a collector keeps here.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::Source;
use super::arguments::Place;
use super::entries::StoreAt;

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// This was asked for.
    Given(Source),
    /// This was found.
    Default(Source),
    /// Nothing is there; the daemon's log would stand here.
    Nothing(PathBuf),
}

/// Where to look.
pub(crate) fn find(place: &Place) -> Found {
    if let Some(path) = &place.input {
        return Found::Given(Source::Files(path.clone()));
    }
    match &place.store[..] {
        [] => {}
        [path] => return Found::Given(Source::store(path)),
        several => {
            let stores = several.iter().map(StoreAt::new).collect();
            return Found::Given(Source::Stores(stores));
        }
    }
    if let Some(path) = &place.spool {
        return Found::Given(Source::Spool(path.clone()));
    }
    if !place.input_logs && is_pipe() {
        return Found::Given(Source::Files(STANDARD_INPUT.into()));
    }
    let log = daemon_log();
    if log.exists() {
        let folder = log.parent().map_or_else(|| log.clone(), Path::to_path_buf);
        let is_usual = log.file_name().is_some_and(|name| name == "audit.log");
        return Found::Default(Source::Files(if is_usual { folder } else { log }));
    }
    if Path::new(super::SPOOL_FOLDER).exists() {
        return Found::Default(Source::Spool(super::SPOOL_FOLDER.into()));
    }
    if Path::new(STORE_FOLDER).exists() {
        return Found::Default(Source::store(STORE_FOLDER));
    }
    Found::Nothing(log)
}

fn is_pipe() -> bool {
    rustix::fs::fstat(std::io::stdin())
        .is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Fifo)
}

/// `log_file` of auditd.conf, or its default.
fn daemon_log() -> PathBuf {
    let mut text = String::new();
    // A configuration that cannot be read leaves the default.
    let _ = File::open(CONFIGURATION)
        .and_then(|file| file.take(CONFIGURATION_BYTES_MAX).read_to_string(&mut text));
    let named = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "log_file").then(|| PathBuf::from(value.trim()))
    });
    named.unwrap_or_else(|| DAEMON_LOG.into())
}

/// The name of standard input, as a file.
pub(crate) const STANDARD_INPUT: &str = "/dev/stdin";
const CONFIGURATION: &str = "/etc/audit/auditd.conf";
const CONFIGURATION_BYTES_MAX: u64 = 1 << 20;
const DAEMON_LOG: &str = "/var/log/audit/audit.log";
/// Where the packages keep a collector's store.
const STORE_FOLDER: &str = "/var/lib/indelible/store";
