//! Rule files in a folder and below it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indelible_detect::limits::sigma::{RULE_FILE_BYTES_MAX, RULES_MAX};

/// A rule file.
pub(super) struct RuleFile {
    pub(super) path: PathBuf,
    /// As findings name it: below the folder.
    pub(super) name: String,
}

/// The `.yml` and `.yaml` files, in the order of their names; or the file itself.
pub(super) fn files(root: &Path) -> Result<Vec<RuleFile>> {
    let shown = || format!("cannot read {}", root.display());
    let mut paths = Vec::new();
    if fs::metadata(root).with_context(shown)?.is_dir() {
        collect(root, 0, &mut paths)?;
    } else {
        paths.push(root.to_owned());
    }
    paths.sort();
    Ok(paths
        .into_iter()
        .map(|path| RuleFile {
            name: path
                .strip_prefix(root)
                .ok()
                .filter(|below| !below.as_os_str().is_empty())
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned(),
            path,
        })
        .collect())
}

fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<()> {
    let shown = || format!("cannot list {}", folder.display());
    if depth == DEPTH_MAX {
        bail!("{} is more than {DEPTH_MAX} folders deep", folder.display());
    }
    for entry in fs::read_dir(folder).with_context(shown)? {
        let path = entry.with_context(shown)?.path();
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            collect(&path, depth + 1, paths)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yml" || extension == "yaml")
        {
            if paths.len() == RULES_MAX {
                bail!("more than {RULES_MAX} rule files");
            }
            paths.push(path);
        }
    }
    Ok(())
}

/// The file's bytes; one that is too long is cut just beyond the limit, so that it is refused.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            file.take(RULE_FILE_BYTES_MAX as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes)
}

/// Folders in each other; a link that leads back ends here.
const DEPTH_MAX: usize = 16;
