//! What the meaning of a rule depends on here: users, groups, files, the machine.
//!
//! Users and groups come from /etc/passwd and /etc/group alone. Directory services are not asked:
//! rules are loaded before the network is there.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

use indelible_rules::{Arch, Host, PathKind};

use super::limits::MOUNTS_BYTES_MAX;

/// This host.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LocalHost;

impl Host for LocalHost {
    fn user(&self, name: &[u8]) -> Option<u32> {
        id("/etc/passwd", name)
    }

    fn group(&self, name: &[u8]) -> Option<u32> {
        id("/etc/group", name)
    }

    fn path_kind(&self, path: &[u8]) -> PathKind {
        match fs::metadata(OsStr::from_bytes(path)) {
            Ok(metadata) if metadata.is_dir() => PathKind::Directory,
            Ok(_) => PathKind::Other,
            Err(_) => PathKind::Missing,
        }
    }
}

/// The architecture whose numbers this kernel's system calls have.
pub(crate) fn machine() -> Arch {
    Arch::from_name(rustix::system::uname().machine().to_bytes()).unwrap_or(BUILT_FOR)
}

/// The mount points of this process, absolute; none where /proc is not mounted.
pub(crate) fn mounts() -> Vec<Vec<u8>> {
    let mut table = Vec::new();
    let read = File::open("/proc/self/mounts")
        .and_then(|file| file.take(MOUNTS_BYTES_MAX).read_to_end(&mut table));
    match read {
        Ok(_) => table
            .split(|byte| *byte == b'\n')
            .filter_map(|line| line.split(|byte| *byte == b' ').nth(1))
            .map(unescaped)
            .collect(),
        Err(_) => Vec::new(),
    }
}

/// Undoes the octal escapes of blanks and backslashes in mount tables; proc(5).
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail.get(..3).filter(|digits| {
            byte == b'\\' && digits[0] <= b'3' && digits.iter().all(|d| (b'0'..=b'7').contains(d))
        });
        if let Some(digits) = digits {
            out.push(digits.iter().fold(0, |value, d| value << 3 | (d - b'0')));
            rest = &tail[3..];
        } else {
            out.push(byte);
            rest = tail;
        }
    }
    out
}

/// The third field of the line of a table whose first is `name`.
fn id(table: &str, name: &[u8]) -> Option<u32> {
    let table = fs::read(table).ok()?;
    table.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let found = fields.next()? == name;
        let id = fields.nth(1)?;
        found.then(|| std::str::from_utf8(id).ok()?.parse().ok())?
    })
}

const BUILT_FOR: Arch = if cfg!(target_arch = "aarch64") {
    Arch::Aarch64
} else {
    Arch::X86_64
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_root_folder_are_known() {
        assert_eq!(LocalHost.user(b"root"), Some(0));
        assert_eq!(LocalHost.group(b"root"), Some(0));
        assert_eq!(LocalHost.user(b""), None);
        assert_eq!(LocalHost.path_kind(b"/"), PathKind::Directory);
        assert_eq!(LocalHost.path_kind(b"/no such file"), PathKind::Missing);
        assert!(mounts().iter().any(|mount| mount == b"/"));
    }

    #[test]
    fn escapes_of_mount_tables() {
        assert_eq!(unescaped(br"/a\040b\134"), br"/a b\");
        assert_eq!(unescaped(br"/a\04"), br"/a\04");
        assert_eq!(unescaped(br"/a\999"), br"/a\999");
    }
}
