//! Which inode each folder is, in the words of audit records.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A folder of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its path.
    pub path: PathBuf,
    /// Its device, as PATH records have it: `major:minor` in hexadecimal.
    pub dev: String,
    /// Its inode number.
    pub inode: u64,
}

/// The folders that stand at most `depth` below these, the outer ones first, and no more than `max`. No
/// symbolic link is followed; what may not be read is left out.
#[must_use]
pub fn below<P: AsRef<Path>>(tops: &[P], depth: usize, max: usize) -> Vec<Folder> {
    let mut found = Vec::new();
    let mut waiting: VecDeque<(PathBuf, usize)> = tops
        .iter()
        .map(|path| (path.as_ref().to_owned(), depth))
        .collect();
    while let Some((path, depth)) = waiting.pop_front() {
        let Some(metadata) = fs::symlink_metadata(&path)
            .ok()
            .filter(fs::Metadata::is_dir)
        else {
            continue;
        };
        if found.len() == max {
            break;
        }
        if depth > 0 {
            let inside = fs::read_dir(&path).into_iter().flatten().flatten();
            let folders = inside.filter(|item| item.file_type().is_ok_and(|kind| kind.is_dir()));
            waiting.extend(folders.map(|item| (item.path(), depth - 1)));
        }
        let (dev, inode) = (metadata.dev(), metadata.ino());
        found.push(Folder {
            path,
            dev: format!(
                "{:02x}:{:02x}",
                rustix::fs::major(dev),
                rustix::fs::minor(dev)
            ),
            inode,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outer_folders_first_and_no_links() {
        let folder = std::env::temp_dir().join(format!("indelible-folders-{}", std::process::id()));
        fs::create_dir_all(folder.join("a/b/c")).unwrap();
        std::os::unix::fs::symlink("a", folder.join("link")).unwrap();
        fs::write(folder.join("file"), "").unwrap();
        let names = |max| -> Vec<String> {
            let found = below(&[&folder], 2, max);
            assert!(
                found
                    .iter()
                    .all(|one| one.inode > 0 && one.dev.contains(':'))
            );
            let inside = |one: &Folder| one.path.strip_prefix(&folder).unwrap().to_owned();
            found
                .iter()
                .map(|one| inside(one).display().to_string())
                .collect()
        };
        assert_eq!(names(9), ["", "a", "a/b"]);
        assert_eq!(names(2), ["", "a"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
