//! `indelible detect list` and `indelible detect explain`.

use anyhow::Result;
use clap::Args;

use crate::detect::builtin::{explain, list};
use crate::detect::print::Form;
use crate::exit;

/// Name the built-in detections
#[derive(Debug, Args)]
pub(super) struct List {
    /// Form of the output
    #[arg(long, value_enum, value_name = "FORM", default_value = "table")]
    format: Form,
}

impl List {
    pub(super) fn run(self) -> Result<u8> {
        list(self.format)?;
        Ok(exit::DONE)
    }
}

/// Tell how a built-in detection decides, what it needs and how it is tuned
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The detection, as `detect list` names it
    #[arg(value_name = "ID")]
    id: String,
    /// Form of the output
    #[arg(long, value_enum, value_name = "FORM", default_value = "table")]
    format: Form,
}

impl Explain {
    pub(super) fn run(self) -> Result<u8> {
        explain(&self.id, self.format)?;
        Ok(exit::DONE)
    }
}
