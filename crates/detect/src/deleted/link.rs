//! What the text of a `/proc/PID/exe` link can mean.

/// What the kernel appends to the path of a file that has no name any more; fs/d_path.c.
const DELETED: &[u8] = b" (deleted)";

/// The text of a link, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link<'a> {
    /// A path, with or without the mark of deletion.
    Path(&'a [u8]),
    /// `/memfd:NAME (deleted)`: made by memfd_create(2), or a file that was named to look so.
    Memfd(&'a [u8]),
    /// `…/#INODE (deleted)`: opened with O_TMPFILE, or a file that was named to look so.
    Unnamed(&'a [u8]),
}

impl<'a> Link<'a> {
    /// Takes the text apart; `ino` is the inode that it points to.
    pub fn of(text: &'a [u8], ino: u64) -> Link<'a> {
        let Some(path) = stripped(text) else {
            return Link::Path(text);
        };
        if let Some(name) = path.strip_prefix(b"/memfd:") {
            return Link::Memfd(name);
        }
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        if name.strip_prefix(b"#") == Some(ino.to_string().as_bytes()) {
            return Link::Unnamed(path);
        }
        Link::Path(text)
    }
}

/// The path without the mark of deletion, if it ends in it. The mark is taken off once: a name
/// may end in the same words.
pub fn stripped(text: &[u8]) -> Option<&[u8]> {
    text.strip_suffix(DELETED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let check = |text: &'static str, expect: Link<'static>| {
            assert_eq!(Link::of(text.as_bytes(), 42), expect, "{text}");
        };
        check("/usr/bin/a", Link::Path(b"/usr/bin/a"));
        check("/tmp/a (deleted)", Link::Path(b"/tmp/a (deleted)"));
        check("/memfd:kworker/0:1 (deleted)", Link::Memfd(b"kworker/0:1"));
        check("/tmp/#42 (deleted)", Link::Unnamed(b"/tmp/#42"));
        check("/tmp/#43 (deleted)", Link::Path(b"/tmp/#43 (deleted)"));
        assert_eq!(
            stripped(b"/c (deleted) (deleted)"),
            Some(&b"/c (deleted)"[..])
        );
        assert_eq!(stripped(b"/c"), None);
    }
}
