//! `indelible demo`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{demo, exit};

/// Show the whole path on this machine: capture, delivery, a wipe, a proof
///
/// Starts a collector and an agent on loopback in a scratch folder. As root it captures a real
/// event of this kernel, under one audit rule scoped to that folder; otherwise it replays a
/// recorded one. It ends by itself, leaves nothing behind and puts the kernel's audit state back.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Work in this folder, and leave its stores for inspection
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Demo {
    pub(super) fn run(self) -> Result<u8> {
        demo::run(self.keep.as_deref())?;
        Ok(exit::DONE)
    }
}
