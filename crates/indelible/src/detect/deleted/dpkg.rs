//! dpkg's database: which package owns a path, when it was unpacked, what its files' digests are.
//!
//! `info/PACKAGE.list` names every path and is written anew by each unpacking;
//! `info/PACKAGE.md5sums` has the digests; `/var/log/dpkg.log` the versions. All are plain text.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::limits;
use super::packages::{Known, Listed};

/// Where dpkg keeps it.
pub(super) const FOLDER: &str = "/var/lib/dpkg/info";
/// What dpkg did, newest last.
const LOGS: &[&str] = &["/var/log/dpkg.log.1", "/var/log/dpkg.log"];

/// The database at a folder, which may not exist.
pub(super) struct Database {
    folder: PathBuf,
}

impl Database {
    pub(super) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The wanted paths that packages own.
    pub(super) fn listed(&self, wanted: &BTreeSet<Vec<u8>>) -> BTreeMap<Vec<u8>, Listed> {
        let mut found = BTreeMap::new();
        if wanted.is_empty() {
            return found;
        }
        let merged: HashMap<&[u8], &Vec<u8>> =
            wanted.iter().map(|path| (merged(path), path)).collect();
        for (package, file) in self.files("list") {
            for line in read(&file).split(|byte| *byte == b'\n') {
                let Some(path) = merged.get(self::merged(line)) else {
                    continue;
                };
                found.insert(
                    (*path).clone(),
                    Listed {
                        package: package.clone(),
                        unpacked_s: modified_s(&file),
                        digest: self.digest(&package, path),
                        same_version: same_version(&package),
                    },
                );
            }
        }
        found
    }

    /// Installed files with one of these digests: package and path.
    pub(super) fn twins(&self, wanted: &BTreeSet<[u8; 16]>) -> HashMap<[u8; 16], (String, String)> {
        let mut found = HashMap::new();
        if wanted.is_empty() {
            return found;
        }
        for (package, file) in self.files("md5sums") {
            for line in read(&file).split(|byte| *byte == b'\n') {
                if let Some((md5, path)) = sum(line)
                    && wanted.contains(&md5)
                {
                    let path = format!("/{}", String::from_utf8_lossy(path));
                    found.insert(md5, (package.clone(), path));
                }
            }
        }
        found
    }

    fn digest(&self, package: &str, path: &[u8]) -> Option<Known> {
        let sums = read(&self.folder.join(format!("{package}.md5sums")));
        let lines = sums.split(|byte| *byte == b'\n');
        let mut sums = lines.filter_map(sum);
        let wanted = merged(path).strip_prefix(b"/")?;
        sums.find(|(_, path)| merged_relative(path) == wanted)
            .map(|(md5, _)| Known::Md5(md5))
    }

    /// The files of one kind, with the names of their packages.
    fn files(&self, kind: &str) -> Vec<(String, PathBuf)> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                (path.extension()? == kind).then_some(())?;
                let package = path.file_stem()?.to_str()?.to_owned();
                Some((package, path))
            })
            .collect()
    }
}

/// A line of md5sums: 32 digits, two blanks, a path without its first slash.
fn sum(line: &[u8]) -> Option<([u8; 16], &[u8])> {
    let (digits, rest) = line.split_at_checked(32)?;
    let mut md5 = [0; 16];
    for (byte, pair) in md5.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some((md5, rest.strip_prefix(b"  ")?))
}

/// A path without `/usr` where the two are one folder today: packages still list `/bin/…`.
fn merged(path: &[u8]) -> &[u8] {
    match path.strip_prefix(b"/usr") {
        Some(rest) if MERGED.iter().any(|folder| rest.starts_with(folder)) => rest,
        _ => path,
    }
}

fn merged_relative(path: &[u8]) -> &[u8] {
    match path.strip_prefix(b"usr/") {
        Some(rest) if MERGED.iter().any(|folder| rest.starts_with(&folder[1..])) => rest,
        _ => path,
    }
}

/// Whether the newest unpacking of a package, as dpkg logged it, was of the version that was there.
fn same_version(package: &str) -> Option<bool> {
    let name = package.split(':').next().unwrap_or(package);
    let mut newest = None;
    for log in LOGS {
        for line in read(Path::new(log)).split(|byte| *byte == b'\n') {
            newest = unpacking(line, name).or(newest);
        }
    }
    newest
}

/// `2026-01-02 03:04:05 upgrade NAME:ARCH OLD NEW`: whether the two versions are one.
fn unpacking(line: &[u8], name: &str) -> Option<bool> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split(' ').skip(2);
    let action = words.next()?;
    let package = words.next()?.split(':').next()?;
    (matches!(action, "upgrade" | "install") && package == name).then_some(())?;
    let (old, new) = (words.next()?, words.next()?);
    Some(old == new)
}

fn modified_s(file: &Path) -> Option<u64> {
    let modified = fs::metadata(file).ok()?.modified().ok()?;
    Some(modified.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

fn read(file: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(file) {
        // What cannot be read explains nothing; the finding then stands unexplained.
        let _ = file
            .take(limits::DATABASE_FILE_BYTES_MAX)
            .read_to_end(&mut bytes);
    }
    bytes
}

/// Folders that are the same with and without `/usr` on today's distributions.
const MERGED: &[&[u8]] = &[
    b"/bin/",
    b"/sbin/",
    b"/lib/",
    b"/lib32/",
    b"/lib64/",
    b"/libx32/",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_digests() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("coreutils.list", "/.\n/bin\n/bin/cat\n/usr/bin/env\n");
        write(
            "coreutils.md5sums",
            "00112233445566778899aabbccddeeff  bin/cat\nffeeddccbbaa99887766554433221100  usr/bin/env\nbroken\n",
        );
        let database = Database::at(folder.path());
        let wanted = BTreeSet::from([b"/usr/bin/cat".to_vec(), b"/usr/bin/none".to_vec()]);
        let listed = database.listed(&wanted);
        assert_eq!(listed.len(), 1);
        let cat = &listed[&b"/usr/bin/cat".to_vec()];
        assert_eq!(cat.package, "coreutils");
        let Some(Known::Md5(md5)) = cat.digest else {
            panic!("no digest: {cat:?}");
        };
        assert_eq!((md5[0], md5[15]), (0x00, 0xff));
        let twins = database.twins(&BTreeSet::from([md5]));
        assert_eq!(twins[&md5], ("coreutils".into(), "/bin/cat".into()));
        assert!(Database::at(Path::new("/none")).listed(&wanted).is_empty());
    }

    #[test]
    fn versions_in_the_log() {
        let check = |line: &str, expect: Option<bool>| {
            assert_eq!(unpacking(line.as_bytes(), "bash"), expect, "{line}");
        };
        check("2026-01-02 03:04:05 upgrade bash:amd64 5.2 5.2", Some(true));
        check(
            "2026-01-02 03:04:05 upgrade bash:amd64 5.1 5.2",
            Some(false),
        );
        check(
            "2026-01-02 03:04:05 install bash:amd64 <none> 5.2",
            Some(false),
        );
        check("2026-01-02 03:04:05 upgrade bashtop:all 1 1", None);
        check("2026-01-02 03:04:05 status installed bash:amd64 5.2", None);
        check("", None);
    }
}
