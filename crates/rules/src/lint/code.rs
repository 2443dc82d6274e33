//! What the linter looks for. Codes are an interface: they keep their meaning.

use std::fmt;

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "name() and explanation() say what each is")]
pub enum Code {
    Syntax,
    SlowWatch,
    SecretRead,
    MissingArch,
    MissingTwin,
    Mergeable,
    Unreachable,
    LostKey,
    LateNever,
    Duplicate,
    MissingPath,
    MountBelow,
    UnknownSyscall,
    LoginuidMutable,
    NotLocked,
    AfterLock,
    LongKey,
    OddKey,
    KeyCollision,
    MissingKey,
    HardLink,
    AuditingOff,
    Cost,
    /// A newer call that does the same is not named.
    NewerCall,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Works, but not as well as it could, or not as meant.
    Warning,
    /// Does not load, or does not do what it says.
    Error,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 24] = [
        Self::Syntax,
        Self::SlowWatch,
        Self::SecretRead,
        Self::MissingArch,
        Self::MissingTwin,
        Self::Mergeable,
        Self::Unreachable,
        Self::LostKey,
        Self::LateNever,
        Self::Duplicate,
        Self::MissingPath,
        Self::MountBelow,
        Self::UnknownSyscall,
        Self::LoginuidMutable,
        Self::NotLocked,
        Self::AfterLock,
        Self::LongKey,
        Self::OddKey,
        Self::KeyCollision,
        Self::MissingKey,
        Self::HardLink,
        Self::AuditingOff,
        Self::Cost,
        Self::NewerCall,
    ];

    /// The code as it is written: `IR` and two digits.
    #[must_use]
    pub fn id(self) -> String {
        let at = Self::ALL.iter().position(|&code| code == self);
        format!("IR{:02}", at.expect("ALL lists every code"))
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::SlowWatch => "slow-watch",
            Self::SecretRead => "secret-read",
            Self::MissingArch => "missing-arch",
            Self::MissingTwin => "missing-32-bit-twin",
            Self::Mergeable => "mergeable",
            Self::Unreachable => "unreachable",
            Self::LostKey => "lost-key",
            Self::LateNever => "late-never",
            Self::Duplicate => "duplicate",
            Self::MissingPath => "missing-path",
            Self::MountBelow => "mount-below",
            Self::UnknownSyscall => "unknown-syscall",
            Self::LoginuidMutable => "loginuid-mutable",
            Self::NotLocked => "not-locked",
            Self::AfterLock => "after-lock",
            Self::LongKey => "long-key",
            Self::OddKey => "odd-key",
            Self::KeyCollision => "key-collision",
            Self::MissingKey => "missing-key",
            Self::HardLink => "hard-link-escape",
            Self::AuditingOff => "auditing-off",
            Self::Cost => "cost",
            Self::NewerCall => "newer-call",
        }
    }

    /// How much it matters, unless a finding says otherwise.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Syntax
            | Self::Unreachable
            | Self::Duplicate
            | Self::UnknownSyscall
            | Self::AfterLock
            | Self::AuditingOff => Level::Error,
            Self::SlowWatch
            | Self::SecretRead
            | Self::MissingArch
            | Self::MissingTwin
            | Self::LostKey
            | Self::LateNever
            | Self::MissingPath
            | Self::OddKey
            | Self::LoginuidMutable
            | Self::Cost => Level::Warning,
            Self::Mergeable
            | Self::MountBelow
            | Self::NotLocked
            | Self::LongKey
            | Self::KeyCollision
            | Self::MissingKey
            | Self::HardLink
            | Self::NewerCall => Level::Info,
        }
    }

    /// Why it matters and what helps.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Syntax => {
                "auditctl refuses the line, and stops reading the file there: all rules below \
                 it are missing too."
            }
            Self::SlowWatch => {
                "A directory watch without a list of system calls is looked at on every system \
                 call of every program, about 14 ns each time. A rule that names the calls that \
                 can use the permission, once for each architecture, records the same for about \
                 6 ns. A watch of a single file gains no time; the newer form says which calls \
                 are meant, and auditctl 4 calls the old one out."
            }
            Self::SecretRead => {
                "The file holds a secret: the attack is to read it, and `-p wa` does not record \
                 reads. Add r; readers that are meant to can be left out with their own `never` \
                 rule above it."
            }
            Self::MissingArch => {
                "System calls have other numbers in 32-bit programs. Without `-F arch=` the \
                 numbers of this machine are compared with those of both, so that a 32-bit \
                 program is recorded for the wrong calls and not for the right ones."
            }
            Self::MissingTwin => {
                "A 32-bit program does the same through other system calls and is not \
                 recorded. Either add the same rule with arch=b32, or record every 32-bit call \
                 where none is expected."
            }
            Self::Mergeable => {
                "Rules that differ only in their system calls can be one rule with all of them: \
                 each rule costs about 5 ns on every system call."
            }
            Self::Unreachable => {
                "An earlier `never` rule matches everything that this one matches. The first \
                 rule that matches decides, so this one never records anything."
            }
            Self::LostKey => {
                "An earlier rule matches everything that this one matches, and only the key of \
                 the first rule that matches is recorded. A search for this key finds nothing."
            }
            Self::LateNever => {
                "An earlier `always` rule matches everything that this `never` rule is meant to \
                 leave out. Put it first."
            }
            Self::Duplicate => {
                "The kernel refuses a rule that is loaded already, and auditctl stops reading \
                 the file there."
            }
            Self::MissingPath => {
                "There is nothing at this path. A rule on a missing directory is refused by the \
                 kernel; one on a missing file waits for it, as long as its directory exists."
            }
            Self::MountBelow => {
                "What is mounted below a watched directory after the rule was loaded is not \
                 watched, until `-q` joins it or the rules are loaded again."
            }
            Self::UnknownSyscall => {
                "The architecture has no system call of this name; auditctl refuses the rule \
                 and stops reading the file. arm64, for instance, has openat but not open."
            }
            Self::LoginuidMutable => {
                "Without --loginuid-immutable a process with CAP_AUDIT_CONTROL can change its \
                 auid, and what it does is recorded under another user."
            }
            Self::NotLocked => {
                "Without `-e 2` as the last line root can take the rules away; with it, only a \
                 reboot can."
            }
            Self::AfterLock => "`-e 2` locks the rules: the kernel refuses every line behind it.",
            Self::LongKey => {
                "Keys of more than 31 bytes are cut by older tools and crowd reports. The kernel \
                 takes 256 bytes for all keys of a rule together."
            }
            Self::OddKey => {
                "The key looks like an option: a word is missing before it, or the key itself."
            }
            Self::KeyCollision => {
                "The same key stands in several files for rules of different kinds: a search by \
                 key cannot tell them apart."
            }
            Self::MissingKey => {
                "Without a key the rule's events can only be found by what they contain."
            }
            Self::HardLink => {
                "A file in a watched directory can be changed through a hard link outside it; \
                 then only the making of the link is recorded. Keep fs.protected_hardlinks at 1 \
                 and record link and linkat."
            }
            Self::AuditingOff => {
                "`-a never,task` turns off system call auditing for every task: no rule on the \
                 exit list records anything."
            }
            Self::Cost => {
                "Every system call of every program pays for every rule. Merge rules, name \
                 system calls, and put a `never` rule for the busiest harmless programs first."
            }
            Self::NewerCall => {
                "The kernel has a newer system call that does the same. Whoever uses it is not \
                 recorded by this rule. Name it too, unless another rule does."
            }
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id(), self.name())
    }
}
