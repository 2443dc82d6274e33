//! A folder of rule files and the file that they are merged into: /etc/audit/rules.d and
//! /etc/audit/audit.rules.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use indelible_rules::merge::{self, Merged, RuleFile};
use tempfile::NamedTempFile;

use super::file;
use super::limits::FOLDER_FILES_MAX;

/// The two places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) sources: PathBuf,
    pub(crate) merged: PathBuf,
}

impl Folder {
    /// Where the system keeps its rules.
    pub(crate) fn of_the_system() -> Self {
        Self {
            sources: PathBuf::from(SOURCES),
            merged: PathBuf::from(MERGED),
        }
    }

    /// The files that take part, in the order in which they are merged.
    pub(crate) fn read(&self) -> io::Result<Vec<RuleFile>> {
        read(&self.sources)
    }

    /// The files as one.
    pub(crate) fn merge(&self, files: &[RuleFile]) -> Merged {
        merged(&self.sources, files)
    }

    /// The merged file as it is now, if there is one.
    pub(crate) fn installed(&self) -> Option<Vec<u8>> {
        fs::read(&self.merged).ok()
    }

    /// Replaces the merged file at once and keeps the one before under the name with `.prev`.
    pub(crate) fn install(&self, content: &[u8]) -> io::Result<()> {
        let folder = self.merged.parent().unwrap_or(Path::new("/"));
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        let mode = Permissions::from_mode(MERGED_MODE);
        file.as_file().set_permissions(mode)?;
        file.as_file().sync_all()?;
        if self.merged.is_file() {
            let mut previous = self.merged.clone().into_os_string();
            previous.push(".prev");
            fs::copy(&self.merged, previous)?;
        }
        file.persist(&self.merged)?;
        File::open(folder)?.sync_all()
    }
}

/// The rule files of a folder, in the order in which they are merged.
pub(crate) fn read(folder: &Path) -> io::Result<Vec<RuleFile>> {
    let mut files = Vec::new();
    for found in fs::read_dir(folder)? {
        let found = found?;
        let name = found.file_name().to_string_lossy().into_owned();
        if !merge::takes_part(&name) {
            continue;
        }
        if files.len() == FOLDER_FILES_MAX {
            return Err(io::Error::other(format!(
                "more than {FOLDER_FILES_MAX} files of rules"
            )));
        }
        let content = file::open(&found.path())?.content;
        files.push(RuleFile { name, content });
    }
    files.sort_by(|a, b| merge::natural_order(&a.name, &b.name));
    Ok(files)
}

/// A folder's files as one.
pub(super) fn merged(folder: &Path, files: &[RuleFile]) -> Merged {
    merge::merge(&folder.to_string_lossy(), files)
}

const SOURCES: &str = "/etc/audit/rules.d";
const MERGED: &str = "/etc/audit/audit.rules";
/// As augenrules leaves it: root writes, its group reads.
const MERGED_MODE: u32 = 0o640;
