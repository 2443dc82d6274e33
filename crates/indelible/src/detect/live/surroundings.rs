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
    /// For detections over the log of many hosts.
    ///
    /// # Errors
    /// A process that cannot be started.
    pub(crate) fn of_collector(config: &DetectionsConfig) -> Result<Self> {
        Ok(Self {
            programs: Programs::start(&config.outputs)?,
            inodes: Vec::new(),
        })
    }

    /// For detections over what this host records.
    ///
    /// # Errors
    /// As [`Surroundings::of_collector`].
    pub(crate) fn of_host(config: &DetectionsConfig) -> Result<Self> {
        let watched = builtin::Engine::watched();
        Ok(Self {
            inodes: inodes::below(watched, FOLDER_DEPTH, INODES_MAX),
            ..Self::of_collector(config)?
        })
    }
}
