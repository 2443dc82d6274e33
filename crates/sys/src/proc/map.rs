//! `/proc/PID/maps`: what a process has mapped.

use std::io;

use super::{FileId, Process};

/// One mapping of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// First and one past the last address.
    pub range: (u64, u64),
    /// Whether it may be executed.
    pub executable: bool,
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// Device as `makedev(3)` and inode, as the file system's superblock has them: overlayfs and
    /// btrfs show others to stat(2).
    pub file: FileId,
    /// The path as the kernel printed it, with its escapes for line feeds undone.
    pub path: Vec<u8>,
}

/// The mappings of files, in order of address, from at most `bytes_max` of the list.
///
/// # Errors
/// The process is gone, or may not be looked at.
pub fn mappings(process: Process, bytes_max: u64) -> io::Result<Vec<Mapping>> {
    let text = process.read("maps", bytes_max)?;
    Ok(text
        .split(|byte| *byte == b'\n')
        .filter_map(Mapping::parse)
        .collect())
}

impl Mapping {
    /// Reads a line; none for anonymous memory and what is no line.
    pub fn parse(line: &[u8]) -> Option<Mapping> {
        let mut rest = line;
        let mut word = || {
            while let Some(after) = rest.strip_prefix(b" ") {
                rest = after;
            }
            let end = rest.iter().position(|byte| *byte == b' ')?;
            let (word, after) = rest.split_at(end);
            rest = after;
            std::str::from_utf8(word).ok()
        };
        let (start, end) = word()?.split_once('-')?;
        let protection = word()?;
        let offset = word()?;
        let (major, minor) = word()?.split_once(':')?;
        let ino: u64 = word()?.parse().ok()?;
        while let Some(after) = rest.strip_prefix(b" ") {
            rest = after;
        }
        let hex = |digits| u64::from_str_radix(digits, 16).ok();
        let device = |digits| u32::from_str_radix(digits, 16).ok();
        (ino != 0 && !rest.is_empty()).then_some(())?;
        Some(Mapping {
            range: (hex(start)?, hex(end)?),
            executable: protection.as_bytes().get(2) == Some(&b'x'),
            offset: hex(offset)?,
            file: FileId {
                dev: rustix::fs::makedev(device(major)?, device(minor)?),
                ino,
            },
            path: unescaped(rest),
        })
    }

    /// Its name under `/proc/PID/map_files`.
    pub fn file_name(&self) -> String {
        format!("map_files/{:x}-{:x}", self.range.0, self.range.1)
    }
}

/// The kernel prints a line feed in a path as `\012`, and nothing else so.
fn unescaped(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(b"\\012") {
            out.push(b'\n');
            rest = after;
        } else {
            out.push(*byte);
            rest = after;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let line = b"7f00-7f10 r-xp 00002000 08:01 77                  /lib/a b\\012c.so (deleted)";
        let mapping = Mapping::parse(line).unwrap();
        assert_eq!(mapping.range, (0x7f00, 0x7f10));
        assert_eq!((mapping.executable, mapping.offset), (true, 0x2000));
        assert_eq!(
            mapping.file,
            FileId {
                dev: rustix::fs::makedev(8, 1),
                ino: 77
            }
        );
        assert_eq!(mapping.path, b"/lib/a b\nc.so (deleted)");
        assert_eq!(mapping.file_name(), "map_files/7f00-7f10");
        assert_eq!(Mapping::parse(b"7f00-7f10 rw-p 00000000 00:00 0"), None);
        assert_eq!(
            Mapping::parse(b"7f00-7f10 rw-p 00000000 00:00 0 [heap]"),
            None
        );
        assert_eq!(Mapping::parse(b"rubbish"), None);
    }

    #[test]
    fn this_process_maps_its_executable() {
        let own = Process {
            pid: std::process::id(),
        };
        let exe = own.link("exe").unwrap();
        let found = mappings(own, 1 << 20).unwrap();
        assert!(found.iter().any(|map| map.executable && map.path == exe));
    }
}
