//! Paths as the kernel recorded them, made whole.
//!
//! Symbolic links cannot be followed from a record. A name that is relative to an open folder is taken
//! as relative to the working folder where nothing is known of the open one (`inodes.rs`).

/// The path of a name that was used in a folder: absolute, without `.`, `..`, doubled slashes and
/// without detours over `/proc/PID/root` and `/proc/self/cwd`.
pub(super) fn whole(cwd: &[u8], name: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    let name = own_folder(name).unwrap_or(name);
    let start: &[u8] = if name.starts_with(b"/") { b"" } else { cwd };
    for part in start
        .split(|&byte| byte == b'/')
        .chain(name.split(|&byte| byte == b'/'))
    {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            b"root" if matches!(parts[..], [b"proc", process] if is_process(process)) => {
                parts.clear();
            }
            _ => parts.push(part),
        }
    }
    let mut path = Vec::with_capacity(start.len() + name.len() + 1);
    for part in &parts {
        path.push(b'/');
        path.extend_from_slice(part);
    }
    path
}

/// What stands behind `/proc/self/cwd`: a name in the working folder.
fn own_folder(name: &[u8]) -> Option<&[u8]> {
    let rest = name
        .strip_prefix(b"/proc/self/cwd")
        .or_else(|| name.strip_prefix(b"/proc/thread-self/cwd"))?;
    rest.strip_prefix(b"/")
}

/// Whether the name is one that editors and installers of packages give to a file for a while, or that they
/// leave beside it: whoever reads a folder of settings passes over it.
pub(super) fn is_beside(path: &[u8]) -> bool {
    let name = file_name(path);
    const ENDS: [&[u8]; 9] = [
        b"~",
        b".swp",
        b".swx",
        b".dpkg-dist",
        b".dpkg-new",
        b".dpkg-old",
        b".dpkg-tmp",
        b".rpmnew",
        b".rpmsave",
    ];
    name.starts_with(b".") || ENDS.iter().any(|end| name.ends_with(end))
}

fn is_process(name: &[u8]) -> bool {
    matches!(name, b"self" | b"thread-self") || name.iter().all(u8::is_ascii_digit)
}

/// Whether a path is that of a folder's content, at any depth.
pub(super) fn is_below(path: &[u8], folder: &str) -> bool {
    path.strip_prefix(folder.as_bytes())
        .is_some_and(|rest| rest.starts_with(b"/"))
}

/// Whether a path is that of a folder or of its content.
pub(super) fn is_same_or_below(path: &[u8], folder: &str) -> bool {
    path == folder.as_bytes() || is_below(path, folder)
}

/// What stands behind the last slash.
pub(super) fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// Whether `st_mode` is that of a folder.
pub(super) fn is_folder(mode: u32) -> bool {
    mode & S_IFMT == S_IFDIR
}

/// The file type in `st_mode`; include/uapi/linux/stat.h
pub(super) const S_IFMT: u32 = 0o170_000;
const S_IFDIR: u32 = 0o040_000;

/// Folders that everybody may write to.
pub(super) const WRITABLE: [&str; 6] = [
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/run/shm",
    "/run/lock",
    "/dev/mqueue",
];

/// Whether everybody may have put the file there.
pub(super) fn is_writable_place(path: &[u8]) -> bool {
    WRITABLE.iter().any(|folder| is_below(path, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detours_are_taken_out() {
        let check = |cwd: &str, name: &str, expected: &str| {
            let path = whole(cwd.as_bytes(), name.as_bytes());
            assert_eq!(String::from_utf8_lossy(&path), expected, "{cwd} {name}");
        };
        check("/var/log", "auth.log", "/var/log/auth.log");
        check("/root", "/etc//./shadow", "/etc/shadow");
        check("/etc", "../var/log/x", "/var/log/x");
        check("/", "/proc/self/root/etc/shadow", "/etc/shadow");
        check("/", "/proc/12/root/proc/1/root/etc/shadow", "/etc/shadow");
        check("/", "/proc/12/rooted/x", "/proc/12/rooted/x");
        check("/etc", "/proc/self/cwd/shadow", "/etc/shadow");
        check("", "../../x", "/x");
        assert!(is_below(b"/var/log/x", "/var/log"));
        assert!(!is_below(b"/var/logs/x", "/var/log"));
        assert!(!is_below(b"/var/log", "/var/log"));
    }
}
