//! Which inodes files and folders are, in the words of audit records.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A file or folder of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inode {
    /// Its path.
    pub path: PathBuf,
    /// Its device, as PATH records have it: `major:minor` in hexadecimal.
    pub dev: String,
    /// Its inode number.
    pub number: u64,
    /// Of a file: its type and permissions, `st_mode`.
    pub mode: Option<u32>,
}

/// These files and folders, and the folders that stand at most `depth` below them, the outer ones first, and
/// no more than `max`. No symbolic link is followed; what may not be read is left out.
#[must_use]
pub fn below(
    tops: impl IntoIterator<Item = impl Into<PathBuf>>,
    depth: usize,
    max: usize,
) -> Vec<Inode> {
    let mut found = Vec::new();
    let mut waiting: VecDeque<(PathBuf, usize)> =
        tops.into_iter().map(|path| (path.into(), depth)).collect();
    while let Some((path, depth)) = waiting.pop_front() {
        if found.len() == max {
            break;
        }
        let metadata = fs::symlink_metadata(&path).ok();
        // A folder without any rights is what a service manager puts before one that it hides.
        let is_named = |metadata: &fs::Metadata| {
            metadata.is_file() || metadata.is_dir() && metadata.mode() & 0o777 != 0
        };
        let Some(metadata) = metadata.filter(is_named) else {
            continue;
        };
        if metadata.is_dir() && depth > 0 {
            let inside = fs::read_dir(&path).into_iter().flatten().flatten();
            let folders = inside.filter(|item| item.file_type().is_ok_and(|kind| kind.is_dir()));
            let room = max.saturating_sub(found.len() + waiting.len());
            waiting.extend(folders.take(room).map(|item| (item.path(), depth - 1)));
        }
        let dev = metadata.dev();
        let (major, minor) = (rustix::fs::major(dev), rustix::fs::minor(dev));
        found.push(Inode {
            path,
            dev: format!("{major:02x}:{minor:02x}"),
            number: metadata.ino(),
            mode: metadata.is_file().then(|| metadata.mode()),
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
            let found = below([&folder, &folder.join("file")], 2, max);
            assert!(
                found
                    .iter()
                    .all(|one| one.number > 0 && one.dev.contains(':'))
            );
            let inside = |one: &Inode| one.path.strip_prefix(&folder).unwrap().to_owned();
            found
                .iter()
                .map(|one| inside(one).display().to_string())
                .collect()
        };
        assert_eq!(names(9), ["", "file", "a", "a/b"]);
        assert_eq!(names(2), ["", "file"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
