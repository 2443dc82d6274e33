//! What a finding says.

use std::fmt;

/// How a running file relates to what stands at its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// A package replaced the file after the process had started: restart the process.
    StaleAfterUpgrade,
    /// Another file stands at the path, and no package explains it.
    Replaced,
    /// Nothing stands at the path.
    Unlinked,
    /// Memory that was never a file of a file system: memfd_create(2).
    Memfd,
    /// A file that never had a name: O_TMPFILE.
    Unnamed,
    /// The file system that holds it is not mounted any more where the process can see it.
    Unmounted,
    /// Something else was mounted over the place where it stands.
    Covered,
    /// The path leads nowhere that can be looked at: a process in a mount tree of its own.
    Unreachable,
    /// A script whose file is deleted, held open by its interpreter.
    ScriptDeleted,
    /// A script whose path leads to nothing; its interpreter does not hold it open.
    ScriptMissing,
}

impl Verdict {
    /// The word for it in every output.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::StaleAfterUpgrade => "stale-after-upgrade",
            Verdict::Replaced => "replaced",
            Verdict::Unlinked => "unlinked",
            Verdict::Memfd => "memfd",
            Verdict::Unnamed => "tmpfile",
            Verdict::Unmounted => "unmounted",
            Verdict::Covered => "covered",
            Verdict::Unreachable => "unreachable",
            Verdict::ScriptDeleted => "script-deleted",
            Verdict::ScriptMissing => "script-missing",
        }
    }

    /// Whether somebody should look at it, and not only restart a service.
    pub fn is_suspicious(self) -> bool {
        self != Verdict::StaleAfterUpgrade
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// What is said about one file that a process runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    /// How it relates to its path.
    pub verdict: Verdict,
    /// 0 (explained) to 100.
    pub score: u8,
    /// Why, in sentences, the strongest first.
    pub reasons: Vec<String>,
}

/// What a package manager knows of a path and of the file that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Name of the package that owns the path.
    pub package: String,
    /// When it was last unpacked, in seconds since 1970.
    pub unpacked_s: Option<u64>,
    /// Whether the file that stands at the path now is the package's, byte for byte.
    pub path_is_genuine: Option<bool>,
    /// Whether the running bytes are the package's present file.
    pub image_is_genuine: Option<bool>,
    /// Whether that unpacking installed the version that was there before.
    pub same_version: Option<bool>,
}
