//! The program as augenrules: the system's folder of rules for [`indelible_rules::augenrules`].

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use indelible_rules::augenrules::{self, Files};
use indelible_rules::errno::Errno;
use indelible_rules::merge::RuleFile;

use super::{Folder, auditctl, errno};
use crate::terminal::Output;

/// Runs augenrules with the arguments after its name; its exit code.
pub(super) fn run(program: &OsStr, arguments: &[OsString]) -> u8 {
    let words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let program = found(program);
    let mut files = SystemFiles {
        folder: Folder::of_the_system(),
    };
    augenrules::run(&program.to_string_lossy(), &words, &mut files)
}

/// The path behind a program's name: augenrules is a script, and a script's messages name the
/// path that it was found at.
fn found(program: &OsStr) -> PathBuf {
    let program = Path::new(program);
    if program.components().count() > 1 {
        return program.to_owned();
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| program.to_owned())
}

struct SystemFiles {
    folder: Folder,
}

impl Files for SystemFiles {
    fn folder(&self) -> String {
        self.folder.sources.display().to_string()
    }

    fn sources(&self) -> Option<Vec<RuleFile>> {
        self.folder.read().ok()
    }

    fn merged(&self) -> Option<Vec<u8>> {
        self.folder.installed()
    }

    fn install(&mut self, content: &[u8]) -> Result<(), Errno> {
        self.folder
            .install(content)
            .map_err(|error| errno::of_io(&error))
    }

    fn load(&mut self) -> u8 {
        auditctl::run(&["-R".into(), self.folder.merged.clone().into_os_string()])
    }

    fn out(&mut self, text: &str) {
        let mut output = Output::stdout();
        // A reader that went away changes nothing about the files.
        let _ = output.write(text.as_bytes()).and_then(|()| output.flush());
    }
}
