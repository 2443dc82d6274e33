//! What the meaning of a rule's text depends on: the machine, its users, its files.
//!
//! This crate reads none of it by itself; the caller passes a [`Host`].

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// A directory: `-w` watches everything below it.
    Directory,
    /// Anything else.
    Other,
    /// Nothing, or nothing that can be looked at.
    Missing,
}

/// Looks things up on the host whose rules are read.
pub trait Host {
    /// The user id of a name.
    fn user(&self, name: &[u8]) -> Option<u32>;
    /// The group id of a name.
    fn group(&self, name: &[u8]) -> Option<u32>;
    /// What stands at an absolute path, symbolic links followed.
    fn path_kind(&self, path: &[u8]) -> PathKind;
}

/// A host that knows only root, and no files: for reading rules away from the host they are for.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn user(&self, name: &[u8]) -> Option<u32> {
        (name == b"root").then_some(0)
    }

    fn group(&self, name: &[u8]) -> Option<u32> {
        (name == b"root").then_some(0)
    }

    /// A path that ends in a slash is taken for a directory.
    fn path_kind(&self, path: &[u8]) -> PathKind {
        if path.ends_with(b"/") {
            PathKind::Directory
        } else {
            PathKind::Missing
        }
    }
}
