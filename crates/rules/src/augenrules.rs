//! The command augenrules: merge a folder of rules into one file, and load it.
//!
//! Output and exit codes are those of the script in Debian's auditd 3.0.9. What the merge does
//! better is in [`crate::merge`].

use crate::errno::Errno;
use crate::merge::{self, RuleFile};

/// The files that augenrules works on, and auditctl.
pub trait Files {
    /// The folder's path as messages name it: `/etc/audit/rules.d`.
    fn folder(&self) -> String;
    /// The files in it, in any order; `None` where there is no such folder.
    fn sources(&self) -> Option<Vec<RuleFile>>;
    /// The merged file as it is now: `/etc/audit/audit.rules`.
    fn merged(&self) -> Option<Vec<u8>>;
    /// Replaces the merged file, mode 0640, and keeps what was there under the name with `.prev`.
    ///
    /// # Errors
    /// What writing it ended with.
    fn install(&mut self, content: &[u8]) -> Result<(), Errno>;
    /// `auditctl -R` with the merged file; its exit code.
    fn load(&mut self) -> u8;
    /// Standard output.
    fn out(&mut self, text: &str);
}

/// Runs augenrules; `program` is the name it was called by. The number is its exit code.
pub fn run(program: &str, args: &[&str], files: &mut dyn Files) -> u8 {
    let (mut check, mut load) = (false, false);
    for &arg in args {
        match arg {
            "--check" => check = true,
            "--load" => load = true,
            _ => {
                files.out(&format!("Usage: {program} [--check|--load]\n"));
                return 1;
            }
        }
    }
    let folder = files.folder();
    let Some(mut sources) = files.sources() else {
        files.out(&format!("{program}: No rules directory - {folder}\n"));
        if load {
            files.load();
        }
        return 1;
    };
    sources.retain(|file| merge::takes_part(&file.name));
    sources.sort_by(|a, b| merge::natural_order(&a.name, &b.name));
    let merged = merge::merge(&folder, &sources);
    if files.merged().is_some_and(|now| now == merged.content) {
        files.out(&format!("{program}: No change\n"));
    } else if check {
        files.out(&format!(
            "{program}: Rules have changed and should be updated\n"
        ));
        return 0;
    } else if let Err(errno) = files.install(&merged.content) {
        files.out(&format!(
            "{program}: cannot write the merged rules: {errno}\n"
        ));
        return 1;
    }
    if load { files.load() } else { 0 }
}
