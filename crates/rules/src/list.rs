//! Where a rule stands and what it does: the kernel's filter lists and actions.

/// A filter list of the kernel; `AUDIT_FILTER_*`, linux/audit.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    /// Messages that user space sends.
    User,
    /// Creation of a task.
    Task,
    /// Return from a system call; watches stand here too.
    Exit,
    /// Record types (and, on newer kernels, credentials) to leave out.
    Exclude,
    /// Whole filesystems.
    Filesystem,
    /// Completion of an io_uring operation.
    IoUring,
    /// A list that this program has no name for.
    Other(u32),
}

/// Added to the list's number: put the rule at the head. `AUDIT_FILTER_PREPEND`, linux/audit.h.
pub const PREPEND: u32 = 0x10;

impl List {
    /// The lists that have a name.
    pub const NAMED: [Self; 6] = [
        Self::User,
        Self::Task,
        Self::Exit,
        Self::Exclude,
        Self::Filesystem,
        Self::IoUring,
    ];

    /// The kernel's number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::User => 0,
            Self::Task => 1,
            Self::Exit => 4,
            Self::Exclude => 5,
            Self::Filesystem => 6,
            Self::IoUring => 7,
            Self::Other(number) => number,
        }
    }

    /// The list of a kernel number.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::User,
            1 => Self::Task,
            4 => Self::Exit,
            5 => Self::Exclude,
            6 => Self::Filesystem,
            7 => Self::IoUring,
            other => Self::Other(other),
        }
    }

    /// The word for it in a rule.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::User => "user",
            Self::Task => "task",
            Self::Exit => "exit",
            Self::Exclude => "exclude",
            Self::Filesystem => "filesystem",
            Self::IoUring => "io_uring",
            Self::Other(_) => return None,
        })
    }

    /// The list of a word; letter case matters.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::NAMED
            .into_iter()
            .find(|list| list.name().is_some_and(|n| n.as_bytes() == name))
    }

    /// Whether rules on this list select by system call.
    #[must_use]
    pub const fn takes_syscalls(self) -> bool {
        !matches!(
            self,
            Self::User | Self::Task | Self::Exclude | Self::Filesystem
        )
    }
}

/// What a matching rule does; `AUDIT_NEVER` and its kin, linux/audit.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// No event, and no later rule of the list is looked at.
    Never,
    /// An old middle way that the kernel still takes and no tool writes any more.
    Possible,
    /// An event.
    Always,
    /// A number that means nothing to this program.
    Other(u32),
}

impl Action {
    /// The kernel's number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Never => 0,
            Self::Possible => 1,
            Self::Always => 2,
            Self::Other(number) => number,
        }
    }

    /// The action of a kernel number.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Never,
            1 => Self::Possible,
            2 => Self::Always,
            other => Self::Other(other),
        }
    }

    /// The word for it in a rule.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Never => "never",
            Self::Possible => "possible",
            Self::Always => "always",
            Self::Other(_) => return None,
        })
    }
}
