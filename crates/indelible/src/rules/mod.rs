//! Audit rules on this machine: the pure logic of `indelible-rules` given a kernel, files and
//! users.
//!
//! [`load`] replaces what the kernel holds, all or nothing; [`auditctl`] and [`augenrules`] are
//! the tools of those names. What a line means is no business of this room.

mod auditctl;
mod augenrules;
pub(crate) mod check;
mod errno;
mod file;
mod folder;
mod given;
mod host;
mod input;
mod journal;
mod kernel;
mod limits;
pub(crate) mod load;
pub(crate) mod measure;
pub(crate) mod pack;
pub(crate) mod show;
pub(crate) mod volume;

use std::ffi::OsString;
use std::path::Path;

pub(crate) use folder::{Folder, read as rule_files};
pub(crate) use given::{Given, Reading, normalised};
pub(crate) use host::{LocalHost, machine};
pub(crate) use input::{Input, Trust};
pub(crate) use kernel::Kernel;

/// The exit code of the tool whose name the program was started under; `None` under its own name.
pub(crate) fn run_as_tool(arguments: &[OsString]) -> Option<u8> {
    let (program, rest) = arguments.split_first()?;
    match Path::new(program).file_name()?.to_str()? {
        "auditctl" => Some(auditctl::run(rest)),
        "augenrules" => Some(augenrules::run(program, rest)),
        _ => None,
    }
}
