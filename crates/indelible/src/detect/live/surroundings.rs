//! What detections need from outside of what they confine themselves to, made ready before that.

use anyhow::Result;
use indelible_detect::builtin;
use indelible_sys::inodes::{self, Inode};

use super::limits::{FOLDER_DEPTH, INODES_MAX};
use super::outputs::Programs;
use crate::config::DetectionsConfig;

/// Processes that run programs, and what this host looks like.
pub(crate) struct Surroundings {
    pub(super) programs: Programs,
    pub(super) inodes: Vec<Inode>,
}

impl Surroundings {
    /// Makes the programs ready, beside what is known of the host ([`inodes_of_host`]; nothing where the log is
    /// of many).
    ///
    /// # Errors
    /// A process that cannot be started.
    pub(crate) fn new(config: &DetectionsConfig, inodes: Vec<Inode>) -> Result<Self> {
        Ok(Self {
            programs: Programs::start(&config.outputs)?,
            inodes,
        })
    }
}

/// Which inodes the files and folders are that detections ask about, as far as this process may look.
pub(crate) fn inodes_of_host() -> Vec<Inode> {
    inodes::below(builtin::Engine::watched(), FOLDER_DEPTH, INODES_MAX)
}
