//! `indelible detect test`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::detect::builtin::test;
use crate::detect::print::Form;
use crate::exit;

/// Try the built-in detections on cases: records, and what has to be found in them
///
/// A file of cases is TOML: `[[case]]` with `name`, `expect` (ids of detections; none for what is
/// benign) and `records` (raw audit records). `[inodes]` before them may say which inodes files and
/// folders of the host are ("/var/log" = "08:01 131074"), as its agent knows them. Prints what is
/// wrong, and per detection how much of what it should have found it found (recall), and how much of
/// what it found it should have (precision). Ends with 1 if a case is not as expected.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// Files of cases
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, value_name = "FORM", default_value = "table")]
    format: Form,
}

impl Test {
    pub(super) fn run(self) -> Result<u8> {
        let is_as_expected = test(&self.files, self.format)?;
        Ok(if is_as_expected {
            exit::DONE
        } else {
            exit::NOTHING
        })
    }
}
